"""Endpoints, over whole jobs: an endpoint that refuses ends one soon, a busy one slows it down."""

import time

import pytest

from core.services.judging import progress_of
from core.store import jobs
from core.store.assessments import Progress
from tests.openai_server import DROPPED, Fault, OpenAIServer
from tests.workbench import CEDAR, WILLOW, Workbench, order_for

KEYS = len(CEDAR) + len(WILLOW)
#: Seconds after which a job that should have stopped hangs.
HANGS = 60.0
BUSY = Fault(status=429, headers={"Retry-After": "0.05"})


def progress(study: Workbench) -> Progress:
    return progress_of(study.store, study.study.id, study.judge("oak"))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=401), "wrong_key"),
        (Fault(status=403), "wrong_key"),
        (Fault(status=404), "endpoint_unknown_model"),
        (Fault(status=402), "endpoint_no_credit"),
        (Fault(status=429, code="insufficient_quota"), "endpoint_no_credit"),
        (Fault(status=429, headers={"Retry-After": "86400"}), "endpoint_busy"),
        (Fault(status=400), "endpoint_status"),
        (Fault(status=422), "endpoint_status"),
        (Fault(status=500), "endpoint_status"),
        (Fault(status=503), "endpoint_status"),
        (Fault(status=307, location="http://127.0.0.1:9/v1"), "endpoint_status"),
        (Fault(body="<html>Sign in</html>", content_type="text/html"), "endpoint_empty"),
        (Fault(body="{}"), "endpoint_empty"),
        (DROPPED, "endpoint_unreachable"),
    ],
)
def test_an_endpoint_that_refuses_everything_stops_the_job_and_the_same_order_resumes(
    study: Workbench, server: OpenAIServer, fault: Fault, code: str
) -> None:
    server.fails(fault)
    started = time.monotonic()

    job = study.endpoint_judges(server, concurrency=8)

    assert (job.state, job.error, job.done) == ("failed", code, 0)
    assert time.monotonic() - started < HANGS
    # all that may be in flight, then one after each of six rests, each in every form of an answer;
    # a rest may pass twice before a busy machine has read what came back
    assert len(server.received) <= 3 * (8 + 2 * 6)
    assert progress(study) == Progress(0, 0, KEYS, 0)
    server.recovers()
    again = study.endpoint_judges(server, concurrency=8)
    assert (again.state, again.done) == ("done", KEYS)


def test_an_endpoint_that_is_gone_stops_the_job_and_the_same_order_resumes(
    study: Workbench,
) -> None:
    with OpenAIServer() as gone:
        order = order_for(gone, concurrency=8)
    started = time.monotonic()

    job = study.does(order)

    assert (job.state, job.error) == ("failed", "endpoint_unreachable")
    assert time.monotonic() - started < HANGS
    with OpenAIServer(port=gone.port):
        assert study.does(order).done == KEYS


def test_calls_that_come_too_early_are_no_failures_of_their_keys(
    study: Workbench, server: OpenAIServer
) -> None:
    """Every key is refused more often than it could fail."""
    seen: dict[str, int] = {}

    def is_early(prompt: str) -> bool:
        seen[prompt] = seen.get(prompt, 0) + 1
        return seen[prompt] <= 6 and len(server.received) % 3 != 0

    server.fails(BUSY, when=is_early)

    job = study.endpoint_judges(server)

    assert (job.state, job.done, job.unscored) == ("done", KEYS, 0)
    assert len(server.received) > KEYS


def test_limits_are_kept_and_are_no_part_of_the_judge(
    study: Workbench, server: OpenAIServer
) -> None:
    limits = {"requests_per_minute": 3_000, "tokens_per_minute": 9_000_000}
    first = study.queues(order_for(server, limit=7, **limits))
    assert study.queues(order_for(server, limit=7, **limits)) == first
    plan = jobs.job_by_id(study.store, first).plan
    assert {name: plan[name] for name in limits} == limits

    job = study.does(order_for(server, limit=7, **limits))
    rest = study.does(order_for(server))

    assert (job.done, rest.done) == (7, KEYS - 7)
    times = [one.at for one in server.received[:7]]
    assert times[-1] - times[0] >= 6 * 60 / 3_000 - 0.02
    assert study.value("SELECT count(*) FROM judge") == 1


def test_a_job_that_was_queued_before_there_were_limits_is_done(
    study: Workbench, server: OpenAIServer
) -> None:
    job_id = study.queues(order_for(server))
    with study.store.writing():
        study.store.change(
            "UPDATE job SET plan = json_remove(plan, '$.requests_per_minute',"
            " '$.tokens_per_minute') WHERE id = ?",
            (job_id,),
        )

    assert study.does(order_for(server)).done == 0
    assert jobs.job_by_id(study.store, job_id).done == KEYS
