"""Marks: the parts of an assessment, per requirement of a checklist or per dimension."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.criteria import Level
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
    """A mark with the wording that it is of, and what was quoted for it."""

    requirement_id: int
    text: str
    value: int
    quote: str


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
        SELECT assessment.id, requirement.id, requirement.text, assessment_part.value, quote
        FROM assessment
        JOIN assessment_part ON assessment_part.assessment_id = assessment.id
        JOIN requirement ON requirement.id = assessment_part.requirement_id
        WHERE response_id = ? ORDER BY assessment.id, position
    """
    found: dict[int, list[RequirementMark]] = defaultdict(list)
    for assessment_id, *mark in store.rows(sql, (response_id,)):
        found[assessment_id].append(RequirementMark(*mark))
    return dict(found)
