"""Batches: the same verdicts by the file, whatever happens on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engines.batch_files import RemoteBatch
from core.engines.openai_batches import OpenAIBatches
from core.errors import Refused, ReleaseRequired
from core.services import batching, batching_requests, judging
from core.services.judging import progress_of
from core.services.spending import spending_of_job
from core.store import jobs
from core.store.assessments import Progress
from core.store.jobs import Job
from tests.batch_server import BatchServer
from tests.openai_server import PROSE, Fault
from tests.workbench import Workbench, order_for

KEYS = 14
OAK = '[model.oak]\ncurrency = "USD"\nprompt = 2.0\nreply = 8.0\nbatch_discount = 0.5\n'


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An endpoint with files and batches."""
    with BatchServer() as server:
        yield server


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Looks follow each other quickly; the price file knows oak."""
    monkeypatch.setattr(batching, "_FIRST_LOOK", 0.02)
    monkeypatch.setattr(batching, "_LONGEST_LOOK", 0.05)
    monkeypatch.setattr(batching, "_LOOK", 0.02)
    monkeypatch.setattr(batching, "_LISTED", 0.02)
    path = tmp_path / "prices.toml"
    path.write_text(OAK, encoding="utf-8")
    monkeypatch.setenv("ATTENDING_PRICES", str(path))


def batched(study: Workbench, server: BatchServer, **options: object) -> Job:
    return study.does(order_for(server, is_batch=True, **options))


def verdicts(study: Workbench) -> list[tuple[object, ...]]:
    """All that a verdict says, less what was drawn for it."""
    return study.rows(
        "SELECT response_id, round, attempt, value, unscored_because, safety_risk"
        " FROM assessment ORDER BY response_id, round, attempt"
    )


def is_complete(study: Workbench, judged: int = KEYS, unscored: int = 0) -> bool:
    found = progress_of(study.store, study.study.id, study.judge("oak"))
    nothing_left = study.value("SELECT count(*) FROM batch_request") == 0
    all_ended = study.value("SELECT min(is_ended) FROM batch") == 1
    return found == Progress(judged, unscored, 0, 0) and nothing_left and bool(all_ended)


def test_a_batch_gives_the_verdicts_that_single_calls_give(
    study: Workbench, server: BatchServer
) -> None:
    study.endpoint_judges(server, name="single", model="oak")
    single = verdicts(study)
    server.received.clear()

    job = batched(study, server, name="oak", model="oak", parameters={"temperature": 0})

    assert (job.state, job.error, job.done) == ("done", "", KEYS)
    assert [batch.state for batch in server.batches] == ["completed"]
    by_file = [row for row in verdicts(study) if row not in single] or single
    assert sorted(by_file) == sorted(single)
    assert study.value("SELECT count(*) FROM assessment") == 2 * KEYS
    assert study.value("SELECT count(*) FROM exchange WHERE ticket <> '' AND marker <> ''") == 28


def test_a_request_is_what_a_single_call_would_be(study: Workbench, server: BatchServer) -> None:
    batched(study, server, parameters={"max_tokens": 300})

    line = server.requests[0]
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    body = line["body"]
    assert (body["model"], body["max_tokens"]) == ("oak", 300)
    assert body["response_format"]["type"] == "json_schema"
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_files_keep_within_the_limits(
    study: Workbench, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MOST_REQUESTS", 5)
    batched(study, server)
    assert [len(batch.lines) for batch in server.batches] == [5, 5, 4]

    largest = max(len(content) for name, content in server.files.items() if "in" in name)
    monkeypatch.setattr(batching, "MOST_REQUESTS", 50_000)
    monkeypatch.setattr(batching_requests, "MOST_BYTES", largest)
    before = len(server.batches)
    batched(study, server, name="ash", model="ash")
    sizes = [len(server.files[batch.file_id]) for batch in server.batches[before:]]
    assert len(sizes) >= 3
    assert max(sizes) <= largest


def test_what_a_batch_leaves_unanswered_goes_into_the_next(
    study: Workbench, server: BatchServer
) -> None:
    server.expires_after = 6

    job = batched(study, server)

    assert (job.state, job.done) == ("done", KEYS)
    assert [(one.state, len(one.lines)) for one in server.batches] == [
        ("expired", KEYS), ("completed", KEYS - 6),
    ]  # fmt: skip
    assert is_complete(study)
    assert max(server.prompts.values()) == 1


def test_requests_that_fail_by_themselves_are_asked_again(
    study: Workbench, server: BatchServer
) -> None:
    server.fails(Fault(status=500), times=3)

    job = batched(study, server)

    assert job.state == "done"
    assert [len(one.lines) for one in server.batches] == [KEYS, 3]
    assert is_complete(study)


def test_requests_that_always_fail_are_given_up_and_stay_outstanding(
    study: Workbench, server: BatchServer
) -> None:
    prompt = study.response("MR:1:1").text
    assert prompt is not None
    server.fails(Fault(status=500), when=lambda asked: prompt in asked)

    job = batched(study, server)

    assert (job.state, job.error, job.error_values) == ("failed", "calls_failed", {"count": 1})
    assert [len(one.lines) for one in server.batches] == [KEYS, 1, 1]
    assert progress_of(study.store, study.study.id, study.judge("oak")).outstanding == 1


def test_filtered_and_too_long_prompts_are_unscored_with_their_reason(
    study: Workbench, server: BatchServer
) -> None:
    server.fails(Fault(status=400, code="content_filter"), times=1)
    server.fails(Fault(status=400, code="context_length_exceeded"), times=1)

    batched(study, server)

    assert is_complete(study, KEYS - 2, 2)
    reasons = study.rows("SELECT unscored_because FROM assessment WHERE value IS NULL ORDER BY 1")
    assert reasons == [("filtered",), ("too_long",)]


def test_an_unreadable_reply_is_mended_in_a_following_batch(
    study: Workbench, server: BatchServer
) -> None:
    server.fails(PROSE, times=2)

    job = batched(study, server)

    assert (job.state, job.done, job.unscored) == ("done", KEYS, 0)
    assert [len(one.lines) for one in server.batches] == [KEYS, 2]
    again = server.batches[1].lines[0]["body"]["messages"]
    assert [message["role"] for message in again] == ["user", "assistant", "user"]
    assert study.value("SELECT count(*) FROM exchange WHERE ask = 2") == 2
    assert study.value("SELECT count(*) FROM exchange WHERE reask_version IS NOT NULL") == 2
    assert is_complete(study)


def test_a_reply_that_stays_unreadable_is_unscored(study: Workbench, server: BatchServer) -> None:
    server.fails(PROSE)

    job = batched(study, server)

    assert (job.state, job.unscored) == ("done", KEYS)
    assert len(server.batches) == 2
    assert is_complete(study, 0, KEYS)


def test_a_batch_costs_its_own_price(study: Workbench, server: BatchServer) -> None:
    server.fails(PROSE, times=1)

    job = batched(study, server)

    prompt, reply = study.rows("SELECT sum(prompt_tokens), sum(reply_tokens) FROM exchange")[0]
    found = spending_of_job(study.store, job)
    assert found.costs == (("USD", pytest.approx((prompt * 2 + reply * 8) / 2e6)),)
    assert found.tokens.calls == KEYS + 1


def test_a_batch_holds_no_more_than_its_budget(study: Workbench, server: BatchServer) -> None:
    job = batched(study, server, budget=0.02)

    assert (job.state, job.error) == ("done", "budget_reached")
    spent = spending_of_job(study.store, job).costs[0][1]
    assert 0 < spent <= 0.02
    assert 0 < job.done < KEYS
    assert job.error_values["outstanding"] == KEYS - job.done


def test_a_limit_counts_what_is_in_batches(study: Workbench, server: BatchServer) -> None:
    job = batched(study, server, limit=5)

    assert (job.state, job.done, job.total) == ("done", 5, 5)
    assert [len(one.lines) for one in server.batches] == [5]


def test_too_many_waiting_tokens_make_smaller_batches(
    study: Workbench, server: BatchServer
) -> None:
    server.most_requests = 4

    job = batched(study, server)

    assert job.state == "done"
    assert [len(one.lines) for one in server.batches if one.state == "completed"] == [3, 3, 3, 3, 2]
    assert is_complete(study)


def test_a_batch_that_is_refused_stops_the_job_in_one_sentence(
    study: Workbench, server: BatchServer
) -> None:
    server.refuses_with = "invalid_json_line"

    job = batched(study, server)

    assert (job.state, job.error) == ("failed", "batch_refused")
    assert job.error_values == {"host": f"127.0.0.1:{server.port}", "problem": "invalid_json_line"}
    assert study.value("SELECT count(*) FROM batch_request") == 0
    assert batched(study, server).state == "done"
    assert is_complete(study)


def test_a_form_that_the_model_does_not_take_is_left_out_next_time(
    study: Workbench, server: BatchServer
) -> None:
    refused = Fault(status=400, message="response_format json_schema is not supported")
    server.refuses(
        refused, lambda asked: asked.parameters.get("response_format", {}).get("type")
        == "json_schema",
    )  # fmt: skip

    job = batched(study, server)

    assert job.state == "done"
    forms = [batch.lines[0]["body"]["response_format"]["type"] for batch in server.batches]
    assert forms == ["json_schema", "json_object"]
    assert is_complete(study)


def test_an_unknown_model_stops_the_job(study: Workbench, server: BatchServer) -> None:
    server.fails(Fault(status=404, code="model_not_found"))

    job = batched(study, server)

    assert (job.state, job.error) == ("failed", "endpoint_unknown_model")
    assert len(server.batches) == 1
    assert study.value("SELECT count(*) FROM batch_request") == 0


# --- interruptions ----------------------------------------------------------------------------

#: Calls whose answer is lost although they took effect: as after kill -9 at that moment.
MOMENTS = (
    "POST /v1/files", "POST /v1/batches", "GET /v1/batches/", "GET /v1/files/",
)  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_lost_answer_hands_nothing_over_twice(
    study: Workbench, server: BatchServer, moment: str
) -> None:
    server.drops[moment] = 2

    job = batched(study, server)

    assert (job.state, job.done) == ("done", KEYS)
    assert len(server.batches) == 1
    assert max(server.prompts.values()) == 1
    assert is_complete(study)


def test_our_batch_is_found_among_those_of_others(study: Workbench, server: BatchServer) -> None:
    server.page = 3
    for number in range(7):
        batched(study, server, name=f"other-{number}", model=f"other-{number}", limit=1)
    before = len(server.batches)
    server.drops["POST /v1/batches"] = 1

    job = batched(study, server)

    assert job.state == "done"
    assert len(server.batches) == before + 1


def test_an_answer_that_was_stored_before_an_interruption_is_not_stored_twice(
    study: Workbench, server: BatchServer
) -> None:
    study.store.execute(  # the job ends between storing answers and forgetting their requests
        "CREATE TRIGGER interrupts BEFORE DELETE ON batch_request"
        " BEGIN SELECT RAISE(ABORT, 'interrupted'); END"
    )
    first = batched(study, server)
    assert (first.error, study.counts()["exchange"]) == ("crashed", KEYS)
    assert study.value("SELECT count(*) FROM batch_request") == KEYS
    study.store.execute("DROP TRIGGER interrupts")

    batched(study, server)

    assert (len(server.batches), study.counts()["exchange"]) == (1, KEYS)
    assert is_complete(study)


def test_an_endpoint_that_is_away_leaves_everything_for_the_next_time(
    study: Workbench, server: BatchServer
) -> None:
    server.drops["GET /v1/batches/"] = 1000
    job = batched(study, server)
    assert (job.state, job.error) == ("failed", "endpoint_unreachable")
    assert study.value("SELECT count(*) FROM batch_request") == KEYS
    server.drops.clear()

    again = batched(study, server)

    assert (again.state, again.done) == ("done", KEYS)
    assert len(server.batches) == 1
    assert is_complete(study)


def test_what_an_earlier_job_handed_over_is_paid_for_by_it(
    study: Workbench, server: BatchServer
) -> None:
    server.drops["GET /v1/batches/"] = 1000
    first = batched(study, server)
    server.drops.clear()

    second = batched(study, server)

    assert spending_of_job(study.store, first).tokens.calls == KEYS
    assert spending_of_job(study.store, second).tokens.calls == 0


def test_single_calls_do_not_pay_again_for_what_is_in_a_batch(
    study: Workbench, server: BatchServer
) -> None:
    server.drops["GET /v1/batches/"] = 1000
    batched(study, server)

    with pytest.raises(Refused) as refused:
        study.queues(order_for(server))

    assert refused.value.code == "in_batches"
    assert refused.value.values == {"judge": "oak", "count": KEYS}


def test_a_stopped_job_cancels_its_batch_and_keeps_what_was_answered(
    study: Workbench, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.is_held = True
    real = OpenAIBatches.look
    looked: list[str] = []

    async def look(self: OpenAIBatches, batch_id: str) -> RemoteBatch | None:
        looked.append(batch_id)
        if len(looked) == 3:  # somebody presses Stop while the batch is under way
            with study.store.writing():
                jobs.ask_to_cancel(study.store, 1)
        return await real(self, batch_id)

    monkeypatch.setattr(OpenAIBatches, "look", look)

    job = batched(study, server)

    assert job.state == "cancelled"
    assert server.batches[0].state == "cancelled"
    assert job.done == study.counts()["assessment"] == KEYS // 2
    assert study.value("SELECT count(*) FROM batch_request") == 0


def test_a_batch_that_somebody_else_cancels_stops_the_job(
    study: Workbench, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.is_held = True
    real = OpenAIBatches.look

    async def look(self: OpenAIBatches, batch_id: str) -> RemoteBatch | None:
        server.batches[0].state = "cancelling"
        return await real(self, batch_id)

    monkeypatch.setattr(OpenAIBatches, "look", look)

    job = batched(study, server)

    assert (job.state, job.error) == ("failed", "batch_cancelled")
    assert job.done == KEYS // 2


def test_a_batch_that_the_endpoint_no_longer_knows_is_given_up_by_a_person_only(
    study: Workbench, server: BatchServer
) -> None:
    server.drops["GET /v1/batches/"] = 1000
    batched(study, server)
    server.drops.clear()
    server.batches.clear()  # as under another account's key

    job = batched(study, server)

    assert (job.state, job.error) == ("failed", "batch_unknown")
    assert study.value("SELECT count(*) FROM batch_request") == KEYS
    assert batching.forget_batches(study.store, study.study, study.judge("oak")) == KEYS
    assert batched(study, server).state == "done"
    assert is_complete(study)


def test_batches_that_a_job_is_at_work_on_are_not_given_up(
    study: Workbench, server: BatchServer
) -> None:
    job_id = study.queues(order_for(server, is_batch=True))

    with pytest.raises(Refused) as refused:
        batching.forget_batches(study.store, study.study, study.judge("oak"))

    assert (refused.value.code, refused.value.values) == ("still_running", {"job": job_id})


# --- what is refused --------------------------------------------------------------------------


def test_only_an_engine_with_batches_takes_them(study: Workbench, server: BatchServer) -> None:
    with pytest.raises(Refused) as refused:
        study.queues(order_for(server, engine="baseline", model="baseline", is_batch=True))
    assert refused.value.code == "cannot_batch"


def test_a_batch_goes_to_one_address(study: Workbench, server: BatchServer) -> None:
    both = (server.url, "http://127.0.0.1:1/v1")
    with pytest.raises(Refused) as refused:
        study.queues(order_for(server, is_batch=True, addresses=both))
    assert refused.value.code == "one_batch_address"


def test_local_text_goes_into_no_batch_elsewhere(study: Workbench, server: BatchServer) -> None:
    with pytest.raises(ReleaseRequired):
        study.queues(order_for(server, is_batch=True, addresses=("https://far.example/v1",)))


def test_an_endpoint_without_batches_says_so(study: Workbench) -> None:
    with BatchServer() as server:
        wrong = server.url.removesuffix("/v1") + "/v2"
        job = batched(study, server, addresses=(wrong,))

    assert (job.state, job.error) == ("failed", "no_batch_endpoint")


def test_a_retry_of_the_unscored_goes_by_the_file_too(
    study: Workbench, server: BatchServer
) -> None:
    server.fails(PROSE)
    batched(study, server)
    server.recovers()

    job = batched(study, server, retry_unscored=True)

    assert (job.state, job.done) == ("done", KEYS)
    assert is_complete(study)
    assert judging.progress_of(study.store, study.study.id, study.judge("oak")).judged == KEYS
