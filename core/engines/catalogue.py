"""The engines by name; a library is imported only when its engine is built."""

import difflib
import gc
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import cast

from core.engines.base import Ask, ChatEngine, Configuration, JudgeEngine, Reply
from core.engines.batch_files import BatchEndpoint
from core.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an engine's class stands, and what it is.

    Attributes:
        lane: the queue its jobs stand in: `network` or `cpu`.
        generates: it is a chat model: it can answer questions, and judge by a prompt.
        needs_address: text leaves this process for an address.
        batches: where the class stands that asks by the file, and its name; None where none does.
    """

    module: str
    name: str
    lane: str
    generates: bool
    needs_address: bool
    batches: tuple[str, str] | None = None

    @property
    def has_batches(self) -> bool:
        """Whether it can be asked by the file."""
        return self.batches is not None

    @property
    def reads_prompt(self) -> bool:
        """Whether a judge prompt is part of a judge's identity."""
        return self.generates

    @property
    def loads_model(self) -> bool:
        """Whether the model is loaded on this machine, and takes its GPUs."""
        return self.generates and not self.needs_address


ENGINES = {
    "baseline": Entry("core.engines.baseline", "BaselineJudge", "cpu", False, False),
    "huggingface": Entry("core.engines.huggingface", "HuggingFaceChat", "cpu", True, False),
    "openai": Entry(
        "core.engines.openai_api",
        "OpenAIChat",
        "network",
        True,
        True,
        batches=("core.engines.openai_batches", "OpenAIBatches"),
    ),
}


def entry_of(engine: str) -> Entry:
    """The entry of that name.

    Raises:
        UnknownName: `unknown_engine`, with the nearest name.
    """
    if engine in ENGINES:
        return ENGINES[engine]
    near = difflib.get_close_matches(engine, ENGINES, n=1)
    raise UnknownName(
        "unknown_engine",
        name=engine,
        known=", ".join(ENGINES),
        near=near[0] if near else "",
    )


def judge_engine(engine: str, configuration: Configuration) -> JudgeEngine:
    """Build an engine that judges.

    Raises:
        UnknownName: `unknown_engine`.
        EngineStopped: it can't be built from this configuration.
    """
    entry = entry_of(engine)
    if entry.generates:
        return PromptedJudge(chat_engine(engine, configuration))
    return cast(Callable[[Configuration], JudgeEngine], _kind(entry))(configuration)


def chat_engine(engine: str, configuration: Configuration) -> ChatEngine:
    """Build an engine that answers conversations.

    Raises:
        UnknownName: `unknown_engine`.
        EngineStopped: it can't be built from this configuration.
    """
    return cast(Callable[[Configuration], ChatEngine], _kind(entry_of(engine)))(configuration)


def batch_endpoint(engine: str, address: str) -> BatchEndpoint:
    """Reach an endpoint by the file.

    Raises:
        UnknownName: `unknown_engine`.
        EngineStopped: `no_key` where a key is needed and there is none.
    """
    entry = entry_of(engine)
    assert entry.batches is not None
    module, name = entry.batches
    kind = getattr(_loaded(module), name)
    return cast(Callable[[str], BatchEndpoint], kind)(address)


class PromptedJudge:
    """A chat model that judges by a rendered prompt."""

    def __init__(self, chat: ChatEngine) -> None:
        self._chat = chat

    async def ask(self, ask: Ask) -> Reply:
        """Send the conversation, and ask for the verdict's schema."""
        return await self._chat.answer(ask.messages, schema=ask.schema)

    def stop(self) -> None:
        """Let the chat model send nothing more."""
        self._chat.stop()

    async def close(self) -> None:
        """Close the chat model."""
        await self._chat.close()


def _kind(entry: Entry) -> object:
    return getattr(_loaded(entry.module), entry.name)


def _loaded(module: str) -> ModuleType:
    """A module, whose library stays: the garbage collector does not walk through it.

    The openai client alone is some 200,000 objects, and a third of a second each time.
    """
    if module in sys.modules:
        return sys.modules[module]
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
