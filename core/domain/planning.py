"""How many more physicians' scores would make an interval as narrow as wanted."""

import math

from core.domain.estimation import Estimate


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
