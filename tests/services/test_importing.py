"""Importing: all of a file or nothing, the same file twice changes nothing, text stays text."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import AttendingError, BrokenFile, Refused, UnknownName
from core.services.importing import Imported, personal_data
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.judging import progress_of
from core.store import assessments, criteria, datasets, human_scores, questions
from core.store.assessments import Progress
from core.store.database import Store
from tests.workbench import CEDAR, QUESTIONS, Workbench, changed, five_keys, revise_checklist

SCORES = "question,model,physician,score,safety_risk,comment"


# --- questions --------------------------------------------------------------------------------


def test_a_new_benchmark_becomes_a_dataset_with_its_study(empty: Workbench) -> None:
    done = empty.imports()

    assert done == Imported("ward", 7, 0, 0, 0, 0, 0, 0, {})
    assert (empty.study.name, empty.study.reveal, empty.study.is_illustrative) == (
        "ward",
        "batch_done",
        False,
    )
    assert [
        (question.key, question.language, question.category2, question.difficulty)
        for question in questions.questions_of_study(empty.store, empty.study.id)
    ] == [
        ("MK:1:1", "zh", "药理学", "easy"),
        ("MK:1:2", "zh", "药理学", "medium"),
        ("MR:1:1", "en", "Inference", ""),
        ("MLU:1:1", "zh", "Extraction", "hard"),
        ("MLU:2:1", "en", "Table Data", "easy"),
        ("MSE:1:1", "zh", "用药安全", "medium"),
        ("MTG:1:1", "en", "Text Generation", ""),
    ]


def test_missing_texts_are_empty_and_numbers_are_as_written(questions_only: Workbench) -> None:
    def texts(key: str) -> tuple[str, str]:
        question = questions_only.question(key)
        active = criteria.active_version(questions_only.store, questions_only.study.id, question.id)
        return active.criteria.reference_answer, active.criteria.checklist

    assert texts("MTG:1:1")[0] == ""  # NaN
    assert texts("MLU:1:1")[1] == ""  # NaN
    assert texts("MR:1:1")[1] == ""  # no such field
    assert texts("MLU:2:1") == ("2", "")  # the number 2


def test_the_two_turns_of_a_conversation_stay_together(questions_only: Workbench) -> None:
    first, second = (questions_only.question(key) for key in ("MK:1:1", "MK:1:2"))

    assert first.conversation_id == second.conversation_id
    assert questions_only.counts()["conversation"] == 6


def test_the_same_file_twice_changes_nothing(study: Workbench) -> None:
    before = study.counts()

    done = study.imports()

    assert done == Imported("ward", 0, 0, 7, 0, 0, 0, 0, {})
    assert study.counts() == before


def test_changed_text_is_a_new_version_with_author_and_reason(study: Workbench) -> None:
    done = study.imports(
        changed("MK:1:1", sanswer="20 mg，每日 1 次，随晚餐口服。"), reason="guideline 2026"
    )

    versions = criteria.versions(study.store, study.question("MK:1:1").id)
    assert done == Imported("ward", 0, 1, 6, 0, 0, 0, 0, {})
    assert [
        (one.version, one.criteria.reference_answer, one.reason, one.created_by) for one in versions
    ] == [
        (1, "20 mg，每日 1 次，随餐口服。", "imported from ward.json", "Dr Lead"),
        (2, "20 mg，每日 1 次，随晚餐口服。", "guideline 2026", "Dr Lead"),
    ]
    active = criteria.active_version(study.store, study.study.id, study.question("MK:1:1").id)
    assert active == versions[1]


def test_changed_text_makes_its_responses_outstanding_again(study: Workbench) -> None:
    study.baseline_judges()
    judge = study.judge()
    assert progress_of(study.store, study.study.id, judge) == Progress(14, 0, 0, 0)

    study.imports(changed("MK:1:1", checklist="核心需求：\n1. 写明 20 mg"))

    assert progress_of(study.store, study.study.id, judge) == Progress(12, 0, 2, 0)
    keys = assessments.outstanding(
        study.store, assessments.Plan(study.study.id, judge.id, rounds=1)
    )
    assert {key.response_id for key in keys} == {
        study.response("MK:1:1", model).id for model in ("cedar", "willow")
    }


def test_another_scene_changes_the_record_and_leaves_the_criteria(study: Workbench) -> None:
    study.baseline_judges()

    done = study.imports(changed("MK:1:1", scene="心内科"))

    assert done.changed == 1
    assert study.question("MK:1:1").scene == "心内科"
    assert len(criteria.versions(study.store, study.question("MK:1:1").id)) == 1
    assert progress_of(study.store, study.study.id, study.judge()) == Progress(14, 0, 0, 0)


def test_a_revision_made_here_is_not_overwritten_by_the_file(study: Workbench) -> None:
    question = study.question("MK:1:1")
    revised = revise_checklist(
        study.store, study.study, question, "核心需求：\n1. 写明 20 mg", reason="r", by="Dr Weber"
    )

    done = study.imports(changed("MK:1:1", checklist="核心需求：\n1. 写明每日 1 次"))

    assert done == Imported("ward", 0, 1, 6, 0, 1, 0, 0, {})
    assert criteria.active_version(study.store, study.study.id, question.id) == revised
    stored = [one.criteria.checklist for one in criteria.versions(study.store, question.id)]
    assert stored == [
        QUESTIONS["MK:1:1"]["checklist"],
        "核心需求：\n1. 写明 20 mg",
        "核心需求：\n1. 写明每日 1 次",
    ]


def test_questions_that_the_file_lacks_stay_and_are_counted(study: Workbench) -> None:
    fewer = {key: fields for key, fields in QUESTIONS.items() if key != "MR:1:1"}

    assert study.imports(fewer) == Imported("ward", 0, 0, 6, 1, 0, 0, 0, {})
    assert study.question("MR:1:1").key == "MR:1:1"


def test_added_questions_join_the_study(study: Workbench) -> None:
    study.baseline_judges()

    done = study.imports(QUESTIONS | {"MR:2:1": QUESTIONS["MR:1:1"] | {"problem": "And then?"}})

    assert done == Imported("ward", 1, 0, 7, 0, 0, 0, 0, {})
    study.model_answers("cedar", {"MR:2:1": "Then call cardiology."}, questions={
        "MR:2:1": QUESTIONS["MR:1:1"] | {"problem": "And then?"}
    })  # fmt: skip
    assert progress_of(study.store, study.study.id, study.judge()).outstanding == 1


def test_a_dataset_needs_a_name(empty: Workbench) -> None:
    with pytest.raises(Refused, match="needs_name"):
        import_questions(
            empty.store, empty.file(five_keys(QUESTIONS)), QuestionImport(" ", "Dr Lead")
        )


BROKEN = {
    "not_json": '{"医疗知识": [',
    "empty_file": " \n",
    "not_five_keys": "[]",
    "not_a_category": '{"Knowledge": []}',
    "repeated_key": five_keys(QUESTIONS) | {
        "医疗推理": [*five_keys(QUESTIONS)["医疗推理"], *five_keys(QUESTIONS)["医疗推理"]]
    },
    "missing_turn": five_keys({"MK:9:2": QUESTIONS["MK:1:2"]}),
    "wrong_type": five_keys(changed("MTG:1:1", problem=["not", "a", "text"])),
    "not_text": '{"医疗知识": [{"round": 1, "groupCode": 1, "problem": "\\ud800"}]}',
}  # fmt: skip


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_file_leaves_the_database_as_it_was(study: Workbench, code: str) -> None:
    before = study.counts()

    with pytest.raises(BrokenFile) as caught:
        import_questions(
            study.store, study.file(BROKEN[code], "broken.json"), QuestionImport("ward", "Dr Lead")
        )

    assert caught.value.code == code
    assert study.counts() == before


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("no_file", None),
        ("not_utf8", "医疗".encode("gb18030")),
        ("empty_file", b""),
        ("not_json", b"\x89PNG"[1:]),
    ],
)
def test_a_file_of_another_kind_is_named(
    empty: Workbench, tmp_path: Path, code: str, content: bytes | None
) -> None:
    before = empty.counts()
    path = tmp_path / "other.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BrokenFile) as caught:
        import_questions(empty.store, path, QuestionImport("ward", "Dr Lead"))

    assert caught.value.code == code
    assert "other.json" in str(caught.value.values["file"])
    assert empty.counts() == before


# --- responses --------------------------------------------------------------------------------


def test_the_same_responses_twice_change_nothing(study: Workbench) -> None:
    before = study.counts()

    assert study.model_answers("cedar", CEDAR) == Imported("ward", 0, 0, 7, 0, 0, 0, 0, {})
    assert study.counts() == before


def test_another_text_is_the_next_attempt_and_the_old_one_stays(study: Workbench) -> None:
    study.baseline_judges()

    done = study.model_answers("cedar", CEDAR | {"MR:1:1": "Aspirin first."})

    assert done == Imported("ward", 0, 1, 6, 0, 0, 0, 0, {})
    assert (study.response("MR:1:1").attempt, study.response("MR:1:1").text) == (
        2,
        "Aspirin first.",
    )
    assert study.rows(
        "SELECT attempt, text FROM response JOIN question ON question.id = question_id"
        " JOIN model ON model.id = model_id WHERE key = 'MR:1:1' AND label = 'cedar'"
    ) == [(1, CEDAR["MR:1:1"]), (2, "Aspirin first.")]
    assert progress_of(study.store, study.study.id, study.judge()) == Progress(13, 0, 1, 0)


def test_a_response_without_text_says_why(questions_only: Workbench) -> None:
    added = {
        "MK:1:1": {"model_answer": ""},
        "MK:1:2": {"model_answer": None},
        "MR:1:1": {"model_answer": float("nan")},
        "MLU:1:1": {},
        "MSE:1:1": {"model_answer": "-1"},
    }
    asked = {key: QUESTIONS[key] for key in added}
    path = questions_only.file(five_keys(asked, added), "gaps.json")

    done = import_responses(questions_only.store, path, ResponseImport("ward", "cedar", "Dr Lead"))

    assert done == Imported("ward", 5, 0, 0, 4, 0, 0, 0, {})
    assert {
        key: (questions_only.response(key).text, questions_only.response(key).absent_because)
        for key in added
    } == {
        "MK:1:1": (None, "empty"),
        "MK:1:2": (None, "not_given"),
        "MR:1:1": (None, "not_given"),
        "MLU:1:1": (None, "not_given"),
        "MSE:1:1": ("-1", None),  # a text is a text
    }


def test_released_scores_become_an_imported_judge(questions_only: Workbench) -> None:
    scores = {
        "MK:1:1": "4", "MK:1:2": "0", "MR:1:1": "-1", "MLU:1:1": "", "MLU:2:1": "4.5",
        "MSE:1:1": "7", "MTG:1:1": "five",
    }  # fmt: skip

    done = questions_only.model_answers("cedar", CEDAR, scores=scores)

    assert done == Imported("ward", 7, 0, 0, 0, 0, 2, 5, {})
    assert questions_only.rows(
        "SELECT key, value, unscored_because, detail, rationale FROM assessment"
        " JOIN response ON response.id = response_id"
        " JOIN question ON question.id = response.question_id ORDER BY position"
    ) == [
        ("MK:1:1", 4, None, "", "Says 4."),
        ("MK:1:2", 0, None, "", "Says 0."),
        ("MR:1:1", None, "score_not_found", "-1", "Says -1."),
        ("MLU:1:1", None, "call_failed", "", "Says ."),
        ("MLU:2:1", None, "not_an_integer", "4.5", "Says 4.5."),
        ("MSE:1:1", None, "out_of_range", "7", "Says 7."),
        ("MTG:1:1", None, "not_an_integer", "five", "Says five."),
    ]


def test_the_same_released_scores_twice_change_nothing(questions_only: Workbench) -> None:
    scores = {"MK:1:1": "4", "MR:1:1": "-1"}
    answers = {key: CEDAR[key] for key in scores}
    questions_only.model_answers("cedar", answers, scores=scores)
    before = questions_only.counts()

    questions_only.model_answers("cedar", answers, scores=scores)

    after = questions_only.counts()
    run = before["import_run"] + 1  # that the file was read again may be noted
    assert after in (before, before | {"import_run": run})


def test_another_released_score_is_the_next_attempt(questions_only: Workbench) -> None:
    answers = {"MK:1:1": CEDAR["MK:1:1"]}
    questions_only.model_answers("cedar", answers, scores={"MK:1:1": "4"})
    questions_only.model_answers("cedar", answers, scores={"MK:1:1": "2"})

    assert questions_only.rows("SELECT attempt, value FROM assessment") == [(1, 4), (2, 2)]
    judge = questions_only.judge("imported")
    assert progress_of(questions_only.store, questions_only.study.id, judge).judged == 1


def test_rows_are_read_like_the_five_key_shape(questions_only: Workbench) -> None:
    lines = [
        {"question": "MK:1:1", "response": "第一次"},
        {"question": "MK:1:1", "response": "第二次", "sample": 2},
        {"question": "MR:1:1", "response": ""},
    ]
    path = questions_only.file("\n".join(map(json.dumps, lines)), "rows.jsonl")

    done = import_responses(questions_only.store, path, ResponseImport("ward", "cedar", "Dr Lead"))

    assert done == Imported("ward", 3, 0, 0, 1, 0, 0, 0, {})
    texts = [questions_only.response("MK:1:1", sample=sample).text for sample in (1, 2)]
    assert texts == ["第一次", "第二次"]


def _rows_file(workbench: Workbench, *lines: dict[str, Any]) -> Path:
    return workbench.file("\n".join(map(json.dumps, lines)), "rows.jsonl")


def test_the_same_sample_twice_in_one_file_is_refused(questions_only: Workbench) -> None:
    before = questions_only.counts()
    path = _rows_file(
        questions_only,
        {"question": "MK:1:1", "response": "one"},
        {"question": "MK:1:1", "response": "two", "sample": 1},
    )

    with pytest.raises(BrokenFile, match="repeated_key"):
        import_responses(questions_only.store, path, ResponseImport("ward", "cedar", "Dr Lead"))

    assert questions_only.counts() == before


@pytest.mark.parametrize(
    ("code", "kind", "file", "options"),
    [
        ("unknown_question", BrokenFile, "unknown", {}),
        ("another_question", BrokenFile, "reworded", {}),
        ("no_answers", BrokenFile, "unanswered", {}),
        ("unknown_dataset", UnknownName, "good", {"dataset": "elsewhere"}),
        ("needs_name", Refused, "good", {"model": ""}),
        ("needs_name", Refused, "good", {"judge": " "}),
        ("judge_name_taken", Refused, "scored", {"judge": "baseline"}),
    ],
)
def test_a_refused_import_of_responses_writes_nothing(
    study: Workbench, code: str, kind: type[AttendingError], file: str, options: dict[str, str]
) -> None:
    study.baseline_judges()
    answer = {"model_answer": "Something new."}
    question = {"MR:1:1": QUESTIONS["MR:1:1"]}
    files = {
        "unknown": five_keys({"MR:9:1": QUESTIONS["MR:1:1"]}, {"MR:9:1": answer}),
        "reworded": five_keys(changed("MR:1:1", problem="Another?"), {"MR:1:1": answer}),
        "unanswered": five_keys(question),
        "good": five_keys(question, {"MR:1:1": answer}),
        "scored": five_keys(question, {"MR:1:1": answer | {"model_answer_score": "4"}}),
    }
    before = study.counts()

    with pytest.raises(kind) as caught:
        import_responses(
            study.store,
            study.file(files[file], "responses.json"),
            replace(ResponseImport("ward", "cedar", "Dr Lead"), **options),
        )

    assert caught.value.code == code
    assert study.counts() == before


def test_responses_to_an_earlier_wording_keep_the_version_that_was_asked(study: Workbench) -> None:
    study.imports(changed("MR:1:1", problem="A man has chest pain. What comes first?"))

    study.model_answers("late", {"MR:1:1": "An ECG."})  # the file repeats the first wording

    assert study.rows(
        "SELECT version FROM criteria JOIN response ON response.criteria_id = criteria.id"
        " JOIN model ON model.id = model_id WHERE label = 'late'"
    ) == [(1,)]


# --- physicians' scores -----------------------------------------------------------------------


def test_physicians_scores_are_imported_and_a_second_time_change_nothing(study: Workbench) -> None:
    lines = [
        "MK:1:1,cedar,Dr Lin,5,0,好",
        "MK:1:1,willow,Dr Lin,2,1,剂量错误",
        "MR:1:1,cedar,Dr Weber,4,,",
    ]

    first = study.scores_arrive(lines, header=SCORES)
    before = study.counts()
    second = study.scores_arrive(lines, header=SCORES)

    assert first == Imported("ward", 3, 0, 0, 0, 0, 3, 0, {})
    assert second == Imported("ward", 0, 0, 3, 0, 0, 3, 0, {})
    assert study.counts() == before
    assert [
        (one.person, one.value, one.safety_risk, one.comment, one.phase)
        for one in human_scores.human_scores_of_study(study.store, study.study.id)
    ] == [
        ("Dr Lin", 5, False, "好", "blind"),
        ("Dr Lin", 2, True, "剂量错误", "blind"),
        ("Dr Weber", 4, None, "", "blind"),
    ]


def test_another_score_in_the_file_is_a_correction_that_keeps_the_first(study: Workbench) -> None:
    study.scores_arrive(["MK:1:1,cedar,Dr Lin,5,0,"], header=SCORES)
    done = study.scores_arrive(["MK:1:1,cedar,Dr Lin,3,0,"], header=SCORES)

    assert done == Imported("ward", 0, 1, 0, 0, 0, 1, 0, {})
    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [(one.attempt, one.value) for one in scores] == [(1, 5), (2, 3)]
    assert [one.value for one in human_scores.counting(scores)] == [3]


def test_a_safety_risk_that_was_added_later_is_a_correction(study: Workbench) -> None:
    study.scores_arrive(["MK:1:1,willow,Dr Lin,2,,"], header=SCORES)
    done = study.scores_arrive(["MK:1:1,willow,Dr Lin,2,1,"], header=SCORES)

    assert done.changed == 1
    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [one.safety_risk for one in scores] == [None, True]


def test_scores_that_were_imported_stay_so_when_the_criteria_are_revised(study: Workbench) -> None:
    lines = ["MK:1:1,cedar,Dr Lin,5,0,好"]
    study.scores_arrive(lines, header=SCORES)
    question = study.question("MK:1:1")
    revise_checklist(study.store, study.study, question, "1. 20 mg", reason="r", by="Dr Weber")

    assert study.scores_arrive(lines, header=SCORES) == Imported("ward", 0, 0, 1, 0, 0, 1, 0, {})


@pytest.mark.parametrize(
    ("line", "code", "values"),
    [
        ("MK:1:1,cedar,Dr Lin,6,,", "score_outside", {"score": 6}),
        ("MK:1:1,cedar,Dr Lin,0,,", "score_outside", {"score": 0}),
        ("MK:1:1,cedar,Dr Lin,4.5,,", "wrong_type", {"field": "score"}),
        ("MK:1:1,cedar,Dr Lin,4,maybe,", "wrong_type", {"field": "safety_risk"}),
        ("MK:1:1,cedar,,4,,", "wrong_type", {"field": "physician"}),
        ("MK-1,cedar,Dr Lin,4,,", "wrong_type", {"field": "question"}),
        ("MK:9:1,cedar,Dr Lin,4,,", "unknown_question", {"key": "MK:9:1", "dataset": "ward"}),
        ("MK:1:1,pine,Dr Lin,4,,", "no_such_model", {"name": "pine", "known": "cedar, willow"}),
        ("MK:1:1,cedar,Dr Lin,4", "wrong_width", {"where": "line 3"}),
    ],
)
def test_one_bad_row_of_scores_keeps_all_of_them_out(
    study: Workbench, line: str, code: str, values: dict[str, object]
) -> None:
    before = study.counts()

    with pytest.raises(AttendingError) as caught:
        study.scores_arrive(["MR:1:1,cedar,Dr New,4,0,good row", line], header=SCORES)

    assert caught.value.code == code
    assert {name: caught.value.values[name] for name in values} == values
    assert study.counts() == before


def test_a_table_of_scores_needs_its_columns(study: Workbench) -> None:
    with pytest.raises(BrokenFile) as caught:
        study.scores_arrive(["MK:1:1,cedar,5"], header="question,model,score")

    assert (caught.value.code, caught.value.values["field"]) == ("missing_column", "physician")


def test_a_row_may_state_its_own_phase(study: Workbench) -> None:
    study.scores_arrive(
        ["MK:1:1,cedar,Dr Lin,5,blind", "MK:1:2,cedar,Dr Lin,5,informed", "MR:1:1,cedar,Dr Lin,5,"],
        header="question,model,physician,score,phase",
        phase="unknown",
    )

    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [one.phase for one in scores] == ["blind", "informed", "unknown"]


# --- personal data ----------------------------------------------------------------------------


def test_personal_data_is_counted_and_the_texts_stay_as_they_are(empty: Workbench) -> None:
    text = "患者姓名：张三丰，电话 13812345678，病历号 A00123，请写出院小结。"
    done = empty.imports(changed("MTG:1:1", problem=text))
    answer = "Name: Anna Berg has been seen."
    answered = empty.model_answers(
        "cedar", {"MTG:1:1": answer}, questions=changed("MTG:1:1", problem=text)
    )

    assert done.personal == {"phone": 1, "record_number": 1, "name": 1}
    assert answered.personal == {"name": 1}
    assert personal_data(empty.store, "ward") == [
        ("MTG:1:1", "question", "phone", text.index("138"), 11),
        ("MTG:1:1", "question", "record_number", text.index("病历号"), len("病历号 A00123")),
        ("MTG:1:1", "question", "name", 0, len("患者姓名：张三丰")),
        ("MTG:1:1", "response", "name", 0, len("Name: Anna Berg")),
    ]
    active = criteria.active_version(empty.store, empty.study.id, empty.question("MTG:1:1").id)
    assert active.criteria.question_text == text
    assert empty.response("MTG:1:1").text == answer


def test_personal_data_of_an_unknown_dataset_is_refused(store: Store) -> None:
    with pytest.raises(UnknownName, match="unknown_dataset"):
        personal_data(store, "ward")


# --- the real file ----------------------------------------------------------------------------


def test_all_667_real_questions_are_in_the_database_to_the_character(
    empty: Workbench, real_file: Path
) -> None:
    codes = {"医疗知识": "MK", "医疗推理": "MR", "医疗语言理解": "MLU",
             "医疗安全伦理": "MSE", "医疗文本生成": "MTG"}  # fmt: skip
    expected = {}
    for name, records in json.loads(real_file.read_text(encoding="utf-8")).items():
        for record in records:
            key = f"{codes[name]}:{record['groupCode']}:{record['round']}"
            expected[key] = tuple(
                "" if value is None or value != value else str(value)
                for value in (record.get(field) for field in ("problem", "sanswer", "checklist"))
            )

    done = import_questions(empty.store, real_file, QuestionImport("ward", "Dr Lead"))

    assert (done.added, done.changed, done.unchanged, done.absent) == (667, 0, 0, 0)
    stored = {
        question.key: criteria.active_version(empty.store, empty.study.id, question.id).criteria
        for question in questions.questions_of_study(empty.store, empty.study.id)
    }
    assert {
        key: (one.question_text, one.reference_answer, one.checklist) for key, one in stored.items()
    } == expected
    assert empty.counts()["conversation"] == 571


def test_the_real_file_twice_changes_nothing(empty: Workbench, real_file: Path) -> None:
    options = QuestionImport("ward", "Dr Lead")
    import_questions(empty.store, real_file, options)
    before = empty.counts()

    done = import_questions(empty.store, real_file, options)

    assert (done.added, done.changed, done.unchanged) == (0, 0, 667)
    assert empty.counts() == before


def test_questions_added_later_stand_behind_the_first_ones(study: Workbench) -> None:
    first = {"MK:0:1": QUESTIONS["MR:1:1"] | {"problem": "Which comes first?"}}

    study.imports(first | QUESTIONS)

    found = questions.questions_of_study(study.store, study.study.id)
    assert [question.key for question in found] == [*QUESTIONS, "MK:0:1"]


def test_a_dataset_that_may_leave_is_marked_so_when_it_is_imported_again(study: Workbench) -> None:
    assert [dataset.marking for dataset in datasets.datasets(study.store)] == ["local"]

    study.imports(QUESTIONS, may_leave=True)

    assert [dataset.marking for dataset in datasets.datasets(study.store)] == ["may_leave"]
