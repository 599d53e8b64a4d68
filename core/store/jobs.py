"""Jobs and workers: what is to be done, who is doing it, and until when the claim holds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.store.database import Store

State = Literal["queued", "running", "done", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands."""

    id: int
    kind: str
    lane: str
    subject: str
    study_id: int
    plan: dict[str, Any]
    state: State
    is_cancel_asked: bool
    total: int | None
    done: int
    unscored: int
    error: str
    error_values: dict[str, Any]
    worker_id: int | None
    fence: int
    lease_until: float | None
    created_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process as it was last seen.

    Attributes:
        started_after: in seconds after the machine.
        takes_any: False for a command that does its own job only.
    """

    id: int
    pid: int
    started_after: float
    seen_at: float
    takes_any: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """What a job told while it went on."""

    code: str
    details: dict[str, Any]


_COLUMNS = """
    SELECT id, kind, lane, subject, study_id, plan, state, is_cancel_asked, total, done, unscored,
           error, error_values, worker_id, fence, lease_until, created_by, created_at,
           started_at, finished_at
    FROM job
"""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


def job_by_id(store: Store, job_id: int) -> Job:
    """The job with that id, which must exist."""
    found = store.read_one(Job, f"{_COLUMNS} WHERE id = ?", (job_id,))
    assert found is not None
    return found


def exists(store: Store, job_id: int) -> bool:
    """Tell whether there is such a job."""
    return bool(store.value("SELECT count(*) FROM job WHERE id = ?", (job_id,)))


def jobs_of_study(store: Store, study_id: int, *, limit: int) -> list[Job]:
    """A study's jobs, newest first."""
    sql = f"{_COLUMNS} WHERE study_id = ? ORDER BY id DESC LIMIT ?"
    return store.read(Job, sql, (study_id, limit))


def last_job_of(store: Store, study_id: int, judge_id: int) -> Job | None:
    """The newest judging job of a judge in a study."""
    return store.read_one(
        Job,
        f"{_COLUMNS} WHERE kind = 'judge' AND study_id = ?"
        " AND json_extract(plan, '$.judge') = ? ORDER BY id DESC LIMIT 1",
        (study_id, judge_id),
    )


def unfinished_jobs(store: Store) -> list[Job]:
    """Jobs that are queued or running, oldest first."""
    return store.read(Job, f"{_COLUMNS} WHERE state IN ('queued', 'running') ORDER BY id")


def add_job(
    store: Store, kind: str, lane: str, subject: str, study_id: int, plan: Mapping[str, Any],
    *, by: str,
) -> int:  # fmt: skip
    """Queue a job."""
    return store.add(
        "INSERT INTO job (kind, lane, subject, study_id, plan, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (kind, lane, subject, study_id, json.dumps(plan, sort_keys=True), by),
    )


def same_unfinished_job(store: Store, subject: str, plan: Mapping[str, Any]) -> int | None:
    """Id of the queued or running job with the same subject and plan that is not to stop."""
    found: int | None = store.value(
        "SELECT id FROM job WHERE subject = ? AND plan = ? AND state IN ('queued', 'running')"
        " AND NOT is_cancel_asked",
        (subject, json.dumps(plan, sort_keys=True)),
    )
    return found


def unfinished_job_of(store: Store, subject: str) -> int | None:
    """Id of the oldest queued or running job with a subject that is not to stop."""
    found: int | None = store.value(
        "SELECT id FROM job WHERE subject = ? AND state IN ('queued', 'running')"
        " AND NOT is_cancel_asked ORDER BY id LIMIT 1",
        (subject,),
    )
    return found


_CLAIM = f"""
    UPDATE job SET state = 'running', worker_id = :worker, fence = fence + 1,
      lease_until = :until, started_at = coalesce(started_at, {_NOW})
    WHERE id = (
      SELECT id FROM job WHERE lane IN (SELECT value FROM json_each(:lanes))
        AND (:subject IS NULL OR subject = :subject)
        AND (state = 'queued' OR (state = 'running' AND lease_until < :now))
        AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.subject = job.subject
                        AND other.state = 'running' AND other.id <> job.id)
      ORDER BY id LIMIT 1)
    RETURNING id
"""


def claim(
    store: Store, worker_id: int, lanes: Sequence[str],
    *, now: float, until: float, subject: str | None = None,
) -> int | None:  # fmt: skip
    """Id of the oldest job, of some lanes or one subject, that is queued or whose lease ran out.

    None where there is none to take.
    """
    found = store.rows(
        _CLAIM,
        {"worker": worker_id, "lanes": json.dumps(list(lanes)), "now": now, "until": until,
         "subject": subject},
    )  # fmt: skip
    return found[0][0] if found else None


