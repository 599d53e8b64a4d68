"""Checklists as tables: there and back to the character, and edits that touch only themselves."""

import pytest

from core.domain.checklists import carried, list_field, written
from core.domain.criteria import Criteria, Requirement, requirements_of
from core.errors import Refused

TEXT = (
    "评分说明：按剂量评分。\n一、核心需求：\n"
    "1.写明 20 mg 每日 1 次\n2.写明随餐服用\n- 早餐后亦可\n\n"
    "二、次要需求：\n1.提到定期复查肾功能"
)
ROWS = requirements_of(TEXT)
DOSE, FOOD, KIDNEY = ROWS


def core(text: str) -> Requirement:
    return Requirement("core", text)


def zh(text: str, *rows: Requirement) -> str:
    return written(text, rows, language="zh")


def test_what_is_not_touched_stays_to_the_character():
    assert zh(TEXT, *ROWS) == TEXT


@pytest.mark.parametrize(
    ("rows", "old", "new"),
    [
        ((core("写明 15 mg"), FOOD, KIDNEY), "1.写明 20 mg 每日 1 次", "1.写明 15 mg"),
        ((DOSE, core("写明途径"), FOOD, KIDNEY), "2.写明随餐", "2.写明途径\n3.写明随餐"),
        ((FOOD, KIDNEY), "1.写明 20 mg 每日 1 次\n2.写明", "1.写明"),
        ((DOSE, FOOD, core("写明途径"), KIDNEY), "- 早餐后亦可\n", "- 早餐后亦可\n3.写明途径\n"),
        ((DOSE, FOOD), "1.提到定期复查肾功能", "无"),
    ],
    ids=["reworded", "inserted", "removed", "added", "the last of its level removed"],
)  # fmt: skip
def test_an_edit_touches_only_itself_and_the_numbers_after_it(rows, old, new):
    assert zh(TEXT, *rows) == TEXT.replace(old, new)


def test_a_requirement_moves_between_core_and_secondary():
    moved = zh(TEXT, DOSE, Requirement("secondary", FOOD.text), KIDNEY)

    assert requirements_of(moved) == (DOSE, Requirement("secondary", FOOD.text), KIDNEY)
    assert "二、次要需求：\n1.写明随餐服用\n- 早餐后亦可\n" in moved


def test_the_order_within_a_level_is_kept():
    assert requirements_of(zh(TEXT, FOOD, DOSE, KIDNEY)) == (FOOD, DOSE, KIDNEY)


def test_a_level_that_was_not_there_gets_its_heading():
    text = "Core requirements:\n1. States the dose"

    assert written(
        text, [*requirements_of(text), Requirement("secondary", "Says why")], language="en"
    ) == f"{text}\n\nSecondary requirements:\n1. Says why"  # fmt: skip


def test_a_first_checklist_is_written_where_there_is_none():
    rows = [core("States the dose"), Requirement("secondary", "Says why")]

    assert written("", rows, language="en") == (
        "Core requirements:\n1. States the dose\n\nSecondary requirements:\n1. Says why"
    )


def test_lists_without_numbers_stay_without():
    text = "核心需求：\n写明剂量\n写明途径\n"

    assert zh(text, core("写明剂量"), core("写明频次"), core("写明途径")) == (
        "核心需求：\n写明剂量\n写明频次\n写明途径\n"
    )


@pytest.mark.parametrize("text", ["", "   ", "a\n\nb"])
def test_what_could_not_be_read_back_is_refused(text):
    with pytest.raises(Refused, match="not_a_requirement"):
        zh(TEXT, *ROWS, core(text))


@pytest.mark.parametrize(
    ("checklist", "reference", "expected"),
    [
        (TEXT, "", "checklist"),
        ("", "20 mg", "checklist"),
        ("", TEXT, "reference_answer"),
        ("按剂量评分", TEXT, "checklist"),
    ],
)
def test_the_table_edits_the_text_that_holds_the_list(checklist, reference, expected):
    assert list_field(Criteria("?", reference, checklist)) == expected


def test_marks_carry_over_where_the_wording_is_the_same():
    before = Criteria("?", "", "Core requirements:\n1. Dose\n2. Route\n3. Food")
    after = Criteria(
        "?", "", "Core requirements:\n1. Route\nSecondary requirements:\n1. Dose, mg\n2. Food"
    )

    found = carried(before, after)

    assert [one.text for one in found.kept] == ["Route", "Food"]
    assert [one.text for one in found.added] == ["Dose, mg"]
    assert [one.text for one in found.removed] == ["Dose"]


def test_every_list_of_the_real_file_goes_through_the_table_and_back(real_questions):
    texts = [one.criteria.checklist for one in real_questions if one.criteria.checklist.strip()]
    lists = [
        one.criteria.reference_answer
        for one in real_questions
        if requirements_of(one.criteria.reference_answer)
    ]
    assert (len(texts), len(lists)) == (205, 109)
    for text in (*texts, *lists):
        rows = requirements_of(text)
        assert zh(text, *rows) == text
        first = Requirement(rows[0].level, f"{rows[0].text}（含单位）")
        other = zh(text, first, *rows[1:])
        grouped = [
            row
            for level in ("core", "secondary")
            for row in (first, *rows[1:])
            if row.level == level
        ]
        assert list(requirements_of(other)) == grouped
