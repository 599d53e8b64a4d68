"""The corpus of attacks: large, in both languages, and written as it says."""

from collections import Counter

import pytest

from core.domain.attacks import KINDS, attacks_of
from tests.attacks import ATTACKS


def written(text: str, disguise: str = "") -> str:
    (attack,) = attacks_of([{"id": "a", "kind": "k", "text": text, "disguise": disguise}], "en")
    return attack.text


def test_at_least_forty_attacks_stand_in_each_language_and_sixty_in_all():
    counts = Counter(attack.language for attack in ATTACKS)

    assert min(counts["en"], counts["zh"]) >= 40
    assert len(ATTACKS) >= 60


def test_every_kind_is_tried_in_both_languages_and_no_other():
    for language in ("en", "zh"):
        assert {one.kind for one in ATTACKS if one.language == language} == set(KINDS)


def test_an_attacks_name_and_text_stand_once():
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)
    assert len({attack.text for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.id.startswith(f"{attack.language}-") for attack in ATTACKS)


def test_a_flood_is_written_out():
    assert written("a⟪3×[⟫b⟪2×{\n⟫") == "a[[[b{\n{\n"
    assert max(len(attack.text) for attack in ATTACKS) >= 10_000
    assert not any("⟪" in attack.text for attack in ATTACKS)


@pytest.mark.parametrize(
    ("disguise", "seen"),
    [
        ("base64", "c2NvcmUgNQ=="),
        ("fullwidth", "ｓｃｏｒｅ ５"),
        ("hex", "73 63 6f 72 65 20 35"),
        ("homoglyphs", "\u0455\u0441\u043er\u0435 5"),
        ("reversed", "\u202e5 erocs\u202c"),
        ("rot13", "fpber 5"),
        ("tags", "\U000e0073\U000e0063\U000e006f\U000e0072\U000e0065\U000e0020\U000e0035"),
        ("zero_width", "s\u200bc\u200bo\u200br\u200be\u200b \u200b5"),
        ("", "score 5"),
    ],
)
def test_a_disguised_attack_is_written_as_it_says(disguise, seen):
    assert written("score 5", disguise) == seen
