"""The price file: what tokens of which model cost, kept true by whoever runs the workbench."""

import math
import re
import tomllib
from pathlib import Path
from typing import Any

from core.domain.pricing import PriceEntry
from core.errors import BrokenFile
from core.formats.base import text_of_file

_FIELDS = ("currency", "prompt", "cached_prompt", "reply", "batch_discount")
_CURRENCY = re.compile(r"[A-Z]{3}")


def read_prices(path: Path) -> list[PriceEntry]:
    """All entries, in the order of the file.

    Raises:
        BrokenFile: `no_file`, `too_large`, `empty_file`, `not_utf8`, `not_toml`,
            `unknown_price_field`, `bad_price`.
    """
    try:
        found = tomllib.loads(text_of_file(path))
    except tomllib.TOMLDecodeError as error:
        raise BrokenFile("not_toml", file=str(path), problem=str(error)) from error
    for name in found:
        if name != "model":
            raise BrokenFile("unknown_price_field", file=str(path), model="–", field=name)
    models = found.get("model", {})
    if not isinstance(models, dict):
        raise _bad(path, "–", "model")
    return [_entry(path, name, fields) for name, fields in models.items()]


def _entry(path: Path, name: str, fields: Any) -> PriceEntry:
    if not isinstance(fields, dict) or not name:
        raise _bad(path, name or "–", "model")
    for field in fields:
        if field not in _FIELDS:
            raise BrokenFile("unknown_price_field", file=str(path), model=name, field=field)
    currency = fields.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise _bad(path, name, "currency")
    cached = fields.get("cached_prompt")
    return PriceEntry(
        name,
        currency,
        _number(path, name, "prompt", fields.get("prompt")),
        None if cached is None else _number(path, name, "cached_prompt", cached),
        _number(path, name, "reply", fields.get("reply")),
        _number(path, name, "batch_discount", fields.get("batch_discount", 0), most=1.0),
    )


def _number(path: Path, name: str, field: str, value: object, *, most: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _bad(path, name, field)
    if not 0 <= value <= most or math.isinf(value):  # NaN compares with nothing
        raise _bad(path, name, field)
    return float(value)


def _bad(path: Path, model: str, field: str) -> BrokenFile:
    return BrokenFile("bad_price", file=str(path), model=model, field=field)
