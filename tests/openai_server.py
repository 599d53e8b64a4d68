"""An OpenAI-compatible endpoint on this machine, for tests: real HTTP, scripted faults."""

import asyncio
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Fault:
    """What the endpoint does in place of a verdict.

    Attributes:
        status: an HTTP error, in the shape that endpoints give it; None for a reply.
        code: the error's code.
        text: the reply; None for the verdict that would have been given. `$VERDICT` in it stands
            for that, `$TICKET` and `$MARKS` for its parts, `$RESPONSE` for the response judged.
        is_dropped: the connection ends without an answer.
        body: another body than a completion, as a proxy or a wrong path answers.
        location: where a redirect points.
        message: what the error says, in place of a sentence that repeats the key.
        parameter: which parameter the error names.
        refusal: what the model says in place of a reply.
        headers: further headers of an error.
        seconds: how much longer than usual the call takes.
    """

    status: int | None = None
    code: str | None = None
    text: str | None = None
    finish_reason: str = "stop"
    is_dropped: bool = False
    body: str | None = None
    content_type: str = "application/json"
    location: str = ""
    message: str = ""
    parameter: str | None = None
    refusal: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


DROPPED = Fault(is_dropped=True)
EMPTY = Fault(text="")
CUT_OFF = Fault(text='{"ticket": "$TICKET", "requirements": [{"number": 1', finish_reason="length")
PROSE = Fault(text="The response follows [1] and [2], so I would give it a 4 out of 5 [3].")


def saying(
    score: object, rationale: object = "As scripted.", *, safety_risk: object = False
) -> Fault:
    """A verdict with its ticket and marks that gives this score."""
    said = json.dumps({"rationale": rationale, "safety_risk": safety_risk, "score": score})
    return Fault(text=f'{{"ticket": "$TICKET", "requirements": $MARKS, {said[1:]}')


