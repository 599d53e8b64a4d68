"""Criteria: the versions of question text, reference answer and checklist, and which is active."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.criteria import Criteria, Requirement, requirement_hash
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class CriteriaVersion:
    """One stored version of a question's criteria."""

    id: int
    question_id: int
    version: int
    criteria: Criteria
    reason: str
    created_by: str
    created_at: str


_COLUMNS = """
    SELECT criteria.id, criteria.question_id, version, question_text, reference_answer, checklist,
           given_turns, criteria.reason, criteria.created_by, criteria.created_at
    FROM criteria
"""


def _version(row: Iterable[object]) -> CriteriaVersion:
    id_, question_id, version, question, reference, checklist, turns, *rest = row
    return CriteriaVersion(
        id_, question_id, version, Criteria(question, reference, checklist, turns), *rest  # type: ignore[arg-type]
    )  # fmt: skip


def criteria_by_id(store: Store, criteria_id: int) -> CriteriaVersion:
    """The version with that id, which must exist."""
    found = store.row(f"{_COLUMNS} WHERE id = ?", (criteria_id,))
    assert found is not None
    return _version(found)


def active_version(store: Store, study_id: int, question_id: int) -> CriteriaVersion:
    """The version that a study uses for a question of its datasets."""
    sql = f"""{_COLUMNS} JOIN active_criteria ON active_criteria.criteria_id = criteria.id
        WHERE active_criteria.study_id = ? AND active_criteria.question_id = ?"""
    found = store.row(sql, (study_id, question_id))
    assert found is not None, "a question of a study has active criteria from its import on"
    return _version(found)


def versions(store: Store, question_id: int) -> list[CriteriaVersion]:
    """All versions of a question's criteria, oldest first."""
    rows = store.rows(f"{_COLUMNS} WHERE question_id = ? ORDER BY version", (question_id,))
    return [_version(row) for row in rows]


def activations(store: Store, study_id: int, question_id: int) -> list[tuple[int, str, str, str]]:
    """A question's activations in a study, oldest first: criteria id, reason, author, time."""
    sql = """
        SELECT criteria_id, reason, created_by, created_at FROM criteria_activation
        WHERE study_id = ? AND question_id = ? ORDER BY id
    """
    return [tuple(row) for row in store.rows(sql, (study_id, question_id))]


def version_with(store: Store, question_id: int, content_hash: str) -> int | None:
    """Id of the version of a question that has this content."""
    found: int | None = store.value(
        "SELECT id FROM criteria WHERE question_id = ? AND content_hash = ?",
        (question_id, content_hash),
    )
    return found


def ensure_version(
    store: Store, question_id: int, criteria: Criteria, *, reason: str, by: str
) -> int:
    """Id of the version with this content; a new version if there is none yet."""
    found = version_with(store, question_id, criteria.content_hash)
    if found is not None:
        return found
    criteria_id = store.add(
        "INSERT INTO criteria (question_id, version, question_text, reference_answer,"
        " checklist, given_turns, content_hash, reason, created_by) VALUES (?,"
        " (SELECT coalesce(max(version), 0) + 1 FROM criteria WHERE question_id = ?),"
        " ?, ?, ?, ?, ?, ?, ?)",
        (
            question_id, question_id, criteria.question_text, criteria.reference_answer,
            criteria.checklist, criteria.given_turns, criteria.content_hash, reason, by,
        ),
    )  # fmt: skip
    for position, requirement in enumerate(criteria.requirements, 1):
        _add_requirement(store, criteria_id, position, requirement)
    return criteria_id


def activate(
    store: Store,
    study_id: int,
    question_id: int,
    criteria_id: int,
    *,
    reason: str,
    by: str,
) -> None:
    """Use a version in a study from now on."""
    store.add(
        "INSERT INTO criteria_activation (study_id, question_id, criteria_id, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (study_id, question_id, criteria_id, reason, by),
    )


def _add_requirement(store: Store, criteria_id: int, position: int, found: Requirement) -> None:
    content_hash = requirement_hash(found.text)
    store.change(
        "INSERT OR IGNORE INTO requirement (content_hash, text) VALUES (?, ?)",
        (content_hash, found.text),
    )
    store.add(
        "INSERT INTO criteria_requirement (criteria_id, position, level, requirement_id)"
        " VALUES (?, ?, ?, (SELECT id FROM requirement WHERE content_hash = ?))",
        (criteria_id, position, found.level, content_hash),
    )


def stale_responses(store: Store, criteria_id: int) -> int:
    """How many current responses with a text answered another wording of a version's question."""
    sql = """
        SELECT count(*) FROM criteria
        JOIN current_response AS response ON response.question_id = criteria.question_id
        JOIN criteria AS asked ON asked.id = response.criteria_id
        WHERE criteria.id = ? AND response.text IS NOT NULL
          AND asked.question_text <> criteria.question_text
    """
    return int(store.value(sql, (criteria_id,)))


def first_of_revised(store: Store, study_id: int) -> dict[int, int]:
    """The criteria that a study used first, by question, where it uses others now."""
    sql = """
        SELECT first.question_id, first.criteria_id
        FROM criteria_activation AS first
        JOIN active_criteria ON active_criteria.study_id = first.study_id
                            AND active_criteria.question_id = first.question_id
        WHERE first.study_id = ? AND active_criteria.criteria_id <> first.criteria_id
          AND NOT EXISTS (
            SELECT 1 FROM criteria_activation AS earlier
            WHERE earlier.study_id = first.study_id AND earlier.question_id = first.question_id
              AND earlier.id < first.id)
    """
    return dict(map(tuple, store.rows(sql, (study_id,))))
