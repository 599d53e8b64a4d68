"""Generating: each question is answered once, in its own conversation, and local text stays."""

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import AttendingError, Refused, ReleaseRequired, UnknownName
from core.services.generating import outstanding_of, run_generation
from core.services.ordering_generation import GenerateOrder, queue_generation
from core.services.queueing import claim, sign_on
from core.store import generations, jobs
from core.store.generations import HowGenerated
from core.store.jobs import Job
from core.worker.running import do_in_foreground
from tests.openai_server import DROPPED, Fault, OpenAIServer, verdict_for
from tests.tiny_model import save_tiny_model
from tests.workbench import CEDAR, QUESTIONS, Workbench

KEYS = len(QUESTIONS)
ELSEWHERE = "https://model.example.org/v1"
#: The keys in the order of the file.
ORDER = ["MK:1:1", "MK:1:2", "MR:1:1", "MLU:1:1", "MLU:2:1", "MSE:1:1", "MTG:1:1"]


def problem(key: str) -> str:
    return str(QUESTIONS[key]["problem"])


def answer(key: str) -> str:
    """What the endpoint answers to a question."""
    return json.dumps(verdict_for(problem(key)))


def order_for(*servers: OpenAIServer, **options: Any) -> GenerateOrder:
    """An order for model `elm` at some endpoints."""
    parameters = {"max_tokens": 64}
    order = GenerateOrder("openai", "elm-7b", "elm", parameters, concurrency=4)
    return replace(order, addresses=tuple(server.url for server in servers), **options)


def local_order(folder: Path, **options: Any) -> GenerateOrder:
    """An order for a checkpoint on this machine's CPU."""
    return replace(GenerateOrder("huggingface", str(folder), "tiny", {"max_tokens": 6}), **options)


def queued(study: Workbench, order: GenerateOrder) -> int:
    return queue_generation(study.store, study.study, order, by="Dr Lead")


def generate(study: Workbench, order: GenerateOrder) -> Job:
    """Queue an order and do it in this process."""
    job_id = queued(study, order)
    assert do_in_foreground(study.path, job_id)
    return jobs.job_by_id(study.store, job_id)


def ended(job: Job) -> tuple[str, int | None, int, int, str]:
    return job.state, job.total, job.done, job.unscored, job.error


def answers(study: Workbench, sample: int = 1) -> dict[str, str | None]:
    """A sample's texts by key, in the order of the file."""
    return dict(
        study.rows(
            "SELECT key, text FROM response JOIN question ON question.id = question_id"
            f" WHERE origin = 'generated' AND sample = {sample} ORDER BY position"
        )
    )


def reasons(study: Workbench) -> dict[str, str]:
    """Why a response is absent, by key."""
    return dict(
        study.rows(
            "SELECT key, absent_because FROM response JOIN question ON question.id = question_id"
            " WHERE absent_because IS NOT NULL ORDER BY position"
        )
    )


def asked(study: Workbench, key: str, sample: int = 1) -> list[tuple[str, str]]:
    """Roles and contents that the model was asked for a response."""
    return generations.messages_of(study.store, study.response(key, "elm", sample).id)


def outstanding(study: Workbench, label: str = "elm", samples: int = 1) -> int:
    return outstanding_of(study.store, study.study, label, samples=samples)


@pytest.fixture
def study(questions_only: Workbench) -> Workbench:
    """The seven questions, without responses."""
    return questions_only


# --- what is asked, and what is kept ------------------------------------------------------------


def test_every_question_is_answered_once(study: Workbench, server: OpenAIServer) -> None:
    job = generate(study, order_for(server))

    assert ended(job) == ("done", KEYS, KEYS, 0, "")
    assert answers(study) == {key: answer(key) for key in ORDER}
    assert server.prompts == Counter(problem(key) for key in ORDER)
    assert {one.model for one in server.received} == {"elm-7b"}
    # greedy unless told otherwise: what an endpoint does by itself is not known
    assert [one.parameters for one in server.received] == [
        {"temperature": 0.0, "max_tokens": 64}
    ] * KEYS
    assert outstanding(study) == 0


