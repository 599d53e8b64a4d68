"""Agreement of two raters on K ordered categories, from their K×K table.

Every function takes tables of counts (or weights) of shape (..., K, K), rows for the first
rater, columns for the second, and returns an array of shape (...,). Undefined is NaN here and
becomes a reason in `estimated`; it never leaves this package as a number.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.estimation import (
    Estimate,
    interval_of,
    resampled_tables,
    share_estimate,
)

Tables = npt.NDArray[np.float64]


def percent_agreement(tables: Tables) -> npt.NDArray[np.float64]:
    """Share of pairs on the diagonal, 0 to 1."""
    return _divided(np.trace(tables, axis1=-2, axis2=-1), tables.sum((-2, -1)))


def cohen_kappa(tables: Tables) -> npt.NDArray[np.float64]:
    """Cohen's κ (Cohen 1960); undefined where both raters use one same category only."""
    categories = tables.shape[-1]
    return _weighted_kappa(tables, 1.0 - np.eye(categories))


def linear_kappa(tables: Tables) -> npt.NDArray[np.float64]:
    """Weighted κ with weights |i−j| (Cohen 1968)."""
    return _weighted_kappa(tables, _distance(tables.shape[-1]))


def quadratic_kappa(tables: Tables) -> npt.NDArray[np.float64]:
    """Weighted κ with weights (i−j)² (Cohen 1968)."""
    return _weighted_kappa(tables, _distance(tables.shape[-1]) ** 2)


def gwet_ac1(tables: Tables) -> npt.NDArray[np.float64]:
    """Gwet's AC1 (Gwet 2008); K is the number of categories of the table, used or not."""
    n = tables.sum((-2, -1))
    categories = tables.shape[-1]
    mean_share = _divided(tables.sum(-1) + tables.sum(-2), 2.0 * n[..., None])
    chance = (mean_share * (1.0 - mean_share)).sum(-1) / (categories - 1)
    return _divided(percent_agreement(tables) - chance, 1.0 - chance)


def pabak(tables: Tables) -> npt.NDArray[np.float64]:
    """Prevalence- and bias-adjusted κ: chance agreement set to 1/K (Byrt 1993)."""
    chance = 1.0 / tables.shape[-1]
    return _divided(percent_agreement(tables) - chance, np.asarray(1.0 - chance))


COEFFICIENTS: dict[str, Callable[[Tables], npt.NDArray[np.float64]]] = {
    "cohen_kappa": cohen_kappa,
    "linear_kappa": linear_kappa,
    "quadratic_kappa": quadratic_kappa,
    "gwet_ac1": gwet_ac1,
    "pabak": pabak,
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of a first rater (physicians) with a second (a judge).

    Attributes:
        table: K×K counts, rows the first rater, columns the second, categories ascending.
        agreement: share of pairs in the same category, with a clustered Wilson interval.
        coefficients: one estimate per name in `COEFFICIENTS`.
    """

    table: tuple[tuple[int, ...], ...]
    agreement: Estimate
    coefficients: dict[str, Estimate]


def agreement_of(
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    clusters: npt.NDArray[np.intp],
    *,
    categories: int,
    seed: int = 0,
) -> Agreement:
    """Estimate agreement, with intervals by resampling clusters.

    Args:
        first, second: shape (n,), category indices 0 … categories−1 of each pair.
        clusters: shape (n,), the question of each pair, any integers.
        categories: K ≥ 2; categories that nobody used count too.
    """
    per_cluster = _tables_per_cluster(first, second, clusters, categories)
    total = per_cluster.sum(0)
    draws = resampled_tables(per_cluster, seed=seed)
    n = len(first)
    return Agreement(
        tuple(tuple(int(cell) for cell in row) for row in total),
        share_estimate(first == second, clusters),
        {
            name: _estimate(formula, total, draws, n, len(per_cluster))
            for name, formula in COEFFICIENTS.items()
        },
    )


def _estimate(
    formula: Callable[[Tables], npt.NDArray[np.float64]],
    total: Tables,
    draws: Tables,
    n: int,
    clusters: int,
) -> Estimate:
    if n == 0:
        return Estimate(None, 0, None, None, "no_pairs")
    value = float(formula(total))
    if np.isnan(value):
        return Estimate(None, n, None, None, "no_variation")
    low, high = interval_of(formula(draws), clusters=clusters)
    return Estimate(value, n, low, high, None)


def _weighted_kappa(tables: Tables, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    n = tables.sum((-2, -1))
    rows, columns = tables.sum(-1), tables.sum(-2)
    expected = rows[..., :, None] * columns[..., None, :]
    observed = (weights * tables).sum((-2, -1))
    by_chance = _divided((weights * expected).sum((-2, -1)), n)
    return 1.0 - _divided(observed, by_chance)


def _distance(categories: int) -> npt.NDArray[np.float64]:
    steps = np.arange(categories, dtype=np.float64)
    return np.abs(steps[:, None] - steps[None, :])


def _tables_per_cluster(
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    clusters: npt.NDArray[np.intp],
    categories: int,
) -> Tables:
    """Counts of shape (number of clusters, K, K)."""
    names, index = np.unique(clusters, return_inverse=True)
    cell = (index * categories + first) * categories + second
    counts = np.bincount(cell, minlength=len(names) * categories * categories)
    return counts.reshape(len(names), categories, categories).astype(np.float64)


def _divided(
    above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Quotient; NaN where the divisor is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    quotient: npt.NDArray[np.float64] = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient
