"""Flow: how many calls an address bears, when it may be asked again, how fast calls may start."""

import math
import random
from dataclasses import dataclass, field
from time import monotonic

#: Seconds for which an address is left alone: at first, when a call failed; at first, when it was
#: one too many; and at most.
_FIRST_REST, _FIRST_PAUSE, _LONGEST_PAUSE = 0.125, 0.5, 60.0
#: Share by which a pause differs from the next, so that callers do not come back together.
_JITTER = 0.25


def pause(times: int, *, first: float) -> float:
    """Seconds to wait before asking again after so many failures in a row (from 1 on).

    They double from `first` on, with jitter.
    """
    usual = min(_LONGEST_PAUSE, first * 2.0 ** min(times - 1, 16))
    return usual * random.uniform(1.0 - _JITTER, 1.0 + _JITTER)


@dataclass(slots=True)
class Gate:
    """How one address may be asked.

    A window of calls may be in flight. It starts at the ceiling, is halved where the address says
    that it is too much, and grows by one call for every window of answers: additive increase,
    multiplicative decrease (Chiu & Jain 1989). Calls that were sent before a decrease or a failure
    was noticed belong to the same moment and count no second time, and a failure among calls that
    are answered says nothing about the address.

    Attributes:
        ceiling: most calls in flight, as the user wants it.
        waiting: calls that have no answer yet.
        asked: calls so far.
        failures: calls in a row that failed without any answer since they were sent, those of one
            moment counted once.
        refusals: pauses in a row, asked for by the address, without an answer between them.
        rests_until: when it may be tried again after failures; an answer ends a rest.
        pauses_until: when it may be asked again after a refusal, whatever is answered meanwhile.
    """

    ceiling: int
    window: float = field(init=False)
    waiting: int = 0
    asked: int = 0
    failures: int = 0
    refusals: int = 0
    rests_until: float = 0.0
    pauses_until: float = 0.0
    _answered_at: int = 0
    _failed_at: int = 0
    _refused_at: int = 0

    def __post_init__(self) -> None:
        self.window = float(self.ceiling)

    @property
    def ready_at(self) -> float:
        """When the next call may be sent, on the monotonic clock; never while the window is full.

        While an address rests after failures, one call after each rest tries it out.
        """
        if self.waiting >= int(self.window):
            return math.inf
        return max(self.pauses_until, self.rests_until if self.failures else 0.0)

    @property
    def is_up(self) -> bool:
        """Whether a call may be sent now."""
        return self.ready_at <= monotonic()

    def begin(self) -> int:
        """Count a call that is being sent; its number."""
        self.waiting += 1
        self.asked += 1
        if self.failures:
            self.rests_until = monotonic() + pause(self.failures, first=_FIRST_REST)
        return self.asked

    def end(self) -> None:
        """Count a call that is no longer waited for."""
        self.waiting -= 1

    def answered(self) -> None:
        """Note an answer."""
        self._answered_at = self.asked
        self.failures = 0
        self.refusals = 0
        self.window = min(float(self.ceiling), self.window + 1.0 / self.window)

    def failed(self, call: int) -> None:
        """Note a call that failed: the address rests, twice as long as the last time."""
        if call > max(self._failed_at, self._answered_at):
            self._failed_at = self.asked
            self.failures += 1
            self.rests_until = monotonic() + pause(self.failures, first=_FIRST_REST)

    def refused(self, call: int, seconds: float | None) -> None:
        """Note that a call was one too many: the address pauses, as long as it asks for."""
        now = monotonic()
        if call > self._refused_at:
            self._refused_at = self.asked
            self.refusals += 1
            self.window = max(1.0, min(self.window, float(self.waiting)) / 2.0)
            if seconds is None:
                seconds = pause(self.refusals, first=_FIRST_PAUSE)
        if seconds is not None:
            self.pauses_until = max(self.pauses_until, now + seconds)


class Pace:
    """Spaces calls so that no minute holds more than a limit, of requests or of tokens.

    Each call takes its share of the minute before the next may start (the generic cell rate
    algorithm without bursts), so that no window of sixty seconds holds more than the limit and
    one call.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._seconds_each = 60.0 / per_minute if per_minute else 0.0
        self.ready_at = 0.0

    def take(self, amount: float) -> None:
        """Use up so much of the limit from now on."""
        if self._seconds_each:
            self.ready_at = max(self.ready_at, monotonic()) + amount * self._seconds_each

    def correct(self, amount: float) -> None:
        """Use up so much more, or less, than was taken."""
        self.ready_at += amount * self._seconds_each
