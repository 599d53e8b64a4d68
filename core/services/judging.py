"""Judging: ask a judge for every score that a study wants and does not have.

The plan is the truth: what it asks for and the database lacks is outstanding. So resuming, never
paying twice and re-judging only what changed are one query. A call's slot is given to the next
call only when its result is committed; after a kill, at most the calls in flight are asked again.

A reply is stored before it is read. One that can't be read is answered once, in the same
conversation, with what was wrong; what is unreadable then is unscored.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from core.domain.pricing import Price
from core.domain.prompts import REASK_VERSION, missing_placeholders, reask, rendered
from core.domain.scales import ONE_TO_FIVE, Scale
from core.domain.verdicts import MENDABLE, Unscored, Verdict, verdict_of, verdict_schema
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
from core.services.generating import chosen_gpus
from core.services.permitting import require
from core.services.pricing import check_budget, price_of
from core.services.queueing import Lease, ended, ensure_job, noting
from core.services.releasing import check_may_send
from core.store import (
    assessments,
    batches,
    exchanges,
    jobs,
    judges,
    questions,
    responses,
    studies,
    trials,
)
from core.store.assessments import Given, Key, Plan, Progress
from core.store.database import Store, opened
from core.store.exchanges import Exchange, Material
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.studies import Study

#: Bytes of a marker and of a ticket; a response's author would have to guess them.
_TOKEN_BYTES = 8


@dataclass(frozen=True, slots=True)
class JudgeOrder:
    """Which judge is wanted, and how it is to be reached.

    Attributes:
        name: '' for the model's name.
        rounds: None for as many as the judge has in the study; if it is new there, 3 for one that
            reads a prompt, and 1 for one whose rounds would all be the same.
        question_ids: None for all questions of the study.
        budget: the job ends before it costs more, in the currency of the model's price.
        limit: at most so many keys in this job; None for all.
        gpus: `auto`, `none`, or indices such as `0,1`, for an engine that loads the model itself;
            chosen when the job starts.
        retry_unscored: ask again, as a new attempt, for what is unscored by now.
        is_batch: ask by the file, at the price of a batch, and be answered within a day.
    """

    engine: str
    model: str
    parameters: dict[str, Any]
    name: str = ""
    rounds: int | None = None
    addresses: tuple[str, ...] = ()
    concurrency: int = 16
    limit: int | None = None
    question_ids: tuple[int, ...] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget: float | None = None
    is_batch: bool = False
    gpus: str = "auto"
    retry_unscored: bool = False


def queue_judging(store: Store, study: Study, order: JudgeOrder, *, by: str) -> int:
    """Make sure of the judge and of a job that asks for what is outstanding; the job's id.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `bad_rounds`, `bad_concurrency`, `judge_name_taken`, `nothing_to_judge`,
            `no_prompt_for`, `prompt_outdated`, `bad_gpus`, `bad_budget`, `budget_needs_price`,
            `unfinished_job`, `cannot_batch`, `one_batch_address`, `in_batches`.
        ReleaseRequired: a local dataset would leave the machine.
        BrokenFile: the price file can't be read.
    """
    require(store, "lead")
    entry_of(order.engine)
    price = _price_of(order)
    with store.writing():
        judge = ensure_judge(store, study, order, by=by)
    return _ensure_job(store, study, judge, order, subject_of(judge, study.id), price, by=by)


def queue_keys(
    store: Store, study: Study, judge: Judge, order: JudgeOrder, *, trial_id: int, by: str
) -> int:
    """Queue what a trial asks of a judge, in the way of an order; the job's id.

    Raises:
        Refused: `bad_budget`, `budget_needs_price`.
        ReleaseRequired: a local dataset would leave the machine.
        BrokenFile: the price file can't be read.
    """
    require(store, "lead")
    check_may_send(store, study.id, judge.engine, order.addresses)
    price = _price_of(order)
    subject = f"trial {trial_id}"
    return _ensure_job(store, study, judge, order, subject, price, by=by, trial_id=trial_id)


def _price_of(order: JudgeOrder) -> Price | None:
    """What a million tokens cost; an order with a budget needs to know."""
    price = price_of(order.engine, order.model, is_batch=order.is_batch)
    check_budget(order.budget, price, order.model)
    return price


def _ensure_job(
    store: Store, study: Study, judge: Judge, order: JudgeOrder, subject: str,
    price: Price | None, *, by: str, trial_id: int | None = None,
) -> int:  # fmt: skip
    """A job with everything in its plan that it will be done by."""
    plan = {
        "judge": judge.id,
        "addresses": order.addresses,
        "concurrency": order.concurrency,
        "requests_per_minute": order.requests_per_minute,
        "tokens_per_minute": order.tokens_per_minute,
        "limit": order.limit,
        "questions": order.question_ids,
        **budget_in_plan(order.budget),
        "gpus": order.gpus,
        "retry_until": assessments.last_id(store) if order.retry_unscored else None,
    }
    if order.is_batch:
        plan["batch"] = True
    if trial_id is not None:
        plan["trial"] = trial_id
    lane = "batch" if order.is_batch else entry_of(order.engine).lane
    return ensure_job(store, "judge", lane, subject, study.id, plan, price=price, by=by)


def subject_of(judge: Judge, study_id: int) -> str:
    """What no two jobs work on at once."""
    return f"judge {judge.id} in study {study_id}"


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
        Refused: `no_judge` where the study has none.
    """
    require(store, "lead")
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
    require(store, "lead")
    with store.writing():
        if not jobs.exists(store, job_id):
            raise UnknownName("unknown_job", id=job_id)
        jobs.ask_to_cancel(store, job_id)


