"""A real OpenAI-compatible server of the tiny model answers as the engine that loads it does.

As a judge the tiny model writes nonsense, which must come out unscored whichever way it is asked.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.engines.base import Configuration, Message, Reply
from core.engines.catalogue import chat_engine
from core.services.ordering import JudgeOrder
from core.store import judges
from core.store.exchanges import conversation_of
from tests.tiny_model import save_tiny_model
from tests.workbench import CEDAR, QUESTIONS, Workbench, workbench_in

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "dataset.json"
SYSTEM = Message("system", "用一句话回答。")
GREEDY = {"temperature": 0.0, "max_tokens": 24}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def address(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `transformers serve` serves the model."""
    home = tmp_path_factory.mktemp("home")
    (home / "hub").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(model, port, home) as process:
        wait_for_health(port, process)
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def serving(model: Path, port: int, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`transformers serve` as docs/scaling.md starts it, until the block ends."""
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                Path(sys.executable).parent / "transformers", "serve", model,
                "--host", "127.0.0.1", "--port", str(port), "--device", "cpu",
                "--continuous-batching", "--cb-num-blocks", "256", "--cb-block-size", "16",
                "--cb-max-batch-tokens", "512",
            ],
            env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home)},
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_health(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert process.poll() is None, "transformers serve ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("transformers serve does not answer")


@pytest.fixture(scope="module")
def conversations() -> list[list[Message]]:
    """Ten conversations, of one and two turns, with and without a system prompt."""
    content = json.loads(SAMPLE.read_text(encoding="utf-8"))
    records = [record for some in content.values() for record in some][:10]
    found = [[Message("user", str(record["problem"])[:80])] for record in records]
    for conversation, record in zip(found[:4], records, strict=False):
        conversation += [Message("assistant", str(record["sanswer"])[:40]), *found[9]]
    return [*([SYSTEM, *one] for one in found[:2]), *found[2:]]


def replies(
    engine: str, configuration: Configuration, conversations: list[list[Message]]
) -> list[Reply]:
    async def ask() -> list[Reply]:
        chat = chat_engine(engine, configuration)
        try:
            return await asyncio.gather(*(chat.answer(one) for one in conversations))
        finally:
            await chat.close()

    return asyncio.run(ask())


def plain(found: list[Reply]) -> list[tuple[str, str, int | None, int | None]]:
    return [(one.text, one.finish_reason, one.prompt_tokens, one.reply_tokens) for one in found]


def test_both_engines_give_the_same_greedy_answers(model, address, conversations):
    served = replies("openai", Configuration(str(model), GREEDY, (address,), 4), conversations)
    loaded = replies("huggingface", Configuration(str(model), GREEDY, (), 4), conversations)

    assert plain(served) == plain(loaded)
    assert len({one.text for one in served}) == 10


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Workbench]:
    """Two short questions with a requirement each, and an answer to both."""
    with workbench_in(tmp_path) as workbench:
        questions = {key: QUESTIONS[key] for key in ("MK:1:1", "MTG:1:1")}
        workbench.imports(questions)
        answers = {key: CEDAR[key] for key in questions}
        workbench.model_answers("cedar", answers, questions=questions)
        # the tiny model's context is too short for the prompts as installed
        with workbench.store.writing():
            for kind in (("MK", "zh"), ("MTG", "en")):
                judges.ensure_prompt(workbench.store, *kind, SHORT, reason="short", by="me")
        yield workbench


SHORT = (
    "{question}\n{reference_answer}\n{checklist}\n{requirements}\n{marker}\n{earlier_turns}\n"
    "{response}\n{ticket}\n"
)


@pytest.mark.parametrize("engine", ["openai", "huggingface"])
def test_a_judge_that_writes_nonsense_leaves_everything_unscored_with_a_reason(
    model, address, study, engine
):
    order = JudgeOrder(
        engine, str(model), GREEDY | {"max_tokens": 48}, "tiny", rounds=2,
        addresses=(address,) if engine == "openai" else (), concurrency=4,
    )  # fmt: skip

    job = study.does(order)

    assert (job.state, job.error, job.done, job.unscored) == ("done", "", 4, 4)
    found = study.rows(
        "SELECT value, unscored_because, detail <> '', exchange_id IS NOT NULL FROM assessment"
    )
    assert len(found) == 4
    for value, because, *is_there in found:
        assert (value, is_there) == (None, [1, 1])
        assert because in ("no_verdict", "cut_off")
    asks = study.rows("SELECT ask, count(*) FROM exchange GROUP BY 1")
    assert asks == [(1, 4), (2, 4)]  # what can't be read is asked once more
    for (exchange_id,) in study.rows("SELECT exchange_id FROM assessment"):
        first, second = conversation_of(study.store, exchange_id)
        assert first.ticket in first.prompt
        assert first.ticket in second.prompt
        assert first.reply
        assert second.reply
