"""Closed questions are scored exactly, tallied by stratum, and never reach judges or physicians."""

import json
import re
from dataclasses import replace

import pytest

from core.errors import Refused
from core.formats.catalogue import FORMATS
from core.formats.tables import read_table
from core.services import examining, examining_reports, subsetting
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
from core.services.importing_table import TableImport, import_table, read_for_import
from core.services.inspecting import case_of
from core.services.naming import study_of_dataset
from core.services.ordering import JudgeOrder
from core.services.ordering_generation import GenerateOrder, queue_generation
from core.services.surveying import survey_of
from core.store import exercises, jobs, responses
from core.worker.running import do_in_foreground
from tests.openai_server import Fault, OpenAIServer

FORMAT = FORMATS["cmb-exam"]
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


def response_id(bench, key, model):
    return bench.value(
        "SELECT response.id FROM response JOIN question ON question.id = question_id"
        f" JOIN model ON model.id = model_id WHERE key = '{key}' AND label = '{model}'"
    )


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
    assert [(one.question, one.model, one.detail) for one in listed] == [
        ("exam:3:1", "willow", "我不清楚")
    ]


def test_scoring_again_reads_nothing_twice_and_takes_up_what_is_new(exam):
    scores(exam)
    assert scores(exam).read == 0

    answers(exam, "willow", [*WILLOW[:2], "C", WILLOW[3]])

    assert scores(exam).read == 1
    assert shares(exam)["willow",] == (4, 3 / 4)


class Killed(Exception):
    """Ends a scoring between two of its parts."""


def test_a_scoring_that_is_broken_off_goes_on_where_it_stopped(exam, monkeypatch):
    monkeypatch.setattr(examining, "_AT_ONCE", 3)

    def show(done, total):
        seen.append((done, total))
        if len(seen) == 2:
            raise Killed

    seen = []
    with pytest.raises(Killed):
        examining.score_closed(exam.store, exam.study, by="Dr Lead", progress=show)
    assert exam.value("SELECT count(*) FROM assessment") == 6
    done = examining.score_closed(exam.store, exam.study, by="Dr Lead", progress=show)

    assert seen == [(3, 8), (6, 8), (2, 2)]
    assert (done.read, done.responses) == (2, 8)
    assert shares(exam) == {("cedar",): (4, 3 / 4), ("willow",): (3, 2 / 3)}


def test_a_survey_shows_exams_by_figures_of_their_own(exam):
    unscored = survey_of(exam.store, exam.study)
    scores(exam)
    scored = survey_of(exam.store, exam.study)

    (before,), (after,) = unscored.exams, scored.exams
    assert (before.questions, before.scored, before.best) == (4, 0, None)
    assert (after.models, after.scored, after.unread, after.absent) == (2, 7, 1, 0)
    assert (after.best[0], after.best[1].value, after.best[1].n) == ("cedar", 3 / 4, 4)
    assert (scored.human_scores, scored.counts.questions, scored.next_step) == (0, 0, "read_exams")


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


def test_a_case_shows_what_was_read_beside_the_right_options(exam):
    scores(exam)
    lead = exam.physician("Dr Lead")

    def case(key, model):
        found = case_of(exam.store, exam.study, lead, response_id(exam, key, model))
        return found.closed.right, found.choice.chosen, found.choice.unscored_because

    assert case("exam:1:1", "cedar") == ("A", "A", None)
    assert case("exam:2:1", "willow") == ("B", "A", None)
    assert case("exam:3:1", "willow") == ("C", "", "no_choice")


def test_closed_questions_are_for_no_judge_and_no_physician(exam):
    person = exam.physician()

    with pytest.raises(Refused, match="needs_no_judge"):
        exam.queues(JudgeOrder("baseline", "baseline", {}))
    assert exam.next_for(person) is None


def test_an_exam_may_join_the_study_of_another_benchmark(study):
    path = study.file([question("A")], "exam.json")
    import_benchmark(study.store, path, FORMAT, QuestionImport("exam", "Dr Lead", study=study.name))

    assert study_of_dataset(study.store, "exam").id == study.study.id
    assert study.baseline_judges().done == 14 * 1


def test_a_closed_case_names_its_model_to_a_lead_for_whom_open_responses_wait(study):
    path = study.file([question("A")], "exam.json")
    import_benchmark(study.store, path, FORMAT, QuestionImport("exam", "Dr Lead", study=study.name))
    answers(study, "elm", ["A"])
    person = study.physician("Dr Tang")

    def is_named(key, model):
        return case_of(study.store, study.study, person, response_id(study, key, model)).is_named

    assert is_named("exam:1:1", "elm")
    assert not is_named("MR:1:1", "cedar")


def test_a_study_without_closed_questions_has_nothing_to_score(study):
    with pytest.raises(Refused, match="no_closed_questions"):
        scores(study)


