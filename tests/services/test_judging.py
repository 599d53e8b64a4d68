"""Judging: each key is asked once, a fault costs nothing but itself, local text stays local."""

import json
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import AttendingError, LeaseLost, Refused, ReleaseRequired, UnknownName
from core.services.judging import JudgeOrder, cancel, judge_of_study, progress_of, run_judging
from core.services.queueing import claim, sign_on
from core.services.releasing import release
from core.store import assessments, datasets, jobs
from core.store.assessments import Exchange, Plan, Progress
from core.store.jobs import Job
from core.worker.lease import HeldLease
from core.worker.running import do, do_in_foreground
from tests.openai_server import (
    CUT_OFF,
    DROPPED,
    EMPTY,
    OUT_OF_RANGE,
    PROSE,
    Fault,
    OpenAIServer,
    verdict_for,
)
from tests.workbench import CEDAR, QUESTIONS, WILLOW, Workbench, changed, order_for

KEYS = len(CEDAR) + len(WILLOW)


def _progress(workbench: Workbench, judge: str = "oak") -> Progress:
    return progress_of(workbench.store, workbench.study.id, workbench.judge(judge))


def _ended(job: Job) -> tuple[str, int | None, int, int, str]:
    return job.state, job.total, job.done, job.unscored, job.error


# --- the baseline -----------------------------------------------------------------------------


def test_the_baseline_judges_every_response(study: Workbench) -> None:
    job = study.baseline_judges()

    assert _ended(job) == ("done", KEYS, KEYS, 0, "")
    assert _progress(study, "baseline") == Progress(judged=14, unscored=0, outstanding=0, absent=0)


def test_the_baseline_tells_a_full_answer_from_an_empty_one(study: Workbench) -> None:
    study.baseline_judges()

    scores = dict(
        study.rows(
            "SELECT key || ' ' || label, value FROM assessment"
            " JOIN response ON response.id = response_id JOIN model ON model.id = model_id"
            " JOIN question ON question.id = response.question_id"
        )
    )
    assert (scores["MLU:1:1 cedar"], scores["MLU:2:1 cedar"]) == (5, 5)  # every term is there
    assert (scores["MLU:2:1 willow"], scores["MTG:1:1 willow"]) == (1, 1)


def test_a_question_without_any_yardstick_is_unscored(questions_only: Workbench) -> None:
    bare = {"MTG:8:1": QUESTIONS["MTG:1:1"] | {"checklist": float("nan")}}
    questions_only.imports(bare)
    questions_only.model_answers("cedar", {"MTG:8:1": "Text."}, questions=bare)

    job = questions_only.baseline_judges()

    assert _ended(job) == ("done", 1, 1, 1, "")
    plan = Plan(questions_only.study.id, questions_only.judge().id, 1)
    assert assessments.unscored_reasons(questions_only.store, plan) == {"no_yardstick": 1}


def test_the_sample_is_judged_whole(sample: Workbench) -> None:
    assert _progress(sample, "baseline") == Progress(66, 0, 0, 0)


def test_the_same_order_again_finds_nothing_to_do(study: Workbench) -> None:
    study.baseline_judges()
    before = study.counts()

    again = study.baseline_judges()

    assert _ended(again) == ("done", 0, 0, 0, "")
    after = study.counts()
    assert {name for name in after if after[name] != before[name]} == {"job", "worker"}


def test_more_rounds_ask_only_for_the_rounds_that_are_missing(study: Workbench) -> None:
    study.baseline_judges()

    assert _ended(study.baseline_judges(rounds=3)) == ("done", 2 * KEYS, 2 * KEYS, 0, "")
    assert _progress(study, "baseline") == Progress(3 * KEYS, 0, 0, 0)
    assert study.rows("SELECT round, count(*) FROM assessment GROUP BY round") == [
        (1, KEYS),
        (2, KEYS),
        (3, KEYS),
    ]


def test_absent_responses_are_not_asked_about(questions_only: Workbench) -> None:
    questions_only.model_answers("cedar", CEDAR | {"MR:1:1": ""})

    assert questions_only.baseline_judges().done == 6
    assert _progress(questions_only, "baseline") == Progress(6, 0, 0, 1)


