"""What several judges say together: a rule turns their readings of a response into one."""

import statistics
from collections.abc import Sequence
from typing import Literal, get_args

from core.domain.scales import Scale
from core.domain.usability import JudgeReading

#: `mean` and `median` are of the members' mean rounds; `majority` is of usable or not.
JuryRule = Literal["mean", "median", "majority"]
RULES: tuple[JuryRule, ...] = get_args(JuryRule)


def jury_reading(readings: Sequence[JudgeReading], rule: JuryRule, scale: Scale) -> JudgeReading:
    """The reading of a jury; scored only where all its members are.

    `median` of the result, for 1-5 tables, is the middle of the members' median rounds, where
    their number is odd. `spread` is the distance between the members' means in whole steps, rounded
    up; a response is unstable where members, or a member's rounds, fall on both sides of usable.

    Args:
        readings: one of each member, on the same scale; two or more.
    """
    means = [one.mean for one in readings if one.mean is not None]
    mean = statistics.fmean(means) if means else None
    sides = {one.usable for one in readings if one.usable is not None}
    is_unstable = len(sides) > 1 or any(one.is_unstable for one in readings)
    spread = -int(-(max(means) - min(means)) // 1) if len(means) > 1 else None
    missing = next((one.unscored_because for one in readings if one.usable is None), None)
    if missing is not None:
        because = "pending" if missing == "pending" else "member_unscored"
        return JudgeReading(None, None, mean, because, spread, is_unstable)
    usable = _usable(readings, means, rule, scale)
    if usable is None:
        return JudgeReading(None, None, mean, "jury_tie", spread, is_unstable)
    middles = sorted(one.median for one in readings if one.median is not None)
    is_odd = len(middles) == len(readings) and len(middles) % 2 == 1
    median = middles[len(middles) // 2] if is_odd else None
    return JudgeReading(usable, median, mean, None, spread, is_unstable)


def _usable(
    readings: Sequence[JudgeReading], means: Sequence[float], rule: JuryRule, scale: Scale
) -> bool | None:
    """None where a majority is tied."""
    if rule == "majority":
        ayes = sum(one.usable is True for one in readings)
        return None if 2 * ayes == len(readings) else 2 * ayes > len(readings)
    together = statistics.fmean(means) if rule == "mean" else statistics.median(means)
    # Means of thirds that are exactly at the threshold may miss it by rounding alone.
    return together >= scale.usable_from - 1e-9
