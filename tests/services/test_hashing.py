"""Hashing: what is checked where there is no hash takes as long as what is checked elsewhere."""

from argon2 import PasswordHasher, extract_parameters

from core.services.hashing import NO_HASH, is_password, password_hash


def test_the_hash_of_nobody_costs_what_every_other_costs():
    own = password_hash("correct horse battery")

    assert extract_parameters(NO_HASH) == extract_parameters(own)
    assert not PasswordHasher().check_needs_rehash(NO_HASH)
    assert is_password("correct horse battery", own)
    assert not is_password("correct horse battery", None)
    assert not is_password("", None)
