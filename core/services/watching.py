"""Watching: how fast a study's jobs get on, and how long they still take."""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.services.permitting import require
from core.store import generations, jobs, judges, responses
from core.store.database import Store
from core.store.jobs import Job
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Watched:
    """A job with its pace since it was first started.

    Attributes:
        name: of the judge, or of the model that answers.
        per_second: keys committed per second; None before the first.
        tokens_per_second: generated tokens, of a job that generates.
        seconds_left: at this pace; None unless it runs.
    """

    job: Job
    name: str
    per_second: float | None
    tokens_per_second: float | None
    seconds_left: float | None


def jobs_of_study(store: Store, study: Study, *, limit: int) -> list[Watched]:
    """A study's newest jobs with their pace, newest first."""
    require(store, "lead")
    return [_watched(store, job) for job in jobs.jobs_of_study(store, study.id, limit=limit)]


def _watched(store: Store, job: Job) -> Watched:
    seconds = _seconds(job)
    per_second = job.done / seconds if seconds and job.done else None
    left = None
    if per_second and job.state == "running" and job.total is not None:
        left = (job.total - job.done) / per_second
    if job.kind == "judge":
        name = judges.judge_by_id(store, job.plan["judge"]).name
        return Watched(job, name, per_second, None, left)
    name = responses.label_of(store, job.plan["generator_model"])
    tokens = generations.tokens_of_job(store, job.id)
    return Watched(job, name, per_second, tokens / seconds if seconds else None, left)


def _seconds(job: Job) -> float:
    """From a job's first start to its end, or to now."""
    if job.started_at is None:
        return 0.0
    until = datetime.fromisoformat(job.finished_at) if job.finished_at else datetime.now(UTC)
    return max(0.0, (until - datetime.fromisoformat(job.started_at)).total_seconds())
