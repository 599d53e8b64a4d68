"""Flow: windows shrink and grow, pauses are kept, limits hold over any minute."""

import math

import pytest

from core.engines import flow
from core.engines.flow import Gate, Pace, pause


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, in seconds, which stands until a test moves it; pauses are exact."""
    now = [1000.0]
    monkeypatch.setattr(flow, "_JITTER", 0.0)
    monkeypatch.setattr(flow, "monotonic", lambda: now[0])
    return now


def filled(gate: Gate) -> list[int]:
    """As many calls as the window takes."""
    calls = []
    while gate.is_up:
        calls.append(gate.begin())
    return calls


def answer(gate: Gate, times: int) -> None:
    for _ in range(times):
        gate.begin()
        gate.answered()
        gate.end()


def test_the_whole_ceiling_is_in_flight_at_once(clock):
    gate = Gate(64)

    assert len(filled(gate)) == 64
    assert gate.ready_at == math.inf


def test_a_refusal_halves_what_may_be_in_flight_once_for_all_calls_of_its_moment(clock):
    gate = Gate(64)
    calls = filled(gate)

    for call in calls:
        gate.refused(call, 0.0)
        gate.end()

    assert len(filled(gate)) == 32


def test_a_refusal_of_a_later_call_halves_it_again(clock):
    gate = Gate(64)
    for expected in (64, 32, 16, 8, 4, 2, 1, 1):
        calls = filled(gate)
        assert len(calls) == expected
        gate.refused(calls[-1], 0.0)
        for _ in calls:
            gate.end()


def test_what_was_in_flight_is_halved_where_the_window_was_not_full(clock):
    gate = Gate(1000)
    calls = [gate.begin() for _ in range(10)]

    gate.refused(calls[0], 0.0)

    assert int(gate.window) == 5


def test_each_window_of_answers_adds_one_call(clock):
    gate = Gate(64)
    gate.refused(filled(gate)[-1], 0.0)
    gate.waiting = 0

    answer(gate, 33)
    assert int(gate.window) == 33
    answer(gate, 2_000)
    assert int(gate.window) == 64  # and no more than the ceiling


def test_a_pause_that_was_asked_for_is_kept_whatever_is_answered_meanwhile(clock):
    gate = Gate(4)
    first, _ = gate.begin(), gate.begin()

    gate.refused(first, 7.0)
    gate.answered()
    gate.waiting = 0

    assert gate.ready_at == 1007.0
    clock[0] += 7.0
    assert gate.is_up


def test_the_longest_pause_of_those_asked_for_counts(clock):
    gate = Gate(4)
    calls = filled(gate)

    for call, seconds in zip(calls, (3.0, 9.0, 1.0, None), strict=True):
        gate.refused(call, seconds)
        gate.end()

    assert gate.ready_at == 1009.0


def test_a_refusal_that_names_no_time_pauses_twice_as_long_each_time(clock):
    gate = Gate(4)
    waits = []
    for _ in range(4):
        call = gate.begin()
        gate.refused(call, None)
        gate.end()
        waits.append(gate.ready_at - clock[0])
        clock[0] = gate.ready_at

    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert gate.refusals == 4
    gate.answered()
    assert gate.refusals == 0


def test_a_failure_among_answers_does_not_make_an_address_rest(clock):
    gate = Gate(8)
    first, second, third = gate.begin(), gate.begin(), gate.begin()

    gate.answered()
    gate.failed(second)
    assert gate.is_up

    later = gate.begin()
    gate.failed(third)
    assert gate.is_up
    gate.waiting = 0
    gate.failed(later)
    assert gate.ready_at == 1000.125
    gate.failed(first)  # of an earlier moment
    assert gate.failures == 1


def test_pauses_differ_so_that_callers_do_not_come_back_together():
    waits = {pause(3, first=0.5) for _ in range(50)}

    assert len(waits) > 40
    assert 1.5 <= min(waits) < max(waits) <= 2.5


def test_a_pause_never_lasts_much_more_than_a_minute():
    assert pause(1_000_000, first=0.5) <= 75.0


def starts(pace: Pace, clock: list[float], amounts: list[float]) -> list[float]:
    """When calls start that come as soon as they may."""
    found = []
    for amount in amounts:
        clock[0] = max(clock[0], pace.ready_at)
        found.append(round(clock[0], 6))
        pace.take(amount)
    return found


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= one < start + 60.0 - 1e-6 for one in times) for start in times)


@pytest.mark.parametrize("limit", [1, 7, 60, 500])
def test_no_minute_holds_more_requests_than_the_limit(clock, limit):
    assert most_in_a_minute(starts(Pace(limit), clock, [1.0] * (3 * limit))) <= limit


def test_tokens_are_spaced_by_their_number(clock):
    found = starts(Pace(6_000), clock, [1_000.0, 500.0, 100.0, 100.0])

    assert [one - 1000.0 for one in found] == pytest.approx([0.0, 10.0, 15.0, 16.0])


def test_what_was_expected_of_a_call_is_corrected_by_what_it_used(clock):
    pace = Pace(6_000)
    pace.take(1_000.0)

    pace.correct(200.0 - 1_000.0)

    assert pace.ready_at == pytest.approx(1002.0)


def test_time_in_which_nothing_was_asked_is_not_made_up_for(clock):
    pace = Pace(60)
    starts(pace, clock, [1.0])
    clock[0] += 30.0

    assert most_in_a_minute(starts(pace, clock, [1.0] * 90)) <= 60


def test_without_a_limit_nothing_waits(clock):
    pace = Pace(None)

    assert starts(pace, clock, [1e9] * 5) == [1000.0] * 5
