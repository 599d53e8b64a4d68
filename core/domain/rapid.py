"""Rapid assessment: a subset of an exam, stratified by difficulty, that estimates the full score.

Strata are the five bins of difficulty. How many exercises a stratum gives follows Neyman (1934):
n_h ∝ N_h·S_h, S_h the standard deviation of right and wrong in the stratum, because exercises that
everybody (or nobody) answers tell little about the score and less about the ranking.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Estimate, Z, undefined

#: What is taken for the share of right answers in a bin of which nobody has answered yet.
_CENTRES = {"1": 0.9, "2": 0.7, "3": 0.5, "4": 0.3, "5": 0.1}
#: The smallest standard deviation that a stratum is taken to have, so that none is forgotten.
_LEAST = 0.1


@dataclass(frozen=True, slots=True)
class Picked:
    """An exercise of a subset, and the share of its stratum that was drawn."""

    unit: int
    stratum: str
    probability: float


def spread_of(level: str, share: float | None = None) -> float:
    """Standard deviation of right and wrong in a bin, by its share of right ones if known."""
    p = share if share is not None else _CENTRES.get(level.rstrip("~"), 0.5)
    return max(_LEAST, math.sqrt(p * (1 - p)))


def neyman(sizes: Mapping[str, int], spreads: Mapping[str, float], n: int) -> dict[str, int]:
    """How many exercises to draw of each stratum: together n, or all there are.

    Every stratum gives at least two while n reaches (one does not tell its spread), and none more
    than it has; what is cut off there goes to the others.
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


def picked(
    strata: Mapping[int, str], spreads: Mapping[str, float], n: int, *, seed: int
) -> list[Picked]:
    """Draw n exercises without replacement within strata; the same seed draws the same ones."""
    members: dict[str, list[int]] = {}
    for unit in sorted(strata):
        members.setdefault(strata[unit], []).append(unit)
    numbers = neyman({name: len(some) for name, some in members.items()}, spreads, n)
    found = []
    for name in sorted(members):
        chance = np.random.default_rng([abs(seed), *name.encode()])
        some = chance.choice(len(members[name]), size=numbers[name], replace=False)
        probability = numbers[name] / len(members[name])
        found += [Picked(members[name][at], name, probability) for at in sorted(some)]
    return found


def full_score(sizes: Mapping[str, int], scores: Mapping[str, Sequence[float]]) -> Estimate:
    """What a model would score on the whole exam, from its scores on a stratified subset.

    θ = Σ W_h·x̄_h with W_h = N_h/N; se² = Σ W_h²·(1 − n_h/N_h)·s_h²/n_h (Cochran 1977, 5.6), the
    interval θ ± z·se, cut to 0–1. A stratum of one score has the spread of p(1−p) at its smoothed
    share; undefined where a stratum has none.

    Args:
        sizes: N_h of every stratum.
        scores: those of the subset, 0 to 1, by stratum.
    """
    total = sum(sizes.values())
    n = sum(len(some) for some in scores.values())
    if not total or any(not scores.get(name) for name in sizes):
        return undefined(n, "too_few")
    value = variance = 0.0
    for name, size in sizes.items():
        some = np.asarray(scores[name], dtype=float)
        mean, count = float(some.mean()), len(some)
        smoothed = (some.sum() + 1) / (count + 2)  # no stratum is certain because few were asked
        spread = max(float(some.var(ddof=1)) if count > 1 else 0.0, smoothed * (1 - smoothed) / 2)
        value += size / total * mean
        variance += (size / total) ** 2 * (1 - count / size) * spread / count
    half = Z * math.sqrt(variance)
    return Estimate(value, n, max(0.0, value - half), min(1.0, value + half), None, "normal")
