"""Reviewing: a physician's queue, the sheet of a response, and the answer that they give.

An answer belongs to the response that was on the screen. It is a score, or the reason why there is
none. Whatever is shown of a judge or of another person leaves an exposure, and only what was
answered before any exposure is blind.
"""

import json
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.domain import clinic, mtg
from core.domain.criteria import Criteria
from core.domain.prompts import Turn
from core.domain.questions import Language
from core.domain.scales import MTG, ONE_TO_FIVE
from core.errors import Refused, UnknownName
from core.services import assigning
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
#: What is typed or entered on a sheet: the comment, flag with dimensions and marks, the audit.
DraftField = Literal["comment", "entries", "audit"]
_RECENT = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """What a physician has entered for a response and not yet given.

    Attributes:
        dimensions: by name (`core.domain.mtg`).
        marks: by requirement id: 0 not met, 1 partly, 2 met.
    """

    comment: str = ""
    safety_risk: bool = False
    dimensions: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[int, int] = field(default_factory=dict)


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
    criteria_id: int
    criteria: Criteria
    requirements: tuple[ListedRequirement, ...]
    dimensions: tuple[str, ...]
    earlier_turns: tuple[Turn, ...]
    text: str
    language: Language
    is_exposed: bool
    is_cut: bool
    draft: Draft
    audit: tuple[bool, str] | None
    audit_draft: str


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
        response.id, question, version.id, version.criteria,
        tuple(marks.requirements_of_version(store, version.id)), dimensions_for(question),
        tuple(responses.earlier_turns(store, response.id)), response.text, question.language,
        reviews.is_exposed(store, person.id, question.id),
        generations.is_cut(store, response.id),
        draft_of(store, person, response.id),
        audits.audit_given(store, person.id, version.id),
        people.draft(store, person.id, _draft_subject(response.id, "audit")),
    )  # fmt: skip


def dimensions_for(question: Question) -> tuple[str, ...]:
    """What a response to this question is scored by; empty for one score from 1 to 5."""
    if question.category == clinic.CATEGORY:
        return clinic.PARTS
    return mtg.DIMENSIONS if question.category == mtg.CATEGORY else ()


def draft_of(store: Store, person: Person, response_id: int) -> Draft:
    """What a physician has entered for a response."""
    require_own(store, person.id, "physician", "adjudicator", "lead")
    comment = people.draft(store, person.id, _draft_subject(response_id, "comment"))
    entered = json.loads(
        people.draft(store, person.id, _draft_subject(response_id, "entries")) or "{}"
    )
    return Draft(
        comment,
        entered.get("safety_risk", False),
        entered.get("dimensions", {}),
        {int(requirement): value for requirement, value in entered.get("marks", {}).items()},
    )


def save_draft(
    store: Store, person: Person, response_id: int, text: str, *, of: DraftField = "comment"
) -> None:
    """Keep an unfinished comment: on the response, or on its question."""
    require_own(store, person.id, "physician")
    with store.writing():
        people.save_draft(store, person.id, _draft_subject(response_id, of), text)


def enter(
    store: Store,
    person: Person,
    response_id: int,
    *,
    safety_risk: bool | None = None,
    dimensions: Mapping[str, int | None] | None = None,
    marks: Mapping[int, int | None] | None = None,
) -> None:
    """Keep a flag, some dimensions or some marks of an unfinished answer; None takes one away."""
    require_own(store, person.id, "physician")
    with store.writing():
        known = draft_of(store, person, response_id)
        entered = {
            "safety_risk": known.safety_risk if safety_risk is None else safety_risk,
            "dimensions": _without_none({**known.dimensions, **(dimensions or {})}),
            "marks": _without_none({**known.marks, **(marks or {})}),
        }
        text = json.dumps(entered) if any(entered.values()) else ""
        people.save_draft(store, person.id, _draft_subject(response_id, "entries"), text)


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
        _save_draft(store, person, response.id, Draft())
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
        _save_draft(store, person, response.id, draft_from(last, parts))
        assigning.reserve(store, person, response.id)


def draft_from(last: LastAnswer, parts: tuple[Mark, ...]) -> Draft:
    """An answer that was given, as it was entered."""
    dimensions = {mark.dimension: mark.value for mark in parts if mark.dimension is not None}
    marked = {mark.requirement_id: mark.value for mark in parts if mark.requirement_id is not None}
    has_flag = not set(dimensions) & set(mtg.DIMENSIONS)
    return Draft(last.comment, bool(last.safety_risk) and has_flag, dimensions, marked)


def is_revealed_to(store: Store, study: Study, person: Person, response_id: int) -> bool:
    """Tell whether a physician may know what others said of a response that they have scored."""
    require_own(store, person.id, "physician", "lead")
    own = reviews.last_answer(store, person.id, response_id)
    if own is None or own.is_withdrawn or study.reveal == "never":
        return False
    question_id = response_with_text(store, response_id).question_id
    if reviews.was_shown(store, person.id, question_id, "machine_verdict"):
        return True
    return queue_of(store, study, person).next_response_id is None


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


def _save_draft(store: Store, person: Person, response_id: int, draft: Draft) -> None:
    save_draft(store, person, response_id, draft.comment)
    people.save_draft(store, person.id, _draft_subject(response_id, "entries"), "")
    enter(
        store, person, response_id, safety_risk=draft.safety_risk, dimensions=draft.dimensions,
        marks=draft.marks,
    )  # fmt: skip


def _without_none(values: Mapping[str, int | None] | Mapping[int, int | None]) -> dict[str, int]:
    return {str(name): value for name, value in values.items() if value is not None}


def _draft_subject(response_id: int, of: DraftField) -> str:
    return f"review:{response_id}:{of}"
