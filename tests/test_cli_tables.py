"""Tables on the command line: a preview, an import, and the same figures after an export."""

import json
from pathlib import Path

import pytest

from core.formats.tables import sheets_of
from tests.test_cli import Shell, shell, study

__all__ = ["shell", "study"]

CSV = (
    "题号;题目;模型;回答;机评;王医生\n"
    "1;胸痛首选检查？;cedar;- 心电图;3;3\n"
    "1;;willow;拍片;1;0\n"
    "2;发热怎么办？;cedar;=补液;;2\n"
)
MAPPED = [
    part
    for one in (
        "题号=question_id", "题目=question", "模型=model", "回答=response", "机评=judge:gpt",
        "王医生=physician:Wang",
    )
    for part in ("--map", one)
]  # fmt: skip
SCALE = ["--scale", "0-3", "--usable", "3", "--phase", "blind"]


@pytest.fixture
def file(shell: Shell) -> Path:
    """A physician's spreadsheet, as a Chinese one writes CSV."""
    path = shell.folder / "mine.csv"
    path.write_bytes(CSV.encode("gb18030"))
    return path


def test_a_dry_run_shows_columns_and_first_rows_and_creates_nothing(
    shell: Shell, file: Path
) -> None:
    said = shell("import", "table", file, "--name", "mine", *MAPPED, *SCALE, "--dry-run")

    assert (said.code, said.err) == (0, "")
    assert "回答 → response: - 心电图 | 拍片 | =补液" in said.out
    assert "3 rows with 2 questions, 3 responses, 3 judge scores, 3 physicians' scores" in said.out
    assert not shell.db.exists()


def test_a_dry_run_without_a_mapping_lists_the_columns_and_proposes_what_they_are(
    shell: Shell,
) -> None:
    record = {
        "question_uuid": "Med_1",
        "问题": "首选检查？",
        "model": "elm",
        "human": {"accuracy": 3},
    }
    file = shell.file([record], "Medicine_data.json")

    guess = shell("import", "guess", file)
    said = shell("import", "table", file, "--name", "mine", "--dry-run")

    assert "looks like table" in guess.out
    assert (said.code, "Traceback" in said.err) == (2, False)
    assert said.out.splitlines() == [
        "  question_uuid → (left out; perhaps --map 'question_uuid=question_id'): Med_1",
        "  问题 → (left out; perhaps --map '问题=question'): 首选检查？",
        "  model → model: elm",
        "  human.accuracy → (left out; perhaps --map 'human.accuracy=physician:human.accuracy'): 3",
    ]


def test_a_table_is_imported_and_compared(shell: Shell, file: Path) -> None:
    done = shell("import", "table", file, "--name", "mine", *MAPPED, *SCALE, "--json").json
    again = shell("import", "table", file, "--name", "mine", *MAPPED, *SCALE, "--json").json

    assert done["physician_scores"] == {"added": 3, "changed": 0, "unchanged": 0}
    assert again["judge_scores"] == {"added": 0, "changed": 0, "unchanged": 3}
    assert done["mapping"]["机评"] == "judge:gpt"
    said = shell("agreement", "--dataset", "mine", "--by", "category")
    assert "usable/unusable n 2, agreement 1.000" in said.out
    assert shell("status").code == 0


def test_every_row_that_cannot_be_read_is_told_and_nothing_is_written(
    shell: Shell, file: Path
) -> None:
    arguments = (
        "import",
        "table",
        file,
        "--name",
        "mine",
        *MAPPED,
        "--scale",
        "1-2",
        "--usable",
        2,
    )

    said = shell(*arguments)

    assert said.code == 2
    for line in ("line 2, column 机评: 3 is not on the scale 1 to 2", "line 2, column 王医生: 3"):
        assert line in said.out
    assert said.err.startswith("attending: mine.csv: 3 rows or cells can't be read, the first in")
    assert not shell.db.exists()
    problems = json.loads(shell(*arguments, "--json").out)["problems"]
    assert [(one["line"], one["column"]) for one in problems] == [
        (2, "机评"), (2, "王医生"), (3, "王医生"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--map", "题号"], "题号 is not COLUMN=FIELD"),
        (["--map", "号=question_id"], "There is no column 号"),
        (["--map", "题号=number"], "number is not a field"),
        (["--map", "机评=judge:gpt"], "No column says which question"),
        ([*MAPPED, "--scale", "0-3"], "On the scale 0-3, from which score on"),
        ([*MAPPED, "--scale", "3-0"], "3-0 is not a scale"),
    ],
)
def test_an_unclear_order_is_refused_in_one_sentence(
    shell: Shell, file: Path, arguments: list[str], said: str
) -> None:
    done = shell("import", "table", file, "--name", "mine", *arguments)

    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_exports_come_back_with_the_same_agreement(study: Shell) -> None:
    assert study("judge", "--dataset", "ward", "--engine", "baseline").code == 0
    scores = study.file(
        "question,model,physician,score\n"
        + "".join(f"{key},cedar,Dr Lin,{score}\n" for key, score in
                  (("MK:1:1", 5), ("MR:1:1", 2), ("MSE:1:1", 4), ("MTG:1:1", 1))),
        "scores.csv",
    )  # fmt: skip
    assert study("import", "scores", scores, "--dataset", "ward", "--phase", "blind").code == 0
    other = {"ATTENDING_DB": str(study.folder / "other.db")}

    for what in ("questions", "responses", "assessments"):
        out = study.folder / f"{what}.xlsx"
        written = study("export", "table", "--dataset", "ward", "--what", what, "--out", out)
        assert f"rows to {out}" in written.out
        assert sheets_of(out) == [what]
        assert study("import", "table", out, "--name", "ward", **other).code == 0

    compared = ("agreement", "--dataset", "ward", "--by", "category", "--json")
    assert study(*compared, **other).json == study(*compared).json


def test_an_export_of_another_kind_is_refused(study: Shell) -> None:
    out = study.folder / "scores.ods"

    said = study("export", "table", "--dataset", "ward", "--what", "responses", "--out", out)

    assert said.code == 2
    assert ".csv, .xlsx, .parquet, .jsonl" in said.err
    assert not out.exists()
