"""Endpoints: each call goes where the fewest are waiting, of the addresses that answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from core.engines import flow, openai_api
from core.engines.base import Configuration, Message, Reply
from core.engines.openai_api import OpenAIChat
from core.errors import AttendingError, EngineStopped
from tests.openai_server import DROPPED, Fault, OpenAIServer, Received

QUESTION = [Message("user", "发热三天？")]
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
BUSY = Fault(status=429, headers={"Retry-After": "0.3"})


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


def run(
    servers: list[OpenAIServer], do: Callable[[OpenAIChat], Awaitable[Any]], **options: Any
) -> Any:
    """What `do` returns with an engine for these addresses."""
    addresses = tuple(server.url for server in servers)
    usual = Configuration("elm-7b", {"trust_remote_code": True}, addresses, 8)

    async def running() -> Any:
        engine = OpenAIChat(replace(usual, **options))
        try:
            return await do(engine)
        finally:
            await engine.close()

    return asyncio.run(running())


def received(servers: list[OpenAIServer]) -> list[int]:
    return [len(server.received) for server in servers]


async def ask(
    engine: OpenAIChat, times: int = 1, schema: dict[str, Any] | None = None
) -> list[Reply | AttendingError]:
    """Replies to calls made at once."""
    return await asyncio.gather(
        *(engine.answer(QUESTION, schema=schema) for _ in range(times)), return_exceptions=True
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
            clock[0] = 1000.0 + number / 8
            assert kinds(await ask(engine)) == ["stop"]
            if len(servers[0].received) > before:
                asked_at.append(number / 8)

    run(servers[:2], do)

    # Rests of 1/8, 1/4 and 1/2 second; then it answers, and being behind is preferred for a while.
    assert asked_at[:7] == [0.0, 0.125, 0.375, 0.875, 1.0, 1.125, 1.25]


def test_no_address_rests_for_more_than_a_minute(servers, clock):
    servers[0].fails(DROPPED)
    asked_at = []

    async def do(engine: OpenAIChat) -> None:
        for number in range(2_000):
            before = len(servers[0].received)
            clock[0] = 1000.0 + number / 8
            await ask(engine)
            if len(servers[0].received) > before:
                asked_at.append(number / 8)

    run(servers[:2], do)

    assert asked_at[:8] == [0.0, 0.125, 0.375, 0.875, 1.875, 3.875, 7.875, 15.875]
    assert asked_at[8:] == [31.875, 63.875, 123.875, 183.875, 243.875]


def test_calls_that_are_lost_together_count_as_one_loss(servers, clock):
    async def do(engine: OpenAIChat) -> list[str]:
        servers[0].hold()
        servers[0].fails(DROPPED, times=4)
        asking = asyncio.ensure_future(ask(engine, 8))
        await asyncio.to_thread(servers[0].wait_for, 4)
        servers[0].release()
        first = kinds(await asking)
        clock[0] += 0.125
        return first + kinds(await ask(engine, 2))

    assert run(servers[:2], do) == ["stop"] * 10
    assert received(servers)[0] == 5  # after its rest it is asked again


def test_after_a_rest_one_call_tries_an_address_out(servers, clock):
    servers[0].fails(DROPPED, times=1)

    async def do(engine: OpenAIChat) -> list[int]:
        await ask(engine)
        clock[0] += 0.125
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
    assert second.at - first.at > 0.08  # an eighth of a second, and its jitter


# --- too many calls ---------------------------------------------------------------------------


def test_all_that_the_user_allows_is_in_flight_at_once(servers):
    servers[0].hold()

    async def do(engine: OpenAIChat) -> list[str]:
        asking = asyncio.ensure_future(ask(engine, 64))
        await asyncio.to_thread(servers[0].wait_for, 64)
        servers[0].release()
        return kinds(await asking)

    assert run(servers[:1], do, concurrency=64) == ["stop"] * 64
    assert servers[0].most_in_flight == 64


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_refused_call_is_made_again_when_the_endpoint_says_so(servers, status):
    servers[0].fails(replace(BUSY, status=status), times=1)

    assert kinds(run(servers[:1], ask)) == ["stop"]
    first, second = servers[0].received
    assert 0.3 <= second.at - first.at < 5.0


def test_while_one_address_pauses_the_others_do_its_work(servers):
    servers[0].fails(Fault(status=429, headers={"Retry-After": "30"}))

    async def do(engine: OpenAIChat) -> list[str]:
        return [kind for _ in range(5) for kind in kinds(await ask(engine, 4))]

    assert run(servers[:2], do) == ["stop"] * 20
    assert received(servers[:2]) == [2, 20]


def test_calls_in_flight_adapt_to_what_an_endpoint_bears(servers):
    """An endpoint that takes ten at a time is found out, and most calls get through at once."""
    bears = 10
    servers[0].delay = 0.02
    servers[0].refuses(
        Fault(status=429, headers={"Retry-After": "0.02"}),
        lambda request: servers[0].in_flight >= bears,
    )

    found = run(servers[:1], lambda engine: ask(engine, 400), concurrency=64)

    assert kinds(found) == ["stop"] * 400
    refused = len(servers[0].received) - 400
    assert refused < 54 + 100  # those of the first moment, and few of the following 346


def test_an_endpoint_that_only_asks_to_wait_is_given_up(servers):
    servers[0].fails(Fault(status=429, headers={"Retry-After": "0.01"}))

    found = run(servers[:1], lambda engine: ask(engine, 8))

    assert "endpoint_busy" in kinds(found)
    assert len(servers[0].received) < 8 * 6


def test_a_wait_that_is_too_long_is_told_at_once(servers):
    servers[0].fails(Fault(status=429, headers={"Retry-After": "7200"}))

    [found] = run(servers[:1], ask)

    assert isinstance(found, EngineStopped)
    server = f"127.0.0.1:{servers[0].port}"
    assert (found.code, found.values) == ("endpoint_busy", {"host": server, "seconds": 7200})


@pytest.mark.parametrize(
    "fault", [Fault(status=429, code="insufficient_quota"), Fault(status=402)]
)  # fmt: skip
def test_no_credit_stops_at_once(servers, fault):
    servers[0].fails(fault)

    assert kinds(run(servers[:1], ask)) == ["endpoint_no_credit"]
    assert received(servers[:1]) == [1]


def test_calls_that_wait_for_their_turn_are_let_go(servers):
    servers[0].fails(Fault(status=429, headers={"Retry-After": "200"}), times=1)

    async def do(engine: OpenAIChat) -> list[str]:
        asking = asyncio.ensure_future(ask(engine, 4))
        while not servers[0].received:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        engine.stop()
        return kinds(await asking)

    started = time.monotonic()
    assert "not_sent" in run(servers[:1], do, concurrency=1)
    assert time.monotonic() - started < 60.0


def test_no_more_calls_are_made_than_a_minute_may_hold(servers):
    run(servers[:2], lambda engine: ask(engine, 11), requests_per_minute=1_200)

    times = sorted(one.at for server in servers for one in server.received)
    assert times[-1] - times[0] >= 10 * 0.05 - 0.02


def test_tokens_are_counted_before_and_corrected_after(servers):
    """Calls expect 256 tokens in reply; the endpoint's answers have about 20."""

    async def do(engine: OpenAIChat) -> float:
        await ask(engine)
        started = time.monotonic()
        await ask(engine)
        return time.monotonic() - started

    waited = run(servers[:1], do, tokens_per_minute=3_000)

    assert 0.2 < waited < 4.0  # 20-odd tokens' share of a minute, not 260 tokens' share


