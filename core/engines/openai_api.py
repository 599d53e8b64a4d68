"""Chat models behind any OpenAI-compatible endpoint.

The key is read from `OPENAI_API_KEY` when the engine is built and kept nowhere else. Errors carry
codes and the host only: an endpoint's own message may repeat the key.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, perf_counter
from typing import Any

import openai
from httpx2 import Limits, Response
from openai import AsyncOpenAI, DefaultAioHttpClient, Timeout

from core.domain.addresses import OPENAI, host_of, is_loopback, server_of
from core.engines.base import Configuration, Message, Reply
from core.engines.complaints import Complaint, complaint_of
from core.engines.completions import FORMS, body_of, reply_of
from core.engines.flow import Gate, Pace
from core.errors import CallFailed, EngineStopped

_TIMEOUT = Timeout(180.0, connect=30.0, pool=None)  # seconds; a call waits for its turn before
#: Pauses in a row that an address may ask for without answering anything between them.
_MOST_REFUSALS = 6
#: Seconds: an address that asks to wait longer is given up for now.
_LONGEST_ASKED = 300.0
#: What a server that is overloaded answers; with a time to wait it is no failure.
_OVERLOADED = frozenset({503, 529})
#: Bytes of a prompt for each token: one Chinese character, or most of an English word.
_BYTES_PER_TOKEN = 3.0
#: Tokens that a reply is expected to have before any has been seen.
_USUAL_REPLY = 256.0
#: Weight of the newest reply in what the next is expected to have.
_NEWEST = 0.1


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What an address understands of what can be asked for.

    Attributes:
        form: index into `FORMS`.
        limit: the name that the limit of tokens goes by.
    """

    form: int = 0
    limit: str = "max_tokens"


