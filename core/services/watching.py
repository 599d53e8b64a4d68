"""Watching: how fast a study's jobs get on, and how long they still take."""

from dataclasses import dataclass
from datetime import UTC, datetime

from core.domain.pricing import Spending
from core.engines.catalogue import entry_of
from core.services.permitting import require
from core.services.pricing import is_billed
from core.services.queueing import is_left_alone
from core.services.spending import spending_of_job
from core.store import batches, generations, jobs, judges, responses
from core.store.batches import Standing
from core.store.database import Store
from core.store.jobs import Job, Note
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Watched:
    """A job with its pace since it was first started.

    Attributes:
        name: of the judge, or of the model that answers.
        per_second: keys committed per second; None before the first.
        tokens_per_second: generated tokens, of a job that generates.
        seconds: from its first start to its end, or to now.
        seconds_left: at this pace; None unless it runs.
        is_billed: False where it runs on this machine, and nobody charges.
        reads_prompt: whether the engine might answer otherwise, asked again.
        standing: how far its batches are, of an unfinished job that asks by the file.
        notes: what it told while it went on.
        is_left_alone: it is unfinished, and nobody does it.
    """

    job: Job
    name: str
    per_second: float | None
    tokens_per_second: float | None
    seconds: float
    seconds_left: float | None
    spending: Spending
    is_billed: bool
    reads_prompt: bool
    standing: Standing | None
    notes: list[Note]
    is_left_alone: bool


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
    spent = spending_of_job(store, job)
    tokens = None
    if job.kind == "judge":
        judge = judges.judge_by_id(store, job.plan["judge"])
        name, engine = judge.name, judge.engine
    else:
        name = responses.label_of(store, job.plan["generator_model"])
        generator = generations.generator_of_model(store, job.plan["generator_model"])
        assert generator is not None
        engine = generator.engine
        tokens = spent.tokens.reply / seconds if seconds else None
    standing = None
    if job.plan.get("batch") and job.state == "running":
        standing = batches.standing(store, job.study_id, job.plan["judge"])
    return Watched(
        job, name, per_second, tokens, seconds, left, spent, is_billed(engine),
        entry_of(engine).reads_prompt, standing, jobs.notes(store, job.id),
        is_left_alone(store, job),
    )  # fmt: skip


def _seconds(job: Job) -> float:
    """From a job's first start to its end, or to now."""
    if job.started_at is None:
        return 0.0
    until = datetime.fromisoformat(job.finished_at) if job.finished_at else datetime.now(UTC)
    return max(0.0, (until - datetime.fromisoformat(job.started_at)).total_seconds())
