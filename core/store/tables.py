"""A dataset as whole tables: read in one go, to be compared with a file or written to one."""

from collections import defaultdict
from dataclasses import dataclass

from core.domain.scales import Scale
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class KnownResponse:
    """The current attempt of a response."""

    id: int
    attempt: int
    text: str | None
    absent_because: str | None


@dataclass(frozen=True, slots=True)
class KnownScore:
    """A score of one rater, under one version of the criteria.

    Attributes:
        is_given_here: by a person, on a page of this app.
    """

    criteria_id: int
    attempt: int
    value: int | None
    unscored_because: str | None
    comment: str
    is_given_here: bool


def ensure_scale(store: Store, scale: Scale) -> Scale:
    """The stored scale with these bounds, under the name that it has there."""
    bounds = (scale.minimum, scale.maximum, scale.usable_from)
    sql = "SELECT name FROM scale WHERE minimum = ? AND maximum = ? AND usable_from = ?"
    name: str | None = store.value(sql, bounds)
    if name is None:
        name = f"{scale.minimum} to {scale.maximum}, usable from {scale.usable_from}"
        sql = "INSERT INTO scale (name, minimum, maximum, usable_from) VALUES (?, ?, ?, ?)"
        store.change(sql, (name, *bounds))
    return Scale(name, *bounds)


def known_responses(store: Store, dataset_id: int) -> dict[tuple[int, str, int], KnownResponse]:
    """Every current response of a dataset by question id, model and sample."""
    sql = """
        SELECT question_id, label, sample, response.id, attempt, text, absent_because
        FROM current_response AS response JOIN model ON model.id = model_id
        JOIN question ON question.id = question_id WHERE dataset_id = ?
    """
    rows = store.rows(sql, (dataset_id,))
    return {tuple(row[:3]): KnownResponse(*row[3:]) for row in map(tuple, rows)}


def known_scores(
    store: Store, dataset_id: int, rater_id: int
) -> dict[tuple[int, int], list[KnownScore]]:
    """A rater's scores in a dataset by response id and round, oldest first."""
    sql = """
        SELECT assessment.response_id, round, assessment.criteria_id, assessment.attempt, value,
               unscored_because, rationale,
               rater.person_id IS NOT NULL AND claimed_phase = 'observed'
        FROM assessment JOIN rater ON rater.id = rater_id
        JOIN response ON response.id = response_id
        JOIN question ON question.id = response.question_id
        WHERE rater_id = ? AND dataset_id = ? AND purpose = 'study' ORDER BY assessment.id
    """
    found: dict[tuple[int, int], list[KnownScore]] = defaultdict(list)
    for response_id, number, *score in map(tuple, store.rows(sql, (rater_id, dataset_id))):
        found[response_id, number].append(KnownScore(*score))
    return found


def active_criteria_ids(store: Store, study_id: int, dataset_id: int) -> dict[int, int]:
    """Id of the active criteria of every question of a dataset, by question id."""
    sql = """
        SELECT question_id, criteria_id FROM active_criteria
        JOIN question ON question.id = question_id WHERE study_id = ? AND dataset_id = ?
    """
    return dict(map(tuple, store.rows(sql, (study_id, dataset_id))))


# --- what an export holds ---------------------------------------------------------------------

_QUESTION = """
    question.key AS question_id, question.category, question.turn
"""
_QUESTIONS = f"""
    SELECT {_QUESTION}, question.language, record.category2, record.scene, record.difficulty,
           criteria.question_text AS question, criteria.reference_answer AS reference,
           criteria.checklist, criteria.version AS criteria_version,
           criteria.created_at AS criteria_created_at
    FROM question
    JOIN current_record AS record ON record.question_id = question.id
    JOIN active_criteria ON active_criteria.question_id = question.id AND study_id = :study
    JOIN criteria ON criteria.id = criteria_id
    WHERE question.dataset_id = :dataset ORDER BY question.position
"""
_RESPONSES = f"""
    SELECT {_QUESTION}, model.label AS model, response.sample, response.attempt,
           response.id IN (SELECT id FROM current_response) AS is_current,
           response.text AS response, response.absent_because, response.origin,
           criteria.version AS criteria_version, response.created_at
    FROM response
    JOIN question ON question.id = response.question_id
    JOIN model ON model.id = response.model_id
    JOIN criteria ON criteria.id = response.criteria_id
    WHERE question.dataset_id = :dataset
    ORDER BY question.position, model.label, response.sample, response.attempt
"""
_ASSESSMENTS = f"""
    SELECT given.id AS assessment_id, {_QUESTION}, model.label AS model, response.sample,
           response.attempt AS response_attempt,
           (SELECT min(name) FROM judge WHERE judge.configuration_id = rater.configuration_id)
             AS judge,
           person.id AS person_id, person.name AS physician, given.value AS score,
           given.unscored_because AS missing_because, given.detail, given.round, given.attempt,
           coalesce(human.phase, '') AS phase,
           current.id IS NOT NULL AND given.purpose = 'study'
             AND (rater.person_id IS NOT NULL OR (
               given.criteria_id = active_criteria.criteria_id
               AND EXISTS (SELECT 1 FROM active_rater WHERE active_rater.study_id = :study
                           AND active_rater.rater_id = given.rater_id))) AS is_current,
           given.purpose, scale.minimum AS scale_minimum, scale.maximum AS scale_maximum,
           scale.usable_from, criteria.version AS criteria_version, configuration.engine,
           configuration.model AS judge_model, configuration.parameters AS judge_parameters,
           judge_prompt.category AS prompt_category, judge_prompt.language AS prompt_language,
           judge_prompt.version AS prompt_version, given.safety_risk,
           given.rationale AS comment, given.reason, given.created_at
    FROM assessment AS given
    JOIN response ON response.id = given.response_id
    LEFT JOIN current_response AS current ON current.id = response.id
    JOIN question ON question.id = response.question_id
    JOIN model ON model.id = response.model_id
    JOIN criteria ON criteria.id = given.criteria_id
    JOIN scale ON scale.name = given.scale
    JOIN rater ON rater.id = given.rater_id
    LEFT JOIN person ON person.id = rater.person_id
    LEFT JOIN configuration ON configuration.id = rater.configuration_id
    LEFT JOIN judge_prompt ON judge_prompt.id = rater.judge_prompt_id
    LEFT JOIN human_assessment AS human ON human.id = given.id
    LEFT JOIN active_criteria ON active_criteria.study_id = :study
          AND active_criteria.question_id = question.id
    WHERE question.dataset_id = :dataset ORDER BY given.id
"""
_EXPORTS = {"questions": _QUESTIONS, "responses": _RESPONSES, "assessments": _ASSESSMENTS}


def exported_rows(
    store: Store, what: str, *, study_id: int, dataset_id: int
) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of a dataset's questions, responses or assessments, in a study."""
    cursor = store.conn.execute(_EXPORTS[what], {"study": study_id, "dataset": dataset_id})
    columns = [name for name, *_ in cursor.description]
    return columns, [list(row) for row in cursor]
