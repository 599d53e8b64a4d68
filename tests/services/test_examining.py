"""Closed questions are scored exactly, tallied by stratum, and never reach judges or physicians."""

import json
from dataclasses import replace

import pytest

from core.errors import Refused
from core.formats.catalogue import format_named
from core.services import examining, examining_reports
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
from core.services.judging import JudgeOrder
from core.services.naming import study_of_dataset

FORMAT = format_named("cmb-exam")
OPTIONS = {"A": "阿司匹林", "B": "氯吡格雷", "C": "华法林", "D": "肝素"}


def question(right, *, department="内科", several=False, stage="执业医师", **changed):
    return {
        "exam_type": "exam", "exam_class": stage, "exam_subject": department,
        "question": "可选用的药物是", "answer": right, "option": OPTIONS,
        "question_type": "多项选择题" if several else "单项选择题",
    } | changed  # fmt: skip


QUESTIONS = [
    question("A"), question("B"), question("C", department="外科"),
    question("AC", department="外科", several=True),
]  # fmt: skip
CEDAR = ["A", "答案：B", "C", "A"]  # three right, and half of the last
WILLOW = ["A", "A", "我不清楚", "AC"]  # two right, one unread


@pytest.fixture
def exam(empty):
    """A workbench with four closed questions and the answers of two models."""
    empty.name = "exam"
    imports(empty, QUESTIONS)
    answers(empty, "cedar", CEDAR)
    answers(empty, "willow", WILLOW)
    return empty


def imports(bench, questions, **options):
    path = bench.file(questions, "exam.json")
    return import_benchmark(
        bench.store, path, FORMAT, replace(QuestionImport("exam", "Dr Lead"), **options)
    )


def answers(bench, model, texts):
    rows = [{"question": f"exam:{n}:1", "response": text} for n, text in enumerate(texts, 1)]
    path = bench.file("\n".join(json.dumps(row) for row in rows), f"{model}.jsonl")
    return import_responses(bench.store, path, ResponseImport("exam", model, "Dr Lead"))


def scores(bench):
    return examining.score_closed(bench.store, bench.study, by="Dr Lead")


def shares(bench, *cut, measure="exact"):
    found = examining_reports.exam_table(bench.store, bench.study, "exam", cut, measure)
    return {(*one.cell, one.model): (one.tally.n, one.share.value) for one in found.found}


def test_answers_are_scored_by_exact_match(exam):
    done = scores(exam)

    assert (done.read, done.unread, done.questions, done.responses) == (8, 1, 4, 8)
    assert shares(exam) == {("cedar",): (4, 3 / 4), ("willow",): (3, 2 / 3)}


def test_unread_answers_count_as_wrong_in_a_second_reading(exam):
    scores(exam)

    assert shares(exam, measure="exact_of_all")["willow",] == (4, 2 / 4)


def test_partial_credit_is_a_reading_of_its_own(exam):
    scores(exam)

    assert shares(exam, measure="credit")["cedar",] == (4, (3 + 1 / 2) / 4)


def test_accuracy_is_cut_by_stage_department_type_and_estimated_difficulty(exam):
    scores(exam)

    assert shares(exam, "department")["外科", "cedar"] == (2, 1 / 2)
    # question 1: both right; 2 and 4: one of two; 3: the only one that was read
    assert set(shares(exam, "level")) == {
        ("1~", "cedar"), ("1~", "willow"), ("3~", "cedar"), ("3~", "willow"),
    }  # fmt: skip
    assert shares(exam, "level")["3~", "cedar"] == (2, 1 / 2)
    four = shares(exam, "stage", "department", "question_type", "level")
    assert four["执业医师", "外科", "多项选择题", "3~", "willow"] == (1, 1.0)


def test_what_was_not_read_is_listed_with_its_reason(exam):
    scores(exam)

    counts, listed = examining_reports.unread(exam.store, exam.study)

    assert counts == [("willow", "no_choice", 1)]
    assert [(one.question, one.model) for one in listed] == [("exam:3:1", "willow")]


def test_scoring_again_reads_nothing_twice_and_takes_up_what_is_new(exam):
    scores(exam)
    assert scores(exam).read == 0

    answers(exam, "willow", [*WILLOW[:2], "C", WILLOW[3]])

    assert scores(exam).read == 1
    assert shares(exam)["willow",] == (4, 3 / 4)


def test_a_corrected_right_answer_scores_all_its_answers_anew(exam):
    scores(exam)

    imports(exam, [QUESTIONS[0], question("A"), *QUESTIONS[2:]])
    done = scores(exam)

    assert (done.read, shares(exam)["cedar",]) == (2, (4, 2 / 4))
    assert exam.value("SELECT count(*) FROM assessment") == 10


def test_without_a_right_answer_nothing_is_scored(empty):
    empty.name = "exam"
    imports(empty, [question("")])
    answers(empty, "cedar", ["A"])

    done = scores(empty)

    assert (done.read, done.unread) == (1, 1)
    assert examining_reports.unread(empty.store, empty.study)[0] == [
        ("cedar", "no_right_answer", 1)
    ]


def test_a_leaning_on_a_place_shows(empty):
    empty.name = "exam"
    imports(empty, [question(right) for right in "ABCD"])
    answers(empty, "always-first", ["A", "A", "A", "A"])

    scores(empty)
    found = examining_reports.places(empty.store, empty.study)

    assert [(one.place, one.chosen.value, one.is_right) for one in found] == [
        (1, 1.0, 0.25), (2, 0.0, 0.25), (3, 0.0, 0.25), (4, 0.0, 0.25),
    ]  # fmt: skip
    assert [one.accuracy.value for one in found] == [1.0, 0.0, 0.0, 0.0]


def test_closed_questions_are_for_no_judge_and_no_physician(exam):
    person = exam.physician()

    with pytest.raises(Refused, match="nothing_to_judge"):
        exam.queues(JudgeOrder("baseline", "baseline", {}))
    assert exam.next_for(person) is None


def test_an_exam_may_join_the_study_of_another_benchmark(study):
    path = study.file([question("A")], "exam.json")
    import_benchmark(study.store, path, FORMAT, QuestionImport("exam", "Dr Lead", study=study.name))

    assert study_of_dataset(study.store, "exam").id == study.study.id
    assert study.baseline_judges().done == 14 * 1


def test_a_study_without_closed_questions_has_nothing_to_score(study):
    with pytest.raises(Refused, match="no_closed_questions"):
        scores(study)


def test_a_cut_that_is_not_kept_is_refused(exam):
    scores(exam)

    with pytest.raises(Refused, match="bad_cut"):
        shares(exam, "stage", "department", "level")
