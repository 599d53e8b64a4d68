"""What every judging engine is given, and what it gives back."""

from dataclasses import dataclass
from typing import Any, Protocol

from core.domain.criteria import Criteria


@dataclass(frozen=True, slots=True)
class Configuration:
    """What makes an engine: the model's name, its parameters, and where it is reached.

    `addresses` and `concurrency` say how to reach it and how hard; they are no part of the
    judge's identity.
    """

    model: str
    parameters: dict[str, Any]
    addresses: tuple[str, ...]
    concurrency: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One response to be judged: the rendered prompt, and what it was rendered from."""

    prompt: str
    criteria: Criteria
    response: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, unread.

    Attributes:
        finish_reason: `stop`, `length`, `content_filter`, `too_long`, `no_yardstick` …
        prompt_tokens, reply_tokens: as counted by the endpoint, None where it does not.
        seconds: from the call to its answer.
    """

    text: str
    finish_reason: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float


class JudgeEngine(Protocol):
    """Answers judge prompts, many at a time."""

    async def ask(self, ask: Ask) -> Reply:
        """Ask once.

        Raises:
            CallFailed: this call failed in transport; another may not.
            EngineStopped: no call can succeed.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and memory."""
        ...
