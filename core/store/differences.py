"""Differences: why a physician's score and a judge's differ, as the physician sees it."""

from dataclasses import dataclass
from typing import Literal, get_args

from core.store.database import Store

Cause = Literal[
    "judge_wrong", "checklist_wrong", "reference_wrong", "question_flawed", "reconsidered"
]
CAUSES: tuple[Cause, ...] = get_args(Cause)


@dataclass(frozen=True, slots=True)
class DifferenceCause:
    """What a person says of a difference."""

    person: str
    cause: Cause
    criteria_version: int
    comment: str
    created_at: str


def add_cause(
    store: Store, person_id: int, response_id: int, criteria_id: int, cause: Cause,
    *, comment: str, by: str,
) -> None:  # fmt: skip
    """Store why a person's score differs from the judge's."""
    store.add(
        "INSERT INTO difference_cause (person_id, response_id, criteria_id, cause, comment,"
        " created_by) VALUES (?, ?, ?, ?, ?, ?)",
        (person_id, response_id, criteria_id, cause, comment, by),
    )


def cause_given(store: Store, person_id: int, response_id: int) -> Cause | None:
    """The cause that a person gave last for a response."""
    sql = """
        SELECT cause FROM difference_cause WHERE response_id = ? AND person_id = ?
        ORDER BY id DESC LIMIT 1
    """
    found: Cause | None = store.value(sql, (response_id, person_id))
    return found


def causes_given(store: Store, person_id: int) -> dict[int, Cause]:
    """The cause that a person gave last, by response."""
    sql = "SELECT response_id, cause FROM difference_cause WHERE person_id = ? ORDER BY id"
    return dict(map(tuple, store.rows(sql, (person_id,))))


def causes_of_response(store: Store, response_id: int) -> list[DifferenceCause]:
    """Everything that people said of a response's differences, in order of time."""
    sql = """
        SELECT person.name AS person, cause, criteria.version AS criteria_version, comment,
               difference_cause.created_at
        FROM difference_cause
        JOIN person ON person.id = person_id
        JOIN criteria ON criteria.id = criteria_id
        WHERE response_id = ? ORDER BY difference_cause.id
    """
    return store.read(DifferenceCause, sql, (response_id,))


def causes_by_response(store: Store, study_id: int) -> dict[int, dict[Cause, int]]:
    """How often each cause was given last, by response, under the active criteria alone."""
    sql = """
        SELECT response_id, cause, count(*) FROM difference_cause AS given
        JOIN active_criteria USING (criteria_id)
        WHERE active_criteria.study_id = ? AND NOT EXISTS (
          SELECT 1 FROM difference_cause AS later
          WHERE later.response_id = given.response_id AND later.person_id = given.person_id
            AND later.id > given.id)
        GROUP BY response_id, cause
    """
    found: dict[int, dict[Cause, int]] = {}
    for response_id, cause, count in store.rows(sql, (study_id,)):
        found.setdefault(response_id, {})[cause] = count
    return found