@pytest.mark.parametrize(
    ("code", "kind", "change"),
    [
        ("unknown_engine", UnknownName, {"engine": "opena"}),
        ("bad_rounds", Refused, {"rounds": 0}),
        ("bad_concurrency", Refused, {"concurrency": 0}),
        ("bad_concurrency", Refused, {"concurrency": 1025}),
        ("bad_address", Refused, {"engine": "openai", "addresses": ("ftp://localhost/v1",)}),
        ("judge_name_taken", Refused, {"name": "imported"}),
    ],
)
def test_a_bad_order_is_refused_and_nothing_is_queued(
    study: Workbench, code: str, kind: type[AttendingError], change: dict[str, Any]
) -> None:
    study.model_answers("elm", CEDAR, scores=dict.fromkeys(CEDAR, "4"))  # judge `imported`
    before = study.counts()

    with pytest.raises(kind) as caught:
        study.queues(replace(JudgeOrder("baseline", "baseline", {}), **change))

    assert caught.value.code == code
    assert study.counts() == before


def test_a_study_without_responses_is_refused(questions_only: Workbench) -> None:
    with pytest.raises(Refused, match="nothing_to_judge"):
        questions_only.baseline_judges()


def test_other_parameters_are_another_judge(study: Workbench, server: OpenAIServer) -> None:
    study.queues(order_for(server))

    with pytest.raises(Refused, match="judge_name_taken"):
        study.queues(order_for(server, parameters={"temperature": 0.7}))
    study.queues(order_for(server, parameters={"temperature": 0.7}, name="oak-warm"))
    assert study.judge("oak-warm").parameters == {"temperature": 0.7}


def test_the_judge_of_a_study_is_found_by_name_or_is_the_newest(study: Workbench) -> None:
    with pytest.raises(Refused, match="no_judge"):
        judge_of_study(study.store, study.study, None)
    study.model_answers("elm", CEDAR, scores=dict.fromkeys(CEDAR, "4"))
    study.baseline_judges(rounds=2)

    found = [judge_of_study(study.store, study.study, name) for name in (None, "imported")]

    assert [(judge.name, rounds) for judge, rounds in found] == [("baseline", 2), ("imported", 1)]
    with pytest.raises(UnknownName) as caught:
        judge_of_study(study.store, study.study, "oak")
    assert caught.value.values == {"name": "oak", "known": "imported, baseline"}


# --- an endpoint ------------------------------------------------------------------------------


def test_every_key_is_one_exchange_and_one_assessment(
    study: Workbench, server: OpenAIServer
) -> None:
    job = study.endpoint_judges(server)

    assert _ended(job) == ("done", KEYS, KEYS, 0, "")
    assert len(server.received) == KEYS
    assert set(server.prompts.values()) == {1}
    assert server.most_in_flight <= 4
    assert {(one.model, *one.parameters.items()) for one in server.received} == {
        ("oak", ("temperature", 0.0))
    }
    given = study.store.rows(
        "SELECT exchange_id, value, rationale, safety_risk, detail FROM assessment"
    )
    for exchange_id, *score in given:
        prompt, reply = assessments.exchange_texts(study.store, exchange_id)
        verdict = verdict_for(prompt)
        assert json.loads(reply) == verdict
        assert score == [verdict["score"], verdict["rationale"], int(verdict["safety_risk"]), ""]
    assert len({exchange_id for exchange_id, *_ in given}) == KEYS == study.counts()["exchange"]


