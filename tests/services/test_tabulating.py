"""Figures as tables: every judge, group and reading, in every format, and safe to open."""

import csv
import json
from pathlib import Path

import openpyxl
import pyarrow.parquet
import pytest

from core.formats.tables import read_table
from core.services.agreeing import cases_of_panel
from core.services.comparing import comparison_of
from core.services.empanelling import panel_of_study
from core.services.excluding import exclude
from core.services.exporting import Export, export_llmeval_med
from core.services.exporting_tables import TableExport, What, export_table
from core.services.ranking import board_of
from core.services.rating import Order
from tests.workbench import CEDAR, WILLOW, Workbench


@pytest.fixture
def scored(study: Workbench) -> Workbench:
    """Baseline in three rounds, two physicians on some responses."""
    study.baseline_judges(rounds=3)
    for name in ("Dr A", "Dr B"):
        for key in ("MK:1:1", "MR:1:1", "MSE:1:1", "MLU:1:1"):
            study.scores(study.physician(name), key, "cedar", 5)
            study.scores(study.physician(name), key, "willow", 1)
    return study


def _exported(study: Workbench, what: What, suffix: str) -> Path:
    out = study.folder / f"{what}.{suffix}"
    export_table(study.store, TableExport(study.name, what), out)
    return out


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("what", ["agreement", "leaderboard"])
def test_figures_are_the_same_rows_in_every_format(scored: Workbench, what: What) -> None:
    found = {suffix: _exported(scored, what, suffix) for suffix in ("csv", "xlsx", "parquet")}
    lines = _exported(scored, what, "jsonl").read_text(encoding="utf-8").splitlines()
    sheet = openpyxl.load_workbook(found["xlsx"]).active

    rows = [json.loads(line) for line in lines]
    assert len(rows) > 50
    assert len(_rows(found["csv"])) == sheet.max_row - 1 == len(rows)
    assert pyarrow.parquet.read_table(found["parquet"]).to_pylist() == rows


def test_the_exported_agreement_is_that_of_the_page(scored: Workbench) -> None:
    panel = panel_of_study(scored.store, scored.study, "baseline")
    found = comparison_of(cases_of_panel(scored.store, scored.study, panel), panel)

    rows = {
        (row["by"], row["group"], row["on"], row["figure"]): row
        for row in _rows(_exported(scored, "agreement", "csv"))
    }

    kappa = rows["all", "", "usable", "cohen_kappa"]
    one = found.usable.coefficients["cohen_kappa"]
    assert (float(kappa["value"]), float(kappa["low"]), int(kappa["n"])) == (
        one.value, one.low, one.n,
    )  # fmt: skip
    assert float(rows["category", "MR", "usable", "agreement"]["value"]) in (0.0, 0.5, 1.0)
    assert rows["all", "", "physicians", "fleiss_kappa"]["n"] == "8"
    assert rows["all", "", "usable", "alt_test_omega"]["undefined_because"] == "too_few"


def test_both_readings_stand_where_a_question_is_excluded(scored: Workbench) -> None:
    for what in ("agreement", "leaderboard"):
        rows = _rows(_exported(scored, what, "csv"))  # type: ignore[arg-type]
        assert {row["excluded_questions"] for row in rows} == {"left_out"}

    exclude(scored.store, scored.study, "MR:1:1", is_excluded=True, reason="wrong", by="Dr Lead")

    readings = {
        (row["excluded_questions"], int(row["n"]))
        for row in _rows(_exported(scored, "agreement", "csv"))
        if (row["by"], row["on"], row["figure"]) == ("all", "usable", "agreement")
    }
    assert readings == {("left_out", 6), ("counted", 8)}
    board = _rows(_exported(scored, "leaderboard", "csv"))
    assert {
        (row["excluded_questions"], row["unscored_as"], int(row["n"]))
        for row in board
        if (row["by"], row["model"], row["column"], row["figure"])
        == ("category", "cedar", "question_weighted", "judge")
    } == {
        ("left_out", "left_out", 6), ("left_out", "not_usable", 6), ("counted", "left_out", 7),
        ("counted", "not_usable", 7),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1+1", "@sum", "＝1"])
def test_no_cell_is_a_formula(questions_only: Workbench, name: str) -> None:
    questions_only.model_answers(name, CEDAR)
    questions_only.baseline_judges(rounds=1)

    out = _exported(questions_only, "leaderboard", "csv")

    assert {row["model"] for row in _rows(out)} == {f"'{name}"}
    as_read = read_table(_exported(questions_only, "leaderboard", "jsonl"))
    place = as_read.columns.index("model")
    assert {row[place] for _, row in as_read.rows} == {name}


@pytest.mark.parametrize("model", ["cedar", "willow"])
def test_the_released_aggregation_gives_the_same_figure_on_an_exported_file(
    questions_only: Workbench, model: str
) -> None:
    # As described with the released files: mean over rounds, usable from 4 on, every question
    # weighing alike over all five categories; without a score a question is not counted.
    study = questions_only
    study.model_answers("cedar", CEDAR, scores=dict.fromkeys(CEDAR, "4") | {"MR:1:1": "-1"})
    study.model_answers("willow", WILLOW, scores=dict.fromkeys(WILLOW, "2") | {"MK:1:1": "5"})
    out = study.folder / "scored.json"
    export_llmeval_med(study.store, Export(study.name, model, "imported"), out)

    records = [one for some in json.loads(out.read_text("utf-8")).values() for one in some]
    scores = [float(one["model_answer_score"]) for one in records if one["model_answer_score"]]
    aggregated = sum(score >= 4 for score in scores) / len(scores)

    panel = panel_of_study(study.store, study.study, "imported")
    board = board_of(study.store, study.study, panel, Order())
    [rate] = [row.weighted.judge for row in board.rows if row.model == model]
    assert (rate.value, rate.n) == (pytest.approx(aggregated), len(scores))


def test_the_mean_over_rounds_is_what_the_aggregation_reads(scored: Workbench) -> None:
    out = scored.folder / "scored.json"
    export_llmeval_med(scored.store, Export(scored.name, "cedar", "baseline"), out)

    records = [one for some in json.loads(out.read_text("utf-8")).values() for one in some]
    usable = [float(one["model_answer_score"]) >= 4 for one in records]

    panel = panel_of_study(scored.store, scored.study, "baseline")
    board = board_of(scored.store, scored.study, panel, Order())
    [rate] = [row.weighted.judge for row in board.rows if row.model == "cedar"]
    assert rate.value == pytest.approx(sum(usable) / len(usable))
