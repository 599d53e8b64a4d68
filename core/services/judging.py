"""Judging: ask a judge for every score that a study wants and does not have.

The plan is the truth: what it asks for and the database lacks is outstanding. So resuming, never
paying twice and re-judging only what changed are one query. A call's slot is given to the next
call only when its result is committed; after a kill, at most the calls in flight are asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path

from core.domain.prompts import REASK_VERSION
from core.domain.verdicts import verdict_schema
from core.engines.base import Ask, Configuration
from core.engines.catalogue import entry_of, judge_engine
from core.engines.gpus import chosen_gpus
from core.errors import BudgetReached, Refused, UnknownName
from core.services.asking import Asking
from core.services.budgeting import PaidJudge, purse_of
from core.services.exchanging import Reading, Said, exchange_of, prepared, second_question
from core.services.ordering import check_prompts, gpus_wished, why_nothing
from core.services.permitting import require
from core.services.queueing import Lease, begin, ended, noting
from core.services.releasing import check_may_send
from core.store import assessments, exchanges, jobs, judges, studies, trials
from core.store.assessments import Key, Plan, Progress
from core.store.database import Store, opened
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.studies import Study


def plan_of(store: Store, job: Job) -> Plan:
    """The keys that a judging job asks for."""
    require(store, "lead")
    judge_id = job.plan["judge"]
    rounds = judges.plan_rounds(store, job.study_id, judge_id)
    assert rounds is not None
    some = job.plan["questions"]
    return Plan(
        job.study_id, judge_id, rounds, None if some is None else tuple(some),
        job.plan.get("retry_until"),
    )  # fmt: skip


def progress_of(store: Store, study_id: int, judge: Judge) -> Progress:
    """How far a judge is with a study."""
    require(store, "lead")
    rounds = judges.plan_rounds(store, study_id, judge.id)
    assert rounds is not None
    return assessments.progress(store, Plan(study_id, judge.id, rounds))


def judge_of_study(store: Store, study: Study, name: str | None) -> tuple[Judge, int]:
    """The judge of that name with its rounds; without one, the newest that has scored anything.

    Raises:
        UnknownName: `unknown_judge`, with the names that take part.
        Refused: `no_judge` where the study has none, `needs_no_judge` where it is an exam.
    """
    require(store, "lead")
    known = judges.judges_of_study(store, study.id)
    if not known:
        raise Refused(why_nothing(store, study) or "no_judge", study=study.name)
    if name is None:
        active = [one for one in known if judges.has_scored(store, study.id, one[0].id)]
        return (active or known)[-1]
    for judge, rounds in known:
        if judge.name == name:
            return judge, rounds
    names = ", ".join(judge.name for judge, _ in known)
    raise UnknownName("unknown_judge", name=name, known=names)


def cancel(store: Store, job_id: int) -> None:
    """Ask a job to stop; what it has done stays.

    Raises:
        UnknownName: `unknown_job`.
    """
    require(store, "lead")
    with store.writing():
        if not jobs.exists(store, job_id):
            raise UnknownName("unknown_job", id=job_id)
        jobs.ask_to_cancel(store, job_id)


def run_judging(path: Path, job: Job, lease: Lease) -> None:
    """Ask for all that a job's plan lacks, and end the job as done, cancelled or failed.

    Raises:
        LeaseLost: another worker has the job; nothing was written after that.
    """
    with opened(path) as store:
        judge = judges.judge_by_id(store, job.plan["judge"])
        with ended(store, job, lease):
            check_ready(store, job, judge)
            asyncio.run(_JudgingRun(store, job, judge, lease).run())


def check_ready(store: Store, job: Job, judge: Judge) -> None:
    """Refuse to do a job whose texts must not leave, or whose prompts no verdict can be read by."""
    require(store, "lead")
    check_may_send(store, job.study_id, judge.engine, job.plan["addresses"])
    if entry_of(judge.engine).reads_prompt:
        study = studies.study_by_id(store, job.study_id)
        assert study is not None
        check_prompts(store, study, judge)


class _JudgingRun:
    """One pass over what is outstanding."""

    def __init__(self, store: Store, job: Job, judge: Judge, lease: Lease) -> None:
        self.store = store
        self.job = job
        self.judge = judge
        self.lease = lease
        self.reading = Reading(store, job, judge)

    async def run(self) -> None:
        keys, total = self._work()
        begin(self.store, self.job, total=total)
        if not total:
            return
        concurrency: int = self.job.plan["concurrency"]
        self.engine = judge_engine(
            self.judge.engine,
            Configuration(
                self.judge.model,
                self.judge.parameters,
                tuple(self.job.plan["addresses"]),
                concurrency,
                self._gpus(),
                self.job.plan.get("requests_per_minute"),
                self.job.plan.get("tokens_per_minute"),
                notice=noting(self.store, self.job),
            ),
        )
        purse = purse_of(
            self.store, self.job, self.judge.parameters,
            outstanding=lambda: self._outstanding()[1],
        )  # fmt: skip
        if purse is not None:
            self.engine = PaidJudge(self.engine, purse)
        try:
            asking = Asking(
                keys, self._judge, self.reading.commit,
                concurrency=concurrency, lease=self.lease, stop=self.engine.stop,
            )  # fmt: skip
            await asking.run()
        except BudgetReached:
            assert purse is not None
            raise purse.reached() from None  # what was in flight is stored by now
        finally:
            await self.engine.close()

    def _gpus(self) -> tuple[int, ...]:
        if not entry_of(self.judge.engine).loads_model:
            return ()
        return chosen_gpus(gpus_wished(self.job))

    def _work(self) -> tuple[Iterator[Key], int]:
        """What is outstanding and how much that is, up to what is left of the job's limit."""
        keys, total = self._outstanding()
        limit: int | None = self.job.plan["limit"]
        if limit is None:
            return keys, total
        left = max(0, limit - jobs.job_by_id(self.store, self.job.id).done)
        return islice(keys, left), min(total, left)

    def _outstanding(self) -> tuple[Iterator[Key], int]:
        """What the study's plan, or a trial, asks for and nobody has judged."""
        if trial_id := self.job.plan.get("trial"):
            missing = trials.missing(self.store, trial_id)
            return iter(missing), len(missing)
        keys = assessments.outstanding(self.store, plan_of(self.store, self.job))
        return iter(keys), keys.total

    async def _judge(self, key: Key, commit: Callable[[Said], Awaitable[None]]) -> None:
        """Ask for a key, unless it was asked before an interruption, and once more if need be."""
        stored = exchanges.exchanges_of_key(self.store, key)
        if stored:
            said = Said(stored[-1], exchanges.material_of(self.store, key), is_stored=True)
        else:
            said = await self._asked(key)
        await commit(said)
        if said.is_to_be_mended:
            await commit(await self._asked_again(said))

    async def _asked(self, key: Key) -> Said:
        ready = prepared(self.store, key, self.judge.scale)
        reply = await self.engine.ask(ready.ask)
        prompt = ready.ask.messages[0].content if ready.ask.messages else ""
        exchange = exchange_of(key, prompt, reply, marker=ready.marker, ticket=ready.ticket)
        return Said(exchange, ready.material, is_stored=False)

    async def _asked_again(self, said: Said) -> Said:
        """Say what was wrong with a reply, in the same conversation."""
        first, material = said.exchange, said.material
        messages = second_question(said, self.judge.scale)
        schema = verdict_schema(self.judge.scale)
        reply = await self.engine.ask(Ask(messages, material.criteria, material.response, schema))
        exchange = exchange_of(
            first.key, messages[-1].content, reply,
            marker=first.marker, ticket=first.ticket, ask=2, reask_version=REASK_VERSION,
        )  # fmt: skip
        return Said(exchange, material, is_stored=False)