def ensure_judge(store: Store, study: Study, order: JudgeOrder, *, by: str) -> Judge:
    """The judge with exactly this configuration, taking part in the study.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `bad_rounds`, `bad_concurrency`, `judge_name_taken`, `nothing_to_judge`,
            `no_prompt_for`, `prompt_outdated`, `bad_gpus`, `cannot_batch`, `one_batch_address`,
            `in_batches`.
        ReleaseRequired: a local dataset would leave the machine.
    """
    require(store, "lead")
    if order.rounds is not None and order.rounds < 1:
        raise Refused("bad_rounds")
    if not 1 <= order.concurrency <= 1024:
        raise Refused("bad_concurrency", most=1024)
    check_may_send(store, study.id, order.engine, order.addresses)
    if entry_of(order.engine).loads_model:
        chosen_gpus(order.gpus)
    if order.is_batch and not entry_of(order.engine).has_batches:
        raise Refused("cannot_batch", engine=order.engine)
    if order.is_batch and len(order.addresses) > 1:
        raise Refused("one_batch_address")
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
    known = judges.plan_rounds(store, study.id, judge.id)
    rounds = order.rounds or known or _usual_rounds(order.engine)
    if rounds != known:
        judges.add_plan(store, study.id, judge.id, rounds, by=by)
    waiting = 0 if order.is_batch else batches.pending_count(store, study.id, judge.id)
    if waiting:
        raise Refused("in_batches", judge=name, count=waiting)
    return judge


def _usual_rounds(engine: str) -> int:
    """How often a judge that is new to a study scores each response, where nobody says."""
    return 3 if entry_of(engine).reads_prompt else 1


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
    _check_prompts(store, study, judge)


def _check_prompts(store: Store, study: Study, judge: Judge) -> None:
    """Refuse to judge by prompts that are not there, or that no verdict can be read by."""
    serving = {
        (prompt.category, prompt.language): prompt
        for prompt in judges.active_prompts(store, study.id, judge.id)
    }
    for category, language in questions.kinds_of_study(store, study.id):
        prompt = serving.get((category, language))
        if prompt is None:
            raise Refused("no_prompt_for", category=category, language=language)
        lacking = missing_placeholders(prompt.text)
        if lacking:
            raise Refused(
                "prompt_outdated", judge=judge.name, study=study.name, category=category,
                language=language, version=prompt.version, placeholder=lacking[0],
            )  # fmt: skip


# --- doing it ---------------------------------------------------------------------------------


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
        _check_prompts(store, study, judge)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A key's first ask, as it is about to be sent.

    Attributes:
        marker, ticket: drawn for this ask; '' for a judge that reads no prompt.
    """

    material: Material
    ask: Ask
    marker: str
    ticket: str


def prepared(store: Store, key: Key, scale: Scale) -> Prepared:
    """What a key's judge is asked, under a marker and a ticket that nothing inserted contains."""
    require(store, "lead")
    material = exchanges.material_of(store, key)
    if not material.template:
        return Prepared(material, Ask((), material.criteria, material.response), "", "")
    turns = responses.earlier_turns(store, key.response_id) if material.turn > 1 else []
    criteria = material.criteria
    texts = [
        material.template, criteria.question_text, criteria.reference_answer, criteria.checklist,
        material.response, *(text for turn in turns for text in (turn.question, turn.response)),
    ]  # fmt: skip
    marker = fresh_token(texts)
    ticket = fresh_token([*texts, marker])
    prompt = rendered(
        material.template, criteria, material.response, earlier_turns=turns,
        language=material.language, marker=marker, ticket=ticket,
    )  # fmt: skip
    ask = Ask((Message("user", prompt),), criteria, material.response, verdict_schema(scale))
    return Prepared(material, ask, marker, ticket)


def fresh_token(texts: Sequence[str]) -> str:
    """A random token that occurs in none of some texts."""
    while True:
        token = secrets.token_hex(_TOKEN_BYTES)
        if not any(token in text for text in texts):
            return token


