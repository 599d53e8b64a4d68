"""Audits: whether a question and its reference answer are factually right, person by person."""

from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class QuestionAudit:
    """What one person says of a question under one version of its criteria."""

    question_id: int
    question: str
    category: str
    person_id: int
    person: str
    criteria_version: int
    is_right: bool
    comment: str
    created_at: str


def add_audit(
    store: Store, person_id: int, criteria_id: int, *, is_right: bool, comment: str, by: str
) -> None:
    """Store what a person says of a question."""
    store.add(
        "INSERT INTO question_audit (person_id, criteria_id, is_right, comment, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (person_id, criteria_id, int(is_right), comment, by),
    )


#: Whether question and reference answer read in the audited version as in the one asked for.
_READS_ALIKE = """audited.question_id = asked.question_id
     AND audited.question_text = asked.question_text
     AND audited.reference_answer = asked.reference_answer"""


def audit_given(store: Store, person_id: int, criteria_id: int) -> tuple[bool, str] | None:
    """What a person said last of these texts: whether they are right, and their comment."""
    sql = f"""
        SELECT is_right, comment
        FROM criteria AS asked
        JOIN criteria AS audited ON {_READS_ALIKE}
        JOIN question_audit AS given ON given.criteria_id = audited.id
        WHERE asked.id = ? AND person_id = ?
        ORDER BY given.id DESC LIMIT 1
    """
    found = store.row(sql, (criteria_id, person_id))
    return None if found is None else (bool(found[0]), found[1])


def audits_of_study(store: Store, study_id: int) -> list[QuestionAudit]:
    """What each person said last of each of a study's questions as it reads now."""
    sql = f"""
        SELECT question.id AS question_id, question.key AS question, question.category,
               person_id, person.name AS person, audited.version AS criteria_version,
               is_right, comment, given.created_at
        FROM question_audit AS given
        CROSS JOIN criteria AS audited ON audited.id = given.criteria_id
        CROSS JOIN criteria AS asked ON {_READS_ALIKE}
        JOIN active_criteria ON active_criteria.criteria_id = asked.id
        JOIN question ON question.id = active_criteria.question_id
        JOIN person ON person.id = person_id
        WHERE active_criteria.study_id = ?
        ORDER BY question.dataset_id, question.position, person_id, given.id
    """
    found = store.read(QuestionAudit, sql, (study_id,))
    return list({(one.question_id, one.person_id): one for one in found}.values())
