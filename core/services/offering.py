"""Offering: a physician's queue, and which response comes next."""

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from core.services import assigning
from core.services.permitting import require_own
from core.services.reviewing import Sheet, response_with_text, sheet_of
from core.store import draws, reviews
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study

_RECENT = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """A physician's work in a study.

    Attributes:
        seconds_each: median active time of their last answers; None where none was measured.
        is_calibrating: the work of a calibration; no other begins before it is ended.
    """

    total: int
    scored: int
    next_response_id: int | None
    seconds_each: float | None
    is_calibrating: bool = False

    @property
    def left(self) -> int:
        """Responses that still wait for them."""
        return self.total - self.scored


def queue_of(store: Store, study: Study, person: Person) -> Queue:
    """A physician's queue: what was drawn for them, or everything.

    Without a draw unexposed questions come first, in an order of their own.

    Responses to one question come far apart, so that none is measured by the other; where verdicts
    are shown at once they follow each other, so that nothing is shown before the last of them.
    """
    require_own(store, person.id, "physician")
    seconds = reviews.recent_seconds(store, person.id, last=_RECENT)
    seconds_each = statistics.median(seconds) if seconds else None
    if draws.is_drawn(store, study.id):
        asked, next_response_id = assigning.asked_and_next(store, study, person)
        return Queue(
            asked.answered + asked.left, asked.answered, next_response_id, seconds_each,
            is_calibrating=asked.is_calibrating,
        )  # fmt: skip
    given = reviews.answered(store, study.id, person.id)
    return Queue(
        reviews.offered_count(store, study.id), len(given),
        _next_offered(store, study, person, given), seconds_each,
    )  # fmt: skip


def _next_offered(
    store: Store, study: Study, person: Person, given: Mapping[int, int]
) -> int | None:
    """What comes after the responses that were answered, each with its question."""
    per_question = Counter(given.values())
    is_spread = study.reveal != "at_once"
    offered = sorted(
        reviews.offered_questions(store, study.id, person.id),
        key=lambda one: (one[1], per_question[one[0]] if is_spread else 0),
    )
    waiting = (
        response_id
        for question_id, _ in offered
        for response_id in reviews.offered_responses(store, question_id, person.id)
        if response_id not in given
    )
    return next(waiting, None)


def read_ahead(store: Store, study: Study, person: Person, response_id: int) -> Sheet | None:
    """The sheet that comes next, as it looks now, once a person has answered a response."""
    require_own(store, person.id, "physician")
    if draws.is_drawn(store, study.id):
        coming = assigning.asked_after(store, study, person, response_id)
    else:
        given = reviews.answered(store, study.id, person.id)
        answered = {response_id: response_with_text(store, response_id).question_id}
        coming = _next_offered(store, study, person, given | answered)
    return None if coming is None else sheet_of(store, study, person, coming)


def asked_of_question(store: Store, study: Study, person: Person, question_id: int) -> list[int]:
    """Responses to a question that a physician has answered or is asked for."""
    require_own(store, person.id, "physician")
    if draws.is_drawn(store, study.id):
        return assigning.asked_of_question(store, study, person, question_id)
    return reviews.offered_responses(store, question_id, person.id)
