"""Clinic cases: sections that hold every character, and parts that are scored apart."""

import pytest

from core.domain.clinic import is_complete, score_of, sections_of

RECORD = """患者，男，61岁。
主诉：胸痛3天。
现病史：活动后加重，每次2~3分钟。

体格检查：BP 150/90 mmHg，双肺清。
辅助检查：
肌钙蛋白I 2.1 ng/mL；ST段抬高。
诊断是什么？"""


def test_a_record_is_cut_at_its_headings():
    assert [kind for kind, _ in sections_of(RECORD)] == [
        "other", "history", "examination", "findings",
    ]  # fmt: skip
    assert sections_of(RECORD)[2][1] == "体格检查：BP 150/90 mmHg，双肺清。\n"


@pytest.mark.parametrize(
    "record",
    [RECORD, "", "没有标题的病历。", "【现病史】\n咳嗽", "History: cough\nExamination: rales",
     "1. 查体：无殊\n2. 化验：正常", "主诉\n胸痛"],
)  # fmt: skip
def test_sections_joined_are_the_record_to_the_character(record):
    assert "".join(text for _, text in sections_of(record)) == record


def test_a_word_inside_a_sentence_is_no_heading():
    assert sections_of("患者拒绝体格检查。") == [("other", "患者拒绝体格检查。")]


@pytest.mark.parametrize(
    ("parts", "complete"),
    [
        ({"diagnosis": 5}, True),
        ({"examination_plan": 4, "diagnosis": 5, "treatment": 2}, True),
        ({}, False),
        ({"diagnosis": 6}, False),
        ({"diagnosis": 5, "readability": 3}, False),
    ],
)
def test_parts_that_are_not_asked_for_may_be_left_out(parts, complete):
    assert is_complete(parts) is complete


def test_a_response_counts_as_its_weakest_part():
    assert score_of({"examination_plan": 5, "diagnosis": 5, "treatment": 2}) == 2
