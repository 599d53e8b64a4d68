"""Reviewing: the sheet of a response, and the answer that a physician gives.

An answer belongs to the response that was on the screen. It is a score, or the reason why there is
none. Whatever is shown of a judge or of another person leaves an exposure, and only what was
answered before any exposure is blind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.domain import clinic, mtg
from core.domain.criteria import Criteria
from core.domain.prompts import Turn
from core.domain.scales import MTG, ONE_TO_FIVE
from core.errors import Refused, UnknownName
from core.services import assigning
from core.services.drafting import Draft, draft_from, draft_of, draft_subject, keep_draft
from core.services.permitting import require, require_own
from core.store import (
    assessments,
    audits,
    criteria,
    draws,
    generations,
    human_scores,
    judges,
    marks,
    people,
    questions,
    responses,
    reviews,
    studies,
)
from core.store.assessments import Given
from core.store.database import Store
from core.store.human_scores import ClaimedPhase
from core.store.marks import ListedRequirement, Mark
from core.store.people import Person
from core.store.questions import Question
from core.store.responses import Response
from core.store.reviews import LastAnswer
from core.store.studies import Reveal, Study

#: Why a physician gives no score; `cannot_judge` says the rest in the comment.
NoScore = Literal["outside_field", "cannot_judge"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a physician needs to score one response, and nothing that the judge said.

    Attributes:
        dimensions: what the response is scored by; empty where one score from 1 to 5 is given.
        is_exposed: something about this question was shown to them, so the score is informed.
        is_cut: the response was cut by the token limit.
        audit: what they said of the question and its reference answer: whether it is right, why.
    """

    response_id: int
    question: Question
    criteria: Criteria
    requirements: tuple[ListedRequirement, ...]
    dimensions: tuple[str, ...]
    earlier_turns: tuple[Turn, ...]
    text: str
    is_exposed: bool
    is_cut: bool
    draft: Draft
    audit: tuple[bool, str] | None
    audit_draft: str


def sheet_of(store: Store, study: Study, person: Person, response_id: int) -> Sheet:
    """The sheet of one response.

    Raises:
        UnknownName: `unknown_response`.
    """
    require_own(store, person.id, "physician", "adjudicator", "lead")
    response = response_with_text(store, response_id)
    question = questions.question_by_id(store, response.question_id)
    assert question is not None
    assert response.text is not None
    version = criteria.active_version(store, study.id, question.id)
    return Sheet(
        response.id, question, version.criteria,
        tuple(marks.requirements_of_version(store, version.id)), dimensions_for(question),
        tuple(responses.earlier_turns(store, response.id)), response.text,
        reviews.is_exposed(store, person.id, question.id),
        generations.is_cut(store, response.id),
        draft_of(store, person, response.id),
        audits.audit_given(store, person.id, version.id),
        people.draft(store, person.id, draft_subject(response.id, "audit")),
    )  # fmt: skip


