"""Kill -9 in the middle: nothing is lost, nothing is paid twice beyond the calls in flight."""

import json
import signal
import time

import pytest

from core.services.judging import progress_of
from core.store import jobs
from core.store.assessments import Progress
from tests.openai_server import Fault, OpenAIServer, stable
from tests.workbench import Workbench, order_for
from tests.worker.processes import started

KEYS = 120
IN_FLIGHT = 16


def _judge(study: Workbench, server: OpenAIServer) -> list[str]:
    return [
        "judge", "--db", str(study.path), "--dataset", "ward", "--engine", "openai",
        "--model", "oak", "--temperature", "0", "--base-url", server.url,
        "--rounds", "1", "--concurrency", str(IN_FLIGHT), "--as", "Dr Lead", "--json",
    ]  # fmt: skip


def _worker(study: Workbench) -> list[str]:
    return ["worker", "--db", str(study.path), "--idle-exit", "1"]


def _is_complete(study: Workbench) -> None:
    """Every key has one result with its exchange, and the progress says so."""
    assert progress_of(study.store, study.study.id, study.judge("oak")) == Progress(KEYS, 0, 0, 0)
    assert (study.counts()["assessment"], study.counts()["exchange"]) == (KEYS, KEYS)
    assert study.value("SELECT count(DISTINCT exchange_id) FROM assessment") == KEYS


