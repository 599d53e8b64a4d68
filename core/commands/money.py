"""What commands say about money: estimates before a run, and what was spent."""

from dataclasses import asdict
from typing import Any

from core.commands.terminal import Terminal, language, text_of, words
from core.domain.pricing import TOKENS_PER_CJK, TOKENS_PER_OTHER, Spending
from core.i18n import cost_words, estimated_cost_words, price_words, token_words
from core.services.budgeting import FIRST_REPLY
from core.services.estimating import Estimate
from core.services.spending import SpentOn, spending_of_job, totals
from core.store.database import Store
from core.store.jobs import Job


def show_estimate(terminal: Terminal, who: str, kind: str, found: Estimate) -> None:
    """What a run would take, and how that was found out."""
    tokens = found.tokens
    terminal.show(
        {
            "name": who,
            "is_estimate": True,
            "outstanding": found.outstanding,
            "prompt_tokens": tokens.prompt,
            "reply_tokens": tokens.reply,
            "cost": found.cost,
            "currency": found.price.currency if found.price else None,
            "price": asdict(found.price) if found.price else None,
            "is_billed": found.is_billed,
            "parts": [asdict(part) for part in found.parts],
        },
        "\n".join(_estimate_lines(who, kind, found)),
    )


def _estimate_lines(who: str, kind: str, found: Estimate) -> list[str]:
    what = text_of(f"money.{kind}", n=found.outstanding)
    if not found.tokens.prompt:
        return [words("estimate_no_model", who=who, what=what)]
    tokens = text_of("money.tokens", prompt=found.tokens.prompt, reply=found.tokens.reply)
    cost = estimated_cost_words(language(), found.cost, found.price, is_billed=found.is_billed)
    lines = [words("estimate", who=who, what=what, tokens=tokens, cost=cost)]
    for part in found.parts:
        said = text_of(
            f"money.basis_{part.basis}", category=part.category, n=part.n,
            outstanding=part.outstanding, prompt=part.prompt_tokens, reply=part.reply_tokens,
        )  # fmt: skip
        lines.append(f"  {said}")
    if found.price:
        lines.append(f"  {price_words(language(), found.price)}")
    if found.measured < found.outstanding:
        lines.append(
            text_of("money.how", cjk=TOKENS_PER_CJK, other=TOKENS_PER_OTHER, reply=FIRST_REPLY)
        )
    else:
        lines.append(text_of("money.how_measured"))
    return lines


def spent_in_job(store: Store, job: Job) -> tuple[dict[str, Any], str]:
    """What a job took, for machines and for people; nothing where no price is known."""
    spent = spending_of_job(store, job)
    if not spent.costs:
        return {}, ""
    text = words(
        "spent_in_job", calls=spent.tokens.calls, tokens=token_words(language(), spent.tokens),
        cost=cost_words(language(), spent, is_billed=True),
    )  # fmt: skip
    return {"spent": numbers(spent)}, f"\n{text}"


def numbers(spent: Spending) -> dict[str, Any]:
    """Tokens and cost for machines; an unknown cost is missing, and never 0."""
    return {
        "calls": spent.tokens.calls,
        "calls_not_counted": spent.tokens.uncounted,
        "prompt_tokens": spent.tokens.prompt,
        "cached_tokens": spent.tokens.cached,
        "reply_tokens": spent.tokens.reply,
        "cost": dict(spent.costs),
        "calls_of_unknown_cost": spent.unpriced,
    }


def spent_numbers(lines: list[SpentOn]) -> list[dict[str, Any]]:
    """What a study took for machines, by judge or answering model, dataset and model."""
    return [
        {
            "kind": line.kind,
            "name": line.who,
            "dataset": line.dataset,
            "model": line.model,
            "is_billed": line.is_billed,
            **numbers(line.spending),
        }
        for line in lines
    ]


def spent_lines(lines: list[SpentOn]) -> list[str]:
    """What a study took for people: each judge, and under it each model."""
    found = []
    for total in totals(lines):
        tokens = total.spending.tokens
        if not total.is_billed and tokens.calls == tokens.uncounted:
            continue  # it ran here, and has no tokens
        own = [line for line in lines if (line.kind, line.who) == (total.kind, total.who)]
        found.append(_spent("spent" if total.kind == "judge" else "spent_answering", total))
        if total.kind == "judge":
            found += [_spent("spent_on", line) for line in own]
    return found


def _spent(text: str, line: SpentOn) -> str:
    return words(
        text, who=line.who, model=line.model, dataset=line.dataset,
        calls=line.spending.tokens.calls, tokens=token_words(language(), line.spending.tokens),
        cost=cost_words(language(), line.spending, is_billed=line.is_billed),
    )  # fmt: skip
