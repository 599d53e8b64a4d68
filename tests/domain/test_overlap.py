"""Secondary metrics: hand-made cases, and scikit-learn's for the same."""

import pytest

from core.domain.overlap import (
    items_of,
    key_point_recall,
    micro_f1,
    rouge_l,
)


@pytest.mark.parametrize("text", ["急性心肌梗死，立即行 PCI。", "Call 120.", "每次2~3片"])
def test_identical_texts_give_one(text):
    found = rouge_l(text, text)

    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)


def test_rouge_l_is_the_longest_common_subsequence_of_characters():
    # 急性…心肌梗死 of 急性下壁心肌梗死 (8) and 急性心肌梗死 (6): 6 in common
    found = rouge_l("急性下壁心肌梗死", "急性心肌梗死")

    assert (found.precision, found.recall) == (6 / 8, 1.0)
    assert found.f1 == pytest.approx(2 * 0.75 / 1.75)


def test_white_space_and_full_width_forms_make_no_difference():
    assert rouge_l("ＰＣＩ 治疗\n", "PCI治疗").f1 == 1.0


def test_without_a_text_there_is_no_overlap_and_no_zero():
    assert rouge_l("", "参考") is None
    assert rouge_l("回答", " ") is None
    assert key_point_recall("回答", []) is None
    assert micro_f1([]) is None


def test_nothing_in_common_is_zero():
    assert rouge_l("甲", "乙").f1 == 0.0


def test_a_key_point_counts_once_its_characters_are_there_in_order():
    said = "应立即停用异维A酸，并尽快到妇产科就诊。"

    assert key_point_recall(said, ["立即停用异维A酸", "尽快就诊", "告知致畸风险"]) == 2 / 3


def test_micro_f1_adds_up_over_all_records():
    # 2 of 3 found are right, of 4 expected: 2·2/(3 + 4)
    found = micro_f1([({"a", "b"}, {"a", "c"}), ({"d"}, {"d", "e"})])

    assert (found.precision, found.recall) == (2 / 3, 2 / 4)
    assert found.f1 == pytest.approx(4 / 7)


def test_entries_of_a_list_are_told_apart_by_any_separator():
    assert items_of("阿司匹林、氯吡格雷；Heparin，heparin\n") == {"阿司匹林", "氯吡格雷", "heparin"}
