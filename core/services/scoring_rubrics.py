"""Scoring rubrics: points of criteria that responses meet, and who agrees on what is met."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Estimate
from core.domain.rubrics import ClassF1, macro_f1, overall_score, points_of, rubric_score
from core.services.judging import judge_of_study
from core.services.permitting import require
from core.store import human_scores, marks, questions, responses
from core.store.assessments import Plan
from core.store.database import Store
from core.store.studies import Study

_MET = 2


@dataclass(frozen=True, slots=True)
class RubricRow:
    """A model's points on a rubric benchmark.

    Attributes:
        overall: mean of the responses' scores, clipped to 0–1 as a whole; its interval too.
        unclipped: the same mean as it is.
        undefined: responses whose rubric has no positive points.
        unmarked: responses of which the judge has not marked every criterion.
    """

    model: str
    overall: Estimate
    unclipped: float | None
    undefined: int
    unmarked: int


def rubric_scores(store: Store, study: Study, judge_name: str | None) -> list[RubricRow]:
    """Every model's score by a judge's marks on criteria with points, best first.

    A criterion is met where more than half of the judge's rounds say so; partly met is not met.

    Raises:
        UnknownName: `unknown_judge`.
        Refused: `no_judge`.
    """
    require(store, "lead")
    met = _judged(store, study, judge_name)
    points: dict[int, dict[int, int]] = defaultdict(dict)
    for one in marks.active_wordings(store, study.id):
        worth = points_of(one.text)
        if worth is not None:
            points[one.question_id][one.requirement_id] = worth
    by_model: dict[str, list[tuple[float, int]]] = defaultdict(list)
    undefined_: dict[str, int] = defaultdict(int)
    unmarked: dict[str, int] = defaultdict(int)
    for response_id, question_id, model in responses.present(store, study.id, list(points)):
        rubric, given = points[question_id], met.get(response_id, {})
        if set(rubric) - set(given):
            unmarked[model] += 1
            continue
        score = rubric_score([(worth, given[name]) for name, worth in rubric.items()])
        if score is None:
            undefined_[model] += 1
        else:
            by_model[model].append((score, question_id))
    names = sorted({*by_model, *undefined_, *unmarked})
    rows = [
        RubricRow(model, *_overall(by_model[model]), undefined_[model], unmarked[model])
        for model in names
    ]
    return sorted(rows, key=lambda one: (-(one.overall.value or 0.0), one.model))


@dataclass(frozen=True, slots=True)
class Agreed:
    """Macro F1 of somebody against a physician, or against all other physicians together."""

    who: str
    against: str
    f1: ClassF1


def rubric_agreement(store: Store, study: Study, judge_name: str | None) -> list[Agreed]:
    """The judge against each physician and against all; each physician against the others.

    A pair is a criterion of a response that both sides have marked; a side with several other
    physicians counts one pair with each of them. Physicians' informed marks are left out.

    Raises:
        UnknownName: `unknown_judge`.
        Refused: `no_judge`.
    """
    require(store, "lead")
    met = _judged(store, study, judge_name)
    judge, _ = judge_of_study(store, study, judge_name)
    scores = human_scores.counting(human_scores.human_scores_of_study(store, study.id))
    by_assessment = {one.id: one for one in scores}
    said: dict[str, dict[tuple[int, int], bool]] = defaultdict(dict)
    for part in marks.parts_of(store, list(by_assessment)):
        if part.requirement_id is not None:
            person = by_assessment[part.assessment_id].person
            said[person][part.response_id, part.requirement_id] = part.value == _MET
    judged = {
        (response_id, requirement_id): is_met
        for response_id, given in met.items()
        for requirement_id, is_met in given.items()
    }
    found, everything = [], []
    for person, marked in sorted(said.items()):
        pairs = [(judged[place], is_met) for place, is_met in marked.items() if place in judged]
        everything += pairs
        found.append(Agreed(judge.name, person, macro_f1(pairs)))
    found.insert(0, Agreed(judge.name, "", macro_f1(everything)))
    for person, marked in sorted(said.items()):
        pairs = [
            (is_met, other[place])
            for place, is_met in marked.items()
            for name, other in said.items()
            if name != person and place in other
        ]
        found.append(Agreed(person, "", macro_f1(pairs)))
    return found


def _judged(store: Store, study: Study, name: str | None) -> dict[int, dict[int, bool]]:
    """Whether a judge says that a response meets a requirement, by response and requirement."""
    judge, rounds = judge_of_study(store, study, name)
    ids = [one.id for one in questions.questions_of_study(store, study.id)]
    among = [response_id for response_id, *_ in responses.present(store, study.id, ids)]
    votes: dict[int, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for part in marks.parts_of_judge(store, Plan(study.id, judge.id, rounds), among):
        if part.requirement_id is not None:
            votes[part.response_id][part.requirement_id].append(part.value == _MET)
    return {
        response_id: {name: 2 * sum(given) > len(given) for name, given in of_response.items()}
        for response_id, of_response in votes.items()
    }


def _overall(scores: list[tuple[float, int]]) -> tuple[Estimate, float | None]:
    values = np.array([value for value, _ in scores])
    clusters = np.array([question for _, question in scores], dtype=np.intp)
    return overall_score(values, clusters), float(values.mean()) if scores else None
