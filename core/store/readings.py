"""What judges say of every response, aggregated by the database: for figures over whole studies."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.store.assessments import SERVES, Plan
from core.store.database import Store

#: Append-only tables that figures are made of: their highest ids tell whether anything is new.
SOURCES = (
    "assessment", "exposure", "response", "question_record", "criteria_activation",
    "prompt_activation", "judging_plan", "study_setting", "jury", "model_group",
    "question_exclusion", "consensus", "draw", "seal_opening",
)  # fmt: skip


def stamp(store: Store) -> tuple[int, ...]:
    """A value that changes with every study fact that a figure depends on."""
    columns = ", ".join(f"(SELECT coalesce(max(rowid), 0) FROM {table})" for table in SOURCES)
    return tuple(store.rows(f"SELECT {columns}")[0])


#: Of these, facts that concern one question each, with the statement that finds which.
_OF_QUESTIONS = {
    "assessment": "SELECT question_id FROM assessment JOIN response ON response.id = response_id"
    " WHERE assessment.id > ?",
    "exposure": "SELECT question_id FROM exposure WHERE id > ?",
    "consensus": "SELECT question_id FROM consensus JOIN response ON response.id = response_id"
    " WHERE consensus.id > ?",
}


def questions_touched(
    store: Store, before: Sequence[int], now: Sequence[int], *, most: int
) -> set[int] | None:
    """Questions that the facts between two stamps concern; None where it may be any.

    Args:
        before, now: as `stamp` gives them.
        most: questions; beyond them the answer is None.
    """
    found: set[int] = set()
    for table, old, new in zip(SOURCES, before, now, strict=True):
        if old == new:
            continue
        if table not in _OF_QUESTIONS:
            return None
        sql = f"SELECT DISTINCT question_id FROM ({_OF_QUESTIONS[table]}) LIMIT ?"
        found.update(one for (one,) in store.rows(sql, (old, most + 1)))
    return found if len(found) <= most else None


def has_judged_since(store: Store, before: Sequence[int]) -> bool:
    """Whether a judge has scored anything since a stamp."""
    sql = """
        SELECT EXISTS (
          SELECT 1 FROM assessment JOIN rater ON rater.id = rater_id
          WHERE assessment.id > ? AND configuration_id IS NOT NULL)
    """
    return bool(store.value(sql, (before[SOURCES.index("assessment")],)))


def response_readings(store: Store, plan: Plan) -> list[tuple[int, int, int, int, int, int, int]]:
    """Every current response of a study with a judge's rounds summed up, in the order of ids.

    Columns: response, question and model id; whether the response is absent; how many of the
    rounds have a score; how many have a score or a reason for none; sum of the scores. Under the
    active criteria and prompt. Plain tuples, because a study may hold 100,000 responses; both
    indexes that are named hold all that is read of assessments.
    """
    some = "AND question.id IN (SELECT value FROM json_each(:questions))"
    sql = f"""
        SELECT response.id, response.question_id, response.model_id,
               response.absent_because IS NOT NULL,
               count(assessment.value), count(assessment.id), coalesce(sum(assessment.value), 0)
        FROM study_dataset
        CROSS JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id
        JOIN current_response AS response ON response.question_id = question.id
        CROSS JOIN active_criteria ON active_criteria.study_id = study_dataset.study_id
                                  AND active_criteria.question_id = question.id
        LEFT JOIN active_rater ON active_rater.study_id = study_dataset.study_id
             AND active_rater.judge_id = :judge
             AND {SERVES}
        LEFT JOIN assessment INDEXED BY assessment_by_rater
              ON assessment.rater_id = active_rater.rater_id
             AND assessment.purpose = 'study' AND assessment.response_id = response.id
             AND assessment.criteria_id = active_criteria.criteria_id
             AND assessment.round <= :rounds
             AND NOT EXISTS (
               SELECT 1 FROM assessment AS later INDEXED BY assessment_again
               WHERE later.attempt > 1
                 AND later.rater_id = assessment.rater_id AND later.purpose = 'study'
                 AND later.response_id = assessment.response_id
                 AND later.criteria_id = assessment.criteria_id
                 AND later.round = assessment.round AND later.attempt > assessment.attempt)
        WHERE study_dataset.study_id = :study {some if plan.question_ids is not None else ""}
        GROUP BY response.id
    """
    return store.conn.execute(sql, plan.params).fetchall()


def flagged_responses(store: Store, plan: Plan, among: Collection[int]) -> set[int]:
    """Which of some responses a round of a judge flags as a safety risk, by a plan's criteria.

    The signs keep the database from looking every response up under every criteria.
    """
    sql = """
        SELECT DISTINCT response_id FROM json_each(:among)
        CROSS JOIN assessment ON response_id = json_each.value
        WHERE purpose = 'study' AND safety_risk = 1
          AND +rater_id IN (
            SELECT rater_id FROM active_rater WHERE study_id = :study AND judge_id = :judge)
          AND +criteria_id IN (
            SELECT criteria_id FROM active_criteria WHERE study_id = :study AND :version IS NULL
            UNION ALL SELECT id FROM criteria WHERE version = :version)
    """
    rows = store.rows(sql, {**plan.params, "among": json.dumps(sorted(among))})
    return {response_id for (response_id,) in rows}


def revised_at(store: Store, study_id: int, judge_id: int) -> dict[int, str]:
    """When the criteria or the prompt that a judge follows on a question were last revised.

    Questions whose original criteria and prompt are in use are not in it. A prompt counts as
    revised where it is not the first version of its kind, or has taken another one's place.
    """
    sql = """
        WITH criteria_change AS (
          SELECT question_id, max(created_at) AS changed_at
          FROM study_dataset CROSS JOIN open_question AS question USING (dataset_id)
          CROSS JOIN criteria_activation ON criteria_activation.study_id = study_dataset.study_id
               AND criteria_activation.question_id = question.id
          WHERE study_dataset.study_id = :study GROUP BY question_id HAVING count(*) > 1),
        prompt_change AS (
          SELECT prompt_activation.category, prompt_activation.language,
                 max(prompt_activation.created_at) AS changed_at
          FROM prompt_activation JOIN judge_prompt
            ON judge_prompt.id = prompt_activation.judge_prompt_id
          WHERE study_id = :study AND judge_id = :judge
          GROUP BY prompt_activation.category, prompt_activation.language
          HAVING count(DISTINCT judge_prompt_id) > 1 OR max(version) > 1)
        SELECT question.id,
               max(coalesce(criteria_change.changed_at, ''), coalesce(prompt_change.changed_at, ''))
        FROM study_dataset CROSS JOIN open_question AS question USING (dataset_id)
        LEFT JOIN criteria_change ON criteria_change.question_id = question.id
        LEFT JOIN prompt_change ON prompt_change.category = question.category
                               AND prompt_change.language = question.language
        WHERE study_dataset.study_id = :study
          AND coalesce(criteria_change.changed_at, prompt_change.changed_at) IS NOT NULL
    """
    return dict(map(tuple, store.rows(sql, {"study": study_id, "judge": judge_id})))


def versions(store: Store, study_id: int) -> list[int]:
    """Versions of the criteria of a study's questions, oldest first."""
    sql = """
        SELECT DISTINCT version
        FROM study_dataset CROSS JOIN open_question AS question USING (dataset_id)
        JOIN criteria ON criteria.question_id = question.id WHERE study_id = ? ORDER BY version
    """
    return [version for (version,) in store.rows(sql, (study_id,))]


