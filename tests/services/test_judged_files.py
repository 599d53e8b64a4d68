"""Files that bring scores: HealthBench's meta rows, LLMEval-2's stars; and answers written back."""

import json
from dataclasses import replace

import pytest

from core.domain.scales import Scale
from core.errors import BrokenFile, Refused, UnknownName
from core.formats.catalogue import FORMATS, guessed
from core.formats.judged import HEALTHBENCH_META, LLMEVAL_2
from core.services.exporting import Export, export_llmeval_med
from core.services.exporting_answers import export_answers
from core.services.importing_judged import import_judged
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
from core.services.ordering import JudgeOrder
from core.services.scoring_rubrics import rubric_agreement, rubric_scores
from core.store.tables import ensure_scale
from tests.openai_server import Fault
from tests.workbench import order_for

META = [
    {
        "prompt_id": f"p{n}", "prompt": [{"role": "user", "content": f"Chest pain, day {n}?"}],
        "completion": f"Call 120. ({n})", "rubric": "Tells to call an ambulance",
        "category": "emergency", "completion_id": f"c{n}", "binary_labels": labels,
        "anonymized_physician_ids": ["ann", "bob"],
    }
    for n, labels in enumerate([[True, True], [True, False], [False, False], [True, True]])
]  # fmt: skip
STARS = [
    {
        "id": 1, "subject": "医学", "type": "客观题", "question": "首选检查？", "answer": "心电图",
        "model": "elm", "response": "心电图，因为快。", "human": {"accuracy": 3, "explanation": 1},
        "gpt4": {"accuracy": 3, "explanation": 2},
    },
    {
        "id": 2, "subject": "医学", "type": "subjective", "question": "谈谈胸痛。", "answer": "",
        "model": "elm", "response": "胸痛的原因很多。",
        "human": {"accuracy": 4, "informativeness": 2, "fluency": 3, "logic": 2},
    },
]  # fmt: skip


def jsonl(bench, records, name):
    return bench.file("\n".join(json.dumps(one, ensure_ascii=False) for one in records), name)


def imports(bench, records, format_, name):
    bench.name = name
    path = jsonl(bench, records, f"{name}.jsonl")
    assert guessed(path).format == format_.name
    options = QuestionImport(name, "Dr Lead", format=format_.name)
    return import_judged(bench.store, path, format_, options, phase="blind")


def test_physicians_yes_and_no_come_in_with_the_criterion_that_they_mark(empty):
    done = imports(empty, META, HEALTHBENCH_META, "meta")

    assert (done.questions, done.responses, done.scores) == (4, 4, 8)
    assert empty.rows(
        "SELECT person.name, sum(part.value = 2), count(*) FROM assessment_part AS part"
        " JOIN assessment ON assessment.id = assessment_id JOIN rater ON rater.id = rater_id"
        " JOIN person ON person.id = person_id GROUP BY 1 ORDER BY 1"
    ) == [("ann", 3, 4), ("bob", 2, 4)]
    assert imports(empty, META, HEALTHBENCH_META, "meta").unchanged == 8


def test_macro_f1_of_the_judge_and_of_physicians_among_themselves(empty, server):
    imports(empty, META, HEALTHBENCH_META, "meta")
    judge_says(server, {0: "met", 1: "not_met", 2: "not_met", 3: "met"})
    empty.does(order_for(server, rounds=1))

    every, ann, bob, ann_alone, bob_alone = rubric_agreement(empty.store, empty.study, "oak")

    # judge met 0, 3; ann met 0, 1, 3: 2 both, 1 apart, 1 neither: F1 4/5 and 2/3
    assert (ann.against, ann.f1.macro) == ("ann", pytest.approx((4 / 5 + 2 / 3) / 2))
    assert (bob.against, bob.f1.macro) == ("bob", 1.0)
    # both together: 4 both, 1 apart, 3 neither: 8/9 and 6/7
    assert (every.f1.n, every.f1.macro) == (8, pytest.approx((8 / 9 + 6 / 7) / 2))
    assert ann_alone.f1.macro == bob_alone.f1.macro == pytest.approx((4 / 5 + 2 / 3) / 2)


