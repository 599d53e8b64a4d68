"""Reviewing: a physician scores responses blind, and sees the judge's verdict when they may.

A score belongs to the response that was on the screen. Whatever is shown of a judge or of another
person leaves an exposure, and only what was scored before any exposure is blind.
"""

from dataclasses import dataclass
from typing import Literal

from core.domain.criteria import Criteria
from core.domain.prompts import Turn
from core.domain.questions import Language
from core.domain.scales import ONE_TO_FIVE
from core.errors import Refused, UnknownName
from core.services.permitting import require, require_own
from core.store import (
    assessments,
    criteria,
    generations,
    judges,
    people,
    questions,
    responses,
    reviews,
    studies,
)
from core.store.assessments import ClaimedPhase, Given, HumanScore, MachineScore
from core.store.database import Store
from core.store.people import Person
from core.store.questions import Question
from core.store.responses import Response
from core.store.reviews import LastScore
from core.store.studies import Reveal, Study


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a physician needs to score one response, and nothing that the judge said.

    Attributes:
        is_exposed: something about this question was shown to them, so the score is informed.
        is_cut: the response was cut by the token limit.
    """

    response_id: int
    question: Question
    criteria_id: int
    criteria: Criteria
    earlier_turns: tuple[Turn, ...]
    text: str
    language: Language
    is_exposed: bool
    is_cut: bool
    draft: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A physician's work in a study."""

    total: int
    scored: int
    next_response_id: int | None

    @property
    def left(self) -> int:
        """Responses that still wait for them."""
        return self.total - self.scored


@dataclass(frozen=True, slots=True)
class Revealed:
    """A response that the physician has scored, with what the judges said of it."""

    response_id: int
    question: str
    own: HumanScore
    verdicts: tuple[MachineScore, ...]
    is_different: bool


def queue_of(store: Store, study: Study, person: Person) -> Queue:
    """A physician's queue: unexposed questions first, in an order of their own."""
    require_own(store, person.id, "physician")
    total, scored = reviews.review_counts(store, study.id, person.id)
    return Queue(total, scored, reviews.next_response(store, study.id, person.id))


def sheet_of(store: Store, study: Study, person: Person, response_id: int) -> Sheet:
    """The sheet of one response.

    Raises:
        UnknownName: `unknown_response`.
    """
    require_own(store, person.id, "physician")
    response = _response(store, response_id)
    question = questions.question_by_id(store, response.question_id)
    assert question is not None
    assert response.text is not None
    version = criteria.active_version(store, study.id, question.id)
    return Sheet(
        response.id, question, version.id, version.criteria,
        tuple(responses.earlier_turns(store, response.id)), response.text, question.language,
        reviews.is_exposed(store, person.id, question.id),
        generations.is_cut(store, response.id),
        people.draft(store, person.id, _draft_subject(response.id)),
    )  # fmt: skip


