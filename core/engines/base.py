"""What every judging engine is given, and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.domain.criteria import Criteria

#: Told of something that a person should know though the work goes on: a code and its values.
Noticed = Callable[[str, Mapping[str, object]], None]


def unnoticed(code: str, values: Mapping[str, object]) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What makes an engine: the model's name, its parameters, and where it is reached.

    `addresses`, `concurrency`, `gpus` and the limits (None for none, over all addresses) say how
    to reach it and how hard, `notice` hears what it has to tell; they are no part of its identity.
    """

    model: str
    parameters: dict[str, Any]
    addresses: tuple[str, ...]
    concurrency: int
    gpus: tuple[int, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    notice: Noticed = unnoticed


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One response to be judged: what a chat model is sent, and what that was made from.

    Attributes:
        messages: the rendered prompt and whatever was said since; empty for a judge that reads no
            prompt.
        schema: JSON schema of the verdict, for engines that can ask for one.
    """

    messages: tuple[Message, ...]
    criteria: Criteria
    response: str
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, unread.

    Attributes:
        finish_reason: `stop`, `length`, `content_filter`, `too_long`, `no_yardstick` …
        prompt_tokens, reply_tokens: as counted by the endpoint, None where it does not.
        seconds: from the call to its answer.
        cached_tokens: prompt tokens that the endpoint had cached, None where it does not say.
    """

    text: str
    finish_reason: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float
    cached_tokens: int | None = None


class ChatEngine(Protocol):
    """Answers conversations, many at a time."""

    async def revision(self) -> str:
        """What identifies the weights; '' where the engine can't know.

        Raises:
            EngineStopped: the model can't be reached or loaded.
        """
        ...

    async def answer(
        self,
        messages: Sequence[Message],
        *,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Answer a conversation whose last message is the user's.

        Args:
            seed: for sampling, where the engine takes one for every call.
            schema: JSON schema that the answer should follow; no engine promises that it does.

        Raises:
            CallFailed: this call failed in transport; another may not.
            EngineStopped: no call can succeed.
        """
        ...

    def stop(self) -> None:
        """Send nothing more; what has been sent may still be answered."""
        ...

    async def close(self) -> None:
        """Let go of connections, processes and memory."""
        ...


class JudgeEngine(Protocol):
    """Answers judge prompts, many at a time."""

    async def ask(self, ask: Ask) -> Reply:
        """Ask once.

        Raises:
            CallFailed: this call failed in transport; another may not.
            EngineStopped: no call can succeed.
        """
        ...

    def stop(self) -> None:
        """Send nothing more; what has been sent may still be answered."""
        ...

    async def close(self) -> None:
        """Let go of connections and memory."""
        ...
