"""Differences: every character of both texts is there, and changed words are told apart."""

import pytest

from core.domain.differences import Piece, differences

TEXTS = [
    "", "a", "a\n", "\n\n", "10 mg twice daily\n", "10.5 mg  once\tdaily\r\nwith meals",
    "每日2次，饭后服用。\n禁用于孕妇", "每日3次，饭前服用。\n\n禁用于孕妇\u2028",
    "{response}\n{ticket}", "<b>&amp;</b>",
    "５ \U0001f600 e\u0301 \u202e x\x00y \x1c", "HLA-B*57:01 and under_scores",
]  # fmt: skip


@pytest.mark.parametrize("old", TEXTS)
@pytest.mark.parametrize("new", TEXTS)
def test_both_texts_come_back_to_the_character(old, new):
    pieces = differences(old, new)

    assert "".join(p.text for p in pieces if p.kind != "added") == old
    assert "".join(p.text for p in pieces if p.kind != "removed") == new


def test_equal_texts_are_one_piece():
    assert differences("10 mg\ndaily", "10 mg\ndaily") == (Piece("same", "10 mg\ndaily"),)


def test_a_changed_word_is_told_from_its_line():
    assert differences("Give 10 mg daily.\nStop.", "Give 20.5 mg daily.\nStop.") == (
        Piece("same", "Give "),
        Piece("removed", "10"),
        Piece("added", "20.5"),
        Piece("same", " mg daily.\nStop."),
    )


def test_a_chinese_character_is_a_word():
    assert differences("每日两次饭后服", "每日三次饭后服") == (
        Piece("same", "每日"),
        Piece("removed", "两"),
        Piece("added", "三"),
        Piece("same", "次饭后服"),
    )


def test_a_new_line_changes_no_other():
    assert differences("one\ntwo\n", "one\nnew\ntwo\n") == (
        Piece("same", "one\n"),
        Piece("added", "new\n"),
        Piece("same", "two\n"),
    )