def test_a_cut_that_is_not_kept_is_refused(exam):
    scores(exam)

    with pytest.raises(Refused, match="bad_cut"):
        shares(exam, "stage", "department", "level")


# --- a model that answers -------------------------------------------------------------------------


def generates(bench, server, label="elm", **options):
    order = replace(
        GenerateOrder("openai", "elm-7b", label, {"max_tokens": 64}, addresses=(server.url,)),
        **options,
    )
    job_id = queue_generation(bench.store, bench.study, order, by="Dr Lead")
    assert do_in_foreground(bench.path, job_id)
    return jobs.job_by_id(bench.store, job_id)


def test_a_model_is_asked_for_letters_and_scored_by_them(exam, server):
    server.draws(lambda received: Fault(text="理由略。\n答案：A"))

    generates(exam, server)
    scores(exam)

    asked = max(server.prompts, key=len)
    assert asked.startswith("可选用的药物是\n\nA. 阿司匹林\nB. 氯吡格雷")
    assert "请在最后一行写“答案：”" in asked
    assert shares(exam)["elm",] == (4, 1 / 4)


def test_options_in_another_order_are_scored_as_the_file_labels_them(empty, server):
    """The model always knows the text of the right option, whatever its label is."""
    empty.name = "exam"
    right = {"甲": "A", "乙": "B", "丙": "C", "丁": "D"}
    imports(empty, [question(label, question=name) for name, label in right.items()])

    def choose(received):
        text = OPTIONS[right[received.prompt[0]]]
        label = re.search(rf"([A-D])\. {text}", received.prompt)[1]
        return Fault(text=f"答案：{label}")

    server.draws(choose)
    generates(empty, server, parameters={"max_tokens": 64, "option_seed": 5})
    scores(empty)

    orders = [labels for (labels,) in empty.rows("SELECT labels FROM option_order")]
    assert [sorted(labels) for labels in orders] == [list("ABCD")] * 4
    assert len(set(orders)) > 1
    assert shares(empty) == {("elm",): (4, 1.0)}
    chosen = [one for (one,) in empty.rows("SELECT rationale FROM assessment ORDER BY id")]
    assert sorted(chosen) == list("ABCD")


def test_a_leaning_shows_where_options_change_places(exam, server):
    server.draws(lambda received: Fault(text="A"))

    order = {"max_tokens": 64, "option_seed": 5, "temperature": 0.7}
    generates(exam, server, parameters=order, samples=4)
    scores(exam)

    first = next(one for one in examining_reports.places(exam.store, exam.study)
                 if (one.model, one.place) == ("elm", 1))  # fmt: skip
    assert (first.chosen.value, first.chosen.n) == (1.0, 12)  # 3 single-answer questions × 4


def test_turns_that_a_benchmark_gives_are_sent_before_its_question(empty, server):
    empty.name = "hb"
    turns = [
        {"role": "user", "content": "My chest hurts."},
        {"role": "assistant", "content": "Since when?"},
        {"role": "user", "content": "For an hour."},
    ]
    record = {"prompt_id": "p1", "prompt": turns, "rubrics": [{"criterion": "x", "points": 5}]}
    path = empty.file(json.dumps(record), "hb.jsonl")
    options = QuestionImport("hb", "Dr Lead")
    import_benchmark(empty.store, path, FORMATS["healthbench"], options)

    with OpenAIServer() as served:
        seen = []
        served.draws(lambda received: seen.append(received.said) or Fault(text="Call 120."))
        generates(empty, served)

    assert seen == [tuple(turn["content"] for turn in turns)]
    response = empty.response("HB:p1:1", "elm")
    (turn,) = responses.earlier_turns(empty.store, response.id)
    assert (turn.question, turn.response) == ("My chest hurts.", "Since when?")


# --- exams in tables of one's own -----------------------------------------------------------------


HEAD = "qid,ask,A,B,C,key,ward,hard,model,said"
ROWS = [
    "1,首选检查？,心电图,CT,B超,A,心内科,2,elm,答案：A",
    "2,首选治疗？,PCI,观察,溶栓,AC,心内科,4,elm,A",
]
MAPPING = {
    "qid": "question_id", "ask": "question", "A": "option:A", "B": "option:B", "C": "option:C",
    "key": "right_options", "ward": "department", "hard": "level", "model": "model",
    "said": "response",
}  # fmt: skip


def table(bench, rows):
    bench.name = "own"
    path = bench.file("\n".join([HEAD, *rows]) + "\n", "own.csv")
    return import_table(bench.store, path, TableImport("own", "Dr Lead", MAPPING))