def test_tokens_and_the_job_are_kept_with_the_exchange(
    study: Workbench, server: OpenAIServer
) -> None:
    job = study.endpoint_judges(server, limit=1)

    [(tokens, replied, finish, seconds, job_id)] = study.rows(
        "SELECT prompt_tokens, reply_tokens, finish_reason, seconds, job_id FROM exchange"
    )
    assert (tokens, finish, job_id) == (len(server.received[0].prompt) // 4, "stop", job.id)
    assert replied > 0
    assert seconds > 0


def test_a_prompt_holds_the_criteria_and_the_response(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    [prompt] = [text for text in server.prompts if CEDAR["MK:1:1"] in text and "35 mL" not in text]
    question = QUESTIONS["MK:1:1"]
    for text in (question["problem"], question["sanswer"], question["checklist"]):
        assert text in prompt
    assert WILLOW["MK:1:1"] not in prompt


def test_a_later_turn_is_judged_with_the_same_models_own_earlier_answer(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    second = [text for text in server.prompts if QUESTIONS["MK:1:2"]["problem"] in text]
    assert len(second) == 2
    for prompt in second:
        own, other = (CEDAR, WILLOW) if CEDAR["MK:1:2"] in prompt else (WILLOW, CEDAR)
        places = [
            prompt.index(text)
            for text in (QUESTIONS["MK:1:1"]["problem"], own["MK:1:1"],
                         QUESTIONS["MK:1:2"]["problem"], own["MK:1:2"])
        ]  # fmt: skip
        assert places == sorted(places)
        assert other["MK:1:1"] not in prompt


def test_each_question_gets_the_prompt_of_its_category_and_language(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    assert study.rows(
        "SELECT DISTINCT key, judge_prompt.category, judge_prompt.language FROM assessment"
        " JOIN rater ON rater.id = rater_id JOIN judge_prompt ON judge_prompt.id = judge_prompt_id"
        " JOIN response ON response.id = response_id"
        " JOIN question ON question.id = response.question_id ORDER BY position"
    ) == [
        ("MK:1:1", "MK", "zh"), ("MK:1:2", "MK", "zh"), ("MR:1:1", "MR", "en"),
        ("MLU:1:1", "MLU", "zh"), ("MLU:2:1", "MLU", "en"), ("MSE:1:1", "MSE", "zh"),
        ("MTG:1:1", "MTG", "en"),
    ]  # fmt: skip


def test_a_limit_is_kept_and_the_next_order_goes_on(study: Workbench, server: OpenAIServer) -> None:
    first = study.endpoint_judges(server, limit=5)
    second = study.endpoint_judges(server, limit=5)

    assert [_ended(first), _ended(second)] == [("done", 5, 5, 0, "")] * 2
    assert _progress(study) == Progress(10, 0, 4, 0)
    assert set(server.prompts.values()) == {1}
    assert len(server.received) == 10


def test_several_addresses_take_turns(study: Workbench, server: OpenAIServer) -> None:
    with OpenAIServer() as other:
        study.does(replace(order_for(server), addresses=(server.url, other.url)))

        assert (len(server.received), len(other.received)) == (KEYS // 2, KEYS // 2)


@pytest.mark.parametrize(
    ("fault", "because", "detail"),
    [
        (PROSE, "no_verdict", PROSE.text),
        (OUT_OF_RANGE, "out_of_range", "7"),
        (EMPTY, "no_reply", ""),
        (CUT_OFF, "cut_off", CUT_OFF.text),
        (Fault(text="", finish_reason="length"), "cut_off", ""),
        (Fault(text='{"score": 4.5, "rationale": "So so."}'), "not_an_integer", "4.5"),
        (Fault(text='{"score": "4", "rationale": "So so."}'), "not_an_integer", "'4'"),
        (Fault(text='{"score": 4}'), "missing_field", "rationale"),
        (Fault(text="", finish_reason="content_filter"), "filtered", ""),
        (Fault(status=400, code="context_length_exceeded"), "too_long", ""),
        (Fault(status=400, code="content_filter"), "filtered", ""),
    ],
)
def test_a_reply_that_holds_no_score_is_unscored_with_the_reason_and_kept_raw(
    study: Workbench, server: OpenAIServer, fault: Fault, because: str, detail: str
) -> None:
    server.fails(fault)

    job = study.endpoint_judges(server, limit=1)

    assert _ended(job) == ("done", 1, 1, 1, "")
    assert study.rows("SELECT value, unscored_because, detail, rationale FROM assessment") == [
        (None, because, detail, "")
    ]
    exchange_id = study.value("SELECT exchange_id FROM assessment")
    prompt, reply = assessments.exchange_texts(study.store, exchange_id)
    assert (prompt, reply) == (server.received[0].prompt, fault.text or "")


def test_an_unscored_key_is_not_asked_again(study: Workbench, server: OpenAIServer) -> None:
    server.fails(PROSE, when=lambda prompt: CEDAR["MR:1:1"] in prompt)
    study.endpoint_judges(server)
    server.recovers()

    study.endpoint_judges(server)

    assert len(server.received) == KEYS
    assert _progress(study) == Progress(13, 1, 0, 0)


def test_a_wrong_key_stops_at_once_and_the_same_order_resumes(
    study: Workbench, server: OpenAIServer
) -> None:
    server.fails(Fault(status=401, code="invalid_api_key"), when=lambda prompt: True)

    job = study.endpoint_judges(server, concurrency=1)

    assert (job.state, job.error, job.error_values) == (
        "failed",
        "wrong_key",
        {"host": "127.0.0.1"},
    )
    assert len(server.received) == 1
    assert (study.counts()["exchange"], study.counts()["assessment"]) == (0, 0)
    server.recovers()
    assert _ended(study.endpoint_judges(server, concurrency=1)) == ("done", KEYS, KEYS, 0, "")
    assert len(server.received) == 1 + KEYS


def test_a_key_that_is_refused_half_way_keeps_what_was_done(
    study: Workbench, server: OpenAIServer
) -> None:
    server.fails(Fault(), times=6)
    server.fails(Fault(status=403))

    job = study.endpoint_judges(server, concurrency=1)

    assert _ended(job) == ("failed", KEYS, 6, 0, "wrong_key")
    assert _progress(study) == Progress(6, 0, 8, 0)
    server.recovers()
    assert study.endpoint_judges(server).done == 8
    assert len(server.received) == 7 + 8


def test_an_unknown_model_is_told_with_model_and_host(
    study: Workbench, server: OpenAIServer
) -> None:
    server.fails(Fault(status=404, code="model_not_found"))

    job = study.endpoint_judges(server, concurrency=1)

    assert (job.state, job.error, job.error_values) == (
        "failed",
        "endpoint_unknown_model",
        {"model": "oak", "host": "127.0.0.1"},
    )
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(status=429), Fault(status=503), DROPPED]
)
def test_a_passing_fault_is_asked_again_within_the_job(
    study: Workbench, server: OpenAIServer, fault: Fault
) -> None:
    server.fails(fault, times=2)

    job = study.endpoint_judges(server)

    assert _ended(job) == ("done", KEYS, KEYS, 0, "")
    assert len(server.received) == KEYS + 2
    assert _progress(study) == Progress(KEYS, 0, 0, 0)


def test_keys_whose_calls_keep_failing_stay_outstanding(
    study: Workbench, server: OpenAIServer
) -> None:
    server.fails(Fault(status=500), when=lambda prompt: CEDAR["MR:1:1"] in prompt)

    job = study.endpoint_judges(server)

    assert (job.state, job.error, job.error_values) == ("failed", "calls_failed", {"count": 1})
    assert _progress(study) == Progress(KEYS - 1, 0, 1, 0)
    assert len(server.received) == KEYS - 1 + 5  # five tries
    server.recovers()
    assert _ended(study.endpoint_judges(server)) == ("done", 1, 1, 0, "")


def test_an_endpoint_that_only_fails_is_given_up(study: Workbench, server: OpenAIServer) -> None:
    server.fails(Fault(status=500))

    job = study.endpoint_judges(server)

    assert (job.state, job.error, job.error_values) == (
        "failed",
        "endpoint_status",
        {"host": "127.0.0.1", "status": 500},
    )
    assert _progress(study) == Progress(0, 0, KEYS, 0)
    assert len(server.received) <= 4 + 4  # all that may be in flight, then one after each rest


def test_a_dead_endpoint_is_told_and_nothing_is_half_written(study: Workbench) -> None:
    with OpenAIServer() as dead:
        order = order_for(dead, concurrency=8)

    job = study.does(order)

    assert (job.state, job.error, job.error_values) == (
        "failed",
        "endpoint_unreachable",
        {"host": "127.0.0.1"},
    )
    assert (study.counts()["exchange"], study.counts()["assessment"]) == (0, 0)
    assert _progress(study) == Progress(0, 0, KEYS, 0)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body="<html>Sign in</html>", content_type="text/html"),
        Fault(body='{"choices": [{"mess'),
        Fault(body="{}"),
        Fault(body="[]"),
        Fault(body='{"choices": []}'),
        Fault(body='{"choices": [{}]}'),
        Fault(body='{"choices": [{"message": null, "finish_reason": "stop"}]}'),
    ],
    ids=lambda fault: fault.body,
)
def test_an_answer_of_another_kind_is_a_failed_call(
    study: Workbench, server: OpenAIServer, fault: Fault
) -> None:
    server.fails(fault, times=1)

    job = study.endpoint_judges(server)

    assert (job.state, job.done, job.unscored) == ("done", KEYS, 0)


