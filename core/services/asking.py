"""Asking: many calls at once, each result committed before its slot goes to the next call.

So after a kill at most the calls in flight are lost, and results that arrive together share a
commit.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any, Generic, TypeVar

from core.engines.flow import pause
from core.errors import AttendingError, CallFailed, EngineStopped, LeaseLost
from core.services.queueing import Lease

#: How often a piece of work is tried within one job when its calls fail in transport.
_TRIES = 5
#: Seconds before a piece of work is tried again, at first.
_FIRST_PAUSE = 0.25
#: Seconds without any result, from a failure on, after which nothing gets through any more: while
#: nothing ever has, and later.
_PATIENCE_AT_START, _PATIENCE = 2.0, 10.0
#: Seconds between looks at the lease.
_LOOK = 0.2

Work = TypeVar("Work")
Result = TypeVar("Result")


class Asking(Generic[Work, Result]):
    """One pass over some work, which is taken from its iterable as it goes.

    `ask(work, commit)` does one piece of work; it awaits `commit(result)` for every result, which
    returns when the result is stored. `stop` is called when nothing more is to be sent. Raised by
    `run`, after all that had arrived was committed:

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
        concurrency: int,
        lease: Lease,
        stop: Callable[[], None],
    ) -> None:
        self._fresh = iter(work)
        self._ask = ask
        self._commit = commit
        self._callers = concurrency
        self._lease = lease
        self._stop_sending = stop
        self._arrived: asyncio.Queue[tuple[Result, asyncio.Event]] = asyncio.Queue()
        #: Work to be tried again: when, a number that settles ties, the work, its next try.
        self._later: list[tuple[float, int, Work, int]] = []
        self._numbers = itertools.count()
        self._stopping = asyncio.Event()
        self._stopped_by: AttendingError | None = None
        self._failing_since: float | None = None
        self._has_results = False
        self._given_up: list[CallFailed] = []

    async def run(self) -> None:
        """Do all the work, or as much as can be done."""
        committer = asyncio.create_task(self._commit_results())
        watcher = asyncio.create_task(self._watch())
        asking = asyncio.gather(*(self._call() for _ in range(self._callers)))
        all_of_them: list[asyncio.Future[Any]] = [committer, watcher, asking]
        try:
            await asyncio.wait(all_of_them, return_when=asyncio.FIRST_COMPLETED)
            for endless in (committer, watcher):
                if endless.done():
                    endless.result()  # it ends only by an error
            await asking
        finally:
            for one in all_of_them:
                one.cancel()
            await asyncio.gather(*all_of_them, return_exceptions=True)
        if self._stopped_by is not None:
            raise self._stopped_by
        if self._given_up and not self._has_results:
            raise self._given_up[-1]
        if self._given_up:
            raise CallFailed("calls_failed", count=len(self._given_up))

    async def _call(self) -> None:
        """Do one piece of work after the other until none is left or the run is stopped."""
        while (found := await self._next()) is not None:
            work, tries = found
            try:
                await self._ask(work, self._store)
            except EngineStopped as error:
                self._stop(error)
            except CallFailed as error:
                self._failed(work, tries, error)

    async def _next(self) -> tuple[Work, int] | None:
        """The next piece of work and which try it is; None where there is none to do."""
        while not self._must_stop():
            if self._later and self._later[0][0] <= monotonic():
                _, _, work, tries = heapq.heappop(self._later)
                return work, tries
            for work in self._fresh:
                return work, 1
            if not self._later:
                return None
            await self._wait(self._later[0][0] - monotonic())
        return None

    async def _wait(self, seconds: float) -> None:
        """Wait for so long, or until the run is stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _must_stop(self) -> bool:
        if self._lease.is_lost:
            raise LeaseLost("lease_lost")
        return self._stopping.is_set() or self._lease.is_cancel_asked

    async def _watch(self) -> None:
        """Let a call that waits for its turn know that nobody wants it any more."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._must_stop():
                self._stop(None)

    def _stop(self, error: AttendingError | None) -> None:
        """Begin nothing more; the first error is the one that is told."""
        self._stopped_by = self._stopped_by or error
        self._stopping.set()
        self._stop_sending()

    def _failed(self, work: Work, tries: int, error: CallFailed) -> None:
        """Try again later; give up the work after some tries, the run if nothing gets through."""
        if self._stopping.is_set():
            return
        now = monotonic()
        if self._failing_since is None:
            self._failing_since = now
        patience = _PATIENCE if self._has_results else _PATIENCE_AT_START
        if now - self._failing_since >= patience:
            self._stop(error)
        elif tries < _TRIES:
            at = now + pause(tries, first=_FIRST_PAUSE)
            heapq.heappush(self._later, (at, next(self._numbers), work, tries + 1))
        else:
            self._given_up.append(error)

    async def _store(self, result: Result) -> None:
        self._failing_since = None
        self._has_results = True
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
