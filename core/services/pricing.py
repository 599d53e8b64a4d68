"""Pricing: what a model's tokens cost, by the file that the user keeps."""

import os
from pathlib import Path

from core.domain.pricing import Price, entry_for
from core.engines.catalogue import entry_of
from core.errors import Refused
from core.formats.price_file import read_prices

_SHIPPED = Path(__file__).resolve().parents[2] / "data" / "prices.toml"
VARIABLE = "ATTENDING_PRICES"


def price_file() -> Path:
    """Where the prices stand: the file that ATTENDING_PRICES names, or the one that is shipped."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else _SHIPPED


def is_billed(engine: str) -> bool:
    """Whether somebody else may charge for an engine's tokens; what runs here is not billed."""
    return entry_of(engine).needs_address


def price_of(engine: str, model: str, *, is_batch: bool = False) -> Price | None:
    """What a model's tokens cost today; None where the file does not say, or nobody charges.

    Raises:
        UnknownName: `unknown_engine`.
        BrokenFile: the file can't be read.
    """
    if not is_billed(engine):
        return None
    path = price_file()
    if path == _SHIPPED and not path.exists():
        return None
    entry = entry_for(model, read_prices(path))
    return None if entry is None else entry.price(is_batch=is_batch)


def check_budget(budget: float | None, price: Price | None, model: str) -> None:
    """Refuse a budget that nobody could keep.

    Raises:
        Refused: `bad_budget`, `budget_needs_price`.
    """
    if budget is None:
        return
    if not 0 < budget < float("inf"):
        raise Refused("bad_budget")
    if price is None:
        raise Refused("budget_needs_price", model=model, file=str(price_file()))
