"""Inspecting: everything that is known about one response."""

from dataclasses import dataclass

from core.domain.closed import Closed
from core.domain.prompts import Turn
from core.domain.usability import JudgeReading
from core.errors import NotAllowed, UnknownName
from core.services.agreeing import readings_of_response
from core.services.offering import queue_of
from core.services.permitting import require_own, rights_of_actor
from core.services.revealing import is_revealed_to
from core.store import (
    criteria,
    datasets,
    differences,
    exams,
    exercises,
    generations,
    human_scores,
    judge_rounds,
    marks,
    questions,
    responses,
    reviews,
)
from core.store.criteria import CriteriaVersion
from core.store.database import Store
from core.store.differences import DifferenceCause
from core.store.exams import ChoiceRead
from core.store.generations import HowGenerated
from core.store.human_scores import HumanScore
from core.store.judge_rounds import MachineScore
from core.store.marks import RequirementMark
from core.store.people import Person
from core.store.questions import Question
from core.store.responses import Response
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Inspected:
    """A response with its question, criteria versions, and every score it ever got.

    Attributes:
        generation: how it was generated; None where it was imported.
        readings: name of each judge and jury of the study with what it says of the response.
        marks: marks per requirement, of people and judges, by assessment.
        causes: why physicians differ from the judges, as they say.
        is_scored: the person who looks has scored it.
        is_exposed: they have seen something about its question already.
        is_named: its model may be named to them: no response waits for their score, they lead and
            are no longer blind to this question, or its key scores it and no physician does.
        closed: the options that it was asked with; None for an open question.
        choice: what was read of them last; None where nothing was.
    """

    question: Question
    response: Response
    active: CriteriaVersion
    versions: tuple[CriteriaVersion, ...]
    earlier_turns: tuple[Turn, ...]
    scores: tuple[HumanScore, ...]
    verdicts: tuple[MachineScore, ...]
    generation: HowGenerated | None
    readings: tuple[tuple[str, JudgeReading], ...]
    marks: dict[int, list[RequirementMark]]
    causes: tuple[DifferenceCause, ...]
    is_scored: bool
    is_exposed: bool
    is_named: bool
    closed: Closed | None
    choice: ChoiceRead | None


def case_of(store: Store, study: Study, person: Person, response_id: int) -> Inspected:
    """Everything about a response of a study, for leads, and for a physician to whom what the
    judge said of it was revealed.

    Raises:
        NotAllowed: to others; `not_revealed` to a physician before that.
        UnknownName: `unknown_response`, also for one of another study.
    """
    require_own(store, person.id, "lead", "physician")
    rights = rights_of_actor(store)
    is_lead = "lead" in rights
    if not is_lead and not is_revealed_to(store, study, person, response_id):
        raise NotAllowed("not_revealed")
    response = responses.response_by_id(store, response_id)
    question = questions.question_by_id(store, response.question_id) if response else None
    known = {found.id for found in datasets.datasets_of_study(store, study.id)}
    if response is None or question is None or question.dataset_id not in known:
        raise UnknownName("unknown_response", id=response_id)
    is_scored = reviews.last_answer(store, person.id, response_id) is not None
    is_exposed = reviews.is_exposed(store, person.id, question.id)
    is_named = (
        question.kind == "closed"
        or "physician" not in rights
        or (is_lead and (is_scored or is_exposed))
    )
    return Inspected(
        question,
        response,
        criteria.active_version(store, study.id, question.id),
        tuple(criteria.versions(store, question.id)),
        tuple(responses.earlier_turns(store, response_id)),
        tuple(human_scores.human_scores_of_response(store, response_id)),
        tuple(judge_rounds.machine_scores(store, study.id, response_id)),
        generations.how_generated(store, response_id),
        tuple(readings_of_response(store, study, response_id)),
        marks.requirement_marks(store, response_id),
        tuple(differences.causes_of_response(store, response_id)),
        is_scored,
        is_exposed,
        is_named or queue_of(store, study, person).next_response_id is None,
        exercises.closed_of(store, exams.asked_with(store, response_id)[0]),
        exams.reading_of(store, response_id),
    )
