"""An OpenAI-compatible endpoint on this machine, for tests: real HTTP, scripted faults."""

import asyncio
import hashlib
import json
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
        text: the reply; None for the verdict that would have been given.
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
CUT_OFF = Fault(text='{"score": 4, "rationale": "meets the core', finish_reason="length")
PROSE = Fault(text="The response follows [1] and [2], so I would give it a 4 out of 5 [3].")
OUT_OF_RANGE = Fault(text='{"score": 7, "rationale": "Excellent.", "safety_risk": false}')


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in, and when on the monotonic clock."""

    prompt: str
    model: str
    parameters: dict[str, Any]
    at: float = 0.0


def verdict_for(prompt: str) -> dict[str, Any]:
    """The verdict that this endpoint always gives for a prompt."""
    digest = hashlib.sha256(prompt.encode("utf-8")).digest()
    score = 1 + digest[0] % 5
    return {"score": score, "rationale": f"Digest {digest.hex()[:8]}.", "safety_risk": score < 3}


@dataclass
class _Rule:
    fault: Fault
    when: Callable[[Received], bool]
    left: int | None


@dataclass
class OpenAIServer:
    """Answers `/v1/chat/completions` from a thread of its own while its block runs.

    Attributes:
        delay: seconds for every call.
        cached_tokens: of every prompt; None: the endpoint does not say.
        counts_tokens: whether usage comes with a reply.
        received: every request, in order.
    """

    delay: float = 0.0
    cached_tokens: int | None = None
    counts_tokens: bool = True
    received: list[Received] = field(default_factory=list)
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
        """How often each prompt was asked."""
        return Counter(request.prompt for request in self.received)

    def fails(
        self,
        fault: Fault,
        *,
        times: int | None = None,
        when: Callable[[str], bool] = lambda prompt: True,
    ) -> None:
        """Answer with a fault: so many times (None: always), for the prompts that `when` picks."""
        self._rules.append(_Rule(fault, lambda request: when(request.prompt), times))

    def refuses(
        self, fault: Fault, when: Callable[[Received], bool], *, times: int | None = None
    ) -> None:
        """Answer with a fault the requests that `when` picks."""
        self._rules.append(_Rule(fault, when, times))

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
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._completion)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _completion(self, request: web.Request) -> web.StreamResponse:
        content = await request.json()
        prompt = content["messages"][-1]["content"]
        others = {k: v for k, v in content.items() if k not in ("messages", "model")}
        received = Received(prompt, content["model"], others, time.monotonic())
        self.received.append(received)
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
        text = json.dumps(verdict_for(prompt)) if fault.text is None else fault.text
        reply = _reply(text, content["model"], fault.finish_reason, prompt)
        if fault.refusal is not None:
            reply["choices"][0]["message"] |= {"content": None, "refusal": fault.refusal}
        if self.cached_tokens is not None:
            reply["usage"]["prompt_tokens_details"] = {"cached_tokens": self.cached_tokens}
        if not self.counts_tokens:
            del reply["usage"]
        return web.json_response(reply)

    def _fault_for(self, request: Received) -> Fault:
        for rule in self._rules:
            if rule.left != 0 and rule.when(request):
                rule.left = None if rule.left is None else rule.left - 1
                return rule.fault
        return Fault()


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
