"""The alternative annotator test: may a judge stand in for a physician?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from core.domain.estimation import (
    NO_SPREAD,
    Bools,
    Estimate,
    Floats,
    Indices,
    interval_of,
    quotient,
    resampled_tables,
    undefined,
    wilson_interval,
)
from core.domain.many_raters import MISSING, Marks

Closeness = Literal["accuracy", "negative_rmse"]

#: Below so many raters or units the test says nothing.
_FEWEST_RATERS, _FEWEST_UNITS = 3, 30
#: Below so many units of one rater the t test gives way to Wilcoxon's.
_FEWEST_FOR_T = 30
#: What an expert's time is worth in ρ (Calderon et al. 2025, section 3).
EPSILON = 0.2
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class AnnotatorTest:
    """Whether a judge may stand in for a physician, as ω and ρ tell.

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
    clusters: Indices,
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


def _share_of_draws(value: float, n: int, draws: Floats, *, clusters: int) -> Estimate:
    """The resampled interval of a share; Wilson's over clusters where nothing ever varies."""
    low, high = interval_of(draws, clusters=clusters)
    if low is not None and high is not None and high - low < NO_SPREAD and value in (0.0, 1.0):
        return Estimate(value, n, *wilson_interval(value, clusters), None, "wilson")
    return Estimate(value, n, low, high, None, "bootstrap")


def _advantages(
    marks: Marks, judge: Marks, rater: int, closeness: Closeness
) -> tuple[Indices, Floats, Floats]:
    """Units that a rater marked beside others, and W_f and W_h on each."""
    others = np.delete(marks, rater, axis=1)
    units = np.flatnonzero((marks[:, rater] != MISSING) & (others != MISSING).any(1))
    theirs = others[units]
    is_there = theirs != MISSING
    machine = _closeness(judge[units], theirs, is_there, closeness)
    human = _closeness(marks[units, rater], theirs, is_there, closeness)
    return units, (machine >= human).astype(float), (human >= machine).astype(float)


def _closeness(own: Marks, theirs: Marks, is_there: Bools, closeness: Closeness) -> Floats:
    """How close marks are to those of the others, shape (units,); greater is closer."""
    count = is_there.sum(1)
    if closeness == "accuracy":
        found: Floats = ((own[:, None] == theirs) & is_there).sum(1) / count
        return found
    squares = np.where(is_there, (own[:, None] - theirs) ** 2, 0).sum(1)
    distance: Floats = np.sqrt(squares / count)
    return -distance


def _p_value(differences: Floats, epsilon: float) -> float:
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


def _mean_share(sums: Floats) -> Floats:
    """Mean over raters of wins ÷ units; shape (…, 2, raters)."""
    shares = quotient(sums[..., 0, :], sums[..., 1, :])
    has = ~np.isnan(shares)
    return quotient(np.where(has, shares, 0.0).sum(-1), has.sum(-1))
