"""Do jobs: one given job in the foreground, or whatever comes in the lanes of a worker process."""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from core.errors import LeaseLost
from core.services.batching import run_batches
from core.services.generating import run_generation
from core.services.judging import run_judging
from core.services.queueing import LANES, claim, sign_on
from core.store import jobs
from core.store.database import Store, opened
from core.store.jobs import Job
from core.worker.lease import HeldLease

_LOOK_SECONDS = 0.5
_log = logging.getLogger(__name__)

_KINDS = {"judge": run_judging, "generate": run_generation}


def do(path: Path, job: Job) -> None:
    """Do a claimed job to its end; whatever goes wrong ends up in its row."""
    try:
        with HeldLease(path, job) as lease:
            run = run_batches if job.plan.get("batch") else _KINDS[job.kind]
            run(path, job, lease)
    except LeaseLost:
        _log.warning("job %s was taken over by another worker", job.id)
    except Exception:  # the outermost loop: a defect in one job must not end the worker
        _log.exception("job %s crashed", job.id)
        with opened(path) as store, store.writing():
            jobs.finish(store, job.id, job.fence, "failed", error="crashed")


def do_in_foreground(path: Path, job_id: int) -> bool:
    """Do a job in this process, and before it the unfinished ones of the same subject.

    Returns:
        False where another live worker has one of them; True when the job has ended.
    """
    with opened(path) as store:
        with store.writing():
            worker_id = sign_on(store, takes_any=False)
        try:
            while (wanted := jobs.job_by_id(store, job_id)).state in ("queued", "running"):
                job = claim(store, worker_id, subject=wanted.subject)
                if job is None:
                    return False
                do(path, job)
            return True
        finally:
            with store.writing():
                jobs.end_worker(store, worker_id)


def run_worker(path: Path, *, idle_exit: float | None) -> None:
    """Do jobs, one at a time in each lane, until idle for so many seconds (None: for ever)."""
    with opened(path) as store:
        with store.writing():
            worker_id = sign_on(store)
        lanes = [_Lane(path, worker_id, (lane,)) for lane in LANES]
        for lane in lanes:
            lane.start()
        try:
            _wait_until_idle(store, worker_id, lanes, idle_exit)
        finally:
            for lane in lanes:
                lane.stop()
            with store.writing():
                jobs.end_worker(store, worker_id)
        is_needed = any(job.state == "queued" for job in jobs.unfinished_jobs(store))
    if is_needed:  # a job came while this worker signed off, and whoever queued it saw it alive
        run_worker(path, idle_exit=idle_exit)


class _Lane(threading.Thread):
    """Does the jobs of some lanes, oldest first."""

    def __init__(self, path: Path, worker_id: int, lanes: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._worker_id = worker_id
        self._lanes = lanes
        self._stopping = threading.Event()
        self.busy_at = time.time()

    def run(self) -> None:
        with opened(self._path) as store:
            while not self._stopping.is_set():
                job = claim(store, self._worker_id, self._lanes)
                if job is None:
                    self._stopping.wait(_LOOK_SECONDS)
                    continue
                do(self._path, job)
                self.busy_at = time.time()

    def stop(self) -> None:
        """Take no more jobs."""
        self._stopping.set()


def _wait_until_idle(
    store: Store, worker_id: int, lanes: Sequence[_Lane], idle_exit: float | None
) -> None:
    while True:
        now = time.time()
        with store.writing():
            jobs.see_worker(store, worker_id, now=now)
        is_working = any(job.worker_id == worker_id for job in jobs.unfinished_jobs(store))
        idle_since = max(lane.busy_at for lane in lanes)
        if idle_exit is not None and not is_working and now - idle_since > idle_exit:
            return
        time.sleep(_LOOK_SECONDS)
