"""Judging: ask a judge for every score that a study wants and does not have.

The plan is the truth: what it asks for and the database lacks is outstanding. So resuming, never
paying twice and re-judging only what changed are one query. A call's slot is given to the next
call only when its result is committed; after a kill, at most the calls in flight are asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.prompts import rendered
from core.domain.scales import ONE_TO_FIVE, Scale
from core.domain.verdicts import Unscored, verdict_of
from core.engines.base import Ask, Configuration, Message, Reply
from core.engines.catalogue import entry_of, judge_engine
from core.errors import (
    BudgetReached,
    LeaseLost,
    Refused,
    UnknownName,
)
from core.services.asking import Asking
from core.services.budgeting import PaidJudge, budget_in_plan, purse_of
from core.services.pricing import check_budget, price_of
from core.services.queueing import Lease, ended, ensure_job, noting
from core.services.releasing import check_may_send
from core.store import assessments, criteria, jobs, judges, questions, responses
from core.store.assessments import Exchange, Given, Key, Plan, Progress
from core.store.database import Store, opened
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class JudgeOrder:
    """Which judge is wanted, and how it is to be reached.

    Attributes:
        name: '' for the model's name.
        question_ids: None for all questions of the study.
        budget: the job ends before it costs more, in the currency of the model's price.
        limit: at most so many keys in this job; None for all.
    """

    engine: str
    model: str
    parameters: dict[str, Any]
    name: str = ""
    rounds: int = 1
    addresses: tuple[str, ...] = ()
    concurrency: int = 16
    limit: int | None = None
    question_ids: tuple[int, ...] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget: float | None = None
    is_batch: bool = False


def queue_judging(store: Store, study: Study, order: JudgeOrder, *, by: str) -> int:
    """Make sure of the judge and of a job that asks for what is outstanding; the job's id.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `bad_rounds`, `bad_concurrency`, `judge_name_taken`, `nothing_to_judge`,
            `no_prompt_for`, `bad_budget`, `budget_needs_price`, `unfinished_job`.
        ReleaseRequired: a local dataset would leave the machine.
        BrokenFile: the price file can't be read.
    """
    entry = entry_of(order.engine)
    price = price_of(order.engine, order.model)
    check_budget(order.budget, price, order.model)
    with store.writing():
        judge = ensure_judge(store, study, order, by=by)
    plan = {
        "judge": judge.id,
        "addresses": order.addresses,
        "concurrency": order.concurrency,
        "requests_per_minute": order.requests_per_minute,
        "tokens_per_minute": order.tokens_per_minute,
        "limit": order.limit,
        "questions": order.question_ids,
        **budget_in_plan(order.budget),
    }
    subject = f"judge {judge.id} in study {study.id}"
    return ensure_job(store, "judge", entry.lane, subject, study.id, plan, price=price, by=by)


def plan_of(store: Store, job: Job) -> Plan:
    """The keys that a judging job asks for."""
    judge_id = job.plan["judge"]
    rounds = judges.plan_rounds(store, job.study_id, judge_id)
    assert rounds is not None
    some = job.plan["questions"]
    return Plan(job.study_id, judge_id, rounds, None if some is None else tuple(some))


def progress_of(store: Store, study_id: int, judge: Judge) -> Progress:
    """How far a judge is with a study."""
    rounds = judges.plan_rounds(store, study_id, judge.id)
    assert rounds is not None
    return assessments.progress(store, Plan(study_id, judge.id, rounds))


def judge_of_study(store: Store, study: Study, name: str | None) -> tuple[Judge, int]:
    """The judge of that name with its rounds; without one, the newest that has scored anything.

    Raises:
        UnknownName: `unknown_judge`, with the names that take part.
        Refused: `no_judge` where the study has none.
    """
    known = judges.judges_of_study(store, study.id)
    if not known:
        raise Refused("no_judge", study=study.name)
    if name is None:
        active = [one for one in known if progress_of(store, study.id, one[0]).judged]
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
    with store.writing():
        if not jobs.exists(store, job_id):
            raise UnknownName("unknown_job", id=job_id)
        jobs.ask_to_cancel(store, job_id)


def ensure_judge(store: Store, study: Study, order: JudgeOrder, *, by: str) -> Judge:
    """The judge with exactly this configuration, taking part in the study.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `bad_rounds`, `bad_concurrency`, `judge_name_taken`, `nothing_to_judge`,
            `no_prompt_for`.
        ReleaseRequired: a local dataset would leave the machine.
    """
    if order.rounds < 1:
        raise Refused("bad_rounds")
    if not 1 <= order.concurrency <= 1024:
        raise Refused("bad_concurrency", most=1024)
    check_may_send(store, study.id, order.engine, order.addresses)
    if order.question_ids is None and not responses.response_counts(store, study.id).present:
        raise Refused("nothing_to_judge", study=study.name)
    name = order.name or order.model or order.engine
    configuration = judges.ensure_configuration(
        store, order.engine, order.model or order.engine, order.parameters
    )
    judge = judges.judge_named(store, name)
    if judge is None:
        judges.add_judge(store, name, configuration, ONE_TO_FIVE.name, by=by)
        judge = judges.judge_named(store, name)
    assert judge is not None
    if judge.configuration_id != configuration:
        raise Refused("judge_name_taken", name=name)
    _ensure_prompts(store, study, judge, by=by)
    if judges.plan_rounds(store, study.id, judge.id) != order.rounds:
        judges.add_plan(store, study.id, judge.id, order.rounds, by=by)
    return judge


def _ensure_prompts(store: Store, study: Study, judge: Judge, *, by: str) -> None:
    """Let the newest prompts serve a judge wherever none does yet."""
    if not entry_of(judge.engine).reads_prompt:
        empty = judges.ensure_prompt(
            store, judges.ANY, judges.ANY, "", reason="reads no prompt", by=by
        )
        if not judges.active_prompts(store, study.id, judge.id):
            prompt = judges.prompt_by_id(store, empty)
            judges.activate_prompt(store, study.id, judge, prompt, reason="first use", by=by)
        return
    served = {
        (prompt.category, prompt.language)
        for prompt in judges.active_prompts(store, study.id, judge.id)
    }
    for prompt in judges.prompts(store):
        if (prompt.category, prompt.language) not in served:
            judges.activate_prompt(store, study.id, judge, prompt, reason="first use", by=by)
            served.add((prompt.category, prompt.language))
    for question in questions.questions_of_study(store, study.id):
        if (question.category, question.language) not in served:
            raise Refused("no_prompt_for", category=question.category, language=question.language)


# --- doing it ---------------------------------------------------------------------------------


def run_judging(path: Path, job: Job, lease: Lease) -> None:
    """Ask for all that a job's plan lacks, and end the job as done, cancelled or failed.

    Raises:
        LeaseLost: another worker has the job; nothing was written after that.
    """
    with opened(path) as store:
        judge = judges.judge_by_id(store, job.plan["judge"])
        with ended(store, job, lease):
            check_may_send(store, job.study_id, judge.engine, job.plan["addresses"])
            asyncio.run(_JudgingRun(store, job, judge, lease).run())


class _JudgingRun:
    """One pass over what is outstanding."""

    def __init__(self, store: Store, job: Job, judge: Judge, lease: Lease) -> None:
        self.store = store
        self.job = job
        self.judge = judge
        self.lease = lease

    async def run(self) -> None:
        plan = plan_of(self.store, self.job)
        self._read_unread(plan)
        keys = assessments.outstanding(self.store, plan, limit=self._limit())
        with self.store.writing():
            if not jobs.start(self.store, self.job.id, self.job.fence, total=len(keys)):
                raise LeaseLost("lease_lost")
        if not keys:
            return
        materials = Materials(self.store, plan.study_id, plan.judge_id)
        concurrency: int = self.job.plan["concurrency"]
        engine = judge_engine(
            self.judge.engine,
            Configuration(
                self.judge.model,
                self.judge.parameters,
                tuple(self.job.plan["addresses"]),
                concurrency,
                requests_per_minute=self.job.plan.get("requests_per_minute"),
                tokens_per_minute=self.job.plan.get("tokens_per_minute"),
                notice=noting(self.store, self.job),
            ),
        )

        purse = purse_of(
            self.store, self.job, self.judge.parameters,
            outstanding=lambda: assessments.progress(self.store, plan).outstanding,
        )  # fmt: skip
        if purse is not None:
            engine = PaidJudge(engine, purse)

        async def ask(key: Key, commit: Callable[[Exchange], Awaitable[None]]) -> None:
            material = materials.ask_for(key)
            await commit(_exchange(key, material, await engine.ask(material)))

        try:
            asking = Asking(
                keys, ask, self._commit,
                concurrency=concurrency, lease=self.lease, stop=engine.stop,
            )  # fmt: skip
            await asking.run()
        except BudgetReached:
            assert purse is not None
            raise purse.reached() from None  # what was in flight is stored by now
        finally:
            await engine.close()

    def _limit(self) -> int | None:
        """What is left of the job's limit after an interruption and the replies just read."""
        limit: int | None = self.job.plan["limit"]
        done = jobs.job_by_id(self.store, self.job.id).done
        return None if limit is None else max(0, limit - done)

    def _commit(self, exchanges: list[Exchange]) -> None:
        """Store what was said; then read it and store what it says."""
        with self.store.writing():
            self._advance(done=0, unscored=0)
            assessments.add_exchanges(self.store, exchanges, self.job.id)
        self._read([(said.key, said.reply, said.finish_reason) for said in exchanges])

    def _read_unread(self, plan: Plan) -> int:
        """Read replies that were stored just before an interruption; how many there were."""
        unread = assessments.unread_exchanges(self.store, plan)
        if unread:
            self._read(unread)
        return len(unread)

    def _read(self, replies: list[tuple[Key, str, str]]) -> None:
        given = [
            (key, given_by(reply, self.judge.scale, finish_reason=finish_reason))
            for key, reply, finish_reason in replies
        ]
        unscored = sum(score.value is None for _, score in given)
        with self.store.writing():
            self._advance(done=len(given), unscored=unscored)
            assessments.add_machine_assessments(self.store, given, by=self.judge.name)

    def _advance(self, *, done: int, unscored: int) -> None:
        """Count keys, which also makes sure that what this transaction writes is still wanted."""
        if not jobs.advance(self.store, self.job.id, self.job.fence, done=done, unscored=unscored):
            raise LeaseLost("lease_lost")


