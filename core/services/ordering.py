"""Orders to judge: which judge is wanted, how it is reached, and the job for what it lacks.

A judge is a model with its parameters under a name; the newest prompts serve it wherever none
does yet. An order that the study already fulfils in part asks only for the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.domain.pricing import Price
from core.domain.prompts import missing_placeholders
from core.domain.scales import ONE_TO_FIVE
from core.engines.catalogue import entry_of
from core.engines.gpus import chosen_gpus
from core.errors import Refused
from core.services.budgeting import budget_in_plan
from core.services.permitting import require
from core.services.pricing import check_budget, price_of
from core.services.queueing import ensure_job
from core.services.releasing import check_may_send
from core.store import assessments, batches, exams, judges, questions, responses
from core.store.database import Store
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.studies import Study


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
        gpus="auto" if last is None else gpus_wished(last),
        requests_per_minute=plan.get("requests_per_minute"),
        tokens_per_minute=plan.get("tokens_per_minute"),
    )  # fmt: skip


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
    _check(store, study, order)
    model = order.model or order.engine
    judge = judge_configured(
        store, order.name or model, order.engine, model, order.parameters,
        scale=ONE_TO_FIVE.name, by=by,
    )  # fmt: skip
    _ensure_prompts(store, study, judge, by=by)
    known = judges.plan_rounds(store, study.id, judge.id)
    rounds = order.rounds or known or _usual_rounds(order.engine)
    if rounds != known:
        judges.add_plan(store, study.id, judge.id, rounds, by=by)
    waiting = 0 if order.is_batch else batches.pending_count(store, study.id, judge.id)
    if waiting:
        raise Refused("in_batches", judge=judge.name, count=waiting)
    return judge


def _check(store: Store, study: Study, order: JudgeOrder) -> None:
    """Refuse an order that can't be carried out."""
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
        raise Refused(why_nothing(store, study) or "nothing_to_judge", study=study.name)


def judge_configured(
    store: Store, name: str, engine: str, model: str, parameters: Mapping[str, Any],
    *, scale: str, by: str,
) -> Judge:  # fmt: skip
    """The judge of a name, added if new; a name stands for one configuration.

    Raises:
        Refused: `judge_name_taken`.
    """
    require(store, "lead")
    configuration = judges.ensure_configuration(store, engine, model, parameters)
    judge = judges.judge_named(store, name)
    if judge is None:
        judges.add_judge(store, name, configuration, scale, by=by)
        judge = judges.judge_named(store, name)
    assert judge is not None
    if judge.configuration_id != configuration:
        raise Refused("judge_name_taken", name=name)
    return judge


def why_nothing(store: Store, study: Study) -> str:
    """Why a study has nothing for judges, as the code of a refusal: its questions are closed."""
    require(store, "lead")
    is_exam = exams.closed_datasets(store, study.id) and not questions.kinds_of_study(
        store, study.id
    )
    return "needs_no_judge" if is_exam else ""


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
    check_prompts(store, study, judge)


def check_prompts(store: Store, study: Study, judge: Judge) -> None:
    """Refuse to judge by prompts that are not there, or that no verdict can be read by."""
    require(store, "lead")
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


def gpus_wished(job: Job) -> str:
    """The GPUs that a job was ordered with; jobs of earlier versions hold the chosen ones."""
    wish = job.plan.get("gpus", "auto")
    return wish if isinstance(wish, str) else ",".join(map(str, wish)) or "none"
