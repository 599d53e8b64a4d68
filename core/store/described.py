"""What a methods report tells of a study besides its figures."""

import json
from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions of one category and language.

    Attributes:
        versions: of their criteria in use, the highest.
        revised: how many follow a version later than their first.
    """

    category: str
    language: str
    questions: int
    conversations: int
    versions: int
    revised: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's current responses; those without a text are absent."""

    model: str
    responses: int
    absent: int
    samples: int


@dataclass(frozen=True, slots=True)
class Followed:
    """A prompt version that a judge follows."""

    category: str
    language: str
    version: int
    prompt_id: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw with its design and its chances.

    Attributes:
        strata: what it was stratified by.
        low, high: the lowest and the highest probability.
    """

    id: int
    purpose: str
    unit: str
    strata: tuple[str, ...]
    allocation: str
    overlap: int
    repeat_share: float
    seed: int
    responses: int
    low: float
    high: float


def asked(store: Store, study_id: int) -> list[Asked]:
    """Questions by category and language, in the order of the study."""
    sql = """
        SELECT question.category, question.language, count(*) AS questions,
               count(DISTINCT question.conversation_id) AS conversations,
               max(criteria.version) AS versions, sum(criteria.version > 1) AS revised
        FROM active_criteria JOIN question ON question.id = active_criteria.question_id
        JOIN criteria ON criteria.id = criteria_id
        WHERE study_id = ? GROUP BY question.category, question.language
        ORDER BY min(question.position)
    """
    return store.read(Asked, sql, (study_id,))


def answered(store: Store, study_id: int) -> list[Answered]:
    """Current responses by model."""
    sql = """
        SELECT label AS model, count(*) AS responses, sum(response.text IS NULL) AS absent,
               max(sample) AS samples
        FROM study_dataset JOIN question USING (dataset_id)
        JOIN current_response AS response ON response.question_id = question.id
        JOIN model ON model.id = response.model_id
        WHERE study_id = ? GROUP BY label ORDER BY label
    """
    return store.read(Answered, sql, (study_id,))


def followed(store: Store, study_id: int, judge_id: int) -> list[Followed]:
    """The prompt versions that a judge follows now."""
    sql = """
        SELECT active_rater.category, active_rater.language, version,
               judge_prompt.id AS prompt_id
        FROM active_rater JOIN judge_prompt ON judge_prompt.id = judge_prompt_id
        WHERE study_id = ? AND judge_id = ? ORDER BY 1, 2
    """
    return store.read(Followed, sql, (study_id, judge_id))


def drawn(store: Store, study_id: int) -> list[Drawn]:
    """Every draw of a study, oldest first."""
    sql = """
        SELECT draw.id, purpose, unit, strata, allocation, overlap, repeat_share, seed,
               count(response_id), min(probability), max(probability)
        FROM draw JOIN draw_response ON draw_id = draw.id
        WHERE study_id = ? GROUP BY draw.id ORDER BY draw.id
    """
    return [
        Drawn(number, purpose, unit, tuple(json.loads(strata)), *rest)
        for number, purpose, unit, strata, *rest in map(tuple, store.rows(sql, (study_id,)))
    ]


def judged_ids(store: Store, study_id: int, judge_id: int) -> list[int]:
    """Ids of a judge's assessments under what is in use now, ascending."""
    sql = """
        SELECT assessment.id FROM assessment
        JOIN active_criteria ON active_criteria.study_id = :study
                            AND active_criteria.criteria_id = assessment.criteria_id
        WHERE purpose = 'study' AND rater_id IN (
          SELECT rater_id FROM active_rater WHERE study_id = :study AND judge_id = :judge)
        ORDER BY assessment.id
    """
    rows = store.rows(sql, {"study": study_id, "judge": judge_id})
    return [assessment_id for (assessment_id,) in rows]
