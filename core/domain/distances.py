"""When two scores of one response differ enough to ask why."""

from typing import Protocol

#: Points on one scale from which on a difference is asked about.
FAR_APART = 2
_OTHER_SIDE = 100.0


class Scored(Protocol):
    """A value on a scale that ends at `maximum`, and whether it means usable; None if unscored."""

    @property
    def value(self) -> int | None: ...
    @property
    def maximum(self) -> int: ...
    @property
    def usable(self) -> bool | None: ...


def distance(one: Scored, other: Scored) -> float:
    """How far two scores are apart: points on one scale, and 100 more across the bar of usable.

    0 where one of them is unscored. Scales that end differently are compared on usable alone.
    """
    if one.value is None or other.value is None:
        return 0.0
    points = abs(one.value - other.value) if one.maximum == other.maximum else 0
    return points + (_OTHER_SIDE if one.usable != other.usable else 0.0)


def is_different(one: Scored, other: Scored) -> bool:
    """Whether two scores are on different sides of usable, or two points apart on one scale."""
    return distance(one, other) >= FAR_APART
