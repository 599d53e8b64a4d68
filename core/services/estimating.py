"""Estimating: what a run will take and cost, before anybody is asked anything.

The order is carried out as far as its first call and undone again, so that what is outstanding is
counted by the very query that the run itself starts from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from core.domain.pricing import Price, Tokens, guessed_tokens
from core.domain.scales import Scale
from core.services.budgeting import FIRST_REPLY
from core.services.exchanging import prepared
from core.services.ordering import JudgeOrder, ensure_judge
from core.services.ordering_generation import GenerateOrder, check_order, ensure_generator
from core.services.permitting import require
from core.services.pricing import check_budget, is_billed, price_of
from core.services.releasing import check_may_send
from core.store import assessments, generations, judges, spending
from core.store.assessments import Key, Plan
from core.store.database import Store
from core.store.generations import AskedText
from core.store.judges import Judge
from core.store.spending import Past
from core.store.studies import Study

#: Prompts that are rendered per category where nothing was asked yet.
_SAMPLE = 20
#: Earlier calls of a category from which on they are better than a guess.
_ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Part:
    """What one category will take.

    Attributes:
        prompt_tokens, cached_tokens, reply_tokens: of one key on average, asking again included.
        basis: earlier calls of the same model by the same prompt, or characters of prompts.
        n: how many calls, or rendered prompts, that rests on.
    """

    category: str
    outstanding: int
    prompt_tokens: float
    cached_tokens: float
    reply_tokens: float
    basis: Literal["past", "characters"]
    n: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take.

    Attributes:
        outstanding: keys that are to be asked for.
        price: None where the price file does not name the model.
        is_billed: False where it runs on this machine, and nobody charges.
    """

    outstanding: int
    parts: tuple[Part, ...]
    price: Price | None
    is_billed: bool

    @property
    def tokens(self) -> Tokens:
        """All tokens, rounded to whole ones."""
        return Tokens(
            self.outstanding,
            0,
            round(sum(part.outstanding * part.prompt_tokens for part in self.parts)),
            round(sum(part.outstanding * part.cached_tokens for part in self.parts)),
            round(sum(part.outstanding * part.reply_tokens for part in self.parts)),
        )

    @property
    def cost(self) -> float | None:
        """In the currency of the price; None without one."""
        return None if self.price is None else self.price.cost(self.tokens)

    @property
    def measured(self) -> int:
        """Keys whose estimate rests on earlier calls."""
        return sum(part.outstanding for part in self.parts if part.basis == "past")


def estimate_judging(store: Store, study: Study, order: JudgeOrder, *, by: str) -> Estimate:
    """What a judging order would take.

    Raises:
        UnknownName, Refused, ReleaseRequired, BrokenFile: as `queue_judging` would.
    """
    require(store, "lead")
    price = price_of(order.engine, order.model, is_batch=order.is_batch)
    check_budget(order.budget, price, order.model)
    with store.trying():
        judge = ensure_judge(store, study, order, by=by)
        rounds = judges.plan_rounds(store, study.id, judge.id)
        assert rounds is not None
        until = assessments.last_id(store) if order.retry_unscored else None
        plan = Plan(study.id, judge.id, rounds, order.question_ids, until)
        counts = assessments.outstanding_by_category(store, plan)
        raters = judges.active_raters(store, study.id, judge.id)
        past = {one.category: one for one in spending.past_of_raters(store, raters)}
        again = spending.calls_per_key(store, judge.id)
        limit = order.parameters.get("max_tokens")
        parts = [
            _measured(past[category], count, again)
            if category in past and past[category].counted >= _ENOUGH
            else _guessed(category, count, _prompts(store, plan, category, judge.scale), limit)
            for category, count in counts.items()
        ]
    return _estimate(parts, price, order.engine, order.limit)