def test_a_killed_command_goes_on_where_it_was(study: Workbench, server: OpenAIServer) -> None:
    with started(_judge(study, server)) as process:
        server.wait_for(KEYS // 2)
        process.kill()
        process.communicate()
    kept = study.counts()["assessment"]
    assert 0 < kept < KEYS
    assert server.most_in_flight <= IN_FLIGHT

    with started(_judge(study, server)) as process:
        printed, complained = process.communicate()

    assert process.returncode == 0, complained
    assert json.loads(printed) == {
        "job": 1, "state": "done", "judge": "oak", "asked": KEYS, "same_judge_as": [],
        "judged": KEYS, "unscored": 0, "outstanding": 0, "absent": 0,
    }  # fmt: skip
    _is_complete(study)
    assert len(server.received) <= KEYS + IN_FLIGHT
    assert len(server.prompts) == KEYS


def test_a_killed_worker_is_replaced_by_the_next(study: Workbench, server: OpenAIServer) -> None:
    job_id = study.queues(order_for(server, concurrency=IN_FLIGHT))
    with started(_worker(study)) as process:
        server.wait_for(KEYS // 2)
        process.kill()
        process.communicate()
    assert jobs.job_by_id(study.store, job_id).state == "running"

    with started(_worker(study)) as process:
        _, complained = process.communicate()

    assert (process.returncode, complained) == (0, "")
    job = jobs.job_by_id(study.store, job_id)
    assert (job.state, job.fence, job.done) == ("done", 2, KEYS)
    _is_complete(study)
    assert len(server.received) <= KEYS + IN_FLIGHT


def test_three_kills_in_a_row_cost_only_what_was_in_flight(
    study: Workbench, server: OpenAIServer
) -> None:
    for count in (20, 50, 80):
        with started(_judge(study, server)) as process:
            server.wait_for(count)
            process.kill()
            process.communicate()

    with started(_judge(study, server)) as process:
        _, complained = process.communicate()

    assert process.returncode == 0, complained
    _is_complete(study)
    assert len(server.received) <= KEYS + 3 * IN_FLIGHT


def test_two_workers_at_once_never_do_one_job_twice(study: Workbench, server: OpenAIServer) -> None:
    server.delay = 0.005
    ids = [study.queues(order_for(server, name=name, model=name)) for name in ("oak", "ash", "elm")]

    with started(_worker(study)) as one, started(_worker(study)) as other:
        complaints = [process.communicate()[1] for process in (one, other)]

    assert complaints == ["", ""]
    assert [
        (job.state, job.fence, job.done)
        for job in (jobs.job_by_id(study.store, job_id) for job_id in ids)
    ] == [("done", 1, KEYS)] * 3
    asked = [(request.model, stable(request.prompt)) for request in server.received]
    assert len(asked) == len(set(asked)) == 3 * KEYS
    assert study.counts()["assessment"] == 3 * KEYS


def test_a_command_waits_for_the_worker_that_has_its_job(
    study: Workbench, server: OpenAIServer
) -> None:
    server.hold()
    with started(_judge(study, server)) as first:
        server.wait_for(IN_FLIGHT)
        with started(_judge(study, server)) as second:
            while not study.value(f"SELECT count(*) FROM worker WHERE pid = {second.pid}"):
                time.sleep(0.01)
            server.release()
            results = [json.loads(process.communicate()[0]) for process in (first, second)]

    assert results[0] == results[1]
    assert (results[0]["state"], results[0]["judged"]) == ("done", KEYS)
    assert len(server.received) == KEYS


@pytest.mark.parametrize("status", [401, 500])
def test_the_key_is_in_no_file_and_on_no_screen(
    study: Workbench, server: OpenAIServer, status: int
) -> None:
    server.fails(Fault(), times=KEYS // 2 if status == 401 else 0)
    server.fails(Fault(status=status))
    with started(_judge(study, server), key="sk-test-SECRET") as process:
        printed, complained = process.communicate()

    assert process.returncode == 2
    assert complained.splitlines()[-1].startswith(f"attending: 127.0.0.1:{server.port} ")
    assert "SECRET" not in printed + complained
    files = [path.read_bytes() for path in study.folder.iterdir() if path.is_file()]
    assert not any(b"sk-test-SECRET" in content for content in files)


def test_a_workers_log_never_holds_the_key(study: Workbench, server: OpenAIServer) -> None:
    job_id = study.queues(order_for(server))
    server.fails(Fault(status=401))

    with started(_worker(study), key="sk-test-SECRET") as process:
        printed, complained = process.communicate()

    assert jobs.job_by_id(study.store, job_id).error == "wrong_key"
    assert (process.returncode, printed, complained) == (0, "", "")
    files = [path.read_bytes() for path in study.folder.iterdir() if path.is_file()]
    assert not any(b"sk-test-SECRET" in content for content in files)


def test_an_interrupted_command_goes_on_where_it_was(
    study: Workbench, server: OpenAIServer
) -> None:
    with started(_judge(study, server)) as process:
        server.wait_for(KEYS // 2)
        process.send_signal(signal.SIGINT)
        _, complained = process.communicate()
    assert process.returncode == 1
    assert complained.strip() == "Aborted!"

    with started(_judge(study, server)) as process:
        process.communicate()

    assert process.returncode == 0
    _is_complete(study)
    assert len(server.received) <= KEYS + IN_FLIGHT


def test_a_budget_survives_kill_9(
    study: Workbench, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = study.file('[model.oak]\ncurrency = "USD"\nprompt = 2\nreply = 8\n', "prices.toml")
    monkeypatch.setenv("ATTENDING_PRICES", str(prices))
    command = [*_judge(study, server), "--budget", "0.25"]
    with started(command) as process:
        server.wait_for(KEYS // 4)
        process.kill()
        process.communicate()
    before = study.counts()["exchange"]

    with started(command) as process:
        printed, complained = process.communicate()

    prompt, reply = study.rows("SELECT sum(prompt_tokens), sum(reply_tokens) FROM exchange")[0]
    spent = (2 * prompt + 8 * reply) / 1e6
    told = json.loads(printed)
    assert 0 < before < study.counts()["exchange"] < KEYS
    assert 0.2 < spent <= 0.25
    assert told["spent"]["cost"] == {"USD": pytest.approx(spent)}
    assert (process.returncode, told["job"], told["state"]) == (0, 1, "done")
    assert complained.startswith("Stopped at its budget: 0.")
    assert f"of 0.25 USD; {told['outstanding']} outstanding" in complained
