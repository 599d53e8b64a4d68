"""Revealing: what judges and others said of a response, once a physician may see it, and why they
differ.

A reveal is an exposure. The blind score stays and stays the one that counts; a physician who
changes their mind gives an informed one beside it.
"""

from dataclasses import dataclass, replace

import numpy as np

from core.domain.distances import distance, is_different
from core.domain.estimation import Estimate, share_estimate
from core.errors import Refused
from core.services import offering, reviewing
from core.services.permitting import require, require_own
from core.services.reviewing import Scoring
from core.store import criteria, differences, human_scores, judge_rounds, marks, questions, reviews
from core.store.database import Store
from core.store.differences import Cause
from core.store.human_scores import HumanScore
from core.store.judge_rounds import MachineScore
from core.store.marks import RequirementMark
from core.store.people import Person
from core.store.questions import Question
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Revealed:
    """A response that the physician has answered, with what others said of it.

    Attributes:
        own: the answer that counts: the last one before anything was shown.
        informed: what they said after that, if anything.
        verdicts: of the judges, under the criteria in use.
        others: the answer that counts of everybody else who has given one.
        marks: the judges' and physicians' marks per requirement, by assessment.
        cause: why they differ from the judge, as they said last.
    """

    response_id: int
    question: Question
    own: HumanScore
    informed: HumanScore | None
    verdicts: tuple[MachineScore, ...]
    others: tuple[HumanScore, ...]
    marks: dict[int, list[RequirementMark]]
    cause: Cause | None

    @property
    def is_different(self) -> bool:
        """Whether a judge is on the other side of usable, or two points away on the same scale."""
        return any(is_different(self.own, verdict) for verdict in self.verdicts)

    @property
    def distance(self) -> float:
        """How far the farthest judge is; another side of usable comes before any distance."""
        return max((distance(self.own, verdict) for verdict in self.verdicts), default=0.0)

    @property
    def asks_why(self) -> bool:
        """Whether the difference waits for a cause."""
        return self.is_different and self.cause is None


def is_revealed_to(store: Store, study: Study, person: Person, response_id: int) -> bool:
    """Tell whether a physician may know what others said of a response that they have scored."""
    require_own(store, person.id, "physician", "lead")
    own = reviews.last_answer(store, person.id, response_id)
    if own is None or own.is_withdrawn or study.reveal == "never":
        return False
    question_id = reviewing.response_with_text(store, response_id).question_id
    if reviews.was_shown(store, person.id, question_id, "machine_verdict"):
        return True
    return offering.queue_of(store, study, person).next_response_id is None


def revealed_at_once(
    store: Store, study: Study, person: Person, response_id: int
) -> list[Revealed]:
    """What was said of a question, where the study shows it at once.

    Empty until the physician has answered all of the question's responses that wait for them, so
    that the second model's response is scored as blind as the first. Records the exposure.
    """
    require_own(store, person.id, "physician")
    if study.reveal != "at_once":
        return []
    question_id = reviewing.response_with_text(store, response_id).question_id
    asked = offering.asked_of_question(store, study, person, question_id)
    given = reviews.answered(store, study.id, person.id)
    if response_id not in given or any(one not in given for one in asked):
        return []
    shown = [reveal(store, study, person, one) for one in asked]
    return sorted((one for one in shown if one), key=lambda one: one.response_id != response_id)


def revealed_batch(store: Store, study: Study, person: Person) -> list[Revealed]:
    """What was said of all that a physician answered, once nothing is left; the farthest first.

    Records the exposures. Empty while the batch is not done, or where the study never shows it.
    """
    require_own(store, person.id, "physician")
    is_done = offering.queue_of(store, study, person).next_response_id is None
    if study.reveal == "never" or not is_done:
        return []
    given = reviews.answered(store, study.id, person.id)
    shown = [reveal(store, study, person, response_id) for response_id in given]
    return sorted((one for one in shown if one), key=lambda one: -one.distance)


def revealed_before(
    store: Store, study: Study, person: Person, response_id: int
) -> Revealed | None:
    """As `reveal`, where the judge's verdict on its question was shown to the person already."""
    require_own(store, person.id, "physician")
    question_id = reviewing.response_with_text(store, response_id).question_id
    if not reviews.was_shown(store, person.id, question_id, "machine_verdict"):
        return None
    return reveal(store, study, person, response_id)


