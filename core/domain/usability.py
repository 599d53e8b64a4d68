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
        spread: highest less lowest of the rounds that are there; None with fewer than two.
        is_unstable: whether the rounds that are there fall on both sides of usable.
    """

    usable: bool | None
    median: int | None
    mean: float | None
    unscored_because: str | None
    spread: int | None = None
    is_unstable: bool = False


def judge_reading(
    values: Sequence[int | None],
    scale: Scale,
    *,
    rounds: int,
    reason: str = "",
) -> JudgeReading:
    """Read R rounds; a missing or unscored one makes the response unscored."""
    present = [value for value in values if value is not None]
    counted = present[:rounds]
    mean = statistics.fmean(counted) if counted else None
    spread = max(counted) - min(counted) if len(counted) > 1 else None
    is_unstable = len({value >= scale.usable_from for value in counted}) > 1
    if len(present) < rounds:
        because = "round_missing" if rounds > 1 else reason or "pending"
        return JudgeReading(None, None, mean, because, spread, is_unstable)
    usable = sum(counted) >= scale.usable_from * rounds
    median = sorted(counted)[rounds // 2] if rounds % 2 else None
    return JudgeReading(usable, median, mean, None, spread, is_unstable)


def physicians_reading(usable_votes: Sequence[bool]) -> bool | None:
    """Strict majority of the physicians' usable / unusable; None on a tie or without a vote."""
    ayes = sum(usable_votes)
    noes = len(usable_votes) - ayes
    return None if ayes == noes else ayes > noes


def overall_performance(category_rates: Sequence[float]) -> float:
    """OP: the plain mean of the category rates, as in LLMEval-Med's table 2.

    Args:
        category_rates: at least one, 0 to 1 each.
    """
    return statistics.fmean(category_rates)
