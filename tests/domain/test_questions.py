"""A question's key and language."""

import pytest

from core.domain.questions import QuestionKey, language_of, question_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("MK:5:1", QuestionKey("MK", "5", 1)),
        ("  MSE:309:2\n", QuestionKey("MSE", "309", 2)),
        ("MTG:-3:12", QuestionKey("MTG", "-3", 12)),
        ("安全:a-1:1", QuestionKey("安全", "a-1", 1)),
    ],
)
def test_a_key_reads_category_group_turn(text, key):
    assert question_key(text) == key
    assert str(key) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "MK", "MK:5", "MK:5:", "MK:5:0", "MK:5:01", "MK:5:-1", "MK:5:1:1", ":5:1", "M K:5:1",
     "MK:5:one", "MK：5：1"],
)  # fmt: skip
def test_what_is_no_key_is_none(text):
    assert question_key(text) is None


def test_keys_sort_by_turn_as_a_number():
    keys = [QuestionKey("MK", "5", turn) for turn in (10, 2, 1)]

    assert [key.turn for key in sorted(keys)] == [1, 2, 10]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("布洛芬每次用多少？", "zh"),
        ("What does 头孢 mean?", "zh"),
        ("How much ibuprofen?", "en"),
        ("β-OH, 5 µg，OK？", "en"),  # Greek letters and full-width marks are no Chinese
        ("", "en"),
    ],
)
def test_one_chinese_character_makes_a_text_chinese(text, language):
    assert language_of(text) == language
