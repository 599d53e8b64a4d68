"""Kill -9 while batches are on their way: nothing is lost, nothing is handed over twice."""

from collections.abc import Iterator

import pytest

from core.services.judging import progress_of
from core.store.assessments import Progress
from tests.batch_server import BatchServer
from tests.openai_server import PROSE
from tests.workbench import Workbench
from tests.worker.processes import finished, started

KEYS = 120
#: Calls during which the process is killed, the endpoint having done its part.
MOMENTS = ("POST /v1/files", "POST /v1/batches", "GET /v1/batches/", "GET /v1/files/")


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An endpoint with files and batches."""
    with BatchServer() as server:
        yield server


def judging(study: Workbench, server: BatchServer) -> list[str]:
    return [
        "judge", "--db", str(study.path), "--dataset", "ward", "--engine", "openai",
        "--model", "oak", "--rounds", "1", "--base-url", server.url, "--batch",
        "--as", "Dr Lead", "--json",
    ]  # fmt: skip


def is_killed_during(study: Workbench, server: BatchServer, moment: str) -> None:
    """Start the command, and kill it where it waits for an answer."""
    server.hanging.clear()
    server.hangs = moment
    with started(judging(study, server)) as process:
        assert server.hanging.wait(60), moment
        process.kill()
        process.communicate()
    server.hangs = ""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_at_any_moment_hands_nothing_over_twice(
    study: Workbench, server: BatchServer, moment: str
) -> None:
    is_killed_during(study, server, moment)

    ended = finished(judging(study, server))

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

    ended = finished(judging(study, server))

    assert (ended["state"], ended["judged"], ended["unscored"]) == ("done", KEYS, 0)
    found = progress_of(study.store, study.study.id, study.judge("oak"))
    assert found == Progress(KEYS, 0, 0, 0)
    assert [len(one.lines) for one in server.batches] == [KEYS, KEYS - 70 + 10]
    assert study.counts()["exchange"] == KEYS + 10
    assert study.value("SELECT count(*) FROM batch WHERE NOT is_ended") == 0
