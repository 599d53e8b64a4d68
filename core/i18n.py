"""Sentences in both languages, by key; English defines the keys."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from core.domain.pricing import Price, Spending, Tokens, amount
from core.domain.questions import Language
from core.errors import AttendingError

LANGUAGES: tuple[Language, ...] = ("zh", "en")
#: How formats name the place of a record.
_RECORD = re.compile(r"\b(record|line) (\d+)$")
_FOLDER = Path(__file__).parent / "locales"
#: Names of the signs between the columns of a table.
_SEPARATORS = {",": "comma", ";": "semicolon", "Tab": "tab", "|": "bar"}
#: How reasons begin that the program writes with a name at their end.
_BEFORE_A_NAME = ("imported from", "judge card")


def sentence(language: Language, key: str, /, **values: object) -> str:
    """The text of a key with its placeholders filled.

    Raises:
        KeyError: no such key, or a placeholder without a value: a defect.
    """
    return catalogue(language)[key].format(**values)


def has_key(key: str) -> bool:
    """Tell whether the catalogue knows a key."""
    return key in catalogue("en")


def error_sentence(language: Language, error: AttendingError) -> str:
    """What went wrong, where, and what to do, in one sentence.

    Where several records of a file can't be read, a line for each that is named follows.
    """
    values = _in_words(language, error.values)
    if isinstance(values.get("records"), tuple):
        values["records"] = _record_lines(language, error.values)
    if isinstance(rights := values.get("rights"), tuple):
        named = [sentence(language, f"right.{right}") for right in rights]
        values["rights"] = sentence(language, "right.or").join(named)
    return sentence(language, f"error.{error.code}", **values)


def _in_words(language: Language, values: Mapping[str, Any]) -> dict[str, Any]:
    """An error's values, with those that are names for something in the words for it."""
    found = dict(values)
    if found.get("known") in ("", "–"):
        found["known"] = sentence(language, "words.none")
    for name in ("expected", "field"):
        known = f"{name}.{found.get(name)}"
        if has_key(known):
            found[name] = sentence(language, known)
    if isinstance(where := found.get("where"), str):
        found["where"] = _RECORD.sub(
            lambda one: sentence(language, f"record_problem.at_{one[1]}", n=one[2]), where
        )
    return found


def _record_lines(language: Language, many: Mapping[str, Any]) -> str:
    """Place and reason of the records that an error names, a line each."""
    lines = []
    for record in many["records"]:
        values = {"where": f"line {record.values.get('line')}"} | record.values
        values = _in_words(language, values)
        if values["file"] != many["file"]:
            values["where"] = sentence(language, "record_problem.in_file", **values)
        why = sentence(language, f"table_problem.{record.code}", **values)
        is_whole = record.values.get("field", "record") in ("record", "line")
        key = "record_problem.line" if is_whole else "record_problem.field"
        lines.append(sentence(language, key, **values | {"why": why}))
    if more := many["n"] - len(lines):
        lines.append(sentence(language, "record_problem.more", n=more))
    return "\n".join("  " + line.replace("\n", " ") for line in lines)


def written_reason(language: Language, reason: str) -> str:
    """A stored reason in a language where the program wrote it, else as somebody typed it."""
    if has_key(f"written.{reason}"):
        return sentence(language, f"written.{reason}")
    for start in _BEFORE_A_NAME:
        if reason.startswith(f"{start} "):
            return sentence(language, f"written_of.{start}", name=reason[len(start) + 1 :])
    return reason


def read_as_words(language: Language, read_as: str) -> str:
    """How a table was read: encoding and separator by name, or what else there is as it is."""
    encoding, _, sign = read_as.rpartition(", ")
    if sign not in _SEPARATORS:
        return read_as
    name = sentence(language, f"separated.{_SEPARATORS[sign]}")
    return sentence(language, "separated.read_as", encoding=encoding, separator=name)


def cost_words(language: Language, spent: Spending, *, is_billed: bool) -> str:
    """What calls cost, with what nobody knows; never 0 for want of a price."""
    if not is_billed:
        return sentence(language, "money.not_billed")
    known = " + ".join(f"{amount(value)} {currency}" for currency, value in spent.costs)
    if not known:
        return sentence(language, "money.unknown")
    if spent.unpriced:
        return sentence(language, "money.partly", known=known, calls=spent.unpriced)
    return known


def estimated_cost_words(
    language: Language, cost: float | None, price: Price | None, *, is_billed: bool
) -> str:
    """What a run would cost, or why nobody knows."""
    if not is_billed:
        return sentence(language, "money.not_billed")
    if cost is None or price is None:
        return sentence(language, "money.unknown")
    return sentence(language, "money.about", cost=f"{amount(cost)} {price.currency}")


def token_words(language: Language, tokens: Tokens) -> str:
    """Tokens of some calls, with how many of them nobody counted."""
    if tokens.calls == tokens.uncounted:
        return sentence(language, "money.nothing_counted")
    key = "money.tokens" if tokens.cached is None else "money.tokens_cached"
    said = sentence(language, key, prompt=tokens.prompt, cached=tokens.cached, reply=tokens.reply)
    if tokens.uncounted:
        return sentence(language, "money.uncounted", tokens=said, calls=tokens.uncounted)
    return said


def price_words(language: Language, price: Price) -> str:
    """A price with the entry of the price file that it comes from."""
    cached = price.prompt if price.cached_prompt is None else price.cached_prompt
    said = sentence(
        language, "money.priced", entry=price.entry, prompt=price.prompt, cached=f"{cached:g}",
        reply=price.reply, currency=price.currency,
    )  # fmt: skip
    if price.discount:
        return sentence(language, "money.priced_less", price=said, discount=price.discount)
    return said


def batch_words(
    language: Language, *, total: int, completed: int, failed: int, states: Sequence[str]
) -> str:
    """How far batches are, in the endpoint's own words for their states."""
    unsent = sentence(language, "batch.handing_over")
    return sentence(
        language, "batch.standing", total=total, completed=completed, failed=failed,
        states=", ".join(state or unsent for state in states),
    )  # fmt: skip


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All texts of a language by dotted key, from every file of its folder."""
    found: dict[str, str] = {}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        found |= _flat(tomllib.loads(path.read_text(encoding="utf-8")), prefix="")
    return found


def _flat(table: Mapping[str, Any], *, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        found |= _flat(value, prefix=f"{name}.") if isinstance(value, dict) else {name: value}
    return found
