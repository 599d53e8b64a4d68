"""Asking: one pass over any amount of work; what fails is tried again, what can't go on stops."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from core.errors import CallFailed, EngineStopped, LeaseLost
from core.services import asking
from core.services.asking import Asking


class Lease:
    """A claim on a job, as a worker holds it."""

    is_lost = False
    is_cancel_asked = False


class Run:
    """One pass, with what it tried, what it stored, and whether it stopped sending."""

    def __init__(self, concurrency: int = 4) -> None:
        self.concurrency = concurrency
        self.lease = Lease()
        self.tries: Counter[int] = Counter()
        self.stored: list[int] = []
        self.batches = 0
        self.has_stopped = False
        self.taken = 0

    def does(
        self, work: Iterator[int] | range, answer: Callable[[int, int], Awaitable[None]]
    ) -> None:
        """Do all the work; `answer` is told the work and which try it is."""

        async def ask(one: int, commit: Callable[[int], Awaitable[None]]) -> None:
            self.tries[one] += 1
            await answer(one, self.tries[one])
            await commit(one)

        async def running() -> None:
            await Asking(
                self._counted(work), ask, self._commit,
                concurrency=self.concurrency, lease=self.lease, stop=self._stop,
            ).run()  # fmt: skip

        asyncio.run(running())

    def _counted(self, work: Iterator[int] | range) -> Iterator[int]:
        for one in work:
            self.taken += 1
            yield one

    def _commit(self, results: list[int]) -> None:
        self.stored.extend(results)
        self.batches += 1

    def _stop(self) -> None:
        self.has_stopped = True


async def at_once(work: int, tries: int) -> None:
    """An answer without delay."""


def test_all_of_an_iterable_is_done_and_no_more_of_it_is_held_than_there_are_calls():
    run = Run(concurrency=8)
    most_held = 0

    async def answer(work: int, tries: int) -> None:
        nonlocal most_held
        most_held = max(most_held, run.taken - len(run.stored))
        await asyncio.sleep(0)

    run.does(iter(range(2_000)), answer)

    assert sorted(run.stored) == list(range(2_000))
    assert most_held <= 8


def test_results_that_arrive_together_share_a_commit():
    run = Run(concurrency=50)

    run.does(range(500), at_once)

    assert run.batches <= 500 / 25


def test_a_slot_is_free_only_when_its_result_is_stored():
    run = Run(concurrency=3)

    async def answer(work: int, tries: int) -> None:
        assert len(run.tries) - len(run.stored) <= 3

    run.does(range(30), answer)

    assert len(run.stored) == 30


@pytest.mark.usefixtures("impatient")
def test_what_fails_is_tried_again_after_the_others():
    run = Run(concurrency=1)

    async def answer(work: int, tries: int) -> None:
        if work == 0 and tries < 3:
            raise CallFailed("endpoint_status", host="h", status=500)

    run.does(range(5), answer)

    assert run.stored == [1, 2, 3, 4, 0]
    assert run.tries[0] == 3


@pytest.mark.usefixtures("impatient")
def test_what_keeps_failing_is_given_up_after_five_tries_and_counted():
    run = Run()

    async def answer(work: int, tries: int) -> None:
        if work in (3, 7):
            raise CallFailed("endpoint_status", host="h", status=500)

    with pytest.raises(CallFailed) as caught:
        run.does(range(10), answer)

    assert (caught.value.code, caught.value.values) == ("calls_failed", {"count": 2})
    assert (run.tries[3], run.tries[7]) == (5, 5)
    assert len(run.stored) == 8


@pytest.mark.usefixtures("impatient")
def test_the_only_work_that_fails_is_told_by_its_own_error():
    run = Run()

    async def answer(work: int, tries: int) -> None:
        raise CallFailed("endpoint_status", host="h", status=400)

    with pytest.raises(CallFailed, match="endpoint_status"):
        run.does(range(1), answer)


def test_where_nothing_gets_through_the_run_stops_within_seconds():
    """A hundred thousand pieces of work, and not one of them is answered."""
    run = Run(concurrency=8)

    async def answer(work: int, tries: int) -> None:
        await asyncio.sleep(0.01)
        raise CallFailed("endpoint_unreachable", host="h")

    started = time.monotonic()
    with pytest.raises(CallFailed, match="endpoint_unreachable"):
        run.does(range(100_000), answer)

    assert 1.0 < time.monotonic() - started < 30.0
    assert run.stored == []
    assert run.has_stopped


def test_an_outage_after_answers_is_waited_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asking, "_PATIENCE_AT_START", 0.0)  # and it is not the start any more
    run = Run(concurrency=2)
    ends = 0.0

    async def answer(work: int, tries: int) -> None:
        nonlocal ends
        if work == 20 and tries == 1:
            ends = time.monotonic() + 1.0
        if time.monotonic() < ends:
            await asyncio.sleep(0.3)  # an engine lets an address rest
            raise CallFailed("endpoint_unreachable", host="h")

    run.does(range(40), answer)

    assert sorted(run.stored) == list(range(40))


def test_an_engine_that_stops_ends_the_run_and_keeps_what_was_on_its_way():
    run = Run(concurrency=4)

    async def answer(work: int, tries: int) -> None:
        if work == 10:
            raise EngineStopped("wrong_key", host="h")
        await asyncio.sleep(0.05)

    with pytest.raises(EngineStopped, match="wrong_key"):
        run.does(itertools.count(), answer)

    assert run.has_stopped
    assert sorted(run.stored) == [work for work in sorted(run.tries) if work != 10]


def test_cancelling_reaches_calls_that_wait_for_their_turn():
    run = Run(concurrency=4)

    async def answer(work: int, tries: int) -> None:
        if work == 5:
            run.lease.is_cancel_asked = True
        while work > 5 and not run.has_stopped:  # an engine that lets calls wait
            await asyncio.sleep(0.01)
        if work > 5:
            raise CallFailed("not_sent")

    run.does(itertools.count(), answer)  # ends by itself, and without an error

    assert sorted(run.stored) == [0, 1, 2, 3, 4, 5]


def test_a_lost_lease_ends_the_run_though_every_call_waits():
    run = Run(concurrency=4)

    async def answer(work: int, tries: int) -> None:
        run.lease.is_lost = True
        await asyncio.sleep(3_600)

    with pytest.raises(LeaseLost):
        run.does(range(10), answer)

    assert run.stored == []


def test_a_defect_in_storing_ends_the_run():
    run = Run()

    def broken(results: list[int]) -> None:
        raise ZeroDivisionError

    run._commit = broken  # type: ignore[method-assign]

    with pytest.raises(ZeroDivisionError):
        run.does(range(10), at_once)
