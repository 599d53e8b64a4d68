"""Queueing: jobs are asked for here, claimed by one worker at a time, and survive its death."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil

from core.domain.pricing import Price
from core.engines.base import Noticed
from core.errors import AttendingError, BudgetReached, LeaseLost, Refused
from core.services.permitting import require, require_operator
from core.store import jobs, spending
from core.store.database import Store, opened
from core.store.jobs import Job, Worker

LANES = ("cpu", "network", "batch")
LEASE_SECONDS = 15.0
#: A worker that has not been seen for this long is not counted on.
_UNSEEN_SECONDS = 20.0
_IDLE_EXIT_SECONDS = 300
#: Seconds by which two readings of one process's start may differ: a few ticks of the clock.
_SAME_START = 0.1


def ensure_job(
    store: Store, kind: str, lane: str, subject: str, study_id: int, plan: Mapping[str, Any],
    *, price: Price | None = None, by: str,
) -> int:  # fmt: skip
    """Id of an unfinished job that does exactly this; a new one if there is none.

    Args:
        price: what the new job's tokens will have cost, whatever becomes of the price file.

    Raises:
        Refused: `unfinished_job`: the plan has a budget, and an unfinished job of the subject,
            which would be done first, another plan.
    """
    require(store, "lead")
    with store.writing():
        same = jobs.same_unfinished_job(store, subject, plan)
        if same is not None:
            return same
        other = jobs.unfinished_job_of(store, subject)
        if other is not None and plan.get("budget") is not None:
            raise Refused("unfinished_job", job=other)
        job_id = jobs.add_job(store, kind, lane, subject, study_id, plan, by=by)
        if price is not None:
            spending.add_job_price(store, job_id, price)
        return job_id


def sign_on(store: Store, *, takes_any: bool = True) -> int:
    """Id of this process as a worker.

    Args:
        takes_any: False for a command that does its own job only.
    """
    require_operator(store)
    pid = os.getpid()
    return jobs.add_worker(store, pid, start_of(pid), now=time.time(), takes_any=takes_any)


def claim(
    store: Store,
    worker_id: int,
    lanes: Sequence[str] = LANES,
    *,
    subject: str | None = None,
) -> Job | None:
    """Take the next job of some lanes (or of one subject), also from a worker that died."""
    require_operator(store)
    _release_jobs_of_the_dead(store)
    now = time.time()
    with store.writing():
        found = jobs.claim(
            store, worker_id, lanes, now=now, until=now + LEASE_SECONDS, subject=subject
        )
    return None if found is None else jobs.job_by_id(store, found)


def is_alive(worker: Worker) -> bool:
    """Tell whether a worker's process runs; a reused process id is not mistaken for it."""
    try:
        is_same = abs(start_of(worker.pid) - worker.started_after) < _SAME_START
        return is_same and psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def start_of(pid: int) -> float:
    """When a process started, in seconds since the machine did.

    The time of day would not do: the system tells it by the clock as it stands now, so that a clock
    that is set anew would make every living worker look like another process.

    Raises:
        psutil.Error: there is no such process.
    """
    return psutil.Process(pid).create_time() - psutil.boot_time()


def ensure_worker(path: Path) -> None:
    """Start a worker process, detached, where none is seen alive that takes any job.

    It works for this app and for the next, and ends itself when it has been idle for a while.
    """
    with opened(path) as store:
        if any(_counts_on(worker) for worker in jobs.workers(store)):
            return
    command = [sys.executable, "-m", "core", "worker", "--db", str(path.resolve())]
    with open(path.with_suffix(".worker.log"), "ab") as log:
        subprocess.Popen(
            [*command, "--idle-exit", str(_IDLE_EXIT_SECONDS)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip


def is_left_alone(store: Store, job: Job) -> bool:
    """Whether nobody does an unfinished job, nor will: its worker is gone, and no other lives."""
    require(store, "lead")
    if job.state not in ("queued", "running"):
        return False
    return not any(
        _counts_on(worker) or (worker.id == job.worker_id and is_alive(worker))
        for worker in jobs.workers(store)
    )


def _counts_on(worker: Worker) -> bool:
    """Whether a worker will take whatever is queued."""
    is_seen = time.time() - worker.seen_at < _UNSEEN_SECONDS
    return worker.takes_any and is_seen and is_alive(worker)


class Lease(Protocol):
    """A worker's claim on a job, renewed elsewhere."""

    @property
    def is_lost(self) -> bool:
        """Whether another worker has the job."""
        ...

    @property
    def is_cancel_asked(self) -> bool:
        """Whether somebody wants the job to stop."""
        ...


@contextmanager
def ended(store: Store, job: Job, lease: Lease) -> Iterator[None]:
    """End a job with its block: as done, as cancelled, or as failed with the block's error.

    A job whose budget is reached is done, and says so.

    Raises:
        LeaseLost: another worker has the job; nothing was written.
    """
    require_operator(store)
    state: jobs.State = "done"
    error: AttendingError | None = None
    try:
        yield
    except LeaseLost:
        raise
    except BudgetReached as found:
        error = found
    except AttendingError as found:
        state, error = "failed", found
    if error is None and lease.is_cancel_asked:
        state = "cancelled"
    with store.writing():
        is_ours = jobs.finish(
            store, job.id, job.fence, state,
            error=error.code if error else "", error_values=error.values if error else None,
        )  # fmt: skip
        if not is_ours:
            raise LeaseLost("lease_lost")


@contextmanager
def writing_for(store: Store, job: Job, *, done: int = 0, unscored: int = 0) -> Iterator[None]:
    """A transaction of a job, which counts the keys that it does.

    Raises:
        LeaseLost: another worker has the job; nothing was written.
    """
    require_operator(store)
    with store.writing():
        if not jobs.advance(store, job.id, job.fence, done=done, unscored=unscored):
            raise LeaseLost("lease_lost")
        yield


def begin(store: Store, job: Job, *, total: int) -> None:
    """Say that a job is under way, and how many keys it has to do.

    Raises:
        LeaseLost: another worker has the job.
    """
    require_operator(store)
    with store.writing():
        if not jobs.start(store, job.id, job.fence, total=total):
            raise LeaseLost("lease_lost")


def noting(store: Store, job: Job) -> Noticed:
    """Keep with a job what its engine has to tell."""
    require_operator(store)

    def note(code: str, details: Mapping[str, object]) -> None:
        with store.writing():
            jobs.add_note(store, job.id, code, details)

    return note


def _release_jobs_of_the_dead(store: Store) -> None:
    """End the leases of workers whose process is gone, so that nobody waits for them."""
    running = [job for job in jobs.unfinished_jobs(store) if job.state == "running"]
    if not running:
        return
    alive = {worker.id for worker in jobs.workers(store) if is_alive(worker)}
    with store.writing():
        for job in running:
            if job.worker_id not in alive:
                jobs.expire_lease(store, job.id, job.fence)
