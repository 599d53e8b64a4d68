"""Every question of the released benchmark gets an answer, or a reason, from the command line."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from core.store.database import opened
from tests.tiny_model import save_tiny_model

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = 2048
LIMIT = 8


def core(database: Path, *arguments: object) -> dict[str, object]:
    """What `python -m core …` printed."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments), "--db", str(database), "--json"],
        cwd=ROOT, text=True, capture_output=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_all_real_questions_are_answered_on_the_cpu(real_file: Path, tmp_path: Path) -> None:
    database = tmp_path / "workbench.db"
    model = save_tiny_model(tmp_path / "model", context=CONTEXT)
    core(database, "import", "llmeval-med", real_file, "--name", "real")

    ended = core(
        database, "generate", "--dataset", "real", "--model", model, "--label", "tiny",
        "--gpus", "none", "--max-new-tokens", LIMIT, "--concurrency", 256,
    )  # fmt: skip

    with opened(database) as store:
        rows = store.rows(
            "SELECT question.key, turn, absent_because, finish_reason,"
            " prompt_tokens, reply_tokens FROM response"
            " JOIN question ON question.id = question_id"
            " LEFT JOIN generation ON response_id = response.id ORDER BY position"
        )
    assert (ended["state"], ended["done"], ended["outstanding"]) == ("done", len(rows), 0)
    assert len(rows) == len({row["key"] for row in rows}) == 667
    for row in rows:
        if row["absent_because"] is None:
            assert row["prompt_tokens"] + row["reply_tokens"] <= CONTEXT
            assert row["reply_tokens"] <= LIMIT
        elif row["absent_because"] == "too_long":
            assert row["prompt_tokens"] >= CONTEXT
        elif row["absent_because"] == "earlier_turn_failed":
            assert row["turn"] > 1
    reasons = Counter(row["absent_because"] for row in rows)
    assert set(reasons) <= {None, "too_long", "earlier_turn_failed", "empty"}
    assert reasons[None] > 600
    assert reasons["too_long"] > 0  # the benchmark has such