def reveal(store: Store, study: Study, person: Person, response_id: int) -> Revealed | None:
    """What was said of a response that a physician answered; records the exposure.

    None where they have not answered it.
    """
    require_own(store, person.id, "physician")
    response = reviewing.response_with_text(store, response_id)
    question = questions.question_by_id(store, response.question_id)
    assert question is not None
    scores = human_scores.human_scores_of_response(store, response_id)
    own = [score for score in scores if score.person_id == person.id]
    if not own or own[-1].unscored_because == "withdrawn":
        return None
    counting = {score.person_id: score for score in human_scores.counting(scores)}
    others = tuple(
        score
        for person_id, score in counting.items()
        if person_id != person.id and score.unscored_because != "withdrawn"
    )
    verdicts = tuple(
        verdict
        for verdict in judge_rounds.machine_scores(store, study.id, response_id)
        if verdict.is_active and verdict.purpose == "study"
    )
    if verdicts:
        reviewing.expose(store, person, question.id, "machine_verdict", page="review")
    if others:
        reviewing.expose(store, person, question.id, "other_person", page="review")
    return Revealed(
        response_id, question, counting.get(person.id, own[-1]),
        own[-1] if own[-1].phase == "informed" else None,
        verdicts, others, marks.requirement_marks(store, response_id),
        differences.cause_given(store, person.id, response_id),
    )  # fmt: skip


def say_why(
    store: Store, study: Study, person: Person, response_id: int, cause: Cause, *, comment: str = ""
) -> None:
    """Store why a physician's score and the judge's differ.

    Raises:
        UnknownName: `unknown_response`.
        Refused: `verdict_not_shown` before the judge's verdict was shown; `needs_informed_score`
            for somebody who reconsiders (`reconsider`).
    """
    require_own(store, person.id, "physician")
    if cause == "reconsidered":
        raise Refused("needs_informed_score")
    _add_cause(store, study, person, response_id, cause, comment=comment)


def reconsider(
    store: Store, study: Study, person: Person, response_id: int, scoring: Scoring
) -> None:
    """Store the informed score of a physician who thinks again; the blind one stays and counts.

    Raises:
        UnknownName, Refused: as `say_why` and `reviewing.score`.
    """
    require_own(store, person.id, "physician")
    with store.writing():
        _add_cause(store, study, person, response_id, "reconsidered", comment=scoring.comment)
        informed = replace(scoring, reason="reconsidered", claimed_phase="informed")
        reviewing.score(store, study, person, response_id, informed)


@dataclass(frozen=True, slots=True)
class Shift:
    """How often physicians change their mind once they know what the judge said.

    Attributes:
        changed: share of blind scores whose author gave another score after the verdict.
        crossed: share whose author went over to the other side of usable.
        joined: how many of those that crossed went to the side of every judge they were shown.
    """

    changed: Estimate
    crossed: Estimate
    joined: int


def shift_of(store: Store, study: Study) -> Shift:
    """Blind against informed, over all blind scores whose question's verdict was shown later.

    Who says nothing after the verdict has not shifted. Intervals take whole questions as the unit.
    """
    require(store, "lead")
    scores = human_scores.human_scores_of_study(store, study.id)
    shown = reviews.shown_verdicts(store, study.id)
    blind = {
        (one.person_id, one.response_id): one
        for one in scores
        if one.phase == "blind" and one.value is not None
    }
    informed = {
        (one.person_id, one.response_id): one
        for one in scores
        if one.phase == "informed" and one.value is not None
    }
    pairs = [
        (first, informed.get(key, first), shown[key])
        for key, first in blind.items()
        if key in shown
    ]
    changed = np.array([first.value != then.value for first, then, _ in pairs], dtype=np.bool_)
    crossed = np.array([first.usable != then.usable for first, then, _ in pairs], dtype=np.bool_)
    clusters = np.array([question_id for *_, question_id in pairs], dtype=np.intp)
    joined = sum(
        first.usable != then.usable and _judges_side(store, study, then) == then.usable
        for first, then, _ in pairs
    )
    return Shift(share_estimate(changed, clusters), share_estimate(crossed, clusters), joined)


def _judges_side(store: Store, study: Study, score: HumanScore) -> bool | None:
    """The side of usable on which all judges of a response are; None where they are on both."""
    sides = {
        verdict.usable
        for verdict in judge_rounds.machine_scores(store, study.id, score.response_id)
        if verdict.is_active and verdict.purpose == "study" and verdict.usable is not None
    }
    return sides.pop() if len(sides) == 1 else None


def _add_cause(
    store: Store, study: Study, person: Person, response_id: int, cause: Cause, *, comment: str
) -> None:
    response = reviewing.response_with_text(store, response_id)
    if not reviews.was_shown(store, person.id, response.question_id, "machine_verdict"):
        raise Refused("verdict_not_shown")
    version = criteria.active_version(store, study.id, response.question_id)
    with store.writing():
        differences.add_cause(
            store, person.id, response.id, version.id, cause, comment=comment, by=person.name
        )
