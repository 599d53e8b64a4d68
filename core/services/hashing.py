"""Hashing: passwords and tokens are kept as what can't be turned back."""

import hashlib
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from core.domain.rights import LONGEST_PASSWORD, SHORTEST_PASSWORD
from core.errors import Refused

#: Argon2id with the first choice of RFC 9106 for small memory: 3 passes over 64 MiB.
_HASHER = PasswordHasher()
#: Each takes 64 MiB while it runs, so that a crowd at the door waits instead of filling memory.
_AT_ONCE = threading.BoundedSemaphore(2)
#: Of a random text that nobody knows. Checked where there is no hash, so that an unknown name takes
#: as long as a wrong password; made beforehand, so that no command's start takes as long.
NO_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$bHH1R4zWmRjlJlz5eEkwhQ$2vy0nf"
    "0wLOKYdsxuxhM4JP/BbRoqBOMZRHxSf+egiD4"
)


def password_hash(password: str) -> str:
    """A salted hash of a new password.

    Raises:
        Refused: `password_too_short`, `password_too_long`.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise Refused("password_too_short", shortest=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        raise Refused("password_too_long", longest=LONGEST_PASSWORD)
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(password: str, known_hash: str | None) -> bool:
    """Tell whether a password has this hash, in the same time whether there is one or not."""
    with _AT_ONCE:
        try:
            is_same = _HASHER.verify(known_hash or NO_HASH, password[: LONGEST_PASSWORD + 1])
        except (VerifyMismatchError, InvalidHashError):
            return False
    return is_same and known_hash is not None


def token_hash(token: str) -> str:
    """Hash of a random token, under which the database knows it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
