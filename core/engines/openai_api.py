"""Chat models behind any OpenAI-compatible endpoint.

The key is read from `OPENAI_API_KEY` when the engine is built and kept nowhere else. Errors carry
codes and the host only: an endpoint's own message may repeat the key.
"""

import itertools
import json
import os
import time
from collections.abc import Sequence
from typing import cast

import openai
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.chat.chat_completion import Choice

from core.domain.addresses import OPENAI, host_of, is_loopback
from core.engines.base import Configuration, Message, Reply
from core.errors import CallFailed, EngineStopped

_TIMEOUT = 180.0  # seconds for one call
#: Codes by which endpoints say that a prompt is longer than the context.
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})


class OpenAIChat:
    """Asks one or several addresses in turn."""

    def __init__(self, configuration: Configuration) -> None:
        addresses = configuration.addresses or (OPENAI,)
        key = os.environ.get("OPENAI_API_KEY", "")
        if not key and any(not is_loopback(host_of(address)) for address in addresses):
            raise EngineStopped("no_key", variable="OPENAI_API_KEY")
        self._model = configuration.model
        self._parameters = configuration.parameters
        self._clients = [
            AsyncOpenAI(
                api_key=key or "none",
                base_url=address,
                timeout=_TIMEOUT,
                max_retries=2,
                http_client=DefaultAioHttpClient(
                    follow_redirects=False,
                    trust_env=not is_loopback(host_of(address)),  # a proxy is another machine
                ),
            )
            for address in addresses
        ]
        self._next = itertools.cycle(self._clients)

    async def revision(self) -> str:
        """'': an endpoint does not say which weights it serves."""
        return ""

    async def answer(self, messages: Sequence[Message], *, seed: int | None = None) -> Reply:
        """Answer a conversation whose last message is the user's."""
        client = next(self._next)
        host = client.base_url.host
        started = time.perf_counter()
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
            return _refused(error, host, time.perf_counter() - started)
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
            time.perf_counter() - started,
        )

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.close()


def _choice_of(completion: object, host: str) -> Choice:
    """The first choice; the client checks no shapes, and hands a web page over as text."""
    choices = completion.choices if isinstance(completion, ChatCompletion) else None
    if choices and choices[0].message is not None:
        return choices[0]
    raise CallFailed("endpoint_empty", host=host)


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