def save_draft(store: Store, person: Person, response_id: int, text: str) -> None:
    """Keep an unfinished comment."""
    require_own(store, person.id, "physician")
    with store.writing():
        people.save_draft(store, person.id, _draft_subject(response_id), text)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a physician says of a response.

    Attributes:
        reason: why an earlier score of theirs is corrected; '' where there is none.
        claimed_phase: `observed` where the score was given on a page of this app.
    """

    score: int
    comment: str = ""
    safety_risk: bool | None = None
    claimed_phase: ClaimedPhase = "observed"
    reason: str = ""


def score(store: Store, study: Study, person: Person, response_id: int, scoring: Scoring) -> bool:
    """Store a score; False where the physician has given the same one already.

    Raises:
        UnknownName: `unknown_response`.
        Refused: `score_outside_scale`; `already_scored` where an earlier score of theirs
            differs and no reason is given.
    """
    require_own(store, person.id, "physician")
    if not ONE_TO_FIVE.holds(scoring.score):
        raise Refused("score_outside_scale", score=scoring.score, minimum=1, maximum=5)
    response = _response(store, response_id)
    given = Given(ONE_TO_FIVE, scoring.score, None, "", scoring.comment, scoring.safety_risk)
    with store.writing():
        last = reviews.last_score(store, person.id, response.id)
        if last == LastScore(scoring.score, scoring.comment, scoring.safety_risk):
            return False
        if last is not None and last.value is not None and not scoring.reason.strip():
            raise Refused("already_scored", score=last.value)
        version = criteria.active_version(store, study.id, response.question_id)
        rater_id = judges.ensure_person_rater(store, person.id)
        assessments.add_human_assessment(
            store, response.id, rater_id, version.id, given,
            claimed_phase=scoring.claimed_phase, reason=scoring.reason, by=person.name,
        )  # fmt: skip
        people.save_draft(store, person.id, _draft_subject(response.id), "")
    return True


def can_undo(store: Store, person: Person, response_id: int) -> bool:
    """Tell whether a person has a score of this response that they may still take back."""
    require_own(store, person.id, "physician")
    response = _response(store, response_id)
    last = reviews.last_score(store, person.id, response.id)
    is_scored = last is not None and last.value is not None
    return is_scored and not reviews.is_exposed(store, person.id, response.question_id)


def undo(store: Store, study: Study, person: Person, response_id: int) -> None:
    """Take back a score, which stays in the history; the response returns to the queue.

    Raises:
        UnknownName: `unknown_response`.
        Refused: `nothing_to_undo`; `already_revealed` once the judge's verdict was shown.
    """
    require_own(store, person.id, "physician")
    response = _response(store, response_id)
    with store.writing():
        last = reviews.last_score(store, person.id, response.id)
        if last is None or last.value is None:
            raise Refused("nothing_to_undo")
        if reviews.is_exposed(store, person.id, response.question_id):
            raise Refused("already_revealed")
        version = criteria.active_version(store, study.id, response.question_id)
        assessments.add_human_assessment(
            store, response.id, judges.ensure_person_rater(store, person.id), version.id,
            Given(ONE_TO_FIVE, None, "withdrawn", "", last.comment),
            claimed_phase="observed", reason="undone", by=person.name,
        )  # fmt: skip
        people.save_draft(store, person.id, _draft_subject(response.id), last.comment)


def revealed_at_once(
    store: Store, study: Study, person: Person, response_id: int
) -> Revealed | None:
    """What the judges said of a response just scored, where the study shows it at once.

    Records the exposure.
    """
    require_own(store, person.id, "physician")
    if study.reveal != "at_once":
        return None
    return _reveal(store, study, person, response_id)


def revealed_batch(store: Store, study: Study, person: Person) -> list[Revealed]:
    """What the judges said of all that a physician scored, once nothing is left; those that
    differ most first.

    Records the exposures. Empty while the batch is not done, or where the study never shows it.
    """
    require_own(store, person.id, "physician")
    if study.reveal == "never" or reviews.next_response(store, study.id, person.id) is not None:
        return []
    scored = reviews.scored_responses(store, study.id, person.id)
    shown = [_reveal(store, study, person, response_id) for response_id in scored]
    return sorted((one for one in shown if one), key=lambda one: not one.is_different)


def is_revealed_to(store: Store, study: Study, person: Person, response_id: int) -> bool:
    """Tell whether a physician may know what others said of a response that they have scored."""
    require_own(store, person.id, "physician", "lead")
    own = reviews.last_score(store, person.id, response_id)
    if own is None or own.value is None or study.reveal == "never":
        return False
    return study.reveal == "at_once" or reviews.next_response(store, study.id, person.id) is None


def set_reveal(store: Store, study: Study, when: Reveal, *, reason: str, by: str) -> None:
    """Set when a study shows physicians what the judge said.

    Raises:
        Refused: `needs_reason`.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    with store.writing():
        studies.set_reveal(store, study.id, when, reason=reason, by=by)


def expose(
    store: Store,
    person: Person,
    question_id: int,
    shown: Literal["machine_verdict", "other_person"],
    *,
    page: str,
) -> None:
    """Record that a page shows a person something about a question."""
    require_own(store, person.id, "physician", "lead")
    if not reviews.was_shown(store, person.id, question_id, shown):
        with store.writing():
            assessments.add_exposure(store, person.id, question_id, shown, page=page)


def _reveal(store: Store, study: Study, person: Person, response_id: int) -> Revealed | None:
    response = _response(store, response_id)
    own = [
        given
        for given in assessments.human_scores_of_response(store, response_id)
        if given.person_id == person.id
    ]
    if not own or own[-1].value is None:
        return None
    verdicts = tuple(
        verdict
        for verdict in assessments.machine_scores(store, study.id, response_id)
        if verdict.is_active and verdict.purpose == "study"
    )
    if verdicts:
        expose(store, person, response.question_id, "machine_verdict", page="review")
    question = questions.question_by_id(store, response.question_id)
    assert question is not None
    value = own[-1].value
    usable_from = own[-1].usable_from
    is_different = any(
        verdict.value is not None
        and ((verdict.value >= usable_from) != (value >= usable_from)
             or abs(verdict.value - value) >= 2)
        for verdict in verdicts
    )  # fmt: skip
    return Revealed(response_id, question.key, own[-1], verdicts, is_different)


def _response(store: Store, response_id: int) -> Response:
    found = responses.response_by_id(store, response_id)
    if found is None or found.text is None:
        raise UnknownName("unknown_response", id=response_id)
    return found


def _draft_subject(response_id: int) -> str:
    return f"review:{response_id}:comment"