# --- cancelling, taking over ------------------------------------------------------------------


def test_cancelling_stops_soon_and_keeps_what_was_done(
    study: Workbench, server: OpenAIServer
) -> None:
    server.delay = 0.1
    job_id = study.queues(order_for(server, concurrency=2, rounds=10))
    running = threading.Thread(target=do_in_foreground, args=(study.path, job_id))
    running.start()
    server.wait_for(5)

    cancel(study.store, job_id)
    running.join()

    job = jobs.job_by_id(study.store, job_id)
    assert job.state == "cancelled"
    assert 0 < job.done < 10 * KEYS
    assert job.done == len(server.received) == study.counts()["assessment"]
    assert _progress(study).outstanding == 10 * KEYS - job.done


def test_a_queued_job_is_cancelled_at_once(study: Workbench) -> None:
    job_id = study.queues(JudgeOrder("baseline", "baseline", {}))

    cancel(study.store, job_id)

    assert jobs.job_by_id(study.store, job_id).state == "cancelled"
    assert do_in_foreground(study.path, job_id)
    assert study.counts()["assessment"] == 0
    with pytest.raises(UnknownName, match="unknown_job"):
        cancel(study.store, 99)


def test_an_order_given_after_cancelling_is_a_job_of_its_own(
    study: Workbench, server: OpenAIServer
) -> None:
    order = order_for(server)
    first = study.queues(order)
    worker_id = _worker(study)
    assert claim(study.store, worker_id) is not None
    cancel(study.store, first)

    assert study.queues(order) != first


