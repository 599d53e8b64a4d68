"""Agreement of two raters on K ordered categories, from their K×K table.

Every function takes tables of counts (or weights) of shape (..., K, K), rows for the first
rater, columns for the second, and returns an array of shape (...,). Undefined is NaN here and
becomes a reason in `estimated`; it never leaves this package as a number.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.domain.estimation import (
    Estimate,
    Z,
    interval_of,
    resampled_apart,
    resampled_tables,
    share_estimate,
    undefined,
)

Tables = npt.NDArray[np.float64]

#: Resampled values that differ by less than this differ by rounding alone.
_NO_SPREAD = 1e-9


def percent_agreement(tables: Tables) -> npt.NDArray[np.float64]:
    """Share of pairs on the diagonal, 0 to 1."""
    return _divided(_weighted_sum(tables, np.eye(tables.shape[-1])), _total(tables))


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
    n = _total(tables)
    categories = tables.shape[-1]
    rows, columns = _margins(tables)
    mean_share = _divided(rows + columns, 2.0 * n[..., None])
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


def spearman(tables: Tables) -> npt.NDArray[np.float64]:
    """Spearman's ρ with mid-ranks for ties (Spearman 1904): Pearson's r of the ranks."""
    rows, columns = _margins(tables)
    return _correlation(tables, _centred_ranks(rows), _centred_ranks(columns))


def intraclass(tables: Tables) -> npt.NDArray[np.float64]:
    """ICC(A,1), absolute agreement of single scores, k = 2 raters (McGraw and Wong 1996).

    (MSR − MSE) / (MSR + (k−1)·MSE + k·(MSC − MSE)/n), mean squares of responses, raters, error.
    """
    n = _total(tables)
    first, second, both = _moments(tables)
    mean = (first.mean + second.mean) / 2.0
    # Sums of squares about the grand mean, from the moments of the two margins.
    raters = n * ((first.mean - mean) ** 2 + (second.mean - mean) ** 2)
    total = n * (first.variance + second.variance) + raters
    responses = n * (first.variance + second.variance + 2.0 * both) / 2.0
    error = total - responses - raters
    freedom = n - 1.0
    msr, mse, msc = _divided(responses, freedom), _divided(error, freedom), raters
    return _divided(msr - mse, msr + mse + 2.0 * _divided(msc - mse, n))


def mean_difference(tables: Tables) -> npt.NDArray[np.float64]:
    """Mean of second minus first, in steps of the scale (Bland and Altman 1986)."""
    first, second, _ = _moments(tables)
    return second.mean - first.mean


def lower_limit(tables: Tables) -> npt.NDArray[np.float64]:
    """Lower limit of agreement d̄ − 1.96·s_d (Bland and Altman 1986); undefined below 2 pairs."""
    return mean_difference(tables) - Z * _difference_spread(tables)


def upper_limit(tables: Tables) -> npt.NDArray[np.float64]:
    """Upper limit of agreement d̄ + 1.96·s_d (Bland and Altman 1986); undefined below 2 pairs."""
    return mean_difference(tables) + Z * _difference_spread(tables)


#: Of scores as numbers; those of `COEFFICIENTS` take them as ordered categories.
SCORE_COEFFICIENTS: dict[str, Callable[[Tables], npt.NDArray[np.float64]]] = {
    "spearman": spearman,
    "icc_a1": intraclass,
    "bias": mean_difference,
    "lower_limit": lower_limit,
    "upper_limit": upper_limit,
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of a first rater (physicians) with a second (a judge).

    Attributes:
        table: K×K counts, rows the first rater, columns the second, categories ascending.
        agreement: share of pairs in the same category, with a clustered Wilson interval.
        coefficients: one estimate per name in `COEFFICIENTS`, and for scores per name in
            `SCORE_COEFFICIENTS`.
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
    are_scores: bool = False,
    only: Collection[str] | None = None,
    weights: npt.NDArray[np.float64] | None = None,
    strata: npt.NDArray[np.intp] | None = None,
    seed: int = 0,
) -> Agreement:
    """Estimate agreement, with intervals by resampling clusters.

    Args:
        first, second: shape (n,), category indices 0 … categories−1 of each pair.
        clusters: shape (n,), the question of each pair, any integers.
        categories: K ≥ 2; categories that nobody used count too.
        are_scores: the categories are equal steps of a scale: add `SCORE_COEFFICIENTS`.
        only: names of the coefficients that are wanted; None for all.
        weights: shape (n,), 1/π where pairs were drawn with unequal probabilities π. The table
            of the result counts pairs; every figure is weighted.
        strata: shape (n,), from 0, where whole clusters were drawn by strata: clusters are then
            resampled within these.
    """
    n = len(first)
    w = None if weights is None or n == 0 else weights * n / weights.sum()
    per_cluster = _tables_per_cluster(first, second, clusters, categories, w)
    counts = np.bincount(first * categories + second, minlength=categories**2)
    agreement = share_estimate(first == second, clusters, weights)
    draws = per_cluster[:0]
    if only != ():
        draws = _resampled_within(per_cluster, _of_clusters(strata, clusters), seed=seed)
    sample = _Sample(per_cluster.sum(0), draws, n, len(per_cluster), agreement)
    formulas = COEFFICIENTS | (SCORE_COEFFICIENTS if are_scores else {})
    return Agreement(
        tuple(tuple(int(cell) for cell in row) for row in counts.reshape(categories, categories)),
        agreement,
        {
            name: _estimate(name, formula, sample)
            for name, formula in formulas.items()
            if only is None or name in only
        },
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    """A table with its resamples, and the agreement that stands in where these do not vary."""

    total: Tables
    draws: Tables
    n: int
    clusters: int
    agreement: Estimate


def _estimate(
    name: str, formula: Callable[[Tables], npt.NDArray[np.float64]], sample: _Sample
) -> Estimate:
    if sample.n == 0:
        return undefined(0, "no_pairs")
    value = float(formula(sample.total))
    if np.isnan(value) or (name in ("gwet_ac1", "pabak") and _uses_one_category(sample.total)):
        # Where nobody ever uses a second category, chance and skill can't be told apart.
        return undefined(sample.n, "no_variation")
    low, high = interval_of(formula(sample.draws), clusters=sample.clusters)
    if low is None or high is None:
        return Estimate(value, sample.n, None, None, None)
    if high - low < _NO_SPREAD and name in COEFFICIENTS:
        return _with_held_chance(name, value, sample)
    return Estimate(value, sample.n, low, high, None, "bootstrap")


def _with_held_chance(name: str, value: float, sample: _Sample) -> Estimate:
    """The Wilson interval of the agreement, carried over with chance agreement held.

    Where every resample gives one value (as at perfect agreement), resampling would claim to know
    the coefficient exactly. Every coefficient here is 1 − (1 − pa)·r for some r; unseen
    disagreements are taken to be as far apart as chance would put them.
    """
    pa, low, high = sample.agreement.value, sample.agreement.low, sample.agreement.high
    assert pa is not None
    assert low is not None
    assert high is not None
    slope = (1.0 - value) / (1.0 - pa) if pa < 1.0 else 1.0 / (1.0 - _chance(name, sample.total))
    return Estimate(
        value, sample.n, 1.0 - (1.0 - low) * slope, 1.0 - (1.0 - high) * slope, None,
        "wilson_held_chance",
    )  # fmt: skip


def _chance(name: str, table: Tables) -> float:
    """Agreement by chance as a coefficient takes it; weighted κ as plain κ."""
    categories = table.shape[-1]
    rows, columns = table.sum(-1) / table.sum(), table.sum(-2) / table.sum()
    if name == "pabak":
        return 1.0 / float(categories)
    if name == "gwet_ac1":
        mean = (rows + columns) / 2.0
        return float((mean * (1.0 - mean)).sum()) / float(categories - 1)
    return float((rows * columns).sum())


def _uses_one_category(table: Tables) -> bool:
    return bool(np.count_nonzero(table.sum(-1) + table.sum(-2)) == 1)


class _Margin(NamedTuple):
    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]


def _moments(tables: Tables) -> tuple[_Margin, _Margin, npt.NDArray[np.float64]]:
    """Mean and variance (÷ n) of each rater's category index, and their covariance."""
    n = _total(tables)
    steps = np.arange(tables.shape[-1], dtype=np.float64)
    rows, columns = _margins(tables)
    first, second = _divided(rows @ steps, n), _divided(columns @ steps, n)
    return (
        _Margin(first, _divided(rows @ steps**2, n) - first**2),
        _Margin(second, _divided(columns @ steps**2, n) - second**2),
        _divided(_weighted_sum(tables, np.multiply.outer(steps, steps)), n) - first * second,
    )