def test_how_an_answer_came_about_is_kept(study: Workbench, server: OpenAIServer) -> None:
    generate(study, order_for(server))

    found = generations.how_generated(study.store, study.response("MR:1:1", "elm").id)

    assert found is not None
    assert replace(found, seconds=0.0) == HowGenerated(
        "openai", "elm-7b", {"temperature": 0.0, "max_tokens": 64}, "", "", "stop",
        len(problem("MR:1:1")) // 4, len(answer("MR:1:1")) // 4, 0.0,
    )  # fmt: skip
    assert found.seconds > 0


def test_a_second_turn_is_asked_with_the_samples_own_first_answer(
    study: Workbench, server: OpenAIServer
) -> None:
    study.model_answers("cedar", CEDAR)

    generate(study, order_for(server))

    assert asked(study, "MK:1:1") == [("user", problem("MK:1:1"))]
    assert asked(study, "MK:1:2") == [
        ("user", problem("MK:1:1")),
        ("assistant", answer("MK:1:1")),
        ("user", problem("MK:1:2")),
    ]


def test_the_system_prompt_comes_first_in_every_turn(
    study: Workbench, server: OpenAIServer
) -> None:
    system = "你是一名临床药师。\nAnswer briefly."

    generate(study, order_for(server, parameters={"system_prompt": system}))

    assert asked(study, "MR:1:1") == [("system", system), ("user", problem("MR:1:1"))]
    assert [role for role, _ in asked(study, "MK:1:2")] == ["system", "user", "assistant", "user"]
    assert server.received[0].parameters == {"temperature": 0.0}


def test_reasoning_is_kept_apart_and_is_not_told_to_the_next_turn(
    study: Workbench, server: OpenAIServer
) -> None:
    raw = "<think>\nCrCl 80.\n</think>\n\n20 mg，随餐。"
    server.fails(Fault(text=raw), when=lambda prompt: prompt == problem("MK:1:1"))

    job = generate(study, order_for(server))

    assert ended(job) == ("done", KEYS, KEYS, 0, "")
    first = study.response("MK:1:1", "elm")
    how = generations.how_generated(study.store, first.id)
    assert how is not None
    assert (first.text, how.reasoning) == ("20 mg，随餐。", "CrCl 80.")
    assert asked(study, "MK:1:2")[1] == ("assistant", "20 mg，随餐。")


def test_an_answer_that_was_cut_is_marked(study: Workbench, server: OpenAIServer) -> None:
    server.fails(
        Fault(text="Record an ECG with", finish_reason="length"),
        when=lambda prompt: prompt == problem("MR:1:1"),
    )

    generate(study, order_for(server))

    cut = {key: generations.is_cut(study.store, study.response(key, "elm").id) for key in ORDER}
    assert [key for key in ORDER if cut[key]] == ["MR:1:1"]
    assert answers(study)["MR:1:1"] == "Record an ECG with"


@pytest.mark.parametrize(
    ("fault", "because"),
    [
        (Fault(text=""), "empty"),
        (Fault(text=" \n"), "empty"),
        (Fault(text="", finish_reason="length"), "empty"),
        (Fault(text="<think>CrCl is", finish_reason="length"), "reasoning_cut"),
        (Fault(text="<think>CrCl is 80.</think>"), "empty"),
        (Fault(text="", finish_reason="content_filter"), "filtered"),
        (Fault(status=400, code="content_filter"), "filtered"),
        (Fault(status=400, code="context_length_exceeded"), "too_long"),
    ],
)
def test_a_failed_turn_ends_its_conversation_and_no_other(
    study: Workbench, server: OpenAIServer, fault: Fault, because: str
) -> None:
    server.fails(fault, when=lambda prompt: prompt == problem("MK:1:1"))

    job = generate(study, order_for(server))

    assert ended(job) == ("done", KEYS, KEYS, 2, "")
    assert reasons(study) == {"MK:1:1": because, "MK:1:2": "earlier_turn_failed"}
    assert server.prompts[problem("MK:1:2")] == 0
    assert [key for key, text in answers(study).items() if text] == ORDER[2:]


# --- samples ------------------------------------------------------------------------------------


