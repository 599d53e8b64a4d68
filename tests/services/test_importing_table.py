"""Importing tables: one dataset out of a file with any columns, and corrections on top of it."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.scales import Scale
from core.domain.table_fields import read_mapping
from core.errors import AttendingError
from core.formats.tables import read_table
from core.services import reviewing
from core.services.agreeing import cases_of
from core.services.comparing import Comparison, comparison_of
from core.services.exporting_tables import TableExport, What, export_table
from core.services.importing_table import Outcome, TableImport, TableImported, import_table
from core.services.naming import study_of_dataset
from core.services.opening import ensure_workbench
from core.services.reviewing import Scoring
from core.store import criteria, judges, people
from core.store.database import Store, opened
from tests.workbench import Workbench

MAPPING = {
    "题号": "question_id", "科室": "category", "题目": "question", "要点": "checklist",
    "模型": "model", "回答": "response", "机评": "judge:gpt", "王": "physician:Wang",
    "李": "physician:Li",
}  # fmt: skip
#: The tables that hold a study's facts, and can be imported again; the others hold figures.
FACTS: tuple[What, ...] = ("questions", "responses", "assessments")
HEADER = "题号,科室,题目,要点,模型,回答,机评,王,李"
LINES = [
    "1,内科 / 心血管,胸痛首选检查？,核心需求：1. 心电图,cedar,- 先做心电图。,5,4,5",
    "1,内科 / 心血管,,,willow,先拍片。,4,2,1",
    "2,外科,阑尾炎如何处理？,,cedar,手术。,,3,",
    "2,外科,阑尾炎如何处理？,,willow,,2,1,2",
]


@pytest.fixture
def table(empty: Workbench) -> Workbench:
    """A workbench in which the table above is called `ward`."""
    imports(empty)
    return empty


def imports(
    bench: Workbench, lines: list[str] = LINES, header: str = HEADER, **options: Any
) -> TableImported:
    path = bench.file("\n".join([header, *lines]) + "\n", "mine.csv")
    given = TableImport(bench.name, "Dr Lead", MAPPING, phase="blind")
    return import_table(bench.store, path, replace(given, **options))


def compared(bench: Workbench, judge: str) -> Comparison:
    found = bench.judge(judge)
    return comparison_of(cases_of(bench.store, bench.study, found, 1), found)


def numbers(store: Store, dataset: str, judge: str = "gpt") -> list[object]:
    """Every number of the comparison with a judge."""
    study = study_of_dataset(store, dataset)
    found = judges.judge_named(store, judge)
    assert found is not None
    rounds = judges.plan_rounds(store, study.id, found.id)
    assert rounds is not None
    comparison = comparison_of(cases_of(store, study, found, rounds), found)
    return [str(getattr(comparison, name)) for name in comparison.__dataclass_fields__]


def test_a_table_becomes_a_study_with_agreement(empty: Workbench) -> None:
    done = imports(empty)

    assert done.questions == Outcome(2, 0, 0)
    assert done.responses == Outcome(4, 0, 0)
    assert (done.judge_scores, done.physician_scores) == (Outcome(4, 0, 0), Outcome(7, 0, 0))
    assert done.unscored == 1
    assert empty.question("内科_/_心血管:1:1").category == "内科_/_心血管"
    assert empty.response("内科_/_心血管:1:1").text == "- 先做心电图。"
    assert empty.response("外科:2:1", "willow").absent_because == "empty"
    comparison = compared(empty, "gpt")
    assert (comparison.cases, comparison.unscored, comparison.usable.agreement.n) == (4, 1, 3)
    assert comparison.unknown_phase == 0
    assert empty.rows("SELECT unscored_because FROM assessment WHERE value IS NULL") == [
        ("not_given",)
    ]


def test_importing_the_same_file_again_writes_nothing(table: Workbench) -> None:
    before = table.counts()

    done = imports(table)

    assert table.counts() == before
    assert (done.questions, done.responses) == (Outcome(0, 0, 2), Outcome(0, 0, 4))
    assert (done.judge_scores, done.physician_scores) == (Outcome(0, 0, 4), Outcome(0, 0, 7))


def test_changed_cells_become_versions_attempts_and_corrections(table: Workbench) -> None:
    done = imports(
        table,
        [
            LINES[0].replace(",5,4,5", ",3,2,5").replace("先做心电图。", "先做十八导联心电图。"),
            *LINES[1:3],
            LINES[3].replace("如何处理？,", "如何处理？,核心需求：1. 手术"),
        ],
        reason="second reading",
    )

    assert done.questions == Outcome(0, 1, 1)
    assert done.responses == Outcome(0, 1, 3)
    assert table.response("内科_/_心血管:1:1").attempt == 2
    question = table.question("外科:2:1")
    active = criteria.active_version(table.store, table.study.id, question.id)
    assert (active.version, active.criteria.checklist) == (2, "核心需求：1. 手术")
    corrected = table.rows(
        "SELECT DISTINCT value, created_by FROM assessment WHERE reason = 'second reading'"
        " ORDER BY value"
    )
    assert (3, "Dr Lead") in corrected


def test_a_corrected_score_is_the_next_attempt_with_author_and_reason(table: Workbench) -> None:
    lines = [LINES[0].replace(",5,4,5", ",3,2,5"), *LINES[1:]]

    done = imports(table, lines, reason="second reading")

    assert (done.judge_scores, done.physician_scores) == (Outcome(0, 1, 3), Outcome(0, 1, 6))
    sql = "SELECT value, attempt, created_by FROM assessment WHERE reason = 'second reading'"
    assert table.rows(f"{sql} ORDER BY id") == [(3, 2, "Dr Lead"), (2, 2, "Dr Lead")]


def test_a_score_given_here_stands_when_the_old_file_comes_again(table: Workbench) -> None:
    wang = people.person_named(table.store, "Wang")
    assert wang is not None
    response_id = table.response("外科:2:1").id
    reviewing.undo(table.store, table.study, wang, response_id)
    reviewing.score(table.store, table.study, wang, response_id, Scoring(5))
    before = table.counts()

    imports(table)

    assert table.counts() == before


def test_a_checklist_revised_here_stays_active_and_old_scores_stay_with_the_old_one(
    table: Workbench,
) -> None:
    question = table.question("外科:2:1")
    active = criteria.active_version(table.store, table.study.id, question.id)
    with table.store.writing():
        revised = replace(active.criteria, checklist="核心需求：1. 抗生素")
        new = criteria.ensure_version(table.store, question.id, revised, reason="r", by="Dr Lead")
        criteria.activate(table.store, table.study.id, question.id, new, reason="r", by="Dr Lead")
    before = table.counts()

    imports(table)

    assert table.counts() == before
    assert criteria.active_version(table.store, table.study.id, question.id).id == new


def test_what_a_later_file_does_not_say_stays_as_it_was(table: Workbench) -> None:
    done = imports(
        table, ["外科:2:1,willow,5"], "题号,模型,赵",
        mapping={"题号": "question_id", "模型": "model", "赵": "physician:Zhao"},
    )  # fmt: skip

    assert (done.questions, done.responses) == (Outcome(0, 0, 1), Outcome(0, 0, 1))
    assert done.physician_scores == Outcome(1, 0, 0)
    active = criteria.active_version(table.store, table.study.id, table.question("外科:2:1").id)
    assert (active.version, active.criteria.question_text) == (1, "阑尾炎如何处理？")


def test_scores_without_any_text_are_compared_too(empty: Workbench) -> None:
    lines = [f"{n},{n % 4},{(n // 2) % 4}" for n in range(1, 41)]

    done = imports(
        empty, lines, "id,j,d", model="cedar", scale=Scale("", 0, 3, 3),
        mapping={"id": "question_id", "j": "judge:j", "d": "physician:d"},
    )  # fmt: skip

    assert done.responses == Outcome(40, 0, 0)
    assert empty.judge("j").scale.usable_from == 3
    comparison = compared(empty, "j")
    assert (comparison.usable.agreement.n, comparison.scores.agreement.n) == (40, 40)
    assert (comparison.sensitivity.n, comparison.specificity.n) == (10, 30)


@pytest.mark.parametrize(
    ("lines", "options", "code"),
    [
        (["1,a,胸痛？,,x,A,9,,"], {}, "unreadable_rows"),
        (LINES, {"name": " "}, "needs_name"),
        (LINES, {"mapping": {"机评": "judge:gpt"}}, "needs_question"),
        (LINES, {"mapping": {**MAPPING, "科室": "question"}}, "field_twice"),
        (LINES, {"mapping": {**MAPPING, "科室": "ward"}}, "unknown_field"),
        (LINES, {"mapping": {**MAPPING, "无": "turn"}}, "unknown_column"),
        (LINES, {"mapping": {"题号": "question_id", "机评": "score"}}, "needs_rater"),
        (LINES, {"judge_scale": Scale("", 0, 9, 5)}, "judge_on_another_scale"),
    ],
)
def test_a_refused_table_leaves_nothing_behind(
    table: Workbench, lines: list[str], options: dict[str, Any], code: str
) -> None:
    before = table.counts()

    with pytest.raises(AttendingError) as caught:
        imports(table, lines, **options)

    assert caught.value.code == code
    assert table.counts() == before


# --- round trip -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl", "parquet"])
def test_exported_tables_give_the_same_numbers_in_another_database(
    study: Workbench, tmp_path: Path, suffix: str
) -> None:
    study.baseline_judges(rounds=3)
    for name, scores in (("Dr Lin", (5, 2, 4)), ("Dr Weber", (4, 3, 1))):
        person = study.physician(name)
        for key, score in zip(("MK:1:1", "MR:1:1", "MSE:1:1"), scores, strict=True):
            study.scores(person, key, "cedar", score)
            study.scores(person, key, "willow", 6 - score, comment="=见前 “注”")
    lin, corrected = study.physician("Dr Lin"), study.response("MK:1:1").id
    reviewing.undo(study.store, study.study, lin, corrected)
    study.scores(lin, "MK:1:1", "cedar", 3)
    study.scores_arrive(
        ["MTG:1:1,cedar,Dr Old,2"], header="question,model,physician,score", phase="unknown"
    )
    expected = numbers(study.store, "ward", "baseline")
    other = tmp_path / "other.db"
    ensure_workbench(other)

    with opened(other) as store:
        for what in FACTS:
            path = tmp_path / f"{what}.{suffix}"
            export_table(study.store, TableExport("ward", what), path)
            mapping = read_mapping([], read_table(path).columns)
            import_table(store, path, TableImport("again", "Dr Lead", mapping))
        before = store.value("SELECT count(*) FROM assessment")
        mapping = read_mapping([], read_table(path).columns)
        import_table(store, path, TableImport("again", "Dr Lead", mapping))

        assert store.value("SELECT count(*) FROM assessment") == before
        assert numbers(store, "again", "baseline") == expected
        assert [one.name for one in people.people(store)][-3:] == ["R1", "R2", "R3"]
        texts = "SELECT text FROM response ORDER BY text"
        assert [*map(tuple, store.rows(texts))] == study.rows(texts)
        texts = "SELECT question_text, reference_answer, checklist FROM criteria ORDER BY 1, 2, 3"
        assert [*map(tuple, store.rows(texts))] == study.rows(texts)


def test_an_export_says_of_every_score_under_what_it_was_given(study: Workbench) -> None:
    study.baseline_judges()
    study.scores(study.physician(), "MK:1:1", "cedar", 4)
    path = study.folder / "scores.jsonl"

    export_table(study.store, TableExport("ward", "assessments"), path)
    table = read_table(path)

    rows = [dict(zip(table.columns, row, strict=True)) for _, row in table.rows]
    human = next(row for row in rows if row["physician"])
    machine = next(row for row in rows if row["judge"])
    assert (human["physician"], human["phase"], human["score"]) == ("R1", "blind", 4)
    assert (machine["engine"], machine["criteria_version"], machine["prompt_version"]) == (
        "baseline", 1, 1,
    )  # fmt: skip
    assert {"round", "attempt", "missing_because", "is_current"} <= set(table.columns)
    assert "Dr Lin" not in path.read_text("utf-8")
    export_table(study.store, TableExport("ward", "assessments", with_names=True), path)
    assert "Dr Lin" in path.read_text("utf-8")


def test_a_hundred_thousand_rows_are_kept_within_a_minute(empty: Workbench) -> None:
    lines = [f"{n // 10},m{n % 10},answer {n},{n % 5 + 1},{n % 3 + 2}" for n in range(100_000)]
    fields = ("question_id", "model", "response", "judge:j", "physician:d")
    started = time.process_time()

    done = imports(empty, lines, "q,m,a,j,d", mapping=dict(zip("qmajd", fields, strict=True)))

    assert time.process_time() - started < 60
    assert (done.questions.added, done.responses.added) == (10_000, 100_000)
    assert done.judge_scores.added == done.physician_scores.added == 100_000
