"""Agreement of any number of raters, some marks missing; and of the judge held against each.

Marks stand in an array of shape (units, raters) with category indices 0 … K−1, or −1 where a
rater did not mark a unit. Clusters, shape (units,), are the questions of the units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from core.domain.agreement import Agreement, Tables, agreement_of
from core.domain.estimation import (
    Estimate,
    interval_of,
    resampled_tables,
    share_estimate,
    undefined,
    wilson_interval,
)

Marks = npt.NDArray[np.intp]
Distance = Literal["nominal", "ordinal", "interval"]
Closeness = Literal["accuracy", "negative_rmse"]

MISSING = -1
#: Below so many raters or units the alternative annotator test says nothing.
_FEWEST_RATERS, _FEWEST_UNITS = 3, 30
#: Below so many units of one rater the t test gives way to Wilcoxon's.
_FEWEST_FOR_T = 30
#: What an expert's time is worth in ρ (Calderon et al. 2025, section 3).
EPSILON = 0.2
_LEVEL = 0.05
#: Resampled values that differ by less than this differ by rounding alone.
_NO_SPREAD = 1e-9


def krippendorff_alpha(
    marks: Marks,
    clusters: npt.NDArray[np.intp],
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


def fleiss_kappa(
    marks: Marks, clusters: npt.NDArray[np.intp], *, categories: int, seed: int = 0
) -> Estimate:
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
    clusters: npt.NDArray[np.intp],
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


@dataclass(frozen=True, slots=True)
class AnnotatorTest:
    """The alternative annotator test: may the judge stand in for a physician?

    Attributes:
        omega: share of physicians against whom the judge is not worse by ε or more.
        rho: mean over physicians of how often the judge is at least as close to the others.
        epsilon: what a physician's labour is worth, in shares of units.
        physicians, units: how many were compared.
    """

    omega: Estimate
    rho: Estimate
    epsilon: float
    physicians: int
    units: int

    @property
    def may_stand_in(self) -> bool | None:
        """ω ≥ 0.5; None where the test can't be made."""
        return None if self.omega.value is None else self.omega.value >= 0.5


def annotator_test(
    marks: Marks,
    judge: Marks,
    clusters: npt.NDArray[np.intp],
    *,
    closeness: Closeness,
    epsilon: float = EPSILON,
    seed: int = 0,
) -> AnnotatorTest:
    """Alternative annotator test (Calderon et al. 2025, arXiv 2501.10970, section 3).

    Each physician j in turn is left out: W_f is 1 where the judge is at least as close to the
    remaining physicians as j, W_h the reverse. H₀: mean of W_h − W_f ≥ ε, one-sided t test
    (Wilcoxon below 30 units), Benjamini–Yekutieli at .05 over physicians. It can pass where κ is
    near 0: never show it alone.

    Args:
        marks: (units, raters); units with fewer than two marks don't count.
        judge: (units,), −1 where the judge gave no score; such units don't count.
    """
    usable = (judge != MISSING) & ((marks != MISSING).sum(1) >= 2)
    marks, judge, at = marks[usable], judge[usable], clusters[usable]
    of_rater = [_advantages(marks, judge, rater, closeness) for rater in range(marks.shape[1])]
    compared = [(units, wins) for units, *wins in of_rater if len(units)]
    if len(compared) < _FEWEST_RATERS or len(marks) < _FEWEST_UNITS:
        few = undefined(len(marks), "too_few")
        return AnnotatorTest(few, few, epsilon, len(compared), len(marks))
    p_values = [_p_value(human - machine, epsilon) for _, (machine, human) in compared]
    rejected = _benjamini_yekutieli(p_values, level=_LEVEL)
    omega = Estimate(sum(rejected) / len(rejected), len(rejected), None, None, None)
    # Per question and rater: wins and units, so that ρ can be resampled over questions.
    names, index = np.unique(at, return_inverse=True)
    sums = np.zeros((len(names), 2, len(compared)))
    for place, (units, (machine, _)) in enumerate(compared):
        np.add.at(sums[:, 0, place], index[units], machine)
        np.add.at(sums[:, 1, place], index[units], 1.0)
    draws = _mean_share(resampled_tables(sums, seed=seed))
    value = float(_mean_share(sums.sum(0)))
    rho = _share_of_draws(value, len(marks), draws, clusters=len(names))
    return AnnotatorTest(omega, rho, epsilon, len(compared), len(marks))


def _share_of_draws(
    value: float, n: int, draws: npt.NDArray[np.float64], *, clusters: int
) -> Estimate:
    """The resampled interval of a share; Wilson's over clusters where nothing ever varies."""
    low, high = interval_of(draws, clusters=clusters)
    if low is not None and high is not None and high - low < _NO_SPREAD and value in (0.0, 1.0):
        return Estimate(value, n, *wilson_interval(value, clusters), None, "wilson")
    return Estimate(value, n, low, high, None, "bootstrap")


def _estimate(
    value: float,
    n: int,
    draws: npt.NDArray[np.float64],
    margins: npt.NDArray[np.float64],
    *,
    clusters: int,
) -> Estimate:
    """The resampled interval; at perfect agreement, which never varies, Wilson's, chance held."""
    low, high = interval_of(draws, clusters=clusters)
    if low is None or high is None:
        return Estimate(value, n, None, None, None)
    if value == 1.0 and high - low < _NO_SPREAD:
        chance = float(((margins / margins.sum()) ** 2).sum())
        least = wilson_interval(1.0, clusters)[0]
        return Estimate(
            value, n, 1.0 - (1.0 - least) / (1.0 - chance), 1.0, None, "wilson_held_chance"
        )
    return Estimate(value, n, low, high, None, "bootstrap")