def estimate_of_keys(
    store: Store, judge: Judge, counts: Mapping[str, int], keys: Sequence[Key]
) -> Estimate:
    """What some keys of a judge would take.

    Args:
        counts: how many there are in each category.
        keys: all of them, in any order.
    """
    require(store, "lead")
    raters = sorted({key.rater_id for key in keys})
    past = {one.category: one for one in spending.past_of_raters(store, raters)}
    again = spending.calls_per_key(store, judge.id)
    some = [
        guessed_tokens([one.content for one in prepared(store, key, judge.scale).ask.messages])
        for key in keys[:_SAMPLE]
    ]
    parts = [
        _measured(past[category], count, again)
        if category in past and past[category].counted >= _ENOUGH
        else _guessed(category, count, some, judge.parameters.get("max_tokens"))
        for category, count in counts.items()
    ]
    return _estimate(parts, price_of(judge.engine, judge.model), judge.engine, None)


def estimate_generation(store: Store, study: Study, order: GenerateOrder, *, by: str) -> Estimate:
    """What an order of responses would take.

    Raises:
        UnknownName, Refused, ReleaseRequired, BrokenFile: as `queue_generation` would.
    """
    require(store, "lead")
    check_order(order)
    check_may_send(store, study.id, order.engine, order.addresses)
    price = price_of(order.engine, order.source)
    check_budget(order.budget, price, order.source)
    with store.trying():
        generator = ensure_generator(store, order, by=by)
        asked = generations.asked_texts(store, study.id, generator.model_id, samples=order.samples)
        past = {one.category: one for one in spending.past_of_model(store, generator.model_id)}
    limit = order.parameters.get("max_tokens")
    system = order.parameters.get("system_prompt", "")
    prompts = _spoken(asked, system, reply_tokens=_first_reply(limit))
    parts = []
    for category in sorted({one.category for one in asked}):
        count = sum(one.outstanding for one in asked if one.category == category)
        if category in past and past[category].counted >= _ENOUGH:
            parts.append(_measured(past[category], count, 1.0))
        else:
            parts.append(_guessed(category, count, prompts[category], limit))
    return _estimate(parts, price, order.engine, order.limit)


def _measured(past: Past, outstanding: int, calls_per_key: float) -> Part:
    each = calls_per_key / past.counted
    return Part(
        past.category, outstanding, past.prompt * each, (past.cached or 0) * each,
        past.reply * each, "past", past.counted,
    )  # fmt: skip


def _guessed(category: str, outstanding: int, prompts: Sequence[float], limit: int | None) -> Part:
    """A category by the guessed tokens of some of its prompts."""
    if not any(prompts):  # the engine reads no prompt
        return Part(category, outstanding, 0.0, 0.0, 0.0, "characters", len(prompts))
    return Part(
        category, outstanding, fmean(prompts), 0.0, _first_reply(limit), "characters", len(prompts)
    )


def _first_reply(limit: int | None) -> int:
    return FIRST_REPLY if limit is None else min(FIRST_REPLY, limit)


def _prompts(store: Store, plan: Plan, category: str, scale: Scale) -> list[float]:
    """Guessed tokens of some rendered prompts."""
    return [
        guessed_tokens([message.content for message in prepared(store, key, scale).ask.messages])
        for key in assessments.sample_of_category(store, plan, category, size=_SAMPLE)
    ]


def _spoken(
    asked: Sequence[AskedText], system: str, *, reply_tokens: int
) -> dict[str, list[float]]:
    """Guessed tokens of what a model is sent for each turn: all that was said before comes along.

    Returns:
        By category.
    """
    found: dict[str, list[float]] = {}
    conversation, said = None, 0.0
    for one in asked:
        if one.conversation_id != conversation:
            conversation, said = one.conversation_id, guessed_tokens([system])
        said += guessed_tokens([one.text])
        found.setdefault(one.category, []).append(said)
        said += reply_tokens
    return found


def _estimate(
    parts: Sequence[Part], price: Price | None, engine: str, limit: int | None
) -> Estimate:
    """All parts, cut in proportion where the order has a limit."""
    total = sum(part.outstanding for part in parts)
    wanted = total if limit is None else min(limit, total)
    kept, taken, seen = [], 0, 0
    for part in parts:
        if not part.outstanding:
            continue
        seen += part.outstanding
        share = round(wanted * seen / total) - taken
        taken += share
        kept.append(replace(part, outstanding=share))
    return Estimate(wanted, tuple(kept), price, is_billed(engine))
