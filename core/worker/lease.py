"""A worker's claim on a job, renewed from a thread with a connection of its own."""

import threading
import time
from pathlib import Path
from types import TracebackType

from core.services.queueing import LEASE_SECONDS
from core.store import jobs
from core.store.database import opened
from core.store.jobs import Job

_LOOK_SECONDS = 0.5


class HeldLease:
    """Holds a job while its block runs; `is_lost` and `is_cancel_asked` tell when to stop."""

    def __init__(self, path: Path, job: Job) -> None:
        self._path = path
        self._job = job
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._cancel = threading.Event()
        if job.is_cancel_asked:
            self._cancel.set()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    @property
    def is_lost(self) -> bool:
        """Whether another worker has the job."""
        return self._lost.is_set()

    @property
    def is_cancel_asked(self) -> bool:
        """Whether somebody wants the job to stop."""
        return self._cancel.is_set()

    def __enter__(self) -> "HeldLease":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _keep(self) -> None:
        with opened(self._path) as store:
            renewed = time.time()
            while not self._ended.wait(_LOOK_SECONDS):
                if jobs.is_cancel_asked(store, self._job.id):
                    self._cancel.set()
                now = time.time()
                if now - renewed < LEASE_SECONDS / 3:
                    continue
                renewed = now
                with store.writing():
                    is_ours = jobs.renew(
                        store, self._job.id, self._job.fence, until=now + LEASE_SECONDS
                    )
                    if self._job.worker_id is not None:
                        jobs.see_worker(store, self._job.worker_id, now=now)
                if not is_ours:
                    self._lost.set()
                    return