def test_three_samples_are_three_answers_with_seeds_of_their_own(
    study: Workbench, server: OpenAIServer
) -> None:
    warm = {"temperature": 0.8, "seed": 5}

    job = generate(study, order_for(server, parameters=warm, samples=3))

    assert ended(job) == ("done", 3 * KEYS, 3 * KEYS, 0, "")
    assert [list(answers(study, sample)) for sample in (1, 2, 3)] == [ORDER] * 3
    assert set(server.prompts.values()) == {3}
    seeds = {
        (one.prompt, one.parameters["seed"], one.parameters["temperature"])
        for one in server.received
    }
    assert seeds == {(problem(key), seed, 0.8) for key in ORDER for seed in (5001, 5002, 5003)}


def test_more_samples_ask_only_for_those_that_are_missing(
    study: Workbench, server: OpenAIServer
) -> None:
    warm = {"temperature": 0.8}
    generate(study, order_for(server, parameters=warm))

    job = generate(study, order_for(server, parameters=warm, samples=2))

    assert ended(job) == ("done", KEYS, KEYS, 0, "")
    assert [one.parameters["seed"] for one in server.received] == [1] * KEYS + [2] * KEYS


def test_a_second_turn_of_a_sample_holds_that_samples_first(
    study: Workbench, server: OpenAIServer
) -> None:
    texts = iter(["20 mg.", "15 mg."])
    for text in texts:
        server.fails(
            Fault(text=text), times=1, when=lambda prompt: prompt == problem("MK:1:1")
        )  # fmt: skip

    generate(study, order_for(server, parameters={"temperature": 1.0}, samples=2, concurrency=1))

    for sample, text in ((1, "20 mg."), (2, "15 mg.")):
        assert study.response("MK:1:1", "elm", sample).text == text
        assert asked(study, "MK:1:2", sample)[1] == ("assistant", text)


# --- orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "change"),
    [
        ("samples_need_sampling", Refused, {"samples": 3}),
        ("samples_need_sampling", Refused, {"samples": 2, "parameters": {"temperature": 0.0}}),
        ("bad_samples", Refused, {"samples": 0}),
        ("cannot_generate", Refused, {"engine": "baseline"}),
        ("unknown_engine", UnknownName, {"engine": "vllm"}),
        ("needs_model", Refused, {"source": " "}),
        ("needs_name", Refused, {"label": ""}),
        ("bad_concurrency", Refused, {"concurrency": 0}),
        ("bad_concurrency", Refused, {"concurrency": 4097}),
        ("bad_address", Refused, {"addresses": ("ftp://localhost/v1",)}),
        ("release_required", ReleaseRequired, {"addresses": (ELSEWHERE,)}),
        ("release_required", ReleaseRequired, {"addresses": ()}),
        ("label_taken", Refused, {"label": "cedar"}),
        ("label_taken", Refused, {"label": "ash", "parameters": {"max_tokens": 65}}),
        ("label_taken", Refused, {"label": "ash", "source": "ash-8b"}),
        ("label_taken", Refused, {"label": "ash", "engine": "huggingface"}),
    ],
)
def test_a_bad_order_is_refused_and_nothing_is_written(
    study: Workbench,
    server: OpenAIServer,
    code: str,
    kind: type[AttendingError],
    change: dict[str, Any],
) -> None:
    study.model_answers("cedar", CEDAR)  # imported
    queued(study, order_for(server, label="ash"))
    before = study.counts()

    with pytest.raises(kind) as caught:
        queued(study, order_for(server, **{"label": "elm"} | change) if "addresses" not in change
               else replace(order_for(server), **change))  # fmt: skip

    assert caught.value.code == code
    assert study.counts() == before


def test_the_same_order_again_finds_nothing_to_do(study: Workbench, server: OpenAIServer) -> None:
    generate(study, order_for(server))
    before = study.counts()

    again = generate(study, order_for(server))

    assert ended(again) == ("done", 0, 0, 0, "")
    after = study.counts()
    assert {name for name in after if after[name] != before[name]} == {"job", "worker"}
    assert len(server.received) == KEYS


