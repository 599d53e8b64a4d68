"""Marks: the parts of an assessment, per requirement of a checklist or per dimension."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.criteria import Level
from core.domain.verdicts import MARKS, MarkName
from core.store.assessments import Plan, held
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class ListedRequirement:
    """A requirement of one criteria version, with the row that other versions share."""

    id: int
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of one requirement (0 not met, 1 partly, 2 met) or one dimension.

    Exactly one of `requirement_id` and `dimension` is None.
    """

    requirement_id: int | None
    dimension: str | None
    value: int


@dataclass(frozen=True, slots=True)
class RequirementMark:
    """A mark with the requirement that it is of, and the words that are to show it.

    Attributes:
        number: of the requirement in the criteria that the assessment was made under.
        value: 0 not met, 1 partly, 2 met.
    """

    number: int
    level: Level
    text: str
    value: int
    quote: str

    @property
    def mark(self) -> MarkName:
        """The value by its name."""
        return MARKS[self.value]


def requirements_of_version(store: Store, criteria_id: int) -> list[ListedRequirement]:
    """The requirements of a criteria version, in order."""
    sql = """
        SELECT requirement.id, level, text FROM criteria_requirement
        JOIN requirement ON requirement.id = requirement_id
        WHERE criteria_id = ? ORDER BY position
    """
    return store.read(ListedRequirement, sql, (criteria_id,))


def add_marks(store: Store, assessment_id: int, marks: Sequence[Mark]) -> None:
    """Store the marks within an assessment."""
    store.add_many(
        "INSERT INTO assessment_part (assessment_id, position, requirement_id, dimension, value)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (assessment_id, position, mark.requirement_id, mark.dimension, mark.value)
            for position, mark in enumerate(marks, 1)
        ],
    )


def marks_of(store: Store, assessment_id: int) -> tuple[Mark, ...]:
    """The marks within an assessment, in order."""
    sql = """
        SELECT requirement_id, dimension, value FROM assessment_part
        WHERE assessment_id = ? ORDER BY position
    """
    return tuple(store.read(Mark, sql, (assessment_id,)))


def requirement_marks(store: Store, response_id: int) -> dict[int, list[RequirementMark]]:
    """The marks per requirement of every assessment of a response, by assessment."""
    sql = """
        SELECT assessment.id, place.position, level, text, part.value, quote
        FROM assessment
        JOIN assessment_part AS part ON part.assessment_id = assessment.id
        JOIN requirement ON requirement.id = part.requirement_id
        JOIN criteria_requirement AS place ON place.criteria_id = assessment.criteria_id
             AND place.requirement_id = part.requirement_id
             AND (place.position = part.position OR NOT EXISTS (  -- a wording may stand twice
               SELECT 1 FROM criteria_requirement AS same
               WHERE same.criteria_id = place.criteria_id
                 AND same.requirement_id = place.requirement_id
                 AND (same.position = part.position OR same.position < place.position)))
        WHERE response_id = ? ORDER BY assessment.id, part.position
    """
    found: dict[int, list[RequirementMark]] = defaultdict(list)
    for assessment_id, *mark in store.rows(sql, (response_id,)):
        found[assessment_id].append(RequirementMark(*mark))
    return dict(found)


@dataclass(frozen=True, slots=True)
class Part:
    """A mark somewhere in a study: of a requirement, or of a dimension.

    Attributes:
        assessment_id: that it stands in.
        round: of a judge; 1 for a person.
    """

    assessment_id: int
    response_id: int
    round: int
    requirement_id: int | None
    dimension: str | None
    value: int


def parts_of(store: Store, assessment_ids: Sequence[int]) -> list[Part]:
    """The marks within some assessments, in the order of these."""
    sql = """
        SELECT assessment.id AS assessment_id, response_id, round, requirement_id, dimension,
               part.value
        FROM json_each(?) JOIN assessment ON assessment.id = json_each.value
        JOIN assessment_part AS part ON part.assessment_id = assessment.id
        ORDER BY assessment.id, part.position
    """
    return store.read(Part, sql, (json.dumps(list(assessment_ids)),))


def parts_of_judge(store: Store, plan: Plan, among: Sequence[int]) -> list[Part]:
    """A judge's marks on some responses: last attempts of a plan's rounds."""
    sql = f"""{held(plan)}
        SELECT assessment_id, response_id, round, requirement_id, dimension, part.value
        FROM held JOIN assessment_part AS part USING (assessment_id)
        WHERE response_id IN (SELECT value FROM json_each(:among))
        ORDER BY assessment_id, part.position"""
    return store.read(Part, sql, {**plan.params, "among": json.dumps(list(among))})


@dataclass(frozen=True, slots=True)
class Wording:
    """A requirement as it stands in the checklists of one question.

    Attributes:
        level: as in the newest version that holds it.
    """

    question_id: int
    requirement_id: int
    level: Level
    text: str


def active_wordings(store: Store, study_id: int) -> list[Wording]:
    """The requirements of the active criteria of a study's questions."""
    sql = """
        SELECT active_criteria.question_id, requirement_id, level, text
        FROM active_criteria
        JOIN criteria_requirement AS place USING (criteria_id)
        JOIN requirement ON requirement.id = place.requirement_id
        WHERE study_id = ? ORDER BY active_criteria.question_id, place.position
    """
    return store.read(Wording, sql, (study_id,))


def wordings(store: Store, study_id: int) -> list[Wording]:
    """Every requirement of a study's questions, in any version, once a question."""
    sql = """
        SELECT question.id AS question_id, requirement.id AS requirement_id, level, text
        FROM study_dataset JOIN question USING (dataset_id)
        JOIN criteria ON criteria.question_id = question.id
        JOIN criteria_requirement AS place ON place.criteria_id = criteria.id
        JOIN requirement ON requirement.id = place.requirement_id
        WHERE study_id = ? ORDER BY question.position, criteria.version, place.position
    """
    found = store.read(Wording, sql, (study_id,))
    return list({(one.question_id, one.requirement_id): one for one in found}.values())
