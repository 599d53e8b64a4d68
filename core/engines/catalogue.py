"""The engines by name; a library is imported only when its engine is built."""

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from core.engines.base import Configuration, JudgeEngine
from core.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an engine's class stands, and what it needs.

    Attributes:
        lane: the queue its jobs stand in: `network` or `cpu`.
        reads_prompt: whether a judge prompt is part of its identity.
        needs_address: whether text leaves this process for an address.
    """

    module: str
    name: str
    lane: str
    reads_prompt: bool
    needs_address: bool


ENGINES = {
    "baseline": Entry("core.engines.baseline", "BaselineJudge", "cpu", False, False),
    "openai": Entry("core.engines.openai_api", "OpenAIJudge", "network", True, True),
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
    """Build an engine.

    Raises:
        UnknownName: `unknown_engine`.
        EngineStopped: it can't be built from this configuration.
    """
    entry = entry_of(engine)
    kind = getattr(importlib.import_module(entry.module), entry.name)
    return cast(Callable[[Configuration], JudgeEngine], kind)(configuration)
