"""From a few physicians' scores to a judge's whole leaderboard: corrected rates.

A judge scored everything (f), physicians a sample (Y); both are 1 for usable, 0 for unusable.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Bools, Estimate, Floats, Indices, Z, undefined

#: Below these a corrected rate is `too_few`.
FEWEST_SCORES, FEWEST_OF_EITHER = 30, 5
#: Disagreements added in each direction to the variance alone. Without them an interval at n = 30
#: covers .88–.97, with them .94–1.00, and from n = 100 on .94–.97 (simulated).
_ADDED = 0.5


@dataclass(frozen=True, slots=True)
class Stratum:
    """What is known of one stratum; all arrays are 1-D, clusters are questions.

    Attributes:
        physicians, judge, clusters: shape (n,), responses that both scored.
        judge_only, judge_only_clusters: shape (N,), responses that the judge alone scored.
        share: the stratum's share of the rate that is wanted; shares sum to 1.
        weights: shape (n,), 1/π where the responses that both scored were drawn with unequal
            probabilities π; None where each had the same.
    """

    physicians: Bools
    judge: Bools
    clusters: Indices
    judge_only: Bools
    judge_only_clusters: Indices
    share: float = 1.0
    weights: Floats | None = None


def may_calibrate(scored_at: str, revised_at: str | None) -> bool:
    """Tell whether a score may correct a judge: nobody could have revised with it in view.

    Args:
        scored_at: UTC time of the physician's score, ISO 8601.
        revised_at: when the criteria or prompt that the judge follows were put to use after a
            revision; None where they are the original ones.
    """
    return revised_at is None or scored_at > revised_at


def too_few(physicians: Bools) -> bool:
    """Whether there are too few scores, or too few of either outcome, to correct with.

    That is fewer than `FEWEST_SCORES` in all, or than `FEWEST_OF_EITHER` usable or unusable ones.

    Args:
        physicians: shape (n,), True for usable.
    """
    usable = int(physicians.sum())
    return len(physicians) < FEWEST_SCORES or (
        min(usable, len(physicians) - usable) < FEWEST_OF_EITHER
    )


def prediction_powered(strata: Sequence[Stratum]) -> Estimate:
    """Rate of usable responses by PPI++ (Angelopoulos et al., arXiv 2311.01453), per stratum.

    θ = Σ share·(λ·mean_N f + mean_n(Y − λf)), λ = cov(Y,f) / ((1 + n/N)·var f) cut to [0, 1],
    se² = λ²·var_N f/N + var_n(Y − λf)/n, both between questions, so that responses to one question
    may depend on each other. The interval is for questions like these; n counts physicians'
    scores. `too_few` by the rule of this module, or where a stratum has fewer than two scores.

    Where a stratum has weights, the judge's mean is over all M that it scored, and the rest is
    averaged within groups g of equal weight: λ·mean_M f + Σ_g W_g·mean_g(Y − λf), W_g a group's
    share of the weights; deviations are from the means of their groups, and what lies between
    these varies with the M responses: Σ_g W_g·(mean_g − mean)²/M is added to se².
    """
    y = np.concatenate([one.physicians for one in strata])
    n = len(y)
    if too_few(y) or any(len(one.physicians) < 2 for one in strata):
        return undefined(n, "too_few")
    weight = reliance(strata)
    value, added = 0.0, 0.0
    deviations, clusters = [], []
    for one in strata:
        part = _unweighted(one, weight) if one.weights is None else _weighted(one, weight)
        value += one.share * part.value
        added += one.share**2 * part.added
        deviations += [one.share * some for some in part.deviations]
        clusters += part.clusters
    names, index = np.unique(np.concatenate(clusters), return_inverse=True)
    sums = np.bincount(index, weights=np.concatenate(deviations), minlength=len(names))
    return _normal(value, n, float((sums**2).sum()) + added)


@dataclass(frozen=True, slots=True)
class JudgeQuality:
    """A judge against physicians.

    Attributes:
        specificity: share q0, 0 to 1, of the `unusable` m0 responses that the judge rejects.
        sensitivity: share q1 of the `usable` m1 responses that it passes.
        unusable, usable: as physicians see them; effective numbers where these are weighted.
    """

    specificity: float
    unusable: float
    sensitivity: float
    usable: float


def rogan_gladen(judge_share: float, n: float, quality: JudgeQuality) -> Estimate:
    """Rate of usable responses from a judge's rate and its errors (Rogan and Gladen 1978).

    θ = (p + q0 − 1)/(q0 + q1 − 1) with the interval of Lee et al. (arXiv 2511.21140); undefined
    where q0 + q1 ≤ 1. n of the estimate counts physicians' scores.

    Args:
        judge_share: share p that the judge calls usable.
        n: how many responses p is of, effectively.
    """
    p, q0, q1 = judge_share, quality.specificity, quality.sensitivity
    m0, m1 = quality.unusable, quality.usable
    scores = round(m0 + m1)
    if q0 + q1 <= 1.0:
        return undefined(scores, "no_better_than_chance")
    z2 = Z * Z
    p_ = (n * p + z2 / 2) / (n + z2)
    q0_, q1_ = (m0 * q0 + 1) / (m0 + 2), (m1 * q1 + 1) / (m1 + 2)
    youden = q0_ + q1_ - 1
    if youden <= 0.0:
        return undefined(scores, "no_better_than_chance")
    theta = (p_ + q0_ - 1) / youden
    e0, e1 = q0_ * (1 - q0_) / (m0 + 2), q1_ * (1 - q1_) / (m1 + 2)
    shift = 2 * z2 * (theta * e1 - (1 - theta) * e0)
    spread = p_ * (1 - p_) / (n + z2) + (1 - theta) ** 2 * e0 + theta**2 * e1
    half = Z * math.sqrt(spread) / youden
    value = _within((p + q0 - 1) / (q0 + q1 - 1))
    low, high = _within(theta + shift - half), _within(theta + shift + half)
    return Estimate(value, scores, low, high, None, "normal")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stratum's rate, and how far each response moves it: deviations with their questions."""

    value: float
    added: float
    deviations: list[Floats]
    clusters: list[Indices]


