"""Pricing: what tokens cost, and how many tokens a text will probably be."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MILLION = 1_000_000
#: Tokens per character of Chinese, Japanese and Korean, and of everything else, as DeepSeek's
#: documentation states them ("Token & Token Usage"); tokenizers differ by about a third.
TOKENS_PER_CJK, TOKENS_PER_OTHER = 0.6, 0.3
_CJK = re.compile(
    r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of some calls.

    Attributes:
        uncounted: calls among them whose tokens nobody counted; they add nothing below.
        cached: prompt tokens that the endpoint had cached, part of `prompt`; None where no
            endpoint said so.
    """

    calls: int = 0
    uncounted: int = 0
    prompt: int = 0
    cached: int | None = None
    reply: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        said = [one for one in (self.cached, other.cached) if one is not None]
        return Tokens(
            self.calls + other.calls,
            self.uncounted + other.uncounted,
            self.prompt + other.prompt,
            sum(said) if said else None,
            self.reply + other.reply,
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of a model cost.

    Attributes:
        entry: the name or pattern under which the price file has it.
        currency: ISO 4217 code.
        cached_prompt: None where cached prompt tokens cost what all prompt tokens do.
        discount: share that is taken off everything, 0 to 1.
    """

    entry: str
    currency: str
    prompt: float
    cached_prompt: float | None
    reply: float
    discount: float

    def cost(self, tokens: Tokens) -> float:
        """What the counted ones of some tokens cost."""
        cached = 0 if self.cached_prompt is None else min(tokens.cached or 0, tokens.prompt)
        paid = (
            (tokens.prompt - cached) * self.prompt
            + cached * (self.cached_prompt or 0.0)
            + tokens.reply * self.reply
        )
        return paid * (1.0 - self.discount) / _MILLION


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One entry of the price file: what a model, or all models of a pattern, cost.

    Attributes:
        name: a model's name; with `*` at its end all names that begin so.
        batch_discount: share that is taken off in a batch, 0 to 1.
    """

    name: str
    currency: str
    prompt: float
    cached_prompt: float | None
    reply: float
    batch_discount: float

    def price(self, *, is_batch: bool) -> Price:
        """What calls cost: single ones, or those of a batch."""
        return Price(
            self.name, self.currency, self.prompt, self.cached_prompt, self.reply,
            self.batch_discount if is_batch else 0.0,
        )  # fmt: skip


def entry_for(model: str, entries: Iterable[PriceEntry]) -> PriceEntry | None:
    """The entry with exactly this name; else the one with the longest pattern that fits."""
    fitting = []
    for entry in entries:
        if entry.name == model:
            return entry
        if entry.name.endswith("*") and model.startswith(entry.name[:-1]):
            fitting.append(entry)
    return max(fitting, key=lambda entry: len(entry.name), default=None)


@dataclass(frozen=True, slots=True)
class Spending:
    """What some calls took, and what they cost.

    Attributes:
        costs: amount by currency, of the calls whose cost is known.
        unpriced: calls whose cost is unknown, for want of a price or of counted tokens.
    """

    tokens: Tokens = Tokens()
    costs: tuple[tuple[str, float], ...] = ()
    unpriced: int = 0

    def __add__(self, other: "Spending") -> "Spending":
        costs = dict(self.costs)
        for currency, amount in other.costs:
            costs[currency] = costs.get(currency, 0.0) + amount
        return Spending(
            self.tokens + other.tokens, tuple(sorted(costs.items())), self.unpriced + other.unpriced
        )


def spending(tokens: Tokens, price: Price | None) -> Spending:
    """What tokens cost at a price; unknown without one, and for calls that nobody counted."""
    if price is None:
        return Spending(tokens, (), tokens.calls)
    counted = tokens.calls - tokens.uncounted
    costs = ((price.currency, price.cost(tokens)),) if counted else ()
    return Spending(tokens, costs, tokens.uncounted)


def guessed_tokens(texts: Sequence[str]) -> float:
    """About how many tokens texts are, at `TOKENS_PER_CJK` or `TOKENS_PER_OTHER` a character."""
    found = 0.0
    for text in texts:
        cjk = len(_CJK.findall(text))
        found += cjk * TOKENS_PER_CJK + (len(text) - cjk) * TOKENS_PER_OTHER
    return found


def amount(value: float) -> str:
    """An amount of money as written: two decimals, or two digits that are not 0."""
    if value == 0 or abs(value) >= 0.1:
        return f"{value:.2f}"
    return f"{value:.2g}" if abs(value) >= 0.0001 else f"{value:.6f}"