@dataclass(slots=True)
class _Address:
    """One address, how it may be asked, and in which words.

    Attributes:
        server: host and port, as its errors name it.
        is_form_known: it has answered a call that asked for the dialect's form.
    """

    client: AsyncOpenAI
    server: str
    gate: Gate
    dialect: _Dialect = field(default_factory=_Dialect)
    is_form_known: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, whatever the dialect.

    Attributes:
        tokens: about how many the prompt and its reply have.
    """

    messages: list[dict[str, str]]
    parameters: dict[str, Any]
    schema: Mapping[str, Any] | None
    tokens: float


class _Refused(Exception):
    """The endpoint did not take the call; `complaint` says why."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.status)
        self.complaint = complaint


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
        self._addresses = [_address(one, key, configuration.concurrency) for one in addresses]
        self._requests = Pace(configuration.requests_per_minute)
        self._tokens = Pace(configuration.tokens_per_minute)
        self._reply_tokens = min(_USUAL_REPLY, self._parameters.get("max_tokens", _USUAL_REPLY))
        self._first_in_line = asyncio.Lock()
        self._changed = asyncio.Event()
        self._is_stopping = False

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

        A call that fails is made again at once at an address that is up. One that is refused for
        coming too early waits for its turn again.

        Raises:
            CallFailed: no address answered; the call can be made again.
            EngineStopped: no call can succeed: the key, the model or a parameter is refused.
        """
        size = sum(len(one.content.encode("utf-8", "replace")) for one in messages)
        request = _Request(
            [{"role": one.role, "content": one.content} for one in messages],
            self._parameters if seed is None else self._parameters | {"seed": seed},
            schema,
            size / _BYTES_PER_TOKEN + self._reply_tokens,
        )
        untried = list(self._addresses)
        while True:
            address, call = await self._turn(untried, request)
            try:
                reply = await self._asked(address, call, request)
            except CallFailed:
                untried.remove(address)
                if not any(other.gate.is_up for other in untried):
                    raise
            else:
                if reply is not None:
                    return reply

    def stop(self) -> None:
        """Send nothing more; calls that wait for their turn fail."""
        self._is_stopping = True
        self._changed.set()

    async def close(self) -> None:
        """Close the connections."""
        for address in self._addresses:
            await address.client.close()

    # --- whose turn it is ---------------------------------------------------------------------

    async def _turn(self, among: Sequence[_Address], request: _Request) -> tuple[_Address, int]:
        """Wait until an address takes a call and the limits allow one; the address, the call."""
        async with self._first_in_line:
            while True:
                if self._is_stopping:
                    raise CallFailed("not_sent")
                now = monotonic()
                found = min(
                    among,
                    key=lambda one: (max(now, one.gate.ready_at), one.gate.waiting, one.gate.asked),
                )
                ready_at = max(found.gate.ready_at, self._requests.ready_at, self._tokens.ready_at)
                seconds = ready_at - now
                if seconds <= 0.0:
                    break
                await self._wait(seconds)
            self._take(request)
            return found, found.gate.begin()

    def _take(self, request: _Request) -> None:
        """Count a call against the limits."""
        self._requests.take(1.0)
        self._tokens.take(request.tokens)

    async def _wait(self, seconds: float) -> None:
        """Wait for so long, or until something has changed."""
        self._changed.clear()
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    # --- one call -----------------------------------------------------------------------------

    async def _asked(self, address: _Address, call: int, request: _Request) -> Reply | None:
        """Ask one address, and note how it answers; None where it must be asked later."""
        try:
            reply = await self._understood(address, request)
        except _Refused as refused:
            address.gate.refused(call, refused.complaint.seconds)
            self._stop_if_hopeless(address)
            return None
        except CallFailed:
            address.gate.failed(call)
            raise
        finally:
            address.gate.end()
            self._changed.set()
        address.gate.answered()
        self._count(reply, request)
        return reply

    def _stop_if_hopeless(self, address: _Address) -> None:
        """Raise EngineStopped where every address has only asked to wait, or for too long."""
        now = monotonic()
        gates = [one.gate for one in self._addresses]
        if all(
            gate.refusals >= _MOST_REFUSALS or gate.pauses_until - now > _LONGEST_ASKED
            for gate in gates
        ):
            wait = min(gate.pauses_until for gate in gates) - now
            raise EngineStopped("endpoint_busy", host=address.server, seconds=max(1, round(wait)))

    def _count(self, reply: Reply, request: _Request) -> None:
        """Correct what was expected of a call by what it used."""
        if reply.prompt_tokens is None or reply.reply_tokens is None:
            return
        self._tokens.correct(reply.prompt_tokens + reply.reply_tokens - request.tokens)
        self._reply_tokens += _NEWEST * (reply.reply_tokens - self._reply_tokens)

    async def _understood(self, address: _Address, request: _Request) -> Reply:
        """Ask in the words that an address understands, and remember them for the next call.

        Raises:
            _Refused: the call came too early.
        """
        spoken, started = address.dialect, perf_counter()
        while True:
            try:
                reply = await self._posted(address, request, spoken)
            except _Refused as refused:
                complaint = refused.complaint
                if complaint.is_about_content or complaint.is_about_length:
                    because = "content_filter" if complaint.is_about_content else "too_long"
                    return Reply("", because, None, None, perf_counter() - started)
                simpler = self._simpler(address, request, spoken, complaint)
                if simpler is None:
                    raise self._meant(address, complaint) from None
                spoken = simpler
                self._take(request)
            else:
                if request.schema is None:
                    address.dialect = replace(address.dialect, limit=spoken.limit)
                elif spoken.form == address.dialect.form or not address.is_form_known:
                    address.dialect = spoken
                    address.is_form_known = True
                return reply

    def _simpler(
        self, address: _Address, request: _Request, spoken: _Dialect, complaint: Complaint
    ) -> _Dialect | None:
        """Words to try instead of the ones that an address complained about."""
        is_limited = spoken.limit in request.parameters
        if complaint.names_token_limit and is_limited and spoken.limit == "max_tokens":
            return replace(spoken, limit="max_completion_tokens")
        if request.schema is None or not FORMS[spoken.form]:
            return None
        # an endpoint that has taken this form before fails for another reason than the form
        is_odd = complaint.status in (500, 501) and not address.is_form_known
        if complaint.status in (400, 422) or is_odd or complaint.names_format:
            return replace(spoken, form=spoken.form + 1)
        return None

    def _meant(self, address: _Address, complaint: Complaint) -> Exception:
        """What a complaint means for the call, or for all of them."""
        host, status = address.server, complaint.status
        refused = complaint.refused_calls(host, self._model, self._parameters)
        if refused is not None:
            return refused
        if status == 429 or (status in _OVERLOADED and complaint.seconds is not None):
            return _Refused(complaint)
        return CallFailed("endpoint_status", host=host, status=status)

    async def _posted(self, address: _Address, request: _Request, spoken: _Dialect) -> Reply:
        """Send one call.

        Raises:
            _Refused: the endpoint answers with an HTTP error.
            CallFailed: it does not answer, or not with a completion.
        """
        started = perf_counter()
        try:
            response = await address.client.post(
                "/chat/completions", cast_to=Response, content=self._body(request, spoken),
                options={"headers": {"Content-Type": "application/json"}},
            )  # fmt: skip
        except openai.APIStatusError as error:
            said = error.response
            raise _Refused(complaint_of(said.status_code, said.headers, said.content)) from None
        except (openai.APIError, OSError) as error:
            raise CallFailed("endpoint_unreachable", host=address.server) from error
        reply = reply_of(response.content, perf_counter() - started)
        if reply is None:
            raise CallFailed("endpoint_empty", host=address.server)
        return reply

    def _body(self, request: _Request, spoken: _Dialect) -> bytes:
        content = body_of(
            self._model, request.messages, request.parameters, request.schema,
            form=FORMS[spoken.form], limit=spoken.limit,
        )  # fmt: skip
        try:
            return json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half a surrogate pair is no UTF-8, but JSON can say it
            return json.dumps(content).encode()


def _address(address: str, key: str, ceiling: int) -> _Address:
    client = AsyncOpenAI(
        api_key=key or "none",
        base_url=address,
        timeout=_TIMEOUT,
        max_retries=0,  # when to ask again is decided here, for all calls together
        http_client=DefaultAioHttpClient(
            follow_redirects=False,
            trust_env=not is_loopback(host_of(address)),  # a proxy is another machine
            timeout=_TIMEOUT,
            limits=Limits(max_connections=None, max_keepalive_connections=ceiling),
        ),
    )
    return _Address(client, server_of(address), Gate(ceiling))