def _unweighted(one: Stratum, weight: float) -> _Part:
    judge_only, judge_only_at = one.judge_only.astype(float), one.judge_only_clusters
    if len(judge_only) == 0:  # physicians scored all: the judge's share cancels out
        judge_only, judge_only_at = one.judge.astype(float), one.clusters
    rest = one.physicians - weight * one.judge
    mean = float(rest.mean())
    return _Part(
        weight * float(judge_only.mean()) + mean,
        _added_variance(weight, mean, len(rest)),
        [weight * _deviations(judge_only, judge_only_at), _deviations(rest, one.clusters)],
        [judge_only_at, one.clusters],
    )


def _weighted(one: Stratum, weight: float) -> _Part:
    assert one.weights is not None
    every = np.concatenate([one.judge, one.judge_only]).astype(float)
    rest = one.physicians - weight * one.judge
    mean = float(np.average(rest, weights=one.weights))
    moves, between = np.zeros(len(rest)), 0.0
    for group in np.unique(one.weights):
        members = one.weights == group
        share = float(one.weights[members].sum() / one.weights.sum())
        size = int(members.sum())
        centre = float(rest[members].mean()) if size > 1 else mean
        moves[members] = (
            share * (rest[members] - centre) / size * math.sqrt(size / max(1, size - 1))
        )
        between += share * (centre - mean) ** 2
    return _Part(
        weight * float(every.mean()) + mean,
        between / len(every) + _added_variance(weight, mean, len(rest)),
        [weight * (every - every.mean()) / len(every), moves],
        [np.concatenate([one.clusters, one.judge_only_clusters]), one.clusters],
    )


def _deviations(values: Floats, clusters: Indices) -> Floats:
    found: Floats = _small_sample(clusters) / len(values) * (values - values.mean())
    return found


def reliance(strata: Sequence[Stratum]) -> float:
    """How far the judge is relied on: λ of `prediction_powered`, 0 to 1, one for all strata.

    0 with fewer than two scores, where the judge never varies, or where it has scored nothing that
    physicians have not.
    """
    y = np.concatenate([one.physicians for one in strata]).astype(float)
    f = np.concatenate([one.judge for one in strata]).astype(float)
    w = np.concatenate(
        [np.ones(len(one.judge)) if one.weights is None else one.weights for one in strata]
    )
    judge_only = np.concatenate([one.judge_only for one in strata]).astype(float)
    if len(y) < 2 or len(judge_only) == 0:
        return 0.0
    variance = float(np.concatenate([f, judge_only]).var(ddof=1))
    if variance == 0.0:
        return 0.0
    products = (y - np.average(y, weights=w)) * (f - np.average(f, weights=w))
    covariance = float(np.average(products, weights=w)) * len(y) / (len(y) - 1)
    return _within(covariance / ((1 + len(y) / len(judge_only)) * variance))


def _added_variance(weight: float, mean: float, n: int) -> float:
    """Of `_ADDED` responses that physicians pass and the judge rejects, and as many the reverse."""
    return float(_ADDED * ((1.0 - mean) ** 2 + (weight + mean) ** 2) / n**2)


def _small_sample(clusters: Indices) -> float:
    count = len(np.unique(clusters))
    return math.sqrt(count / (count - 1)) if count > 1 else 1.0


def _normal(value: float, n: int, variance: float) -> Estimate:
    half = Z * math.sqrt(variance)
    return Estimate(
        _within(value), n, _within(value - half), _within(value + half), None, "normal"
    )  # fmt: skip


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