class Materials:
    """What a key's prompt is made of, read from the database when it is its turn."""

    def __init__(self, store: Store, study_id: int, judge_id: int) -> None:
        self.store = store
        active = judges.active_prompts(store, study_id, judge_id)
        self.prompts = {prompt.id: prompt.text for prompt in active}

    def ask_for(self, key: Key) -> Ask:
        """What is sent for a key."""
        found = responses.response_by_id(self.store, key.response_id)
        assert found is not None
        assert found.text is not None
        version = criteria.criteria_by_id(self.store, key.criteria_id)
        prompt_id = judges.prompt_of_rater(self.store, key.rater_id)
        template = self.prompts[prompt_id]
        if not template:
            return Ask((), version.criteria, found.text)
        question = questions.question_by_id(self.store, found.question_id)
        assert question is not None
        prompt = rendered(
            template, version.criteria, found.text,
            earlier_turns=responses.earlier_turns(self.store, found.id),
            language=question.language,
        )  # fmt: skip
        return Ask((Message("user", prompt),), version.criteria, found.text)


def given_by(reply: str, scale: Scale, *, finish_reason: str) -> Given:
    """What a reply says, as it is stored."""
    found = verdict_of(reply, scale, finish_reason=finish_reason)
    if isinstance(found, Unscored):
        return Given(scale, None, found.because, found.detail)
    return Given(scale, found.score, None, "", found.rationale, found.safety_risk)


def _exchange(key: Key, ask: Ask, reply: Reply) -> Exchange:
    return Exchange(
        key, ask.messages[-1].content if ask.messages else "", reply.text, reply.finish_reason,
        reply.prompt_tokens, reply.reply_tokens, reply.seconds, reply.cached_tokens,
    )  # fmt: skip


def order_again(judge: Judge, rounds: int, last: Job | None) -> JudgeOrder:
    """The order that asks the same judge again, at the addresses of its last job."""
    plan = last.plan if last else {}
    return JudgeOrder(
        judge.engine, judge.model, judge.parameters, judge.name, rounds,
        tuple(plan.get("addresses", ())), plan.get("concurrency", 16),
    )  # fmt: skip
