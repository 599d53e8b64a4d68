"""Kill -9 while batches are on their way: nothing is lost, nothing is handed over twice."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.services.judging import progress_of
from core.store.assessments import Progress
from tests.batch_server import BatchServer
from tests.openai_server import PROSE
from tests.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]
KEYS = 120
#: Calls during which the process is killed, the endpoint having done its part.
MOMENTS = ("POST /v1/files", "POST /v1/batches", "GET /v1/batches/", "GET /v1/files/")


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An endpoint with files and batches."""
    with BatchServer() as server:
        yield server


@contextmanager
def judging(study: Workbench, server: BatchServer) -> Iterator[subprocess.Popen[str]]:
    """`judge --batch` as a process of its own, which does not outlive the block."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "core", "judge", "--db", str(study.path), "--dataset", "ward",
            "--engine", "openai", "--model", "oak", "--rounds", "1", "--base-url", server.url,
            "--batch", "--as", "Dr Lead", "--json",
        ],
        cwd=ROOT, env={k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finished(study: Workbench, server: BatchServer) -> dict[str, object]:
    """Run the command to its end; what it printed."""
    with judging(study, server) as process:
        printed, complained = process.communicate()
    assert process.returncode == 0, complained
    return dict(json.loads(printed))


def is_killed_during(study: Workbench, server: BatchServer, moment: str) -> None:
    """Start the command, and kill it where it waits for an answer."""
    server.hanging.clear()
    server.hangs = moment
    with judging(study, server) as process:
        assert server.hanging.wait(60), moment
        process.kill()
        process.communicate()
    server.hangs = ""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_at_any_moment_hands_nothing_over_twice(
    study: Workbench, server: BatchServer, moment: str
) -> None:
    is_killed_during(study, server, moment)

    ended = finished(study, server)

    assert (ended["job"], ended["state"], ended["judged"]) == (1, "done", KEYS)
    assert len(server.batches) == 1
    assert max(server.prompts.values()) == 1
    assert study.value("SELECT count(*) FROM batch_request") == 0
    assert study.value("SELECT count(DISTINCT exchange_id) FROM assessment") == KEYS


def test_kills_one_after_the_other_end_in_the_same_table(
    study: Workbench, server: BatchServer
) -> None:
    server.fails(PROSE, times=10)  # these go into a second batch
    server.expires_after = 70
    for moment in (*MOMENTS, "GET /v1/files/"):
        is_killed_during(study, server, moment)

    ended = finished(study, server)

    assert (ended["state"], ended["judged"], ended["unscored"]) == ("done", KEYS, 0)
    found = progress_of(study.store, study.study.id, study.judge("oak"))
    assert found == Progress(KEYS, 0, 0, 0)
    assert [len(one.lines) for one in server.batches] == [KEYS, KEYS - 70 + 10]
    assert study.counts()["exchange"] == KEYS + 10
    assert study.value("SELECT count(*) FROM batch WHERE NOT is_ended") == 0