@dataclass(slots=True)
class Said:
    """An ask with its reply on the way through the store.

    Attributes:
        is_stored: since before an interruption.
        found: what the reply says, once it is stored.
    """

    exchange: Exchange
    material: Material
    is_stored: bool
    found: Verdict | Unscored | None = None

    @property
    def is_to_be_mended(self) -> bool:
        """Whether the judge is told what was wrong, and asked once more.

        One that has spent all its tokens without a word would do so again.
        """
        return (
            isinstance(self.found, Unscored)
            and self.found.because in MENDABLE
            and self.exchange.ask == 1
            and self.exchange.ticket != ""
            and self.exchange.reply.strip() != ""
        )


class Reading:
    """Stores what was said, reads it, and stores what it says, for one job."""

    def __init__(self, store: Store, job: Job, judge: Judge) -> None:
        self.store = store
        self.job = job
        self.judge = judge

    def commit(self, batch: Sequence[Said], *, asked_in: int | None = None) -> None:
        """Store what was said; then read it, and store what it says.

        Args:
            asked_in: the job that pays for it, where that is an earlier one.
        """
        new = [said.exchange for said in batch if not said.is_stored]
        if new:
            with self.store.writing():
                self.advance(done=0, unscored=0)
                exchanges.add_exchanges(self.store, new, asked_in or self.job.id)
        for said in batch:
            said.found = _read(said, self.judge.scale)
        given = [
            (said.exchange.key, _given(said.found, self.judge.scale))
            for said in batch
            if said.found is not None and not said.is_to_be_mended
        ]
        if given:
            with self.store.writing():
                unscored = sum(score.value is None for _, score in given)
                self.advance(done=len(given), unscored=unscored)
                assessments.add_machine_assessments(self.store, given, by=self.judge.name)

    def advance(self, *, done: int, unscored: int) -> None:
        """Count keys, which also makes sure that what this transaction writes is still wanted."""
        if not jobs.advance(self.store, self.job.id, self.job.fence, done=done, unscored=unscored):
            raise LeaseLost("lease_lost")


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
        with self.store.writing():
            if not jobs.start(self.store, self.job.id, self.job.fence, total=total):
                raise LeaseLost("lease_lost")
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
        return chosen_gpus(_gpus_wished(self.job))

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


def second_question(said: Said, scale: Scale) -> tuple[Message, ...]:
    """The conversation in which a judge is told what was wrong with its reply."""
    first, material = said.exchange, said.material
    assert isinstance(said.found, Unscored)
    text = reask(
        said.found, scale, language=material.language, ticket=first.ticket,
        requirements=len(material.criteria.requirements),
    )  # fmt: skip
    return (
        Message("user", first.prompt), Message("assistant", first.reply), Message("user", text),
    )  # fmt: skip


def _read(said: Said, scale: Scale) -> Verdict | Unscored:
    return verdict_of(
        said.exchange.reply, scale,
        finish_reason=said.exchange.finish_reason,
        ticket=said.exchange.ticket or None,
        requirements=len(said.material.criteria.requirements),
        response=said.material.response,
    )  # fmt: skip


def _given(found: Verdict | Unscored, scale: Scale) -> Given:
    """What a reply says, as it is stored."""
    if isinstance(found, Unscored):
        return Given(scale, None, found.because, found.detail)
    return Given(
        scale, found.score, None, "", found.rationale, found.safety_risk, found.marks
    )  # fmt: skip


def exchange_of(
    key: Key,
    prompt: str,
    reply: Reply,
    *,
    marker: str,
    ticket: str,
    ask: int = 1,
    reask_version: int | None = None,
) -> Exchange:
    """An ask with its reply, as they are stored."""
    return Exchange(
        key, prompt, reply.text, reply.finish_reason, reply.prompt_tokens, reply.reply_tokens,
        reply.seconds, marker, ticket, ask, reask_version, reply.cached_tokens,
    )  # fmt: skip


def queue_retry(store: Store, study: Study, job: Job, *, by: str) -> int:
    """Ask the judge of a job again for what is unscored, in the way of that job; the job's id.

    Raises:
        As `queue_judging`.
    """
    require(store, "lead")
    judge = judges.judge_by_id(store, job.plan["judge"])
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    order = order_again(judge, rounds, job)
    is_batch = bool(job.plan.get("batch"))
    return queue_judging(
        store, study, replace(order, retry_unscored=True, is_batch=is_batch), by=by
    )


def order_again(judge: Judge, rounds: int, last: Job | None) -> JudgeOrder:
    """The order that asks the same judge again, at the addresses of its last job."""
    plan = last.plan if last else {}
    return JudgeOrder(
        judge.engine, judge.model, judge.parameters, judge.name, rounds,
        tuple(plan.get("addresses", ())), plan.get("concurrency", 16),
        gpus="auto" if last is None else _gpus_wished(last),
        requests_per_minute=plan.get("requests_per_minute"),
        tokens_per_minute=plan.get("tokens_per_minute"),
    )  # fmt: skip


def _gpus_wished(job: Job) -> str:
    """The GPUs that a job was ordered with; jobs of earlier versions hold the chosen ones."""
    wish = job.plan.get("gpus", "auto")
    return wish if isinstance(wish, str) else ",".join(map(str, wish)) or "none"