def _counts_per_unit(marks: Marks, categories: int) -> npt.NDArray[np.float64]:
    """How many raters gave each category, shape (units, K)."""
    return np.stack([(marks == step).sum(1) for step in range(categories)], axis=1).astype(float)


def _summed(units: npt.NDArray[np.float64], clusters: npt.NDArray[np.intp]) -> Tables:
    """Sums over the units of each cluster, shape (clusters, …)."""
    names, index = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(names), *units.shape[1:]))
    np.add.at(sums, index, units)
    return sums


def _alpha(coincidences: Tables, distance: Distance) -> npt.NDArray[np.float64]:
    """α of coincidence tables of shape (…, K, K)."""
    margins = coincidences.sum(-1)
    n = margins.sum(-1)
    apart = _squared_distance(margins, distance)
    observed = (coincidences * apart).sum((-2, -1))
    expected = (margins[..., :, None] * margins[..., None, :] * apart).sum((-2, -1))
    found: npt.NDArray[np.float64] = np.full(np.shape(n), np.nan)
    np.divide((n - 1.0) * observed, expected, out=found, where=expected > 0)
    return 1.0 - found


def _squared_distance(
    margins: npt.NDArray[np.float64], distance: Distance
) -> npt.NDArray[np.float64]:
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


def _fleiss(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """κ of rows (Σ agreement, units, marks per category …), shape (…, K + 2)."""
    observed = sums[..., 0] / sums[..., 1]
    shares = sums[..., 2:] / sums[..., 2:].sum(-1, keepdims=True)
    chance = (shares**2).sum(-1)
    found: npt.NDArray[np.float64] = np.full(np.shape(observed), np.nan)
    # A share of exactly 1 leaves chance at 1 up to rounding.
    np.divide(observed - chance, 1.0 - chance, out=found, where=chance < 1.0 - 1e-12)
    return found


def _all_pairs(marks: Marks, clusters: npt.NDArray[np.intp]) -> tuple[Marks, Marks, Marks]:
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


def _advantages(
    marks: Marks, judge: Marks, rater: int, closeness: Closeness
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Units that a rater marked beside others, and W_f and W_h on each."""
    others = np.delete(marks, rater, axis=1)
    units = np.flatnonzero((marks[:, rater] != MISSING) & (others != MISSING).any(1))
    theirs = others[units]
    is_there = theirs != MISSING
    machine = _closeness(judge[units], theirs, is_there, closeness)
    human = _closeness(marks[units, rater], theirs, is_there, closeness)
    return units, (machine >= human).astype(float), (human >= machine).astype(float)


def _closeness(
    own: Marks, theirs: Marks, is_there: npt.NDArray[np.bool_], closeness: Closeness
) -> npt.NDArray[np.float64]:
    """How close marks are to those of the others, shape (units,); greater is closer."""
    count = is_there.sum(1)
    if closeness == "accuracy":
        found: npt.NDArray[np.float64] = ((own[:, None] == theirs) & is_there).sum(1) / count
        return found
    squares = np.where(is_there, (own[:, None] - theirs) ** 2, 0).sum(1)
    distance: npt.NDArray[np.float64] = np.sqrt(squares / count)
    return -distance


def _p_value(differences: npt.NDArray[np.float64], epsilon: float) -> float:
    """One-sided p of H₀: mean of the differences ≥ ε."""
    n, mean, spread = len(differences), float(differences.mean()), float(differences.std())
    if spread == 0.0:
        return 0.0 if mean < epsilon and n >= _FEWEST_FOR_T else float(mean >= epsilon or 0.5**n)
    if n < _FEWEST_FOR_T:
        found = scipy.stats.wilcoxon(differences - epsilon, alternative="less")
        return float(found.pvalue)
    t = (mean - epsilon) / (spread * np.sqrt(n / (n - 1)) / np.sqrt(n))
    return float(scipy.special.stdtr(n - 1, t))


def _benjamini_yekutieli(p_values: Sequence[float], *, level: float) -> list[bool]:
    """Which hypotheses are rejected (Benjamini and Yekutieli 2001)."""
    m = len(p_values)
    harmonic = sum(1.0 / rank for rank in range(1, m + 1))
    order = sorted(range(m), key=p_values.__getitem__)
    passed = [
        rank for rank, i in enumerate(order, 1) if p_values[i] <= rank * level / (m * harmonic)
    ]
    last = max(passed, default=0)
    rejected = set(order[:last])
    return [i in rejected for i in range(m)]


def _mean_share(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean over raters of wins ÷ units; shape (…, 2, raters)."""
    wins, units = sums[..., 0, :], sums[..., 1, :]
    shares = np.full(wins.shape, np.nan)
    np.divide(wins, units, out=shares, where=units > 0)
    has = ~np.isnan(shares)
    total = np.where(has, shares, 0.0).sum(-1)
    count = has.sum(-1)
    found: npt.NDArray[np.float64] = np.full(np.shape(total), np.nan)
    np.divide(total, count, out=found, where=count > 0)
    return found
