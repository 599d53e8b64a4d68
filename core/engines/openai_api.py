"""Chat models behind any OpenAI-compatible endpoint.

The key is read from `OPENAI_API_KEY` when the engine is built and kept nowhere else. Errors carry
codes and the host only: an endpoint's own message may repeat the key.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, cast

import openai
from openai import AsyncOpenAI, DefaultAioHttpClient, Timeout
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.chat.chat_completion import Choice

from core.domain.addresses import OPENAI, host_of, is_loopback
from core.engines.base import Configuration, Message, Reply
from core.errors import CallFailed, EngineStopped

_TIMEOUT = Timeout(180.0, connect=10.0)  # seconds for one call
#: Seconds for which an address that does not answer is left out: at first, and at most.
_FIRST_REST, _LONGEST_REST = 2.0, 60.0
#: What a proxy answers for a server that is down.
_DOWN = frozenset({502, 503, 504})
#: Codes by which endpoints say that a prompt is longer than the context.
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})


@dataclass(slots=True)
class _Address:
    """One address, and how it has answered.

    Attributes:
        waiting: calls that have no answer yet.
        asked: calls so far.
        failures: connections lost in a row, those of one moment counted once.
        rests_until: when it may be asked again, on the monotonic clock.
    """

    client: AsyncOpenAI
    waiting: int = 0
    asked: int = 0
    failures: int = 0
    rests_until: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether it may be asked; after a rest one call tries it out."""
        if self.failures == 0:
            return True
        return self.waiting == 0 and monotonic() >= self.rests_until

    def rest(self) -> None:
        """Leave it out for a while, twice as long as the last time."""
        now = monotonic()
        if now >= self.rests_until:
            seconds = min(_LONGEST_REST, _FIRST_REST * 2**self.failures)
            self.failures += 1
            self.rests_until = now + seconds


class OpenAIChat:
    """Asks the address where the fewest calls are waiting, of those that answer."""

    def __init__(self, configuration: Configuration) -> None:
        addresses = configuration.addresses or (OPENAI,)
        key = os.environ.get("OPENAI_API_KEY", "")
        if not key and any(not is_loopback(host_of(address)) for address in addresses):
            raise EngineStopped("no_key", variable="OPENAI_API_KEY")
        self._model = configuration.model
        # whether a checkpoint may bring code is no concern of an endpoint's
        self._parameters = {
            k: v for k, v in configuration.parameters.items() if k != "trust_remote_code"
        }
        # where another address can be asked at once, the client does not wait and ask again
        retries = 2 if len(addresses) == 1 else 0
        self._addresses = [_Address(_client(address, key, retries)) for address in addresses]

    async def revision(self) -> str:
        """'': an endpoint does not say which weights it serves."""
        return ""

    async def answer(
        self,
        messages: Sequence[Message],
        *,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Answer a conversation whose last message is the user's.

        A call whose connection is lost is made again at once at an address that is up.
        """
        untried = list(self._addresses)
        while True:
            address = _fewest_waiting(untried)
            untried.remove(address)
            try:
                return await self._asked(address, messages, seed)
            except CallFailed:
                if address.failures == 0 or not any(other.is_up for other in untried):
                    raise

    async def close(self) -> None:
        """Close the connections."""
        for address in self._addresses:
            await address.client.close()

    async def _asked(
        self, address: _Address, messages: Sequence[Message], seed: int | None
    ) -> Reply:
        """Ask one address, and note whether it is there."""
        address.waiting += 1
        address.asked += 1
        try:
            reply = await self._called(address.client, messages, seed)
        except CallFailed as error:
            if error.code == "endpoint_unreachable" or error.values.get("status") in _DOWN:
                address.rest()
            raise
        finally:
            address.waiting -= 1
        address.failures = 0
        return reply

    async def _called(
        self, client: AsyncOpenAI, messages: Sequence[Message], seed: int | None
    ) -> Reply:
        host = client.base_url.host
        started = perf_counter()
        try:
            completion = await client.chat.completions.create(
                model=self._model,
                messages=_sent(messages),
                **self._parameters if seed is None else self._parameters | {"seed": seed},
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise EngineStopped("wrong_key", host=host) from error
        except openai.NotFoundError as error:
            raise EngineStopped("endpoint_unknown_model", model=self._model, host=host) from error
        except openai.BadRequestError as error:
            return _refused(error, host, perf_counter() - started)
        except openai.APIStatusError as error:
            raise CallFailed("endpoint_status", host=host, status=error.status_code) from error
        except openai.APIError as error:
            raise CallFailed("endpoint_unreachable", host=host) from error
        except json.JSONDecodeError as error:
            raise CallFailed("endpoint_empty", host=host) from error
        choice, usage = _choice_of(completion, host), completion.usage
        return Reply(
            choice.message.content or "",
            choice.finish_reason or "stop",
            usage.prompt_tokens if usage else None,
            usage.completion_tokens if usage else None,
            perf_counter() - started,
            cached_tokens(usage),
        )


def _client(address: str, key: str, retries: int) -> AsyncOpenAI:
    return AsyncOpenAI(
        api_key=key or "none",
        base_url=address,
        timeout=_TIMEOUT,
        max_retries=retries,
        http_client=DefaultAioHttpClient(
            follow_redirects=False,
            trust_env=not is_loopback(host_of(address)),  # a proxy is another machine
        ),
    )


def _fewest_waiting(addresses: Sequence[_Address]) -> _Address:
    """The least busy address that is up; where none is, the one whose rest ends first."""
    up = [address for address in addresses if address.is_up]
    if not up:
        return min(addresses, key=lambda one: one.rests_until)
    return min(up, key=lambda one: (one.waiting, one.asked))


def _choice_of(completion: object, host: str) -> Choice:
    """The first choice; the client checks no shapes, and hands a web page over as text."""
    choices = completion.choices if isinstance(completion, ChatCompletion) else None
    if choices and choices[0].message is not None:
        return choices[0]
    raise CallFailed("endpoint_empty", host=host)


def cached_tokens(usage: CompletionUsage | None) -> int | None:
    """Prompt tokens that the endpoint had cached; None where it does not say."""
    details = usage.prompt_tokens_details if usage else None
    return details.cached_tokens if details else None


def _sent(messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
    return [
        cast(ChatCompletionMessageParam, {"role": one.role, "content": one.content})
        for one in messages
    ]


def _refused(error: openai.BadRequestError, host: str, seconds: float) -> Reply:
    """A request that the endpoint understood and will never answer."""
    if error.code == "content_filter":
        return Reply("", "content_filter", None, None, seconds)
    if error.code in _TOO_LONG:
        return Reply("", "too_long", None, None, seconds)
    raise CallFailed("endpoint_status", host=host, status=error.status_code) from error
