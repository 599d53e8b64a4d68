"""Rapid assessment: a subset of an exam, stratified by difficulty, that estimates the full score.

Where nothing but difficulties are known, a stratum gives n_h ∝ N_h·S_h exercises (Neyman 1934), and
the estimate is the stratified mean. Where models have answered the whole exam before, their shares
by stratum tell how a score in one goes with the scores in others; see `core.domain.known_models`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Estimate, Floats, Z, undefined
from core.domain.known_models import Known, combined, plan

#: What is taken for the share of right answers in a bin of which nobody has answered yet.
_CENTRES = {"1": 0.9, "2": 0.7, "3": 0.5, "4": 0.3, "5": 0.1}
#: The smallest standard deviation that a stratum is taken to have, so that none is forgotten.
_LEAST = 0.1
#: Allotments that are compared: exercises of a stratum count as its p(1−p) to this power. ½ is
#: Neyman's for the stratified mean; larger ones ask more where models differ.
_POWERS = (0.5, 1.0, 2.0)
#: No stratum's share is taken to be nearer to 0 or 1 than this.
_EDGE = 0.03


@dataclass(frozen=True, slots=True)
class Picked:
    """An exercise of a subset, and the share of its stratum that was drawn."""

    unit: int
    stratum: str
    probability: float


def spread_of(level: str, share: float | None = None) -> float:
    """Standard deviation √(p(1−p)) of right (1) and wrong (0) in a bin of difficulty.

    Args:
        level: `1` (easiest) to `5`, with `~` where it is estimated, or '' where nobody knows it.
        share: the share p that is answered right, if known; else the middle of the bin.
    """
    p = share if share is not None else _CENTRES.get(level.rstrip("~"), 0.5)
    return max(_LEAST, math.sqrt(p * (1 - p)))


def neyman(sizes: Mapping[str, int], spreads: Mapping[str, float], n: int) -> dict[str, int]:
    """How many exercises to draw of each stratum: together n, or all there are (Neyman 1934).

    n_h is as near to n·N_h·s_h/Σ N_h·s_h as whole numbers allow. Every stratum gives at least two
    while n reaches (one does not tell its spread), and none more than it has; what is cut off there
    goes to the others.

    Args:
        sizes: N_h of every stratum.
        spreads: s_h, as `spread_of` gives it.
    """
    n = min(n, sum(sizes.values()))
    order = sorted(sizes, key=lambda stratum: (-sizes[stratum], stratum))
    least = {one: min(2, sizes[one]) for one in order}
    while sum(least.values()) > n:
        fullest = max(order, key=lambda one: (least[one], order.index(one)))
        least[fullest] -= 1
    given = dict(least)
    weights = {one: sizes[one] * spreads[one] for one in order}
    for _ in range(n - sum(given.values())):
        open_ones = [one for one in order if given[one] < sizes[one]]
        neediest = max(open_ones, key=lambda one: weights[one] / (given[one] + 0.5))
        given[neediest] += 1
    return given


def allotted(sizes: Mapping[str, int], known: Known, n: int) -> dict[str, int]:
    """How many exercises to draw of each stratum, so that the combined estimate varies least.

    That is the estimate of `full_score` with the same known models; its variance is predicted for
    every power of `_POWERS`.
    """
    shares = np.clip(known.shares.mean(axis=0), _EDGE, 1 - _EDGE)
    spreads = dict(zip(known.strata, (shares * (1 - shares)).tolist(), strict=True))
    tried = [
        neyman(sizes, {name: one**power for name, one in spreads.items()}, n) for power in _POWERS
    ]
    return min(
        tried,
        key=lambda one: plan(known, _columns(known, sizes), _columns(known, one)).variance
        if all(one.values()) else math.inf,
    )  # fmt: skip


def picked(
    strata: Mapping[int, str], numbers: Mapping[str, int], *, seed: int
) -> list[Picked]:  # fmt: skip
    """Draw so many exercises of each stratum without replacement; the same seed, the same ones."""
    members: dict[str, list[int]] = {}
    for unit in sorted(strata):
        members.setdefault(strata[unit], []).append(unit)
    found = []
    for name in sorted(members):
        chance = np.random.default_rng([abs(seed), *name.encode()])
        some = chance.choice(len(members[name]), size=numbers[name], replace=False)
        probability = numbers[name] / len(members[name])
        found += [Picked(members[name][at], name, probability) for at in sorted(some)]
    return found


def full_score(
    sizes: Mapping[str, int], scores: Mapping[str, Sequence[float]], known: Known | None = None
) -> Estimate:
    """What a model would score on the whole exam, from its scores on a stratified subset.

    Without known models θ = Σ W_h·x̄_h with W_h = N_h/N; se² = Σ W_h²·(1 − n_h/N_h)·s_h²/n_h
    (Cochran 1977, 5.6), the interval θ ± z·se, cut to 0–1. A stratum of one score has the spread of
    p(1−p) at its smoothed share; undefined where a stratum has none. With known models see
    `core.domain.known_models.combined`.

    Args:
        sizes: N_h of every stratum.
        scores: those of the subset, 0 to 1, by stratum.
    """
    total = sum(sizes.values())
    n = sum(len(some) for some in scores.values())
    if not total or any(not scores.get(name) for name in sizes):
        return undefined(n, "too_few")
    means = {name: float(np.mean(scores[name])) for name in sizes}
    if known is None:
        value = sum(size / total * means[name] for name, size in sizes.items())
        variance = sum(
            (size / total) ** 2 * _variance_of_mean(scores[name], size)
            for name, size in sizes.items()
        )
    else:
        counts = {name: len(scores[name]) for name in sizes}
        values, variances = combined(
            known, _columns(known, sizes), _columns(known, counts), _columns(known, means)[None]
        )
        value, variance = float(values[0]), float(variances[0])
    half = Z * math.sqrt(variance)
    return Estimate(value, n, max(0.0, value - half), min(1.0, value + half), None, "normal")


def _variance_of_mean(scores: Sequence[float], size: int) -> float:
    some = np.asarray(scores, dtype=float)
    count = len(some)
    smoothed = (some.sum() + 1) / (count + 2)  # no stratum is certain because few were asked
    spread = max(float(some.var(ddof=1)) if count > 1 else 0.0, smoothed * (1 - smoothed) / 2)
    return float((1 - count / size) * spread / count)


def _columns(known: Known, of_stratum: Mapping[str, float]) -> Floats:
    return np.array([of_stratum[name] for name in known.strata], dtype=float)
