"""Local checkpoints: a real tiny model in a process of its own answers as transformers would."""

import asyncio
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.engines.base import Configuration, Message, Reply
from core.engines.catalogue import chat_engine
from core.engines.huggingface import HuggingFaceChat
from core.engines.huggingface_messages import Order, Refusal
from core.engines.huggingface_process import serve
from core.errors import AttendingError, CallFailed, EngineStopped
from tests.tiny_model import TEMPLATE, TEMPLATE_WITHOUT_SYSTEM, save_tiny_model

CONTEXT = 512
SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "dataset.json"
SYSTEM = Message("system", "Answer in one sentence. 用一句话回答。")

Conversation = Sequence[Message]


def user(text: str) -> list[Message]:
    return [Message("user", text)]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes every role and ends some answers."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    return save_tiny_model(folder, context=CONTEXT, ends_every=40)


@pytest.fixture(scope="session")
def varied() -> list[Conversation]:
    """Thirty conversations: one and two turns, with and without system prompt, 1 to 400 tokens."""
    content = json.loads(SAMPLE.read_text(encoding="utf-8"))
    records = [record for some in content.values() for record in some]
    single = [user(str(record["problem"])[: 10 + 12 * at]) for at, record in enumerate(records)]
    dialogues = [
        [*first, Message("assistant", str(record["sanswer"])[:60]), *second]
        for first, second, record in zip(single, single[1:], records, strict=False)
    ]
    found = [*single[:14], *dialogues[:8], *([SYSTEM, *one] for one in single[:8])]
    assert len(found) == 30
    return found


def run(
    folder: Path | str | Configuration,
    do: Callable[[HuggingFaceChat], Awaitable[Any]],
    **parameters: Any,
) -> Any:
    """What `do` returns, with an engine that is closed afterwards."""

    async def running() -> Any:
        is_whole = isinstance(folder, Configuration)
        configuration = folder if is_whole else Configuration(str(folder), parameters, (), 64)
        engine = chat_engine("huggingface", configuration)
        try:
            return await do(engine)
        finally:
            await engine.close()

    found = asyncio.run(running())
    assert multiprocessing.active_children() == []
    return found


def replies(
    folder: Path, conversations: Sequence[Conversation], **parameters: Any
) -> list[Reply | AttendingError]:
    """All the replies of one engine that is asked everything at once."""

    async def ask(engine: HuggingFaceChat) -> Any:
        return await asyncio.gather(
            *(engine.answer(one) for one in conversations), return_exceptions=True
        )

    return run(folder, ask, **parameters)


def told(error: AttendingError) -> tuple[type, str, dict[str, object]]:
    return type(error), error.code, error.values


def plain(reply: Reply) -> tuple[str, str, int | None, int | None]:
    """A reply less its time."""
    return reply.text, reply.finish_reason, reply.prompt_tokens, reply.reply_tokens


