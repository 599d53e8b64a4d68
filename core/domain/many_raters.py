"""Agreement of any number of raters, some marks missing.

Marks stand in an array of shape (units, raters) with category indices 0 … K−1, or −1 where a
rater did not mark a unit. Clusters, shape (units,), are the questions of the units.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from core.domain.agreement import Agreement, agreement_of
from core.domain.estimation import (
    NO_SPREAD,
    Estimate,
    Floats,
    Indices,
    interval_of,
    quotient,
    resampled_tables,
    share_estimate,
    undefined,
    wilson_interval,
)

Marks = Indices
Distance = Literal["nominal", "ordinal", "interval"]

MISSING = -1


def krippendorff_alpha(
    marks: Marks,
    clusters: Indices,
    *,
    categories: int,
    distance: Distance,
    seed: int = 0,
) -> Estimate:
    """Krippendorff's α (Krippendorff 2011, section C) with an interval over questions.

    α = 1 − (n−1)·Σ o_ck δ²_ck / Σ n_c n_k δ²_ck over the coincidences o of units with two marks or
    more; n of the estimate is the number of these marks. Undefined where all are equal.

    Args:
        distance: `ordinal` is Krippendorff's own, (Σ_{g=c..k} n_g − (n_c+n_k)/2)².
    """
    counts = _counts_per_unit(marks, categories)
    paired = counts.sum(1) >= 2
    counts, at = counts[paired], clusters[paired]
    n = int(counts.sum())
    if n == 0:
        return undefined(0, "no_pairs")
    # Ordered pairs of marks within a unit, each worth 1/(m−1), so that a unit weighs m.
    pairs = counts[:, :, None] * counts[:, None, :]
    steps = np.arange(categories)
    pairs[:, steps, steps] -= counts
    units = pairs / (counts.sum(1) - 1.0)[:, None, None]
    per_cluster = _summed(units, at)
    value = float(_alpha(per_cluster.sum(0), distance))
    if np.isnan(value):
        return undefined(n, "no_variation")
    draws = _alpha(resampled_tables(per_cluster, seed=seed), distance)
    return _estimate(value, n, draws, counts.sum(0), clusters=len(per_cluster))


def fleiss_kappa(marks: Marks, clusters: Indices, *, categories: int, seed: int = 0) -> Estimate:
    """Fleiss' κ (Fleiss 1971); n is the number of units.

    Units without a mark don't count; undefined where the others have different numbers of marks.
    """
    counts = _counts_per_unit(marks, categories)
    marked = counts.sum(1) > 0
    counts, at = counts[marked], clusters[marked]
    raters = np.unique(counts.sum(1))
    if len(counts) == 0 or raters.max() < 2:
        return undefined(0, "no_pairs")
    n = len(counts)
    if len(raters) > 1:
        return undefined(n, "unequal_raters")
    m = float(raters[0])
    agreeing = ((counts**2).sum(1) - m) / (m * (m - 1.0))
    # Agreement, units, and marks per category add up over questions.
    sums = np.column_stack([agreeing, np.ones(n), counts])
    per_cluster = _summed(sums, at)
    value = float(_fleiss(per_cluster.sum(0)))
    if np.isnan(value):
        return undefined(n, "no_variation")
    draws = _fleiss(resampled_tables(per_cluster, seed=seed))
    return _estimate(value, n, draws, counts.sum(0), clusters=len(per_cluster))


def among_raters(
    marks: Marks,
    clusters: Indices,
    *,
    categories: int,
    only: tuple[str, ...] | None = None,
    seed: int = 0,
) -> Agreement:
    """Agreement over all pairs of raters on the same unit; n counts pairs.

    Two raters of a pair have no order, so each pair stands in the table in both orders, and the
    coefficients see equal margins.
    """
    first, second, at = _all_pairs(marks, clusters)
    both = agreement_of(
        np.concatenate([first, second]), np.concatenate([second, first]),
        np.concatenate([at, at]), categories=categories, only=only, seed=seed,
    )  # fmt: skip
    return Agreement(
        both.table,
        share_estimate(first == second, at),
        {name: replace(one, n=len(first)) for name, one in both.coefficients.items()},
    )


def _estimate(
    value: float,
    n: int,
    draws: Floats,
    margins: Floats,
    *,
    clusters: int,
) -> Estimate:
    """The resampled interval; at perfect agreement, which never varies, Wilson's, chance held."""
    low, high = interval_of(draws, clusters=clusters)
    if low is None or high is None:
        return Estimate(value, n, None, None, None)
    if value == 1.0 and high - low < NO_SPREAD:
        chance = float(((margins / margins.sum()) ** 2).sum())
        least = wilson_interval(1.0, clusters)[0]
        return Estimate(
            value, n, 1.0 - (1.0 - least) / (1.0 - chance), 1.0, None, "wilson_held_chance"
        )
    return Estimate(value, n, low, high, None, "bootstrap")


def _counts_per_unit(marks: Marks, categories: int) -> Floats:
    """How many raters gave each category, shape (units, K)."""
    return np.stack([(marks == step).sum(1) for step in range(categories)], axis=1).astype(float)


def _summed(units: Floats, clusters: Indices) -> Floats:
    """Sums over the units of each cluster, shape (clusters, …)."""
    names, index = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(names), *units.shape[1:]))
    np.add.at(sums, index, units)
    return sums


def _alpha(coincidences: Floats, distance: Distance) -> Floats:
    """α of coincidence tables of shape (…, K, K)."""
    margins = coincidences.sum(-1)
    n = margins.sum(-1)
    apart = _squared_distance(margins, distance)
    observed = (coincidences * apart).sum((-2, -1))
    expected = (margins[..., :, None] * margins[..., None, :] * apart).sum((-2, -1))
    return 1.0 - quotient((n - 1.0) * observed, expected)


def _squared_distance(margins: Floats, distance: Distance) -> Floats:
    categories = margins.shape[-1]
    if distance == "nominal":
        return np.broadcast_to(1.0 - np.eye(categories), (*margins.shape, categories))
    if distance == "interval":
        steps = np.arange(categories, dtype=float)
        apart = (steps[:, None] - steps[None, :]) ** 2
        return np.broadcast_to(apart, (*margins.shape, categories))
    # Mid-ranks differ by exactly Σ_{g=c..k} n_g − (n_c + n_k)/2.
    ranks = margins.cumsum(-1) - margins / 2.0
    return (ranks[..., :, None] - ranks[..., None, :]) ** 2


def _fleiss(sums: Floats) -> Floats:
    """κ of rows (Σ agreement, units, marks per category …), shape (…, K + 2)."""
    observed = sums[..., 0] / sums[..., 1]
    shares = sums[..., 2:] / sums[..., 2:].sum(-1, keepdims=True)
    chance = (shares**2).sum(-1)
    # A share of exactly 1 leaves chance at 1 up to rounding.
    return quotient(observed - chance, np.where(chance < 1.0 - 1e-12, 1.0 - chance, 0.0))


def _all_pairs(marks: Marks, clusters: Indices) -> tuple[Marks, Marks, Marks]:
    firsts, seconds, at = [], [], []
    for one in range(marks.shape[1]):
        for other in range(one + 1, marks.shape[1]):
            both = (marks[:, one] != MISSING) & (marks[:, other] != MISSING)
            firsts.append(marks[both, one])
            seconds.append(marks[both, other])
            at.append(clusters[both])
    nothing = np.zeros(0, dtype=np.intp)
    return (
        np.concatenate([nothing, *firsts]),
        np.concatenate([nothing, *seconds]),
        np.concatenate([nothing, *at]),
    )
