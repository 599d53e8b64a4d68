"""kill -9 in the scoring of an exam: the same command goes on, and its tables are the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.cli import main
from core.formats.catalogue import FORMATS
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
from core.services.opening import ensure_workbench
from core.store.database import opened

ROOT = Path(__file__).resolve().parents[2]
SCORE = ("exam", "score", "--dataset", "exam")
#: Runs a command whose parts hold 40 responses, and kills it at the n-th statement of a kind.
_SCRIPT = """
import os, runpy, signal, sqlite3, sys
from core.services import examining

examining._AT_ONCE = 40
kind, at, seen, connect = sys.argv[1], int(sys.argv[2]), set(), sqlite3.connect

def count(statement):
    if statement.startswith(kind):
        seen.add(statement)  # told again for every trigger
        if len(seen) == at:
            os.kill(os.getpid(), signal.SIGKILL)

def watched(*args, **options):
    found = connect(*args, **options)
    found.set_trace_callback(count)
    return found

sqlite3.connect = watched
sys.argv = ["core", *sys.argv[3:]]
runpy.run_module("core", run_name="__main__")
"""
WRITTEN = {
    "readings": "SELECT response_id, criteria_id, value, unscored_because, detail, rationale"
    " FROM assessment ORDER BY response_id",
    "tallies": "SELECT * FROM exam_tally ORDER BY measure, facets, cell, model_id",
    "places": "SELECT * FROM position_tally ORDER BY model_id, place",
    "unread": "SELECT * FROM exam_unread ORDER BY model_id, because",
}


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 closed questions with the answers of three models, not scored; to be copied."""
    folder = tmp_path_factory.mktemp("exam")
    path = folder / "workbench.db"
    ensure_workbench(path)
    records = [
        {
            "exam_type": "exam", "exam_class": ("执业医师", "规培结业")[n % 2],
            "exam_subject": f"科室{n % 4}", "question": f"第{n}题", "question_type": "A1",
            "option": {"A": "心电图", "B": "CT", "C": "B超"}, "answer": "ABC"[n % 3],
        }
        for n in range(60)
    ]  # fmt: skip
    (folder / "exam.json").write_text(json.dumps(records))
    with opened(path) as store:
        options = QuestionImport("exam", "Dr Lead")
        import_benchmark(store, folder / "exam.json", FORMATS["cmb-exam"], options)
        for at, model in enumerate(("elm", "oak", "pine")):
            said = ["答案：A", "选B", "不清楚", "答案：C"][at:]
            rows = [
                {"question": f"exam:{n + 1}:1", "response": said[n % len(said)]} for n in range(60)
            ]
            (folder / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
            import_responses(store, folder / "r.jsonl", ResponseImport("exam", model, "Dr Lead"))
    return path


def written(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with opened(path) as store:
        return {name: [tuple(row) for row in store.rows(sql)] for name, sql in WRITTEN.items()}


def scores(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything that the command has written, once it has run to its end."""
    done = CliRunner().invoke(main, [*SCORE, "--db", str(path)], env={"ATTENDING_USER": "Dr Lead"})
    assert done.exit_code == 0, done.output
    return written(path)


@pytest.fixture(scope="module")
def undisturbed(exam: Path, tmp_path_factory: pytest.TempPathFactory):
    found = scores(Path(shutil.copy(exam, tmp_path_factory.mktemp("undisturbed"))))
    assert len(found["readings"]) == 180
    assert all(found.values())
    return found


@pytest.mark.parametrize(
    ("kind", "at", "kept"),
    [
        ("INSERT INTO assessment (", 10, 0),
        ("INSERT INTO assessment (", 100, 80),
        ("INSERT INTO exam_tally", 5, 180),
    ],
    ids=["in the first part", "in the third part", "in the tables"],
)
def test_a_killed_scoring_goes_on_to_the_same_tables(
    exam: Path, undisturbed, tmp_path: Path, kind: str, at: int, kept: int
) -> None:
    path = Path(shutil.copy(exam, tmp_path))

    killed = subprocess.run(
        [sys.executable, "-c", _SCRIPT, kind, str(at), *SCORE, "--db", str(path)],
        cwd=ROOT, env=os.environ | {"ATTENDING_USER": "Dr Lead"}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = written(path)
    assert len(before["readings"]) == kept
    assert before["tallies"] == []
    assert scores(path) == undisturbed