# --- asking for a form ------------------------------------------------------------------------


def form_of(request: Received) -> str:
    return str(request.parameters.get("response_format", {}).get("type", ""))


def forms(server: OpenAIServer) -> list[str]:
    return [form_of(request) for request in server.received]


def test_a_schema_is_asked_for_strictly(servers):
    assert kinds(run(servers[:1], lambda engine: ask(engine, schema=SCHEMA))) == ["stop"]

    assert servers[0].received[0].parameters["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
    }


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        (("json_schema",), ["json_schema", "json_object", "json_object"]),
        (("json_schema", "json_object"), ["json_schema", "json_object", "", ""]),
    ],
)
def test_a_form_that_is_refused_costs_nothing_and_is_not_asked_for_again(
    servers, status, refused, asked
):
    servers[0].refuses(Fault(status=status), lambda request: form_of(request) in refused)

    async def do(engine: OpenAIChat) -> list[str]:
        return [kind for _ in range(2) for kind in kinds(await ask(engine, schema=SCHEMA))]

    assert run(servers[:1], do) == ["stop", "stop"]
    assert forms(servers[0]) == asked


def test_each_address_has_its_own_forms(servers):
    servers[0].refuses(Fault(status=400), lambda request: form_of(request) != "")

    async def do(engine: OpenAIChat) -> list[str]:
        return [kind for _ in range(2) for kind in kinds(await ask(engine, 2, SCHEMA))]

    assert run(servers[:2], do) == ["stop"] * 4
    assert forms(servers[0]) == ["json_schema", "json_object", "", ""]
    assert forms(servers[1]) == ["json_schema", "json_schema"]


