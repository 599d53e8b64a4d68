"""The same responses twice: before and after a revision, or under two models."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.estimation import Bools, Estimate, Floats, interval_of, resampled_tables, undefined

FLIPS = 10_000
_CHUNK = 1_000
#: From so many questions on single precision does: equal sums are then no matter of chance.
_MANY = 512


@dataclass(frozen=True, slots=True)
class Change:
    """After minus before, with its paired bootstrap interval and permutation p.

    Attributes:
        p: two-sided, of the hypothesis that the sides may be exchanged within every question;
            None where the change is undefined.
    """

    difference: Estimate
    p: float | None


def change_of(
    before: Floats,
    after: Floats,
    formula: Callable[[Floats], Floats],
    *,
    pairs: int,
    seed: int = 0,
) -> Change:
    """Change of a figure that a formula reads from tables, tested by exchanging sides.

    Args:
        before, after: shape (clusters, …), a table of each question on either side.
        formula: takes tables of shape (…, table) to values of shape (…,), NaN if undefined.
        pairs: how many responses stand on both sides.
    """
    if pairs == 0:
        return Change(undefined(0, "no_pairs"), None)
    value = float(formula(after.sum(0)) - formula(before.sum(0)))
    if math.isnan(value):
        return Change(undefined(pairs, "no_variation"), None)
    drawn = resampled_tables(np.stack([before, after], axis=1), seed=seed)
    draws = formula(drawn[:, 1]) - formula(drawn[:, 0])
    low, high = interval_of(draws, clusters=len(before))
    found = Estimate(value, pairs, low, high, None, "bootstrap")
    return Change(found, _exchange_p(before, after, formula, value, seed=seed))


def sign_flip_p(
    values: Floats, known: Bools, pairs: Sequence[tuple[int, int]],
    *, seed: int = 0, flips: int = FLIPS,
) -> Floats:  # fmt: skip
    """Two-sided p of the differences of pairs of columns, summed over questions (Fisher 1935).

    (1 + flips with an absolute sum at least as great) / (1 + flips); the sign of a question flips
    for all columns at once. A question whose value either column lacks says nothing of their
    difference. Where all are known, columns are summed before they are subtracted: m sums instead
    of m² / 2.

    Args:
        values: shape (clusters, m).
        known: shape (clusters, m).

    Returns:
        Shape (pairs,).
    """
    first, second = (np.array([pair[side] for pair in pairs], dtype=np.intp) for side in (0, 1))
    whole = np.asarray(known.all(axis=1))[:, None]
    columns = np.where(whole, values, 0.0)
    both = known[:, first] & known[:, second] & ~whole
    apart = np.where(both, values[:, first] - values[:, second], 0.0)
    m = values.shape[1] if both.any() else None
    sums = columns if m is None else np.hstack([columns, apart])

    def differences(found: npt.NDArray[Any]) -> npt.NDArray[Any]:
        of_whole: npt.NDArray[Any] = found[:, first] - found[:, second]
        return of_whole if m is None else of_whole + found[:, m:]

    return _flip_p(sums, differences, seed=seed, flips=flips)


def _flip_p(
    sums: Floats,
    combined: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    *,
    seed: int,
    flips: int,
) -> Floats:
    """p of what is combined, column by column, from flipped sums of shape (flips, m)."""
    kind = np.float32 if len(sums) >= _MANY else np.float64
    tolerance = 1e-6 if kind is np.float32 else 1e-9
    flat: npt.NDArray[Any] = np.asarray(sums, dtype=kind, order="F")
    least = np.abs(combined(sums.sum(0)[None])[0]) * (1.0 - tolerance) - 1e-9
    at_least = np.zeros(len(least))
    generator = np.random.default_rng(seed)
    for start in range(0, flips, _CHUNK):
        signs: npt.NDArray[Any] = _signs(generator, min(_CHUNK, flips - start), len(sums))
        at_least += (np.abs(combined(signs.astype(kind) @ flat)) >= least).sum(0)
    p: Floats = (1.0 + at_least) / (1.0 + flips)
    return p


def holm(p_values: Floats) -> Floats:
    """p values adjusted for their number, shape (m,) (Holm 1979)."""
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate((m - np.arange(m)) * p_values[order])
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted


def _exchange_p(
    before: Floats, after: Floats, formula: Callable[[Floats], Floats], value: float, *, seed: int
) -> float:
    """Exchanging a question's sides is adding or subtracting half its difference."""
    flat = (len(before), -1)
    middle, half = (before + after).sum(0) / 2.0, ((after - before) / 2.0).reshape(flat)
    generator = np.random.default_rng(seed)
    at_least, defined = 0, 0
    for start in range(0, FLIPS, _CHUNK):
        signs = _signs(generator, min(_CHUNK, FLIPS - start), len(half))
        moved = (signs @ half).reshape(-1, *before.shape[1:])
        found = formula(middle + moved) - formula(middle - moved)
        known = ~np.isnan(found)
        defined += int(known.sum())
        at_least += int((np.abs(found[known]) >= abs(value) - 1e-9).sum())
    return (1 + at_least) / (1 + defined)


def _signs(generator: np.random.Generator, rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Signs of equal chance, a random bit each."""
    bits = np.frombuffer(generator.bytes(rows * -(-columns // 8)), dtype=np.uint8)
    drawn = np.unpackbits(bits.reshape(rows, -1), axis=1)[:, :columns]
    return (drawn * 2).astype(np.int8) - np.int8(1)
