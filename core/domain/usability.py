"""Which score counts: a judge's rounds become one reading, physicians' scores become one."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.scales import Scale


@dataclass(frozen=True, slots=True)
class JudgeReading:
    """What a judge's rounds say of one response.

    Attributes:
        usable: whether the sum of R rounds reaches R times the scale's threshold; None if unscored.
        median: the middle round, where R is odd and no round is missing.
        mean: mean of the rounds that are there, as a second reading; None where there is none.
        unscored_because: `round_missing` or the reason of the only round; None if scored.
    """

    usable: bool | None
    median: int | None
    mean: float | None
    unscored_because: str | None


def judge_reading(
    values: Sequence[int | None],
    scale: Scale,
    *,
    rounds: int,
    reason: str = "",
) -> JudgeReading:
    """Read R rounds; a missing or unscored one makes the response unscored."""
    present = [value for value in values if value is not None]
    mean = statistics.fmean(present) if present else None
    if len(present) < rounds:
        because = "round_missing" if rounds > 1 else reason or "pending"
        return JudgeReading(None, None, mean, because)
    counted = present[:rounds]
    usable = sum(counted) >= scale.usable_from * rounds
    median = sorted(counted)[rounds // 2] if rounds % 2 else None
    return JudgeReading(usable, median, statistics.fmean(counted), None)


def physicians_reading(usable_votes: Sequence[bool]) -> bool | None:
    """Strict majority of the physicians' usable / unusable; None on a tie or without a vote."""
    ayes = sum(usable_votes)
    noes = len(usable_votes) - ayes
    return None if ayes == noes else ayes > noes