def judge_says(server, marks):
    """Let the endpoint mark the only requirement by the day that its prompt speaks of."""

    def choose(received):
        for day, mark in marks.items():
            if f"day {day}?" in received.prompt:
                said = [{"number": 1, "mark": mark, "quote": "Call 120."}]
                verdict = {"rationale": "r", "safety_risk": False, "score": 4}
                return Fault(text=json.dumps(verdict)[:-1] + f', "ticket": "$TICKET", '
                             f'"requirements": {json.dumps(said)}}}')  # fmt: skip
        return None

    server.draws(choose)


def test_stars_come_in_as_parts_of_scores_on_scales_of_their_own(empty):
    done = imports(empty, STARS, LLMEVAL_2, "stars")

    assert (done.questions, done.responses, done.scores) == (2, 2, 3)
    assert empty.rows(
        "SELECT scale, value, claimed_phase FROM assessment ORDER BY assessment.id"
    ) == [
        ("released 0-5", 4, "blind"), ("released 0-5", 5, "observed"),
        ("0 to 14, usable from 12", 11, "blind"),
    ]  # fmt: skip
    assert empty.rows("SELECT dimension, value FROM assessment_part WHERE assessment_id = 3") == [
        ("accuracy", 4), ("informativeness", 2), ("fluency", 3), ("logic", 2),
    ]  # fmt: skip