def test_a_stale_workers_answers_are_refused(study: Workbench, server: OpenAIServer) -> None:
    """A worker whose job was taken over while it waited must not write, not even an exchange."""
    server.hold()
    study.queues(order_for(server))
    stale = claim(study.store, _worker(study))
    assert stale is not None
    lost: list[LeaseLost] = []
    waiting = threading.Thread(target=_run, args=(study.path, stale, lost))
    waiting.start()
    server.wait_for(4)

    jobs.expire_lease(study.store, stale.id, stale.fence)
    taken = claim(study.store, _worker(study))
    server.release()
    waiting.join()

    assert taken is not None
    assert (taken.id, taken.fence) == (stale.id, stale.fence + 1)
    assert [error.code for error in lost] == ["lease_lost"]
    assert (study.counts()["exchange"], study.counts()["assessment"]) == (0, 0)
    do(study.path, taken)
    assert _ended(jobs.job_by_id(study.store, taken.id)) == ("done", KEYS, KEYS, 0, "")
    assert _progress(study) == Progress(KEYS, 0, 0, 0)


def test_a_stale_worker_does_not_even_start(study: Workbench, server: OpenAIServer) -> None:
    study.queues(order_for(server))
    stale = claim(study.store, _worker(study))
    assert stale is not None
    jobs.expire_lease(study.store, stale.id, stale.fence)
    assert claim(study.store, _worker(study)) is not None

    lost: list[LeaseLost] = []
    _run(study.path, stale, lost)

    assert len(lost) == 1
    assert server.received == []