def one_at_a_time(
    folder: Path, conversations: Sequence[Conversation], *, limit: int
) -> list[tuple[str, str, int, int]]:
    """What `model.generate` answers greedily, each conversation by itself."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()
    configured = model.generation_config.eos_token_id
    ends = set(configured if isinstance(configured, list) else [configured])
    found = []
    for conversation in conversations:
        turns = [{"role": one.role, "content": one.content} for one in conversation]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
        given = torch.tensor([ids])
        with torch.no_grad():
            out = model.generate(
                given, attention_mask=torch.ones_like(given), do_sample=False, max_new_tokens=limit
            )
        new = out[0, len(ids) :].tolist()
        text = tokenizer.decode(new, skip_special_tokens=True)
        found.append((text, "stop" if new[-1] in ends else "length", len(ids), len(new)))
    return found


def prompt_tokens(folder: Path, conversation: Conversation) -> int:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": one.role, "content": one.content} for one in conversation]
    return len(tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False))


# --- answers ----------------------------------------------------------------------------


def test_greedy_answers_equal_those_of_one_conversation_at_a_time(tiny, varied):
    expected = one_at_a_time(tiny, varied, limit=40)

    found = [plain(reply) for reply in replies(tiny, varied, max_tokens=40)]

    assert found == expected
    assert {finish for _, finish, _, _ in found} == {"stop", "length"}
    assert {count for _, finish, _, count in found if finish == "length"} == {40}
    assert len({count for _, _, _, count in found}) > 5  # lengths differ, as of a real model


def test_a_prompt_beyond_the_context_is_not_cut_and_an_answer_ends_where_the_context_does(tmp_path):
    folder = save_tiny_model(tmp_path / "model", context=40)
    long = user("发热 " * 60)

    found = [plain(one) for one in replies(folder, [long, user("发热？"), long], max_tokens=4000)]

    tokens = prompt_tokens(folder, long)
    assert tokens > 40
    assert found[0] == found[2] == ("", "too_long", tokens, 0)
    room = 40 - prompt_tokens(folder, user("发热？"))
    assert found[1:2] == one_at_a_time(folder, [user("发热？")], limit=room)
    assert found[1][1:] == ("length", 40 - room, room)


def test_a_template_that_refuses_the_system_role_gets_its_text_before_the_question(tmp_path):
    folder = save_tiny_model(tmp_path / "model", template=TEMPLATE_WITHOUT_SYSTEM)
    dialogue = [*user("发热？"), Message("assistant", "38.5 ℃"), *user("用药？")]

    found = replies(folder, [[SYSTEM, *dialogue]], max_tokens=24)

    joined = [Message("user", f"{SYSTEM.content}\n\n发热？"), *dialogue[1:]]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    assert [plain(reply) for reply in found] == one_at_a_time(folder, [joined], limit=24)


def test_a_template_that_refuses_every_conversation_is_told(tmp_path):
    folder = save_tiny_model(
        tmp_path / "model", template="{{ raise_exception('Roles must alternate') }}"
    )

    [found] = replies(folder, [user("发热？")])

    assert told(found) == (
        EngineStopped, "template_refused",
        {"model": str(folder), "reason": "Roles must alternate"},
    )  # fmt: skip


def test_sampling_draws_something_else_every_time_and_the_same_with_the_same_seed(tiny):
    question = user("发热三天，如何处理？")

    async def ask_twice(engine: HuggingFaceChat) -> list[str]:
        return [(await engine.answer(question)).text for _ in range(2)]

    sampled = [run(tiny, ask_twice, max_tokens=12, temperature=1.0, seed=7) for _ in range(2)]

    [(greedy, *_)] = one_at_a_time(tiny, [question], limit=12)
    assert sampled[0] == sampled[1]
    assert len({greedy, *sampled[0]}) == 3


# --- checkpoints that can't be used -----------------------------------------------------


def first_word(folder: Path | str, **parameters: Any) -> Any:
    """The first thing that the process of a checkpoint says."""
    ours, theirs = multiprocessing.Pipe()
    order = Order(str(folder), parameters, ())
    threading.Thread(target=serve, args=(theirs, order), daemon=True).start()
    assert ours.poll(60)
    return ours.recv()


def without(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).unlink()
    return folder


def test_a_folder_that_is_not_there_is_told_and_nothing_hangs(tmp_path):
    folder = tmp_path / "absent"

    async def ask(engine: HuggingFaceChat) -> Any:
        return await asyncio.gather(
            engine.revision(), engine.answer(user("发热？")), return_exceptions=True
        )

    found = run(folder, ask)

    assert [told(error) for error in found] == [
        (EngineStopped, "no_model_folder", {"path": str(folder)})
    ] * 2


@pytest.mark.parametrize(
    "name", ["./no such model", "~/no-such-model-of-attending", "/no/such/model"]
)
def test_a_path_is_never_looked_for_on_the_hub(name):
    assert first_word(name) == Refusal("no_model_folder", {"path": name})


class EmptyHub(ThreadingHTTPServer):
    """A hub that has no model: it says so at once, so that nobody tries again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), NotThere)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []


