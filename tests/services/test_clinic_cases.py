"""Clinic cases: physicians score examination plan, diagnosis and treatment apart."""

import json

import pytest

from core.errors import Refused
from core.formats.catalogue import FORMATS
from core.services import drafting, reviewing
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
from core.services.reviewing import Scoring

CASE = {
    "title": "急性心肌梗死", "description": "主诉：胸痛 40 分钟。\n查体：BP 150/90 mmHg。",
    "QA_pairs": [
        {"question": "诊断与下一步处理？", "solution": "急性心肌梗死；立即再灌注。"},
        {"question": "出院后如何用药？", "solution": "双联抗血小板。"},
    ],
}  # fmt: skip


@pytest.fixture
def clinic(empty):
    """A case of two questions, with one model's answers to both."""
    empty.name = "clinic"
    path = empty.file([CASE], "clinic.json")
    import_benchmark(empty.store, path, FORMATS["cmb-clin"], QuestionImport("clinic", "Lead"))
    rows = [
        {"question": "CLINIC:1:1", "response": "急性心肌梗死，立即行 PCI。"},
        {"question": "CLINIC:1:2", "response": "阿司匹林加氯吡格雷。"},
    ]
    answers = empty.file("\n".join(json.dumps(row) for row in rows), "answers.jsonl")
    import_responses(empty.store, answers, ResponseImport("clinic", "elm", "Lead"))
    return empty


def test_a_case_is_a_conversation_whose_record_stands_before_the_first_question(clinic):
    person = clinic.physician()
    first, second = (
        reviewing.sheet_of(clinic.store, clinic.study, person, clinic.response(key, "elm").id)
        for key in ("CLINIC:1:1", "CLINIC:1:2")
    )

    assert first.dimensions == ("examination_plan", "diagnosis", "treatment")
    assert first.criteria.question_text.startswith("主诉：胸痛 40 分钟。")
    assert [turn.response for turn in second.earlier_turns] == ["急性心肌梗死，立即行 PCI。"]


def test_three_parts_are_kept_apart_and_count_as_the_weakest(clinic):
    person = clinic.physician()

    parts = {"diagnosis": 5, "treatment": 2}
    clinic.scores(person, "CLINIC:1:1", "elm", None, dimensions=parts, safety_risk=True)

    assert clinic.rows("SELECT scale, value, safety_risk FROM assessment") == [("score 1-5", 2, 1)]
    assert clinic.rows("SELECT dimension, value FROM assessment_part ORDER BY position") == [
        ("diagnosis", 5), ("treatment", 2),
    ]  # fmt: skip


def test_an_answer_without_any_part_is_refused(clinic):
    person, response_id = clinic.physician(), clinic.response("CLINIC:1:1", "elm").id

    for parts in ({"diagnosis": 6}, {"diagnosis": 5, "safety": 1}):
        with pytest.raises(Refused, match="dimensions_incomplete"):
            reviewing.score(
                clinic.store, clinic.study, person, response_id, Scoring(dimensions=parts)
            )


def test_taking_it_back_leaves_the_parts_and_the_flag_as_a_draft(clinic):
    person = clinic.physician()
    clinic.scores(person, "CLINIC:1:1", "elm", None, dimensions={"diagnosis": 4}, safety_risk=True)
    response_id = clinic.response("CLINIC:1:1", "elm").id

    reviewing.undo(clinic.store, clinic.study, person, response_id)

    draft = drafting.draft_of(clinic.store, person, response_id)
    assert (draft.dimensions, draft.safety_risk) == ({"diagnosis": 4}, True)