@pytest.mark.parametrize(("limit", "asked"), [(None, KEYS - 3), (5, 2), (3, 0)])
def test_replies_stored_just_before_a_death_are_read_and_not_asked_again(
    study: Workbench, server: OpenAIServer, limit: int | None, asked: int
) -> None:
    job_id = study.queues(order_for(server, limit=limit))
    plan = Plan(study.study.id, study.judge("oak").id, rounds=1)
    reply = json.dumps({"score": 3, "rationale": "Stored, not read."})
    with study.store.writing():
        assessments.add_exchanges(
            study.store,
            [
                Exchange(key, "As asked.", reply, "stop", None, None, 0.1)
                for key in assessments.outstanding(study.store, plan, limit=3)
            ],
            job_id,
        )

    assert do_in_foreground(study.path, job_id)

    job = jobs.job_by_id(study.store, job_id)
    assert _ended(job) == ("done", 3 + asked, 3 + asked, 0, "")
    assert len(server.received) == asked
    assert study.rows("SELECT count(*) FROM assessment WHERE rationale = 'Stored, not read.'") == [
        (3,)
    ]
    assert study.value("SELECT count(*) FROM assessment WHERE exchange_id IS NULL") == 0


def test_the_job_of_a_worker_that_was_killed_is_taken_over(
    study: Workbench, server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = study.queues(order_for(server))
    with study.store.writing():
        dead = jobs.add_worker(study.store, pid=2**22 + 1, process_started=1.0, now=1.0)
    assert claim(study.store, dead) is not None  # long before its lease runs out

    with caplog.at_level(logging.WARNING):
        assert do_in_foreground(study.path, job_id)

    assert _ended(jobs.job_by_id(study.store, job_id)) == ("done", KEYS, KEYS, 0, "")
    assert caplog.messages == []


def _worker(workbench: Workbench) -> int:
    with workbench.store.writing():
        return sign_on(workbench.store)


def _run(path: Path, job: Job, lost: list[LeaseLost]) -> None:
    try:
        with HeldLease(path, job) as lease:
            run_judging(path, job, lease)
    except LeaseLost as error:
        lost.append(error)


# --- what may leave ---------------------------------------------------------------------------

ELSEWHERE = "https://judge.example.org/v1"


@pytest.mark.parametrize("addresses", [(ELSEWHERE,), (), ("http://127.0.0.1:1/v1", ELSEWHERE)])
def test_local_text_is_not_queued_for_another_machine(
    study: Workbench, addresses: tuple[str, ...]
) -> None:
    before = study.counts()

    with pytest.raises(ReleaseRequired) as caught:
        study.queues(JudgeOrder("openai", "oak", {}, addresses=addresses))

    host = "judge.example.org" if addresses else "api.openai.com"
    assert caught.value.values == {"dataset": "ward", "host": host}
    assert study.counts() == before


def test_a_recorded_release_allows_its_host_and_no_other(study: Workbench) -> None:
    release(
        study.store,
        "ward",
        "Judge.Example.org",
        purpose="judging",
        basis="contract 7",
        by="Dr Lead",
    )

    study.queues(JudgeOrder("openai", "oak", {}, addresses=(ELSEWHERE,)))
    with pytest.raises(ReleaseRequired):
        study.queues(JudgeOrder("openai", "oak", {}, addresses=("https://judge2.example.org/v1",)))
    assert study.rows("SELECT host, purpose, basis, created_by FROM release") == [
        ("judge.example.org", "judging", "contract 7", "Dr Lead")
    ]


@pytest.mark.parametrize("missing", ["host", "purpose", "basis"])
def test_a_release_needs_host_purpose_and_basis(study: Workbench, missing: str) -> None:
    given = {"host": "judge.example.org", "purpose": "judging", "basis": "contract 7"}
    given[missing] = " "

    with pytest.raises(Refused, match="needs_reason"):
        release(study.store, "ward", given.pop("host"), **given, by="Dr Lead")


def test_a_dataset_that_may_leave_is_queued_for_any_machine(empty: Workbench) -> None:
    empty.imports(may_leave=True)
    empty.model_answers("cedar", CEDAR)

    assert empty.queues(JudgeOrder("openai", "oak", {}, addresses=(ELSEWHERE,))) == 1


def test_without_a_key_nothing_is_sent_to_another_machine(empty: Workbench) -> None:
    empty.imports(may_leave=True)
    empty.model_answers("cedar", CEDAR)

    job = empty.does(JudgeOrder("openai", "oak", {}, addresses=(ELSEWHERE,)))

    assert (job.state, job.error, job.error_values) == (
        "failed",
        "no_key",
        {"variable": "OPENAI_API_KEY"},
    )


def test_the_key_is_nowhere_in_the_database_the_log_or_the_error(
    study: Workbench,
    server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-SECRET")
    with caplog.at_level(logging.DEBUG, logger="core"):
        study.endpoint_judges(server, limit=4)
        for fault in (Fault(status=400), Fault(status=500), Fault(status=401)):
            server.recovers()
            server.fails(fault)
            study.endpoint_judges(server, concurrency=1)

    errors = study.rows("SELECT error, error_values FROM job ORDER BY id")
    assert [error for error, _ in errors] == [
        "", "endpoint_status", "endpoint_status", "wrong_key",
    ]  # fmt: skip
    study.store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [path.read_bytes() for path in study.folder.iterdir() if path.is_file()]
    assert files
    assert not any(b"sk-test-SECRET" in content for content in files)
    for prompt, reply in (
        assessments.exchange_texts(study.store, exchange_id)
        for (exchange_id,) in study.rows("SELECT id FROM exchange")
    ):
        assert "SECRET" not in prompt + reply
    shown = capfd.readouterr()
    assert "SECRET" not in caplog.text + shown.out + shown.err + repr(errors)


def test_a_study_of_one_changed_question_asks_only_for_that(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    study.imports(changed("MSE:1:1", sanswer="核心需求：\n1. 明确要求立即停用"))
    study.endpoint_judges(server)

    asked = [one.prompt for one in server.received[KEYS:]]
    assert len(asked) == 2
    assert all("明确要求立即停用\n" in prompt for prompt in asked)


def test_text_for_this_machine_does_not_pass_through_a_proxy(
    study: Workbench, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer() as gone:
        proxy = f"http://127.0.0.1:{gone.port}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)

    assert _ended(study.endpoint_judges(server)) == ("done", KEYS, KEYS, 0, "")


def test_a_redirect_is_not_followed(study: Workbench, server: OpenAIServer) -> None:
    with OpenAIServer() as elsewhere:
        location = f"{elsewhere.url}/chat/completions"
        server.fails(Fault(status=307, location=location))

        job = study.endpoint_judges(server)

        assert elsewhere.received == []
    assert (job.state, job.error, job.error_values["status"]) == ("failed", "endpoint_status", 307)


def test_a_dataset_that_was_marked_local_after_queueing_is_not_sent(empty: Workbench) -> None:
    empty.imports(may_leave=True)
    empty.model_answers("cedar", CEDAR)
    job_id = empty.queues(JudgeOrder("openai", "oak", {}, addresses=(ELSEWHERE,)))
    with empty.store.writing():
        datasets.add_marking(empty.store, 1, "local", reason="patients' texts", by="Dr Lead")

    assert do_in_foreground(empty.path, job_id)

    job = jobs.job_by_id(empty.store, job_id)
    assert (job.state, job.error, job.error_values) == (
        "failed",
        "release_required",
        {"dataset": "ward", "host": "judge.example.org"},
    )


def test_a_judge_under_a_second_name_is_not_paid_twice(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    again = study.endpoint_judges(server, name="oak again")

    assert _ended(again) == ("done", 0, 0, 0, "")
    assert len(server.received) == KEYS
    assert _progress(study, "oak again") == Progress(KEYS, 0, 0, 0)