def _difference_spread(tables: Tables) -> npt.NDArray[np.float64]:
    """Standard deviation (÷ n−1) of second minus first."""
    n = _total(tables)
    first, second, both = _moments(tables)
    variance = np.maximum(first.variance + second.variance - 2.0 * both, 0.0)
    spread: npt.NDArray[np.float64] = np.sqrt(
        _divided(n * variance, np.where(n > 1.0, n - 1.0, 0.0))
    )
    return spread


def _centred_ranks(margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mid-rank of each category, less the mean rank; shape (..., K)."""
    before = margins.cumsum(-1) - margins
    total = margins.sum(-1, keepdims=True)
    ranks: npt.NDArray[np.float64] = before + margins / 2.0 - total / 2.0
    return ranks


def _correlation(
    tables: Tables, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Pearson's r of values that are given per category and centred."""
    together = (tables * rows[..., :, None] * columns[..., None, :]).sum((-2, -1))
    row_counts, column_counts = _margins(tables)
    of_rows = (row_counts * rows**2).sum(-1)
    of_columns = (column_counts * columns**2).sum(-1)
    return _divided(together, np.sqrt(of_rows * of_columns))


def _weighted_kappa(tables: Tables, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows, columns = _margins(tables)
    by_chance = _divided(((rows @ weights) * columns).sum(-1), _total(tables))
    return 1.0 - _divided(_weighted_sum(tables, weights), by_chance)


def _weighted_sum(tables: Tables, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum of the cells times their weights: one product over all tables, not a sum a table."""
    flat = tables.reshape(*tables.shape[:-2], weights.size)
    found: npt.NDArray[np.float64] = np.asarray(flat @ weights.reshape(-1))
    return found


def _total(tables: Tables) -> npt.NDArray[np.float64]:
    return _weighted_sum(tables, np.ones(tables.shape[-2:]))


def _margins(tables: Tables) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sums of the rows and of the columns, shape (..., K) each."""
    ones = np.ones(tables.shape[-1])
    return tables @ ones, np.swapaxes(tables, -1, -2) @ ones


def _distance(categories: int) -> npt.NDArray[np.float64]:
    steps = np.arange(categories, dtype=np.float64)
    return np.abs(steps[:, None] - steps[None, :])


def _tables_per_cluster(
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    clusters: npt.NDArray[np.intp],
    categories: int,
    weights: npt.NDArray[np.float64] | None,
) -> Tables:
    """Counts, or sums of weights, of shape (number of clusters, K, K)."""
    names, index = np.unique(clusters, return_inverse=True)
    cell = (index * categories + first) * categories + second
    counts = np.bincount(cell, weights, minlength=len(names) * categories * categories)
    return counts.reshape(len(names), categories, categories).astype(np.float64)


def _of_clusters(
    strata: npt.NDArray[np.intp] | None, clusters: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp] | None:
    """Stratum of each cluster, in ascending order of clusters."""
    return None if strata is None else strata[np.unique(clusters, return_index=True)[1]]


def _resampled_within(
    per_cluster: Tables, strata: npt.NDArray[np.intp] | None, *, seed: int
) -> Tables:
    if strata is None or len(strata) == 0:
        return resampled_tables(per_cluster, seed=seed)
    drawn = resampled_apart([per_cluster[strata == one] for one in np.unique(strata)], seed=seed)
    return np.asarray(np.sum(drawn, axis=0))


def _divided(
    above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Quotient; NaN where the divisor is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    quotient: npt.NDArray[np.float64] = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient
