"""Every fault at once, and kill -9 on top: each key ends with one verdict or one reason."""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.services.judging import progress_of
from core.store.assessments import Progress
from core.store.exchanges import conversation_of
from tests.dial import PASSING, REFUSED, Dial
from tests.openai_server import (
    FENCED,
    OTHER_KEYS,
    OUT_OF_RANGE,
    PROSE,
    OpenAIServer,
    verdict_for,
)
from tests.workbench import Workbench, plain_questions, workbench_in
from tests.worker.processes import started

KEYS = 1_000
IN_FLIGHT = 32
KILLS = 5
#: What every answer to a share of the keys is like, and what they come to; None: the verdict.
LASTING = (
    (PROSE, 0.05, "no_verdict"),
    (REFUSED, 0.05, "refusal"),
    (OUT_OF_RANGE, 0.05, "out_of_range"),
    (FENCED, 0.05, None),
    (OTHER_KEYS, 0.02, "no_verdict"),
)
BECAUSE = {id(fault): because for fault, _, because in LASTING}


def subject_of(prompt: str) -> str:
    """The response that a prompt carries: each key has its own."""
    [found] = set(re.findall(r"(?:cedar|willow) answers MK:\d+:1\.", prompt))
    return str(found)


@contextmanager
def ward(folder: Path) -> Iterator[Workbench]:
    """Five hundred plain questions with the responses of two models."""
    with workbench_in(folder) as workbench:
        questions = plain_questions("MK", KEYS // 2)
        workbench.imports(questions)
        for model in ("cedar", "willow"):
            answers = {key: f"{model} answers {key}." for key in questions}
            workbench.model_answers(model, answers, questions=questions)
        yield workbench


@contextmanager
def faulty() -> Iterator[tuple[OpenAIServer, Dial]]:
    """An endpoint by the dial."""
    dial = Dial(PASSING, [(fault, share) for fault, share, _ in LASTING], subject_of)
    with OpenAIServer(delay=0.01) as server:
        server.draws(dial)
        yield server, dial


def judging(study: Workbench, server: OpenAIServer) -> list[str]:
    return [
        "judge", "--db", str(study.path), "--dataset", "ward", "--engine", "openai",
        "--model", "oak", "--base-url", server.url, "--rounds", "1",
        "--concurrency", str(IN_FLIGHT), "--as", "Dr Lead", "--json",
    ]  # fmt: skip


def table(study: Workbench) -> list[tuple[object, ...]]:
    """Every key with what it ended with."""
    return study.rows(
        "SELECT key, label, assessment.round, assessment.attempt, value, unscored_because,"
        " rationale, safety_risk FROM assessment JOIN response ON response.id = response_id"
        " JOIN model ON model.id = model_id JOIN question ON question.id = response.question_id"
        " ORDER BY position, label, assessment.round, assessment.attempt"
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list, int, Dial]]:
    """The table of a run that nobody killed, how many answers it took, and its dial."""
    with ward(tmp_path_factory.mktemp("faults") / "calm") as study, faulty() as (server, dial):
        with started(judging(study, server), key="sk-test-SECRET") as process:
            _, complained = process.communicate()
        assert process.returncode == 0, complained
        is_complete(study)
        yield table(study), len(server.answered), dial


def is_complete(study: Workbench) -> None:
    """No key is outstanding, none has two results, and each has what its own prompt came to."""
    found = progress_of(study.store, study.study.id, study.judge("oak"))
    assert found == Progress(KEYS - found.unscored, found.unscored, 0, 0)
    rows = table(study)
    assert len(rows) == len({row[:3] for row in rows}) == KEYS
    for value, exchange_id in study.rows("SELECT value, exchange_id FROM assessment"):
        first, *again = conversation_of(study.store, exchange_id)
        assert len(again) <= 1
        assert value in (None, verdict_for(first.prompt)["score"])


def test_each_key_ends_with_one_verdict_or_one_reason(undisturbed) -> None:
    rows, _, dial = undisturbed
    expected = Counter(
        BECAUSE.get(id(dial.lasting_fault(f"{label} answers {key}."))) for key, label, *_ in rows
    )

    assert all((value is None) == (because is not None) for _, _, _, _, value, because, *_ in rows)
    assert Counter(because for *_, because, _, _ in rows) == expected
    assert all(count > 0.6 * 0.05 * KEYS for count in dial.drawn)  # every fault has had its share


def test_five_kills_leave_the_table_of_an_undisturbed_run(undisturbed, tmp_path: Path) -> None:
    rows, answered, _ = undisturbed
    moments = sorted(random.Random(20_261_121).sample(range(50, KEYS - 50), KILLS))
    with ward(tmp_path / "killed") as study, faulty() as (server, _):
        for moment in moments:
            with started(judging(study, server)) as process:
                wait_for(server, moment)
                process.kill()
                process.communicate()
        with started(judging(study, server)) as process:
            _, complained = process.communicate()

        assert process.returncode == 0, complained
        is_complete(study)
        assert table(study) == rows
        assert answered <= len(server.answered) <= answered + KILLS * IN_FLIGHT
        assert server.most_in_flight <= IN_FLIGHT + IN_FLIGHT  # what a killed run had left there


def wait_for(server: OpenAIServer, answers: int) -> None:
    until = time.monotonic() + 120
    while len(server.answered) < answers:
        assert time.monotonic() < until, f"{len(server.answered)} of {answers} answers"
        time.sleep(0.002)