def test_one_request_that_is_refused_with_its_form_does_not_take_it_from_the_others(servers):
    async def do(engine: OpenAIChat) -> list[str]:
        first = kinds(await ask(engine, schema=SCHEMA))
        servers[0].refuses(Fault(status=400), lambda request: form_of(request) != "")
        second = kinds(await ask(engine, schema=SCHEMA))
        servers[0].recovers()
        return first + second + kinds(await ask(engine, schema=SCHEMA))

    assert run(servers[:1], do) == ["stop"] * 3
    assert forms(servers[0]) == ["json_schema", "json_schema", "json_object", "", "json_schema"]


def test_a_server_that_fails_by_itself_keeps_its_form(servers):
    async def do(engine: OpenAIChat) -> list[str]:
        first = kinds(await ask(engine, schema=SCHEMA))
        servers[0].fails(Fault(status=500), times=1)
        return first + kinds(await ask(engine, schema=SCHEMA)) + kinds(await ask(engine, 1, SCHEMA))

    assert run(servers[:1], do) == ["stop", "endpoint_status", "stop"]
    assert forms(servers[0]) == ["json_schema"] * 3


def test_a_request_that_is_refused_in_every_form_fails(servers):
    servers[0].fails(Fault(status=400))

    assert kinds(run(servers[:1], lambda engine: ask(engine, schema=SCHEMA))) == ["endpoint_status"]
    assert forms(servers[0]) == ["json_schema", "json_object", ""]


def test_the_limit_of_tokens_goes_by_the_name_that_a_model_knows(servers):
    message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    fault = Fault(status=400, code="unsupported_parameter", parameter="max_tokens", message=message)
    servers[0].refuses(fault, lambda request: "max_tokens" in request.parameters)

    async def do(engine: OpenAIChat) -> list[str]:
        return [kind for _ in range(2) for kind in kinds(await ask(engine, 1, SCHEMA))]

    parameters = {"max_tokens": 512}
    assert run(servers[:1], do, parameters=parameters) == ["stop", "stop"]
    limits = [
        {k: v for k, v in one.parameters.items() if "tokens" in k} for one in servers[0].received
    ]
    assert limits == [{"max_tokens": 512}] + [{"max_completion_tokens": 512}] * 2
    assert forms(servers[0]) == ["json_schema"] * 3


def test_a_parameter_that_a_model_does_not_take_stops_and_is_never_dropped(servers):
    fault = Fault(status=400, code="unsupported_value", parameter="temperature", message="Only 1.")
    servers[0].fails(fault)

    [found] = run(servers[:1], ask, parameters={"temperature": 0.0})

    assert isinstance(found, EngineStopped)
    assert (found.code, found.values["parameter"]) == ("endpoint_refuses_parameter", "temperature")
    assert all("temperature" in one.parameters for one in servers[0].received)


# --- what comes back --------------------------------------------------------------------------


def test_a_refusal_is_told_from_a_reply_and_its_words_are_kept(servers):
    servers[0].fails(Fault(refusal="I can't help with that."))

    [found] = run(servers[:1], ask)

    assert isinstance(found, Reply)
    assert (found.text, found.finish_reason) == ("I can't help with that.", "refusal")


def test_a_prompt_with_half_a_surrogate_pair_is_sent(servers):
    servers[0].fails(Fault(text="Seen."))

    async def do(engine: OpenAIChat) -> str:
        return (await engine.answer([Message("user", "x\ud83dy")])).finish_reason

    assert run(servers[:1], do) == "stop"
    assert servers[0].received[0].prompt == "x\ud83dy"
