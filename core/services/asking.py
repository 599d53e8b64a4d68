"""Asking: many calls at once, each result committed before its slot goes to the next call.

So after a kill at most the calls in flight are lost, and results that arrive together share a
commit.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from core.errors import AttendingError, CallFailed, EngineStopped, LeaseLost
from core.services.queueing import Lease

#: How often a call is made within one job when it fails in transport.
_TRIES = 3

Work = TypeVar("Work")
Result = TypeVar("Result")


class Asking(Generic[Work, Result]):
    """One pass over `total` pieces of work: callers ask, one committer writes.

    Work is taken as it is needed, so that it need never be in memory as a whole.
    `ask(work, commit)` does one piece of work; it awaits `commit(result)` for every result, which
    returns when the result is stored. Raised by `run`, after all that had arrived was committed:

    - `LeaseLost` when another worker has the job;
    - `EngineStopped` when no call can succeed;
    - `CallFailed` when nothing gets through any more, or `calls_failed` when some work was given
      up after `_TRIES` tries.
    """

    def __init__(
        self,
        work: Iterable[Work],
        ask: Callable[[Work, Callable[[Result], Awaitable[None]]], Awaitable[None]],
        commit: Callable[[list[Result]], None],
        *,
        total: int,
        concurrency: int,
        lease: Lease,
    ) -> None:
        self._work = iter(work)
        self._again: deque[tuple[Work, int]] = deque()
        self._ask = ask
        self._commit = commit
        self._callers = min(concurrency, total)
        #: Failures in a row, over all callers, after which nothing gets through any more.
        self._most_failures = min(max(8, 2 * concurrency), _TRIES * total)
        self._lease = lease
        self._arrived: asyncio.Queue[tuple[Result, asyncio.Event]] = asyncio.Queue()
        self._stopped_by: AttendingError | None = None
        self._failures_in_a_row = 0
        self._given_up = 0

    async def run(self) -> None:
        """Do all the work, or as much as can be done."""
        committer = asyncio.create_task(self._commit_results())
        asking = asyncio.gather(*(self._call() for _ in range(self._callers)))
        both: set[asyncio.Future[Any]] = {committer, asking}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if committer.done():
                committer.result()  # it ends only by an error
            await asking
        finally:
            asking.cancel()
            committer.cancel()
            await asyncio.gather(asking, committer, return_exceptions=True)
        if self._stopped_by is not None:
            raise self._stopped_by
        if self._given_up:
            raise CallFailed("calls_failed", count=self._given_up)

    async def _call(self) -> None:
        """Do one piece of work after the other until none is left or the run is stopped."""
        while not self._must_stop():
            taken = self._taken()
            if taken is None:
                return
            work, tries = taken
            try:
                await self._ask(work, self._store)
            except EngineStopped as error:
                self._stopped_by = error
            except CallFailed as error:
                self._failed(work, tries, error)
            else:
                self._failures_in_a_row = 0

    def _taken(self) -> tuple[Work, int] | None:
        """The next piece of work and which try it is: what is new first, then what failed."""
        for one in self._work:
            return one, 1
        return self._again.popleft() if self._again else None

    def _must_stop(self) -> bool:
        if self._lease.is_lost:
            raise LeaseLost("lease_lost")
        return self._stopped_by is not None or self._lease.is_cancel_asked

    def _failed(self, work: Work, tries: int, error: CallFailed) -> None:
        """Ask again later; give up the work after some tries, the run if nothing gets through."""
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= self._most_failures:
            self._stopped_by = error
        elif tries < _TRIES:
            self._again.append((work, tries + 1))
        else:
            self._given_up += 1

    async def _store(self, result: Result) -> None:
        committed = asyncio.Event()
        self._arrived.put_nowait((result, committed))
        await committed.wait()

    async def _commit_results(self) -> None:
        """Write results as they come, all that are there in one transaction."""
        while True:
            batch = [await self._arrived.get()]
            while not self._arrived.empty():
                batch.append(self._arrived.get_nowait())
            self._commit([result for result, _ in batch])
            for _, committed in batch:
                committed.set()
