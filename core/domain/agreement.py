"""Agreement of two raters on K ordered categories, as estimates with intervals over questions.

What is not a number among `core.domain.coefficients` becomes a reason here; it never leaves this
package as a number.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from core.domain.coefficients import COEFFICIENTS, SCORE_COEFFICIENTS, Coefficient
from core.domain.estimation import (
    NO_SPREAD,
    Estimate,
    Floats,
    Indices,
    interval_of,
    resampled_apart,
    resampled_tables,
    share_estimate,
    undefined,
)


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
    first: Indices,
    second: Indices,
    clusters: Indices,
    *,
    categories: int,
    are_scores: bool = False,
    only: Collection[str] | None = None,
    weights: Floats | None = None,
    strata: Indices | None = None,
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
    per_cluster = tables_per_cluster(first, second, clusters, categories, w)
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


def tables_per_cluster(
    first: Indices,
    second: Indices,
    clusters: Indices,
    categories: int,
    weights: Floats | None,
) -> Floats:
    """The pairs of each cluster as a table: counts, or sums of weights; shape (clusters, K, K).

    Args:
        first, second, clusters, weights: shape (n,), as in `agreement_of`.
    """
    names, index = np.unique(clusters, return_inverse=True)
    cell = (index * categories + first) * categories + second
    counts = np.bincount(cell, weights, minlength=len(names) * categories * categories)
    return counts.reshape(len(names), categories, categories).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Sample:
    """A table with its resamples, and the agreement that stands in where these do not vary."""

    total: Floats
    draws: Floats
    n: int
    clusters: int
    agreement: Estimate


def _estimate(name: str, formula: Coefficient, sample: _Sample) -> Estimate:
    if sample.n == 0:
        return undefined(0, "no_pairs")
    value = float(formula(sample.total))
    if np.isnan(value) or (name in ("gwet_ac1", "pabak") and _uses_one_category(sample.total)):
        # Where nobody ever uses a second category, chance and skill can't be told apart.
        return undefined(sample.n, "no_variation")
    low, high = interval_of(formula(sample.draws), clusters=sample.clusters)
    if low is None or high is None:
        return Estimate(value, sample.n, None, None, None)
    if high - low < NO_SPREAD and name in COEFFICIENTS:
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


def _chance(name: str, table: Floats) -> float:
    """Agreement by chance as a coefficient takes it; weighted κ as plain κ."""
    categories = table.shape[-1]
    rows, columns = table.sum(-1) / table.sum(), table.sum(-2) / table.sum()
    if name == "pabak":
        return 1.0 / float(categories)
    if name == "gwet_ac1":
        mean = (rows + columns) / 2.0
        return float((mean * (1.0 - mean)).sum()) / float(categories - 1)
    return float((rows * columns).sum())


def _uses_one_category(table: Floats) -> bool:
    return bool(np.count_nonzero(table.sum(-1) + table.sum(-2)) == 1)


def _of_clusters(strata: Indices | None, clusters: Indices) -> Indices | None:
    """Stratum of each cluster, in ascending order of clusters."""
    return None if strata is None else strata[np.unique(clusters, return_index=True)[1]]


def _resampled_within(per_cluster: Floats, strata: Indices | None, *, seed: int) -> Floats:
    if strata is None or len(strata) == 0:
        return resampled_tables(per_cluster, seed=seed)
    drawn = resampled_apart([per_cluster[strata == one] for one in np.unique(strata)], seed=seed)
    return np.asarray(np.sum(drawn, axis=0))
