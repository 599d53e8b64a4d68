"""Which of a sample's responses a physician is asked for, and which comes next."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

#: Answers after which a response may come back, and how few will do where nothing else is left.
APART, AT_LEAST_APART = 10, 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A drawn response that a person may be asked for.

    Attributes:
        overlap: how many people's scores are wanted.
        comes_back: it was chosen to be scored by this person a second time.
        order: of this person; responses of the least come first.
    """

    response_id: int
    question_id: int
    category: str
    purpose: Literal["work", "calibration"]
    overlap: int
    comes_back: bool
    order: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of this person: the first look at a response (round 1), or a later one."""

    response_id: int
    round: int
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """How much a person is asked for in a study's open draws.

    Attributes:
        answered, left: responses of the calibration while one is open for them, else of the work;
            what comes back is counted with the rest.
        is_calibrating: a calibration is open for them; no work before it is ended.
    """

    answered: int
    left: int
    is_calibrating: bool


@dataclass(frozen=True)
class Situation:
    """All that decides what a person is asked for.

    Attributes:
        offers: of the open draws in which they are asked.
        given: their answers, oldest first.
        exposed: ids of the questions of which something was shown to them.
        scores: how many people have scored a response, by response.
        held: how many others have it on the screen, likewise.
        field: categories that they are asked for; empty for all. A calibration is for everybody.
        reserved: the response that they have on the screen.
    """

    offers: Sequence[Offer]
    given: Sequence[Given]
    exposed: Collection[int]
    scores: Mapping[int, int]
    held: Mapping[int, int]
    field: Collection[str]
    reserved: int | None

    @property
    def is_calibrating(self) -> bool:
        """Whether a calibration is open for them."""
        return any(one.purpose == "calibration" for one in self.offers)

    @cached_property
    def asked(self) -> list[Offer]:
        """What lies in their field."""
        return [
            one
            for one in self.offers
            if one.purpose == "calibration" or not self.field or one.category in self.field
        ]

    @cached_property
    def wanted(self) -> list[Offer]:
        """What they have not answered and not enough others have."""
        return [
            one
            for one in self.asked
            if one.response_id not in self._answered
            and (one.purpose == "calibration" or self._taken(one) < one.overlap)
        ]

    @property
    def now_wanted(self) -> list[Offer]:
        """Of that, the calibration while one is open, else the work."""
        purpose = "calibration" if self.is_calibrating else "work"
        return [one for one in self.wanted if one.purpose == purpose]

    def due(self, apart: int) -> list[Offer]:
        """What they have answered and comes back, so many answers of theirs later."""
        return [
            one
            for one in self.asked
            if self._comes_back(one) and self._answered.get(one.response_id, -1) >= apart
        ]

    def asked_of(self) -> Asked:
        """How much they have answered, and how much they are still asked for."""
        purpose = "calibration" if self.is_calibrating else "work"
        answered = [
            one for one in self.asked
            if one.purpose == purpose and one.response_id in self._answered
        ]  # fmt: skip
        wanted = self.now_wanted
        if self.is_calibrating:
            return Asked(len(answered), len(wanted), True)
        again = sum(
            one.response_id in self._repeated for one in self.asked if one.purpose == "work"
        )
        later = sum(self._comes_back(one) for one in wanted)
        due = len(self.due(0 if wanted else AT_LEAST_APART))
        return Asked(len(answered) + again, len(wanted) + later + due, False)

    def next_asked(self) -> int | None:
        """The response that comes next.

        What they have on the screen stays theirs; then what is due to come back, then questions
        of which they have seen nothing, in an order that differs from person to person.
        """
        wanted = self.now_wanted
        again = [] if self.is_calibrating else self.due(APART if wanted else AT_LEAST_APART)
        coming = {one.response_id for one in again}
        found = min(
            [*wanted, *again],
            key=lambda one: (
                one.response_id != self.reserved, one.response_id not in coming,
                one.question_id in self.exposed, one.order,
            ),
            default=None,
        )  # fmt: skip
        return found.response_id if found else None

    def after(self, response_id: int) -> "Situation":
        """The situation as it will be once they have answered what they have on the screen."""
        number = 2 if response_id in self._answered else 1
        given = [*self.given, Given(response_id, number, False)]
        return replace(self, given=given, reserved=None)

    def is_due_again(self, response_id: int) -> bool:
        """Whether a response that they have answered may come back by now."""
        return any(one.response_id == response_id for one in self.due(AT_LEAST_APART))

    def of_question(self, question_id: int) -> list[int]:
        """Responses to a question that they have answered or are asked for."""
        wanted = {one.response_id for one in self.wanted}
        return sorted(
            {
                one.response_id
                for one in self.asked
                if one.question_id == question_id
                and (one.response_id in self._answered or one.response_id in wanted)
            }
        )

    def calibration(self) -> list[int]:
        """Responses of the calibrations that are open for them."""
        return sorted({one.response_id for one in self.asked if one.purpose == "calibration"})

    @cached_property
    def _answered(self) -> dict[int, int]:
        """How many answers they gave since the last one to a response that stands, by response."""
        first = [one for one in self.given if one.round == 1]
        last = {one.response_id: (at, one.is_withdrawn) for at, one in enumerate(first)}
        return {
            response_id: len(first) - 1 - at
            for response_id, (at, is_withdrawn) in last.items()
            if not is_withdrawn
        }

    @cached_property
    def _repeated(self) -> set[int]:
        return {one.response_id for one in self.given if one.round == 2}

    def _comes_back(self, one: Offer) -> bool:
        return (
            one.purpose == "work"
            and one.comes_back
            and one.response_id not in self._repeated
            and one.question_id not in self.exposed
        )

    def _taken(self, one: Offer) -> int:
        return self.scores.get(one.response_id, 0) + self.held.get(one.response_id, 0)