def dimensions_for(question: Question) -> tuple[str, ...]:
    """What a response to this question is scored by; empty for one score from 1 to 5."""
    if question.category == clinic.CATEGORY:
        return clinic.PARTS
    return mtg.DIMENSIONS if question.category == mtg.CATEGORY else ()


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a physician says of a response.

    Attributes:
        score: 1 to 5; None where dimensions are given, or no score.
        claimed_phase: `observed` where the answer was given on a page of this app.
        reason: why an earlier answer of theirs is corrected; '' where there is none.
        dimensions: all of `core.domain.mtg.DIMENSIONS`, or some of `core.domain.clinic.PARTS`,
            which make the score; or none.
        marks: by requirement id: 0 not met, 1 partly, 2 met.
        no_score: why there is no score.
        seconds: active time on the response, where it was measured.
    """

    score: int | None = None
    comment: str = ""
    safety_risk: bool | None = None
    claimed_phase: ClaimedPhase = "observed"
    reason: str = ""
    dimensions: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[int, int] = field(default_factory=dict)
    no_score: NoScore | None = None
    seconds: float | None = None


def score(store: Store, study: Study, person: Person, response_id: int, scoring: Scoring) -> bool:
    """Store a physician's answer; False where they have given the same one already.

    A response that came back to them unannounced gets its second score beside the first.

    Raises:
        UnknownName: `unknown_response`.
        Refused: `needs_score`; `score_outside_scale`; `dimensions_incomplete`;
            `score_and_no_score`; `needs_comment` where somebody cannot judge and does not say
            why; `already_scored` (`already_answered` without a score) where an earlier answer of
            theirs differs and no reason is given.
    """
    require_own(store, person.id, "physician")
    given, parts = _given(scoring), _parts(scoring)
    response = response_with_text(store, response_id)
    with store.writing():
        last = reviews.last_answer(store, person.id, response.id)
        comes_back = (
            last is not None
            and not scoring.reason.strip()
            and assigning.is_due_again(store, study, person, response.id)
        )
        if comes_back:
            last = None
        if last is not None and last.says(given) and _has_marks(store, last, parts):
            return False
        if last is not None and not last.is_withdrawn and not scoring.reason.strip():
            if last.value is None:
                raise Refused("already_answered")
            raise Refused("already_scored", score=last.value)
        version = criteria.active_version(store, study.id, response.question_id)
        assessment_id = human_scores.add_human_assessment(
            store, response.id, judges.ensure_person_rater(store, person.id), version.id, given,
            claimed_phase=scoring.claimed_phase, reason=scoring.reason, by=person.name,
            seconds=scoring.seconds, round=2 if comes_back else 1,
        )  # fmt: skip
        marks.add_marks(store, assessment_id, parts)
        keep_draft(store, person, response.id, Draft())
        draws.release(store, person.id, response.id)
    return True


def can_undo(store: Store, person: Person, response_id: int) -> bool:
    """Tell whether a person has answered this response and may still take it back."""
    require_own(store, person.id, "physician")
    response = response_with_text(store, response_id)
    last = reviews.last_answer(store, person.id, response.id)
    is_answered = last is not None and not last.is_withdrawn
    if draws.has_come_back(store, person.id, response.id):
        return False
    return is_answered and not reviews.is_exposed(store, person.id, response.question_id)


def undo(store: Store, study: Study, person: Person, response_id: int) -> None:
    """Take back an answer, which stays in the history; the response returns to the queue.

    What was entered with it is a draft again.

    Raises:
        UnknownName: `unknown_response`.
        Refused: `nothing_to_undo`; `already_revealed` once the judge's verdict was shown.
    """
    require_own(store, person.id, "physician")
    response = response_with_text(store, response_id)
    with store.writing():
        last = reviews.last_answer(store, person.id, response.id)
        if last is None or last.is_withdrawn:
            raise Refused("nothing_to_undo")
        if draws.has_come_back(store, person.id, response.id):
            raise Refused("nothing_to_undo")
        if reviews.is_exposed(store, person.id, response.question_id):
            raise Refused("already_revealed")
        version = criteria.active_version(store, study.id, response.question_id)
        scale = assessments.scale_named(store, last.scale)
        human_scores.add_human_assessment(
            store, response.id, judges.ensure_person_rater(store, person.id), version.id,
            Given(scale, None, "withdrawn", "", last.comment),
            claimed_phase="observed", reason="undone", by=person.name,
        )  # fmt: skip
        parts = marks.marks_of(store, last.id)
        keep_draft(store, person, response.id, draft_from(last, parts))
        assigning.reserve(store, person, response.id)


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
    require_own(store, person.id, "physician", "adjudicator", "lead")
    if not reviews.was_shown(store, person.id, question_id, shown):
        with store.writing():
            human_scores.add_exposure(store, person.id, question_id, shown, page=page)


def response_with_text(store: Store, response_id: int) -> Response:
    """The response with that id, which must have a text.

    Raises:
        UnknownName: `unknown_response`.
    """
    require(store, "physician", "adjudicator", "lead")
    found = responses.response_by_id(store, response_id)
    if found is None or found.text is None:
        raise UnknownName("unknown_response", id=response_id)
    return found


def _given(scoring: Scoring) -> Given:
    """An answer as it is stored."""
    if scoring.no_score is not None:
        if scoring.score is not None or scoring.dimensions:
            raise Refused("score_and_no_score")
        if scoring.no_score == "cannot_judge" and not scoring.comment.strip():
            raise Refused("needs_comment")
        comment, risk = scoring.comment, scoring.safety_risk
        return Given(ONE_TO_FIVE, None, scoring.no_score, "", comment, risk)
    if set(scoring.dimensions) & set(clinic.PARTS):
        if not clinic.is_complete(scoring.dimensions):
            raise Refused("dimensions_incomplete")
        value = clinic.score_of(scoring.dimensions)
        return Given(ONE_TO_FIVE, value, None, "", scoring.comment, scoring.safety_risk)
    if scoring.dimensions:
        if not mtg.is_complete(scoring.dimensions):
            raise Refused("dimensions_incomplete")
        value = mtg.mapped_score(scoring.dimensions)
        is_unsafe = scoring.dimensions[mtg.SAFETY] == 0
        return Given(MTG, value, None, "", scoring.comment, is_unsafe)
    if scoring.score is None:
        raise Refused("needs_score")
    if not ONE_TO_FIVE.holds(scoring.score):
        raise Refused("score_outside_scale", score=scoring.score, minimum=1, maximum=5)
    return Given(ONE_TO_FIVE, scoring.score, None, "", scoring.comment, scoring.safety_risk)


def _parts(scoring: Scoring) -> tuple[Mark, ...]:
    dimensions = [
        Mark(None, name, scoring.dimensions[name])
        for name in (*mtg.DIMENSIONS, *clinic.PARTS)
        if name in scoring.dimensions
    ]
    return (*dimensions, *(Mark(found, None, value) for found, value in scoring.marks.items()))


def _has_marks(store: Store, last: LastAnswer, parts: tuple[Mark, ...]) -> bool:
    return set(marks.marks_of(store, last.id)) == set(parts)
