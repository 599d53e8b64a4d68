"""A physician's own answers in a study, to be found again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core.store.database import Store
from core.store.human_scores import Phase


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """One attempt of a person at a response; the model stays hidden."""

    response_id: int
    question_id: int
    question: str
    category: str
    value: int | None
    usable: bool | None
    maximum: int
    unscored_because: str | None
    comment: str
    safety_risk: bool | None
    phase: Phase
    reason: str
    created_at: str


def own_answers(
    store: Store, study_id: int, person_id: int, *, containing: str = ""
) -> list[OwnAnswer]:
    """Every answer of a person to a study's current responses, oldest first.

    Args:
        containing: only where the question, its earlier versions too, the response, reference
            answer, checklist or the person's own comments hold this text; ASCII in any case.
    """
    sql = """
        SELECT given.response_id, given.question_id, question.key AS question, question.category,
               given.value, given.unscored_because, maximum,
               value >= usable_from AND NOT (scale.name = 'MTG 0-7' AND safety_risk IS 1) AS usable,
               given.rationale AS comment, safety_risk, phase, given.reason, given.created_at
        FROM human_assessment AS given
        JOIN current_response AS response ON response.id = given.response_id
        JOIN question ON question.id = given.question_id
        JOIN study_dataset USING (dataset_id)
        JOIN scale ON scale.name = given.scale
        WHERE study_id = :study AND given.person_id = :person
          AND (:like IS NULL OR question.key || char(10) || response.text || char(10) || (
            SELECT group_concat(question_text || char(10) || reference_answer || char(10)
                                || checklist, char(10))
            FROM criteria WHERE criteria.question_id = question.id) || char(10) || (
            SELECT group_concat(mine.rationale, char(10)) FROM assessment AS mine
            WHERE mine.rater_id = given.rater_id AND mine.response_id = given.response_id)
            LIKE :like ESCAPE '\\')
        ORDER BY given.id
    """
    escaped = containing.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = f"%{escaped}%" if containing else None
    params = {"study": study_id, "person": person_id, "like": like}
    return store.read(OwnAnswer, sql, params)


@dataclass(frozen=True, slots=True)
class MachineValue:
    """A judge's score under the active criteria."""

    response_id: int
    value: int
    usable: bool
    maximum: int


def machine_values(
    store: Store, study_id: int, response_ids: Sequence[int]
) -> dict[int, list[MachineValue]]:
    """The judges' scores of some responses under the active criteria, by response."""
    sql = """
        SELECT response_id, value, value >= usable_from AS usable, maximum
        FROM assessment
        JOIN active_criteria ON active_criteria.criteria_id = assessment.criteria_id
                            AND study_id = ?
        JOIN rater ON rater.id = rater_id AND configuration_id IS NOT NULL
        JOIN scale ON scale.name = assessment.scale
        WHERE response_id IN (SELECT value FROM json_each(?)) AND purpose = 'study'
          AND value IS NOT NULL
    """
    found: dict[int, list[MachineValue]] = {}
    for one in store.read(MachineValue, sql, (study_id, json.dumps(list(response_ids)))):
        found.setdefault(one.response_id, []).append(one)
    return found