@dataclass(frozen=True, slots=True)
class Event:
    """A question's criteria or a category's prompt that were put to use in a study.

    Attributes:
        question_id: of the criteria; None for a prompt.
        category, language: of the prompt; '' for criteria.
        used_id: id of the criteria version, or of the rater that the prompt makes.
    """

    at: str
    question_id: int | None
    category: str
    language: str
    used_id: int
    reason: str
    by: str


def activations(store: Store, study_id: int, judge_id: int) -> list[Event]:
    """Everything that was put to use for a judge in a study, oldest first."""
    sql = """
        SELECT created_at AS at, question_id, '' AS category, '' AS language,
               criteria_id AS used_id, reason, created_by AS by
        FROM criteria_activation WHERE study_id = :study
        UNION ALL
        SELECT activation.created_at, NULL, category, language, rater.id, reason,
               activation.created_by
        FROM prompt_activation AS activation
        JOIN judge ON judge.id = activation.judge_id
        JOIN rater ON rater.configuration_id = judge.configuration_id
                  AND rater.judge_prompt_id = activation.judge_prompt_id
        WHERE activation.study_id = :study AND activation.judge_id = :judge
        ORDER BY 1
    """
    return store.read(Event, sql, {"study": study_id, "judge": judge_id})


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judging round on a response, under any criteria and prompt that ever served."""

    response_id: int
    rater_id: int
    criteria_id: int
    round: int
    value: int | None


def verdicts_on(store: Store, judge_id: int, among: Collection[int]) -> list[Verdict]:
    """A judge's last attempts on some responses, study rounds only."""
    sql = """
        SELECT response_id, rater_id, criteria_id, round, value FROM assessment
        WHERE response_id IN (SELECT value FROM json_each(:among)) AND purpose = 'study'
          AND rater_id IN (
            SELECT rater.id FROM rater JOIN judge USING (configuration_id) WHERE judge.id = :judge)
        ORDER BY response_id, rater_id, criteria_id, round, attempt
    """
    found = store.read(Verdict, sql, {"judge": judge_id, "among": json.dumps(sorted(among))})
    last = {(one.response_id, one.rater_id, one.criteria_id, one.round): one for one in found}
    return list(last.values())