def test_any_table_brings_closed_questions_by_its_mapping(empty):
    table(empty, ROWS)
    examining.score_closed(empty.store, empty.study, by="Dr Lead")

    found = examining_reports.exam_table(empty.store, empty.study, "own", ["department", "level"])

    assert [(one.cell, one.share.value) for one in found.found] == [
        (("心内科", "2"), 1.0), (("心内科", "4"), 0.0),
    ]  # fmt: skip
    assert empty.value("SELECT question_text FROM criteria LIMIT 1") == (
        "首选检查？\n\nA. 心电图\nB. CT\nC. B超"
    )
    assert table(empty, ROWS).questions.unchanged == 2


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,首选？,心电图,,B超,A,心内科,2,elm,A", "bad_options"),
        ("1,首选？,心电图,CT,B超,D,心内科,2,elm,A", "answer_not_an_option"),
        ("1,首选？,心电图,CT,B超,A,心内科,7,elm,A", "not_a_level"),
    ],
)
def test_a_row_whose_options_are_unclear_is_listed(empty, row, why):
    path = empty.file(f"{HEAD}\n{row}\n", "own.csv")

    reading = read_for_import(read_table(path), TableImport("own", "Dr Lead", MAPPING))

    assert [(one.line, one.why) for one in reading.problems] == [(2, why)]


# --- a part that stands for the whole -------------------------------------------------------------


@pytest.fixture
def long_exam(empty):
    """Forty questions of which one model knows all and one every other."""
    empty.name = "exam"
    imports(empty, [question("A") for _ in range(40)])
    answers(empty, "knows", ["A"] * 40)
    answers(empty, "guesses", ["A", "B"] * 20)
    scores(empty)
    return empty


def test_a_subset_is_drawn_within_levels_of_difficulty(long_exam):
    found = subsetting.add_subset(
        long_exam.store, long_exam.study, "exam", "rapid", size=10, seed=1, by="Dr Lead"
    )

    drawn = long_exam.rows("SELECT stratum, count(*) FROM exam_subset_question GROUP BY 1")
    assert found.strata == {"1~": 20, "3~": 20}
    assert sum(n for _, n in drawn) == 10
    # everybody knows the first kind: the others, on which models differ, give more
    assert dict(drawn)["3~"] > dict(drawn)["1~"] >= 2


def test_a_subset_estimates_the_full_score_with_an_interval(long_exam):
    subsetting.add_subset(
        long_exam.store, long_exam.study, "exam", "rapid", size=10, seed=1, by="Dr Lead"
    )

    knows, guesses = subsetting.rapid_scores(long_exam.store, long_exam.study, "exam", "rapid")

    assert (knows.model, knows.estimate.value, knows.full.value) == ("knows", 1.0, 1.0)
    assert guesses.estimate.value == pytest.approx(0.5)
    assert guesses.estimate.n == 10
    assert guesses.estimate.low < 0.5 < guesses.estimate.high


def test_models_that_answered_the_whole_exam_are_kept_with_a_subset(long_exam):
    for number in range(8):
        texts = ["A" if question % (number + 2) else "B" for question in range(40)]
        answers(long_exam, f"known-{number}", texts)
    scores(long_exam)

    found = subsetting.add_subset(
        long_exam.store, long_exam.study, "exam", "rapid", size=10, seed=1, by="Dr Lead"
    )

    assert set(found.known) == set(found.strata)
    assert {len(shares) for shares in found.known.values()} == {10}  # and the two of before
    estimated = subsetting.rapid_scores(long_exam.store, long_exam.study, "exam", "rapid")
    assert all(one.estimate.low < one.full.value < one.estimate.high for one in estimated[1:])


def test_a_model_may_be_asked_for_a_subset_only(long_exam, server):
    found = subsetting.add_subset(
        long_exam.store, long_exam.study, "exam", "rapid", size=10, seed=1, by="Dr Lead"
    )
    server.draws(lambda received: Fault(text="A"))

    job = generates(long_exam, server, subset_id=found.id)
    scores(long_exam)

    assert job.done == 10
    estimated = {
        one.model: one
        for one in subsetting.rapid_scores(long_exam.store, long_exam.study, "exam", "rapid")
    }
    assert (estimated["elm"].estimate.value, estimated["elm"].full.n) == (1.0, 10)


def test_a_subset_is_not_drawn_anew_under_its_name(long_exam):
    draw = {"size": 4, "seed": 1, "by": "Dr Lead"}
    subsetting.add_subset(long_exam.store, long_exam.study, "exam", "rapid", **draw)

    with pytest.raises(Refused, match="subset_taken"):
        subsetting.add_subset(long_exam.store, long_exam.study, "exam", "rapid", **draw)
    with pytest.raises(Refused, match="bad_size"):
        subsetting.add_subset(
            long_exam.store, long_exam.study, "exam", "all", size=41, seed=1, by="Dr Lead"
        )


def test_the_options_of_a_question_are_kept_beside_its_criteria(exam):
    closed = exercises.closed_of(exam.store, exam.value("SELECT min(id) FROM criteria"))

    assert closed.options == tuple(OPTIONS.items())
    assert exam.value("SELECT stage FROM exercise ORDER BY record_id") == "执业医师"