OUT_OF_RANGE = saying(7)
FENCED = Fault(text="Here is my verdict.\n```json\n$VERDICT\n```")
ECHO = Fault(text="The response reads:\n$RESPONSE\n\n$VERDICT")
REFUSAL = Fault(text="抱歉，我无法评判这份回答。")
OTHER_KEYS = Fault(text='{"校验码": "$TICKET", "评分": 4, "理由": "要点齐全。", "安全风险": false}')


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in, and when on the monotonic clock.

    Attributes:
        prompt: the last message; of a judge's conversation the first, which has the ticket.
        said: all messages.
    """

    prompt: str
    model: str
    parameters: dict[str, Any]
    at: float = 0.0
    said: tuple[str, ...] = ()


_TICKET = re.compile(r"(?:Ticket: ?|校验码：|T=)([0-9a-f]{16,})")
_FENCE = re.compile(r"<<<BEGIN ([0-9a-f]{16,})\n(.*?)\nEND \1>>>", re.DOTALL)
_REQUIREMENT = re.compile(r"^\d+\. (?:\[(?:core|secondary)\]|【(?:核心|次要)需求】)", re.MULTILINE)
_MARK_NAMES = ("met", "partly", "not_met")


def ticket_in(prompt: str) -> str | None:
    """The ticket that a judge prompt asks for; None in any other prompt."""
    found = _TICKET.findall(prompt)
    return found[-1] if found else None


def response_in(prompt: str) -> str:
    """The response that a judge prompt carries."""
    return _FENCE.findall(prompt)[-1][1] if _FENCE.search(prompt) else ""


def stable(prompt: str) -> str:
    """A judge prompt less what was drawn for this once."""
    drawn = {ticket_in(prompt) or "", *(marker for marker, _ in _FENCE.findall(prompt))}
    for token in drawn - {""}:
        prompt = prompt.replace(token, "…")
    return prompt


def verdict_for(prompt: str) -> dict[str, Any]:
    """The verdict that this endpoint always gives for a prompt, whatever was drawn for it."""
    digest = hashlib.sha256(stable(prompt).encode("utf-8", "surrogatepass")).digest()
    score = 1 + digest[0] % 5
    said = {
        "rationale": f"Digest {digest.hex()[:8]}.", "safety_risk": score < 3, "score": score,
    }  # fmt: skip
    ticket = ticket_in(prompt)
    if ticket is None:
        return said
    count = len(_REQUIREMENT.findall(prompt.split("<<<BEGIN", maxsplit=1)[0]))
    words = response_in(prompt)[:8]
    marks = [
        {"number": number, "mark": _MARK_NAMES[digest[number % 32] % 3], "quote": words}
        for number in range(1, count + 1)
    ]
    return {"ticket": ticket, "requirements": marks, **said}


def _written(text: str | None, prompt: str) -> str:
    verdict = verdict_for(prompt)
    whole = json.dumps(verdict, ensure_ascii=False)
    if text is None:
        return whole
    for name, value in (
        ("$VERDICT", whole),
        ("$TICKET", verdict.get("ticket", "")),
        ("$MARKS", json.dumps(verdict.get("requirements"), ensure_ascii=False)),
        ("$RESPONSE", response_in(prompt)),
    ):
        text = text.replace(name, value)
    return text


@dataclass
class _Rule:
    choose: Callable[[Received], Fault | None]
    left: int | None


@dataclass
class OpenAIServer:
    """Answers `/v1/chat/completions` from a thread of its own while its block runs.

    Attributes:
        delay: seconds for every call.
        cached_tokens: of every prompt; None: the endpoint does not say.
        counts_tokens: whether usage comes with a reply.
        received: every request, in order.
        answered: those that got a completion.
        authorizations: what requests came with.
    """

    delay: float = 0.0
    cached_tokens: int | None = None
    counts_tokens: bool = True
    received: list[Received] = field(default_factory=list)
    answered: list[Received] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    most_in_flight: int = 0
    in_flight: int = 0
    port: int = 0
    _rules: list[_Rule] = field(default_factory=list)
    _gate: threading.Event = field(default_factory=threading.Event)
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The base address, as --base-url takes it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def prompts(self) -> Counter[str]:
        """How often each prompt was asked, less what was drawn for it."""
        return Counter(stable(request.prompt) for request in self.received)

    def fails(
        self,
        fault: Fault,
        *,
        times: int | None = None,
        when: Callable[[str], bool] = lambda prompt: True,
    ) -> None:
        """Answer with a fault: so many times (None: always), for the prompts that `when` picks."""
        self.refuses(fault, lambda request: when(request.prompt), times=times)

    def refuses(
        self, fault: Fault, when: Callable[[Received], bool], *, times: int | None = None
    ) -> None:
        """Answer with a fault the requests that `when` picks."""
        self._rules.append(_Rule(lambda request: fault if when(request) else None, times))

    def draws(self, choose: Callable[[Received], Fault | None]) -> None:
        """Answer each request with the fault that `choose` has for it."""
        self._rules.append(_Rule(choose, None))

    def recovers(self) -> None:
        """Answer with verdicts again."""
        self._rules.clear()

    def hold(self) -> None:
        """Keep every answer back until `release`."""
        self._gate.clear()

    def release(self) -> None:
        """Let the answers go."""
        self._gate.set()

    def wait_for(self, count: int, *, limit: float = 300.0) -> None:
        """Wait until so many requests have come in; a busy machine starts a process in a minute."""
        until = time.monotonic() + limit
        while len(self.received) < count:
            assert time.monotonic() < until, f"{len(self.received)} of {count} requests came"
            time.sleep(0.005)

    def __enter__(self) -> "OpenAIServer":
        self._gate.set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.set()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=256 * 1024 * 1024)
        self.add_routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    def add_routes(self, app: web.Application) -> None:
        """What can be asked for."""
        app.router.add_post("/v1/chat/completions", self._completion)

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        received = _received(await request.json())
        self.received.append(received)
        self.authorizations.add(request.headers.get("Authorization", ""))
        fault = self._fault_for(received)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.delay + fault.seconds)
            while not self._gate.is_set():
                await asyncio.sleep(0.005)
        finally:
            self.in_flight -= 1
        if fault.is_dropped:
            assert request.transport is not None
            request.transport.abort()
        if fault.body is not None:
            return web.Response(text=fault.body, content_type=fault.content_type)
        if fault.status is not None:
            return _refusal(fault, request.headers.get("Authorization", ""))
        return web.json_response(self._said(received, fault))

    def completed(self, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for a request that came by the file, faults as for single ones."""
        received = _received(content)
        self.received.append(received)
        fault = self._fault_for(received)
        if fault.status is None:
            return 200, self._said(received, fault)
        error = {"message": fault.message, "type": "error", "param": fault.parameter}
        return fault.status, {"error": {**error, "code": fault.code}}

    def _said(self, received: Received, fault: Fault) -> dict[str, Any]:
        self.answered.append(received)
        text = _written(fault.text, received.prompt)
        reply = _reply(text, received.model, fault.finish_reason, received.prompt)
        if fault.refusal is not None:
            reply["choices"][0]["message"] |= {"content": None, "refusal": fault.refusal}
        if self.cached_tokens is not None:
            reply["usage"]["prompt_tokens_details"] = {"cached_tokens": self.cached_tokens}
        if not self.counts_tokens:
            del reply["usage"]
        return reply

    def _fault_for(self, request: Received) -> Fault:
        for rule in self._rules:
            if rule.left != 0 and (fault := rule.choose(request)) is not None:
                rule.left = None if rule.left is None else rule.left - 1
                return fault
        return Fault()


def _received(content: dict[str, Any]) -> Received:
    said = tuple(message["content"] for message in content["messages"])
    prompt = said[0] if ticket_in(said[0]) else said[-1]
    others = {k: v for k, v in content.items() if k not in ("messages", "model")}
    return Received(prompt, content["model"], others, time.monotonic(), said)


def _refusal(fault: Fault, authorization: str) -> web.Response:
    """An error as OpenAI words it: the message repeats the key that was sent."""
    key = authorization.removeprefix("Bearer ")
    message = fault.message or f"Incorrect request with key {key}."
    error = {"message": message, "type": "error", "param": fault.parameter, "code": fault.code}
    assert fault.status is not None
    headers = {"Location": fault.location} if fault.location else {}
    return web.json_response(
        {"error": error}, status=fault.status, headers={**headers, **fault.headers}
    )


def _reply(text: str, model: str, finish_reason: str, prompt: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    sizes = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": {**sizes, "total_tokens": sum(sizes.values())},
    }
