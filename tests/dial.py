"""A dial for faults: each request of an endpoint draws one, the same whenever it is drawn again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.openai_server import DROPPED, Fault, Received

BUSY = Fault(status=429, headers={"Retry-After": "0.05"})
BROKEN = Fault(status=500)
SLOW = Fault(seconds=0.3)
REFUSED = Fault(refusal="I can't assess this response.")

#: What passes is drawn for every try, what lasts for every subject; each with its share.
PASSING = ((BUSY, 0.05), (BROKEN, 0.05), (DROPPED, 0.05), (SLOW, 0.05))

Shares = Sequence[tuple[Fault, float]]


class Dial:
    """Draws faults for requests.

    Attributes:
        subject_of: what a prompt is about, whatever else stands in it.
        drawn: how often each passing fault was drawn, in their order.
    """

    def __init__(self, passing: Shares, lasting: Shares, subject_of: Callable[[str], str]) -> None:
        self.passing = passing
        self.lasting = lasting
        self.subject_of = subject_of
        self.drawn = [0] * len(passing)
        self._tries: Counter[str] = Counter()

    def __call__(self, request: Received) -> Fault:
        """What a request draws."""
        subject = self.subject_of(request.prompt)
        self._tries[subject] += 1
        passing = _draw(self.passing, f"{subject} {self._tries[subject]}")
        if passing is not None:
            self.drawn[[fault for fault, _ in self.passing].index(passing)] += 1
        lasting = self.lasting_fault(subject)
        if passing is None or passing.seconds:
            return replace(lasting, seconds=passing.seconds if passing else 0.0)
        return passing

    def lasting_fault(self, subject: str) -> Fault:
        """What every answer about a subject is like."""
        return _draw(self.lasting, subject) or Fault()


def _draw(shares: Shares, subject: str) -> Fault | None:
    digest = hashlib.sha256(subject.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for fault, share in shares:
        if place < share:
            return fault
        place -= share
    return None
