"""Endpoints: each call goes where the fewest are waiting, of the addresses that answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from core.engines import flow, openai_api
from core.engines.base import Configuration, Message, Reply
from core.engines.openai_api import OpenAIChat
from core.errors import AttendingError
from tests.openai_server import DROPPED, Fault, OpenAIServer

QUESTION = [Message("user", "发热三天？")]


@pytest.fixture
def servers() -> Iterator[list[OpenAIServer]]:
    """Three endpoints on this machine."""
    with ExitStack() as stack:
        yield [stack.enter_context(OpenAIServer()) for _ in range(3)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The engine's clock, in seconds, which stands until a test moves it; pauses are exact."""
    now = [1000.0]
    monkeypatch.setattr(flow, "_JITTER", 0.0)
    for module in (flow, openai_api):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def run(servers: list[OpenAIServer], do: Callable[[OpenAIChat], Awaitable[Any]]) -> Any:
    """What `do` returns with an engine for these addresses."""

    async def running() -> Any:
        addresses = tuple(server.url for server in servers)
        engine = OpenAIChat(Configuration("elm-7b", {"trust_remote_code": True}, addresses, 8))
        try:
            return await do(engine)
        finally:
            await engine.close()

    return asyncio.run(running())


def received(servers: list[OpenAIServer]) -> list[int]:
    return [len(server.received) for server in servers]


async def ask(engine: OpenAIChat, times: int = 1) -> list[Reply | AttendingError]:
    """Replies to calls made at once."""
    return await asyncio.gather(
        *(engine.answer(QUESTION) for _ in range(times)), return_exceptions=True
    )


def kinds(found: list[Reply | AttendingError]) -> list[str]:
    return [one.finish_reason if isinstance(one, Reply) else one.code for one in found]


def test_calls_made_at_once_are_shared_out(servers):
    assert kinds(run(servers, lambda engine: ask(engine, 9))) == ["stop"] * 9
    assert received(servers) == [3, 3, 3]
    assert servers[0].received[0].parameters == {}  # what concerns checkpoints is not sent


def test_a_call_goes_where_the_fewest_are_waiting(servers):
    async def do(engine: OpenAIChat) -> list[int]:
        servers[0].hold()
        held = asyncio.ensure_future(ask(engine, 3))
        await asyncio.to_thread(servers[0].wait_for, 1)
        await asyncio.to_thread(servers[1].wait_for, 1)
        await asyncio.to_thread(servers[2].wait_for, 1)
        await asyncio.sleep(0.2)  # two of them have answered
        for _ in range(4):
            await ask(engine)
        before = received(servers)
        servers[0].release()
        await held
        return before

    assert run(servers, do) == [1, 3, 3]


def test_an_address_that_drops_connections_is_left_out_and_its_calls_are_made_elsewhere(servers):
    servers[1].fails(DROPPED)

    async def do(engine: OpenAIChat) -> list[str]:
        return [kind for _ in range(4) for kind in kinds(await ask(engine, 3))]

    assert run(servers, do) == ["stop"] * 12
    assert received(servers)[1] == 1
    assert sum(received(servers)) == 13


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_finds_no_server_is_left_out_too(servers, status):
    servers[0].fails(Fault(status=status))

    async def do(engine: OpenAIChat) -> list[str]:
        return [kind for _ in range(5) for kind in kinds(await ask(engine))]

    assert run(servers, do) == ["stop"] * 5
    assert received(servers)[0] == 1


def test_an_address_rests_twice_as_long_each_time_and_comes_back(servers, clock):
    servers[0].fails(DROPPED, times=3)
    asked_at = []

    async def do(engine: OpenAIChat) -> None:
        for number in range(40):
            before = len(servers[0].received)
            clock[0] = 1000.0 + number / 2
            assert kinds(await ask(engine)) == ["stop"]
            if len(servers[0].received) > before:
                asked_at.append(number / 2)

    run(servers[:2], do)

    # Rests of 0.5, 1 and 2 seconds; then it answers, and being behind is preferred for a while.
    assert asked_at[:7] == [0.0, 0.5, 1.5, 3.5, 4.0, 4.5, 5.0]


def test_no_address_rests_for_more_than_a_minute(servers, clock):
    servers[0].fails(DROPPED)
    asked_at = []

    async def do(engine: OpenAIChat) -> None:
        for number in range(600):
            before = len(servers[0].received)
            clock[0] = 1000.0 + number / 2
            await ask(engine)
            if len(servers[0].received) > before:
                asked_at.append(number / 2)

    run(servers[:2], do)

    assert asked_at == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 123.5, 183.5, 243.5]


def test_calls_that_are_lost_together_count_as_one_loss(servers, clock):
    async def do(engine: OpenAIChat) -> list[str]:
        servers[0].hold()
        servers[0].fails(DROPPED, times=4)
        asking = asyncio.ensure_future(ask(engine, 8))
        await asyncio.to_thread(servers[0].wait_for, 4)
        servers[0].release()
        first = kinds(await asking)
        clock[0] += 0.5
        return first + kinds(await ask(engine, 2))

    assert run(servers[:2], do) == ["stop"] * 10
    assert received(servers)[0] == 5  # after half a second it is asked again


def test_after_a_rest_one_call_tries_an_address_out(servers, clock):
    servers[0].fails(DROPPED, times=1)

    async def do(engine: OpenAIChat) -> list[int]:
        await ask(engine)
        clock[0] += 0.5
        servers[0].hold()
        asking = asyncio.ensure_future(ask(engine, 6))
        await asyncio.to_thread(servers[1].wait_for, 1 + 5)
        before = received(servers[:2])
        servers[0].release()
        await asking
        return before

    assert run(servers[:2], do) == [2, 6]


@pytest.mark.parametrize("status", [400, 408, 409, 500])
def test_a_call_that_fails_at_one_address_is_made_at_another(servers, status):
    servers[0].fails(Fault(status=status))

    assert kinds(run(servers[:2], lambda engine: ask(engine, 4))) == ["stop"] * 4
    assert received(servers[:2]) == [2, 4]


def test_where_every_address_is_lost_the_call_fails(servers):
    for server in servers:
        server.fails(DROPPED)

    async def do(engine: OpenAIChat) -> list[str]:
        first = kinds(await ask(engine))
        for server in servers:
            server.recovers()
        return first + kinds(await ask(engine, 2))

    assert run(servers, do) == ["endpoint_unreachable", "stop", "stop"]
    assert sum(received(servers)) == 3 + 2


def test_the_only_address_is_tried_again_after_a_rest(servers):
    servers[0].fails(Fault(status=503), times=1)

    async def do(engine: OpenAIChat) -> list[str]:
        return kinds(await ask(engine)) + kinds(await ask(engine))

    assert run(servers[:1], do) == ["endpoint_status", "stop"]
    first, second = servers[0].received
    assert second.at - first.at > 0.3  # half a second, and its jitter
