"""How many more physicians' scores would make an interval as narrow as wanted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.correction import FEWEST_SCORES, Stratum, reliance
from core.domain.estimation import Estimate, Z

#: Scores that each stratum needs before anything can be said of it.
_FEWEST_EACH = 2
#: Standard deviation of a share of which nothing is known.
_UNKNOWN = 0.5


@dataclass(frozen=True, slots=True)
class Prospect:
    """What further scores of a corrected rate would bring.

    Attributes:
        given: how many further scores each stratum gets.
        before, after: half of the interval's width, now and then; None while it is `too_few`.
    """

    given: dict[str, int]
    before: float | None
    after: float | None


def prospect_of(strata: Mapping[str, Stratum], now: Estimate, more: int) -> Prospect:
    """Share out further scores so that a corrected rate gets the narrowest interval.

    The variance of a corrected rate is that of the judge's part, which more scores leave alone, and
    Σ share²·s²/n of Y − λf over strata: each score goes where it takes most away (Neyman 1934),
    after every stratum has two. What questions add is taken from the interval there is now.

    Args:
        strata: what is known, by name; `judge_only` are the responses that can still be scored.
        now: the corrected rate as it stands.
        more: scores to share out, as far as there are responses for them.
    """
    weight = reliance(list(strata.values()))
    spread = {name: _spread(one, weight) for name, one in strata.items()}
    scored = {name: len(one.physicians) for name, one in strata.items()}
    left = {name: len(one.judge_only) for name, one in strata.items()}
    given = dict.fromkeys(strata, 0)
    for _ in range(min(more, sum(left.values()))):
        best = max(
            (name for name in strata if given[name] < left[name]),
            key=lambda name: _gain(strata[name].share, spread[name], scored[name] + given[name]),
        )
        given[best] += 1
    fixed = sum(one.share**2 * weight**2 * _variance_of_judge(one) for one in strata.values())

    def half(added: Mapping[str, int]) -> float | None:
        counts = {name: scored[name] + added[name] for name in strata}
        if sum(counts.values()) < FEWEST_SCORES or min(counts.values()) < _FEWEST_EACH:
            return None
        moving = sum(
            one.share**2 * spread[name] ** 2 / counts[name] for name, one in strata.items()
        )
        return Z * math.sqrt(fixed + moving)

    before, after = half(dict.fromkeys(strata, 0)), half(given)
    if before is None or after is None or now.low is None or now.high is None:
        return Prospect(given, None, after)
    present = (now.high - now.low) / 2.0
    return Prospect(given, present, present * after / before)


def _spread(one: Stratum, weight: float) -> float:
    """Standard deviation of Y − λf; pulled towards what is unknown while scores are few."""
    n = len(one.physicians)
    seen = float((one.physicians - weight * one.judge).var()) if n else 0.0
    return math.sqrt((n * seen + _FEWEST_EACH * _UNKNOWN**2) / (n + _FEWEST_EACH))


def _gain(share: float, spread: float, n: int) -> float:
    """Variance that one more score takes away."""
    if n < _FEWEST_EACH:
        return math.inf
    return share**2 * spread**2 / (n * (n + 1))


def _variance_of_judge(one: Stratum) -> float:
    n = len(one.judge_only)
    return float(one.judge_only.var()) / n if n else 0.0


def scores_for_half_width(found: Estimate, half_width: float) -> int | None:
    """Number of scores at which an interval would be ± `half_width`, from what was seen so far.

    The width of an interval falls with the square root of the number of scores, so that
    n' = n·(present half-width / wanted half-width)². Questions are taken to hold as many scores as
    now. None where there is no interval yet.
    """
    if found.low is None or found.high is None:
        return None
    present = (found.high - found.low) / 2.0
    return max(found.n, math.ceil(found.n * (present / half_width) ** 2))