def test_stars_are_read_under_the_names_of_the_chinese_criteria(empty):
    chinese = {"准确性": 4, "信息量": 2, "流畅性": 3, "逻辑性": 2}
    row = STARS[0] | {"type": "主观题", "human": chinese}
    row.pop("gpt4", None)

    imports(empty, [row], LLMEVAL_2, "stars")

    assert empty.rows("SELECT dimension, value FROM assessment_part") == [
        ("accuracy", 4), ("informativeness", 2), ("fluency", 3), ("logic", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("records", "format_", "field"),
    [
        ([META[0] | {"binary_labels": [1, 0]}], HEALTHBENCH_META, "binary_labels"),
        ([META[0] | {"binary_labels": []}], HEALTHBENCH_META, "binary_labels"),
        ([META[0] | {"anonymized_physician_ids": ["ann"]}], HEALTHBENCH_META,
         "anonymized_physician_ids"),
        ([META[0] | {"rubric": " "}], HEALTHBENCH_META, "rubric"),
        ([META[0] | {"prompt": "x"}], HEALTHBENCH_META, "prompt"),
        ([STARS[0] | {"type": "odd"}], LLMEVAL_2, "type"),
        ([STARS[0] | {"human": {"accuracy": 4, "explanation": 1}}], LLMEVAL_2, "human.accuracy"),
        ([STARS[0] | {"human": {"accuracy": 3}}], LLMEVAL_2, "human"),
        ([STARS[0] | {"gpt4": {"accuracy": 2.5, "explanation": 1}}], LLMEVAL_2, "gpt4.accuracy"),
        ([STARS[0] | {"response": ""}], LLMEVAL_2, "response"),
    ],
)  # fmt: skip
def test_broken_rows_are_refused_and_nothing_is_written(empty, records, format_, field):
    with pytest.raises(BrokenFile) as refused:
        imports(empty, records, format_, "broken")

    assert (refused.value.code, refused.value.values["field"]) == ("wrong_type", field)
    assert empty.value("SELECT count(*) FROM dataset") == 0


def test_points_of_a_rubric_by_a_judges_marks(empty, server):
    empty.name = "hb"
    records = [
        {
            "prompt_id": f"p{n}", "prompt": [{"role": "user", "content": f"Pain, day {n}?"}],
            "rubrics": rubrics,
        }
        for n, rubrics in enumerate([
            [{"criterion": "Calls 120", "points": 8}],
            [{"criterion": "Calls 120", "points": 4}],
            [{"criterion": "Waits", "points": -6}],
        ])
    ]  # fmt: skip
    path = jsonl(empty, records, "hb.jsonl")
    import_benchmark(empty.store, path, FORMATS["healthbench"], QuestionImport("hb", "Lead"))
    rows = [{"question": f"HB:p{n}:1", "response": "Call 120."} for n in range(3)]
    import_responses(
        empty.store, jsonl(empty, rows, "r.jsonl"), ResponseImport("hb", "elm", "Lead")
    )
    judge_says(server, {0: "met", 1: "partly", 2: "met"})
    empty.does(order_for(server, rounds=1))

    (row,) = rubric_scores(empty.store, empty.study, "oak")

    # 8/8 and 0/4 (partly met is not met); the third has no positive points
    assert (row.model, row.overall.value, row.overall.n) == ("elm", 0.5, 2)
    assert (row.undefined, row.unmarked) == (1, 0)


# --- answers in the shapes in which benchmarks take them ------------------------------------------


def test_medbenchs_submission_is_the_same_lines_with_answers(empty, tmp_path):
    lines = [
        {"question": "请总结病历。", "answer": "", "other": {"id": 3, "source": "MRG"}},
        {"question": "请分诊。", "answer": "", "other": {"id": 4, "source": "Triage"}},
    ]
    path = jsonl(empty, lines, "medbench.jsonl")
    import_benchmark(empty.store, path, FORMATS["medbench"], QuestionImport("mb", "Lead"))
    rows = jsonl(empty, [{"question": "MRG:3:1", "response": "胸痛 2 天。"}], "r.jsonl")
    import_responses(empty.store, rows, ResponseImport("mb", "elm", "Lead"))

    done = export_answers(empty.store, "mb", "elm", "medbench", tmp_path / "out.jsonl")

    written = [json.loads(one) for one in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert written == [lines[0] | {"answer": "胸痛 2 天。"}, lines[1]]
    assert (done.questions, done.unanswered) == (2, 1)


@pytest.fixture
def cmb(empty):
    options = {"A": "心电图", "B": "CT", "C": "B超"}
    questions = [
        {
            "id": n, "exam_type": "exam", "exam_class": "c", "exam_subject": "s",
            "question": "首选？", "question_type": kind, "option": options,
        }
        for n, kind in ((11, "单项选择题"), (12, "多项选择题"), (13, "单项选择题"))
    ]  # fmt: skip
    path = empty.file(questions, "cmb.json")
    import_benchmark(empty.store, path, FORMATS["cmb-exam"], QuestionImport("cmb", "Lead"))
    rows = [
        {"question": "exam:11:1", "response": "答案：C"},
        {"question": "exam:12:1", "response": "答案：A、C"},
        {"question": "exam:13:1", "response": "不清楚"},
    ]
    import_responses(
        empty.store, jsonl(empty, rows, "r.jsonl"), ResponseImport("cmb", "elm", "Lead")
    )
    return empty


def test_cmbs_submission_holds_the_letters_that_were_read(cmb, tmp_path):
    done = export_answers(cmb.store, "cmb", "elm", "cmb", tmp_path / "out.json")

    assert json.loads((tmp_path / "out.json").read_text()) == [
        {"id": 11, "model_answer": "C"}, {"id": 12, "model_answer": "AC"},
        {"id": 13, "model_answer": ""},
    ]  # fmt: skip
    assert (done.questions, done.unanswered) == (3, 1)


def test_answers_are_refused_in_the_shape_of_another_benchmark(cmb, tmp_path):
    with pytest.raises(Refused, match="not_that_shape"):
        export_answers(cmb.store, "cmb", "elm", "medbench", tmp_path / "out.jsonl")
    with pytest.raises(UnknownName, match="unknown_model"):
        export_answers(cmb.store, "cmb", "oak", "cmb", tmp_path / "out.json")
    assert list(tmp_path.glob("out*")) == []


def test_clinic_cases_go_out_in_the_five_key_shape(empty, tmp_path):
    empty.name = "clin"
    case = {"title": "疝", "description": "右腹股沟包块。",
            "QA_pairs": [{"question": "诊断？", "solution": "腹股沟斜疝"}]}  # fmt: skip
    path = empty.file([case], "clin.json")
    import_benchmark(empty.store, path, FORMATS["cmb-clin"], QuestionImport("clin", "Lead"))
    rows = jsonl(empty, [{"question": "CLINIC:1:1", "response": "斜疝"}], "r.jsonl")
    import_responses(empty.store, rows, ResponseImport("clin", "elm", "Lead"))
    empty.does(JudgeOrder("baseline", "baseline", {}))

    export_llmeval_med(empty.store, Export("clin", "elm"), tmp_path / "out.json")

    (record,) = json.loads((tmp_path / "out.json").read_text())["CLINIC"]
    assert (record["problem"], record["sanswer"]) == ("右腹股沟包块。\n\n诊断？", "腹股沟斜疝")
    assert (record["round"], record["groupCode"], record["model_answer"]) == (1, 1, "斜疝")


def test_a_scale_of_stars_is_made_once(empty):
    scale = Scale("LLMEval-2 objective 0-5", 0, 5, 4)

    assert ensure_scale(empty.store, scale) == ensure_scale(empty.store, replace(scale))