def test_an_order_that_waits_is_not_queued_twice(study: Workbench, server: OpenAIServer) -> None:
    assert queued(study, order_for(server)) == queued(study, order_for(server))


def test_another_label_is_another_model(study: Workbench, server: OpenAIServer) -> None:
    generate(study, order_for(server))

    job = generate(study, order_for(server, label="elm, 128 tokens", parameters={"max_tokens": 9}))

    assert ended(job) == ("done", KEYS, KEYS, 0, "")


def test_a_limit_takes_whole_conversations_and_the_next_order_goes_on(
    study: Workbench, server: OpenAIServer
) -> None:
    first = generate(study, order_for(server, limit=1))
    assert list(answers(study)) == ["MK:1:1", "MK:1:2"]

    second = generate(study, order_for(server, limit=2))
    third = generate(study, order_for(server))

    assert [ended(job) for job in (first, second, third)] == [
        ("done", count, count, 0, "") for count in (2, 2, 3)
    ]
    assert set(server.prompts.values()) == {1}


def test_new_questions_are_outstanding_until_they_are_answered(
    study: Workbench, server: OpenAIServer
) -> None:
    generate(study, order_for(server))
    added = {"MR:2:1": QUESTIONS["MR:1:1"] | {"problem": "And after the ECG?"}}

    study.imports(QUESTIONS | added)

    assert outstanding(study) == 1
    assert ended(generate(study, order_for(server))) == ("done", 1, 1, 0, "")


# --- stopping and going on ----------------------------------------------------------------------


class _CancelledAfter:
    """A lease whose job somebody cancels when so many requests have come in."""

    is_lost = False

    def __init__(self, server: OpenAIServer, count: int) -> None:
        self._server = server
        self._count = count

    @property
    def is_cancel_asked(self) -> bool:
        return len(self._server.received) >= self._count


def test_cancelling_keeps_what_was_done(study: Workbench, server: OpenAIServer) -> None:
    job_id = queued(study, order_for(server, concurrency=1))
    with study.store.writing():
        worker = sign_on(study.store)
    job = claim(study.store, worker)
    assert job is not None

    run_generation(study.path, job, _CancelledAfter(server, 4))

    assert ended(jobs.job_by_id(study.store, job_id)) == ("cancelled", KEYS, 4, 0, "")
    assert list(answers(study)) == ORDER[:4]
    assert ended(generate(study, order_for(server))) == ("done", 3, 3, 0, "")
    assert set(server.prompts.values()) == {1}


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429), DROPPED])
def test_a_passing_fault_is_asked_again_within_the_job(
    study: Workbench, server: OpenAIServer, fault: Fault
) -> None:
    server.fails(fault, times=2)

    job = generate(study, order_for(server))

    assert ended(job) == ("done", KEYS, KEYS, 0, "")
    assert answers(study) == {key: answer(key) for key in ORDER}


def test_a_later_turn_that_fails_in_transport_does_not_ask_the_first_again(
    study: Workbench, server: OpenAIServer
) -> None:
    server.fails(Fault(status=500), times=1, when=lambda prompt: prompt == problem("MK:1:2"))

    job = generate(study, order_for(server))

    assert ended(job) == ("done", KEYS, KEYS, 0, "")
    assert server.prompts == Counter(problem(key) for key in ORDER) + Counter([problem("MK:1:2")])


def test_a_dead_endpoint_leaves_everything_outstanding_and_the_same_order_resumes(
    study: Workbench,
) -> None:
    with OpenAIServer() as gone:
        order = order_for(gone)

    job = generate(study, order)

    assert ended(job) == ("failed", KEYS, 0, 0, "endpoint_unreachable")
    assert (study.counts()["response"], outstanding(study)) == (0, KEYS)
    with OpenAIServer(port=gone.port) as back:
        assert ended(generate(study, order)) == ("done", KEYS, KEYS, 0, "")
        assert set(back.prompts.values()) == {1}


def test_a_dataset_that_was_released_may_be_sent(study: Workbench, server: OpenAIServer) -> None:
    with pytest.raises(ReleaseRequired) as caught:
        queued(study, replace(order_for(server), addresses=(server.url, ELSEWHERE)))

    assert caught.value.values == {"dataset": "ward", "host": "model.example.org"}


