"""Which responses physicians score: strata, draws with known probability, and how many suffice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

#: How a sample is shared out: by the strata's sizes, or alike to all.
Allocation = Literal["proportional", "equal"]
#: Values by which units are grouped, such as a category, a model and usable or not.
Stratum = tuple[str, ...]

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Drawn:
    """A unit of a sample, and the probability with which it was drawn.

    Attributes:
        probability: share of its stratum that was drawn, above 0 and at most 1; a figure about
            the whole weighs the unit by its inverse (Horvitz and Thompson 1952).
    """

    unit: int
    stratum: Stratum
    probability: float


def allocated(sizes: Mapping[Stratum, int], n: int, allocation: Allocation) -> dict[Stratum, int]:
    """How many units to draw from each stratum; together n, or all there are.

    Every stratum gets one while n reaches, for what has no chance of being drawn can't be
    represented. Beyond that, proportional shares are rounded by the largest remainder, and equal
    shares are filled up level by level.

    Args:
        sizes: units in each stratum, at least one.
    """
    order = sorted(sizes, key=lambda stratum: (-sizes[stratum], stratum))
    n = min(n, sum(sizes.values()))
    given = dict.fromkeys(order, 0)
    for stratum in order[:n]:
        given[stratum] = 1
    left = n - sum(given.values())
    if allocation == "equal":
        while left:
            lowest = min((one for one in order if given[one] < sizes[one]), key=given.__getitem__)
            given[lowest] += 1
            left -= 1
        return given
    total = sum(sizes.values())
    targets = {one: Fraction(n * sizes[one], total) for one in order}
    while left:
        open_ones = (one for one in order if given[one] < sizes[one])
        neediest = max(open_ones, key=lambda one: targets[one] - given[one])
        given[neediest] += 1
        left -= 1
    return given


def drawn(
    units: Mapping[int, Stratum], n: int, *, allocation: Allocation, seed: int
) -> list[Drawn]:
    """Draw n units without replacement within strata; the same seed draws the same units.

    Args:
        units: the stratum of every unit.
    """
    strata: dict[Stratum, list[int]] = {}
    for unit in sorted(units):
        strata.setdefault(units[unit], []).append(unit)
    sizes = {stratum: len(members) for stratum, members in strata.items()}
    numbers = allocated(sizes, n, allocation)
    return [
        Drawn(unit, stratum, numbers[stratum] / sizes[stratum])
        for stratum in sorted(strata)
        for unit in _some(strata[stratum], numbers[stratum], stratum, seed)
    ]


def _some(members: Sequence[int], n: int, stratum: Stratum, seed: int) -> list[int]:
    """n of the members, in their order; each stratum has a stream of chance of its own."""
    chance = np.random.default_rng([abs(seed), *repr(stratum).encode()])
    picked = chance.choice(len(members), size=n, replace=False, shuffle=False)
    return [members[index] for index in sorted(picked)]


def kappa_variance(table: Sequence[Sequence[float]]) -> float:
    """n times the large-sample variance of Cohen's κ (Fleiss, Cohen and Everitt 1969, eq. 13).

    Args:
        table: K × K shares of all pairs, summing to 1; rows one rater, columns the other.
    """
    size = range(len(table))
    rows = [sum(table[i]) for i in size]
    columns = [sum(table[i][j] for i in size) for j in size]
    agreed = sum(table[i][i] for i in size)
    expected = sum(rows[i] * columns[i] for i in size)
    kappa = (agreed - expected) / (1 - expected)
    on = sum(table[i][i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in size)
    off = sum(table[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    left = (kappa - expected * (1 - kappa)) ** 2
    return (on + (1 - kappa) ** 2 * off - left) / (1 - expected) ** 2


def pairs_for_kappa(
    kappa: float, share: float, half_width: float, *, design_effect: float = 1.0
) -> int:
    """Double-scored responses from which a κ on two outcomes is known within ± half_width (95%).

    Both raters are taken to find the same share usable.

    Args:
        kappa: the κ to expect, from -1 up to but below 1.
        share: of responses that are usable, strictly between 0 and 1.
        design_effect: how much wider the variance is because responses to one question are alike:
            1 + (responses a question - 1) × their correlation (Kish 1965).
    """
    both = share * share + kappa * share * (1 - share)
    neither = (1 - share) ** 2 + kappa * share * (1 - share)
    apart = share - both
    variance = kappa_variance([[both, apart], [apart, neither]])
    return math.ceil(design_effect * variance * (_Z / half_width) ** 2)