class NotThere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_error(404)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def empty_hub() -> Iterator[EmptyHub]:
    with EmptyHub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("offline", "code"),
    [(None, "model_not_here"), ("0", "model_not_fetched")],
)
def test_a_name_is_fetched_only_where_that_was_asked_for(
    tmp_path, monkeypatch, empty_hub, offline, code
):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", empty_hub.url)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    if offline is not None:
        monkeypatch.setenv("HF_HUB_OFFLINE", offline)

    async def ask(engine: HuggingFaceChat) -> Any:
        return await asyncio.gather(engine.revision(), return_exceptions=True)

    [found] = run("nobody/no-such-model", ask)

    assert told(found) == (EngineStopped, code, {"model": "nobody/no-such-model"})
    assert bool(empty_hub.asked) == (offline == "0")


def test_a_folder_of_notes_is_not_a_model(tmp_path):
    (tmp_path / "notes.txt").write_text("These are notes.")

    assert first_word(tmp_path) == Refusal("not_a_model", {"path": str(tmp_path)})


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"model_type": "nobody knows"}'])
def test_a_configuration_that_names_no_model_is_not_a_model(tmp_path, content):
    (tmp_path / "config.json").write_text(content)

    assert first_word(tmp_path) == Refusal("not_a_model", {"path": str(tmp_path)})


@pytest.mark.parametrize(
    "missing",
    [["model.safetensors"], ["tokenizer.json", "tokenizer_config.json"]],
    ids=["weights", "tokenizer"],
)
def test_half_a_model_is_not_a_model(tmp_path, missing):
    folder = without(save_tiny_model(tmp_path / "model"), *missing)

    assert first_word(folder) == Refusal("not_a_model", {"path": str(folder)})


def test_weights_that_were_cut_are_not_a_model(tmp_path):
    folder = save_tiny_model(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])

    assert first_word(folder) == Refusal("not_a_model", {"path": str(folder)})


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path):
    folder = save_tiny_model(tmp_path / "model", template=None)

    assert first_word(folder) == Refusal("no_chat_template", {"path": str(folder)})


# --- processes that die -----------------------------------------------------------------


def kill(*positions: int) -> None:
    """Kill the engine's processes at these positions, in the order of their start."""
    children = sorted(multiprocessing.active_children(), key=lambda child: child.pid)
    for position in positions:
        os.kill(children[position].pid, signal.SIGKILL)


def test_a_process_that_is_killed_takes_its_own_calls_with_it_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr("core.engines.huggingface._groups", lambda _: [(), ()])  # two on the CPU
    folder = save_tiny_model(tmp_path / "model")

    async def ask(engine: HuggingFaceChat) -> list[Any]:
        await asyncio.gather(*(engine.answer(user("发热？")) for _ in range(2)))  # both are loaded
        asking = asyncio.gather(
            *(engine.answer(user("发热？")) for _ in range(4)), return_exceptions=True
        )
        await asyncio.sleep(0.2)
        kill(1)
        first = await asking
        second = await asyncio.gather(*(engine.answer(user("发热？")) for _ in range(2)))
        kill(0)
        await asyncio.sleep(0.2)
        third = await asyncio.gather(engine.answer(user("发热？")), return_exceptions=True)
        return [*first, *second, *third]

    found = run(folder, ask, max_tokens=300)

    [(expected, *_)] = one_at_a_time(folder, [user("发热？")], limit=300)
    failed = (CallFailed, "engine_died", {"model": str(folder)})
    assert [one.text if isinstance(one, Reply) else told(one) for one in found] == [
        expected, failed, expected, failed,
        expected, expected,
        (EngineStopped, "engine_died", {"model": str(folder)}),
    ]  # fmt: skip


def test_a_process_that_dies_while_it_loads_is_told(tiny):
    async def ask(engine: HuggingFaceChat) -> Any:
        kill(0)
        return await asyncio.gather(
            engine.revision(), engine.answer(user("发热？")), return_exceptions=True
        )

    found = run(tiny, ask)

    assert [told(error) for error in found] == [
        (EngineStopped, "engine_died", {"model": str(tiny)})
    ] * 2