def renew(store: Store, job_id: int, fence: int, *, until: float) -> bool:
    """Extend a lease; False if the job belongs to somebody else now."""
    sql = "UPDATE job SET lease_until = ? WHERE id = ? AND fence = ? AND state = 'running'"
    return store.change(sql, (until, job_id, fence)) == 1


def expire_lease(store: Store, job_id: int, fence: int) -> None:
    """End the lease of a worker that is known to be dead."""
    sql = "UPDATE job SET lease_until = 0 WHERE id = ? AND fence = ? AND state = 'running'"
    store.change(sql, (job_id, fence))


def start(store: Store, job_id: int, fence: int, *, total: int) -> bool:
    """Record how much there is to do; False if the job belongs to somebody else now.

    A job that is taken up again keeps counting on from what it had done.
    """
    sql = "UPDATE job SET total = done + ? WHERE id = ? AND fence = ? AND state = 'running'"
    return store.change(sql, (total, job_id, fence)) == 1


def advance(store: Store, job_id: int, fence: int, *, done: int, unscored: int) -> bool:
    """Count committed keys; False if the job belongs to somebody else now."""
    sql = """
        UPDATE job SET done = done + ?, unscored = unscored + ?
        WHERE id = ? AND fence = ? AND state = 'running'
    """
    return store.change(sql, (done, unscored, job_id, fence)) == 1


def finish(
    store: Store, job_id: int, fence: int, state: State,
    *, error: str = "", error_values: Mapping[str, Any] | None = None,
) -> bool:  # fmt: skip
    """End a job; False if it belongs to somebody else now."""
    sql = f"""
        UPDATE job SET state = ?, error = ?, error_values = ?, lease_until = NULL,
          finished_at = {_NOW}
        WHERE id = ? AND fence = ? AND state = 'running'
    """
    values = json.dumps(error_values or {}, ensure_ascii=False, default=str)
    return store.change(sql, (state, error, values, job_id, fence)) == 1


def add_note(store: Store, job_id: int, code: str, details: Mapping[str, object]) -> None:
    """Keep what a job tells; what it has told before is kept once."""
    store.add(
        "INSERT OR IGNORE INTO job_note (job_id, code, details) VALUES (?, ?, ?)",
        (job_id, code, json.dumps(details, sort_keys=True, ensure_ascii=False)),
    )


def notes(store: Store, job_id: int) -> list[Note]:
    """What a job has told, in order."""
    sql = "SELECT code, details FROM job_note WHERE job_id = ? ORDER BY id"
    return store.read(Note, sql, (job_id,))


def ask_to_cancel(store: Store, job_id: int) -> None:
    """Cancel a queued job at once, and ask the worker of a running one to stop."""
    store.change(
        "UPDATE job SET is_cancel_asked = 1,"
        f" finished_at = CASE state WHEN 'queued' THEN {_NOW} ELSE finished_at END,"
        " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END"
        " WHERE id = ? AND state IN ('queued', 'running')",
        (job_id,),
    )


def is_cancel_asked(store: Store, job_id: int) -> bool:
    """Tell whether somebody wants this job to stop."""
    return bool(store.value("SELECT is_cancel_asked FROM job WHERE id = ?", (job_id,)))


def add_worker(
    store: Store, pid: int, started_after: float, *, now: float, takes_any: bool = True
) -> int:
    """Sign a worker on."""
    return store.add(
        "INSERT INTO worker (pid, started_after, seen_at, takes_any) VALUES (?, ?, ?, ?)",
        (pid, started_after, now, int(takes_any)),
    )


def see_worker(store: Store, worker_id: int, *, now: float) -> None:
    """Note that a worker is alive."""
    store.change("UPDATE worker SET seen_at = ? WHERE id = ?", (now, worker_id))


def end_worker(store: Store, worker_id: int) -> None:
    """Sign a worker off."""
    store.change(f"UPDATE worker SET ended_at = {_NOW} WHERE id = ?", (worker_id,))


def workers(store: Store) -> list[Worker]:
    """Workers that have not signed off, dead ones included."""
    return store.read(
        Worker,
        "SELECT id, pid, started_after, seen_at, takes_any FROM worker"
        " WHERE ended_at IS NULL ORDER BY id",
    )