# --- several endpoints --------------------------------------------------------------------------


def test_requests_go_where_the_fewest_are_waiting(study: Workbench) -> None:
    with OpenAIServer() as slow, OpenAIServer() as quick:
        slow.hold()
        held = threading.Thread(target=lambda: (quick.wait_for(5), slow.release()))
        held.start()

        job = generate(study, order_for(slow, quick, concurrency=2))
        held.join()

        assert ended(job) == ("done", KEYS, KEYS, 0, "")
        # the conversation of two turns waited at the slow one; all others went to the quick one
        assert list(slow.prompts) == [problem(key) for key in ORDER[:2]]
        assert list(quick.prompts) == [problem(key) for key in ORDER[2:]]


def test_an_endpoint_that_dies_half_way_is_left_out_and_nothing_is_lost(study: Workbench) -> None:
    with OpenAIServer() as living, OpenAIServer() as dying:
        dying.fails(Fault(), times=2)
        dying.fails(DROPPED)

        job = generate(study, order_for(living, dying))

        assert ended(job) == ("done", KEYS, KEYS, 0, "")
        assert answers(study) == {key: answer(key) for key in ORDER}
        assert Counter(living.prompts) + Counter(dying.prompts) >= Counter(map(problem, ORDER))
        assert max(living.prompts.values()) == 1
        assert len(dying.received) <= 2 + 2  # two answers, and what was in flight when it died


def test_an_endpoint_that_was_never_there_costs_nothing(study: Workbench) -> None:
    with OpenAIServer() as gone:
        pass
    with OpenAIServer() as living:
        job = generate(study, order_for(gone, living))

        assert ended(job) == ("done", KEYS, KEYS, 0, "")
        assert living.prompts == Counter(problem(key) for key in ORDER)


# --- checkpoints --------------------------------------------------------------------------------


def test_a_job_tells_once_where_it_runs(study: Workbench, tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "model")

    job = generate(study, local_order(folder, limit=1))

    assert [(note.code, note.details) for note in jobs.notes(study.store, job.id)] == [
        ("on_cpu", {})
    ]
    with study.store.writing():
        jobs.add_note(study.store, job.id, "on_cpu", {})
        jobs.add_note(study.store, job.id, "on_gpus", {"gpus": "1"})
    assert [note.code for note in jobs.notes(study.store, job.id)] == ["on_cpu", "on_gpus"]


def test_a_checkpoint_that_changed_needs_a_label_of_its_own(
    study: Workbench, tmp_path: Path
) -> None:
    folder = save_tiny_model(tmp_path / "model", hidden=256)
    size = (folder / "model.safetensors").stat().st_size
    first = generate(study, local_order(folder, limit=3))
    before = answers(study)

    save_tiny_model(folder, hidden=256, seed=1)
    assert (folder / "model.safetensors").stat().st_size == size > 64 * 65_536  # read in pieces
    changed = generate(study, local_order(folder))

    assert ended(first) == ("done", 3, 3, 0, "")
    assert ended(changed) == ("failed", 4, 0, 0, "revision_changed")
    assert changed.error_values == {"model": str(folder)}
    assert (answers(study), outstanding(study, "tiny")) == (before, 4)


def test_later_samples_are_drawn_otherwise_than_earlier_ones(
    study: Workbench, tmp_path: Path
) -> None:
    folder = save_tiny_model(tmp_path / "model")
    warm = {"temperature": 1.0, "max_tokens": 8}

    for samples in (1, 2):
        order = local_order(folder, parameters=warm, samples=samples, concurrency=1)
        assert generate(study, order).state == "done"

    first, second = answers(study, 1), answers(study, 2)
    assert [key for key in ORDER if first[key] == second[key]] == []


def test_a_folder_without_a_model_leaves_everything_outstanding(
    study: Workbench, tmp_path: Path
) -> None:
    job = generate(study, local_order(tmp_path))

    assert ended(job) == ("failed", KEYS, 0, 0, "not_a_model")
    assert job.error_values == {"path": str(tmp_path)}
    assert outstanding(study, "tiny") == KEYS
