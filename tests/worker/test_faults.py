"""Two thousand verdicts from an endpoint with every fault, killed five times on the way.

What an endpoint does to a prompt is fixed by the prompt, so that the final table is fixed too.
"""

import hashlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.services.judging import progress_of
from core.services.opening import ensure_workbench
from core.store.assessments import Progress
from core.store.database import opened
from core.store.exchanges import conversation_of
from tests.openai_server import (
    DROPPED,
    FENCED,
    OTHER_KEYS,
    OUT_OF_RANGE,
    PROSE,
    REFUSAL,
    Fault,
    OpenAIServer,
    stable,
    verdict_for,
)
from tests.workbench import Workbench, plain_questions

ROOT = Path(__file__).resolve().parents[2]
KEYS = 2_000
IN_FLIGHT = 32
#: Faults of the way there, each on five prompts in a hundred, the first time that one comes.
PASSING = (Fault(status=429), Fault(status=500), DROPPED)
#: Replies to five prompts in a hundred each, and what they come to; None: the verdict.
LASTING: tuple[tuple[Fault, str | None], ...] = (
    (PROSE, "no_verdict"),
    (REFUSAL, "refusal"),
    (OUT_OF_RANGE, "out_of_range"),
    (FENCED, None),
)


def twentieth(prompt: str) -> int:
    """In which of twenty parts of all prompts one is."""
    return hashlib.sha256(stable(prompt).encode()).digest()[1] % 20


def in_part(part: int) -> Callable[[str], bool]:
    return lambda prompt: twentieth(prompt) == part


def once_in_part(part: int) -> Callable[[str], bool]:
    """The prompts of a part, each the first time."""
    seen: set[str] = set()

    def is_new(prompt: str) -> bool:
        if twentieth(prompt) != part or stable(prompt) in seen:
            return False
        seen.add(stable(prompt))
        return True

    return is_new


def is_faulty(server: OpenAIServer) -> None:
    for part, fault in enumerate(PASSING):
        server.fails(fault, when=once_in_part(part))
    server.fails(OTHER_KEYS, when=once_in_part(3))
    for part, (fault, _) in enumerate(LASTING, 4):
        server.fails(fault, when=in_part(part))


def expected(prompt: str) -> tuple[int | None, str | None]:
    """Score and reason that a prompt comes to."""
    part = twentieth(prompt)
    because = LASTING[part - 4][1] if 4 <= part < 4 + len(LASTING) else None
    return (None, because) if because else (verdict_for(prompt)["score"], None)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Workbench]:
    """A thousand plain questions with the responses of two models."""
    path = tmp_path / "workbench.db"
    ensure_workbench(path)
    with opened(path) as store:
        workbench = Workbench(store, tmp_path)
        questions = plain_questions("MK", KEYS // 2)
        workbench.imports(questions)
        for model in ("cedar", "willow"):
            answers = {key: f"{model} answers {key}." for key in questions}
            workbench.model_answers(model, answers, questions=questions)
        yield workbench


@contextmanager
def judging(study: Workbench, server: OpenAIServer) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which does not outlive the block."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "core", "judge", "--db", str(study.path), "--dataset", "ward",
            "--engine", "openai", "--model", "oak", "--base-url", server.url, "--rounds", "1",
            "--concurrency", str(IN_FLIGHT), "--as", "Dr Lead", "--json",
        ],
        cwd=ROOT, env=os.environ | {"OPENAI_API_KEY": "sk-test-SECRET"}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_rows(study: Workbench, count: int) -> None:
    until = time.monotonic() + 120
    while study.value("SELECT count(*) FROM assessment") < count:
        assert time.monotonic() < until, "the judge does not get on"
        time.sleep(0.005)


def test_every_key_ends_with_one_verdict_or_one_reason_whatever_happens(study: Workbench) -> None:
    chance = random.Random(7)
    with OpenAIServer() as server:
        is_faulty(server)
        for _ in range(5):
            done = study.value("SELECT count(*) FROM assessment")
            with judging(study, server) as process:
                wait_for_rows(study, min(KEYS - 1, done + chance.randrange(50, 350)))
                process.kill()
                process.communicate()
        with judging(study, server) as process:
            printed, complained = process.communicate()
        assert process.returncode == 0, complained
        requests, prompts = len(server.received), server.prompts

    rows = study.rows(
        "SELECT response_id, value, unscored_because, exchange_id FROM assessment ORDER BY id"
    )
    assert len({response_id for response_id, *_ in rows}) == len(rows) == KEYS
    because = Counter()
    for _, value, reason, exchange_id in rows:
        first, *again = conversation_of(study.store, exchange_id)
        assert (value, reason) == expected(first.prompt)
        assert len(again) <= 1
        because[reason] += 1
    progress = progress_of(study.store, study.study.id, study.judge("oak"))
    assert progress == Progress(because[None], KEYS - because[None], 0, 0)
    assert min(because["no_verdict"], because["refusal"], because["out_of_range"]) > KEYS // 40
    parts = Counter(twentieth(prompt) for prompt in prompts)
    asked_once_more = parts[0] + parts[1] + parts[2] + parts[3] + parts[4] + parts[6]
    assert KEYS <= requests - asked_once_more <= KEYS + 5 * IN_FLIGHT
    files = [path.read_bytes() for path in study.folder.iterdir() if path.is_file()]
    assert not any(b"SECRET" in content for content in [*files, printed.encode()])
