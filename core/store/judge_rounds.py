"""Scores of judges as they are read: round by round, or of one response with all that was said."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.store.assessments import SERVES, Plan, Purpose, held
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class JudgeRound:
    """One round of a judge on one response."""

    response_id: int
    question_id: int
    category: str
    round: int
    value: int | None
    unscored_because: str | None


def judge_rounds(store: Store, plan: Plan, *, only_scored: bool = False) -> list[JudgeRound]:
    """A judge's rounds on the responses of a plan, pending ones included.

    Args:
        only_scored: only responses that a person has scored.
    """
    scored = """AND response_id IN (
        SELECT response_id FROM rater CROSS JOIN assessment ON rater_id = rater.id
        WHERE person_id IS NOT NULL)"""
    sql = f"""{held(plan)}
        SELECT response_id, question_id, category, round, value, unscored_because
        FROM held WHERE 1 {scored if only_scored else ""}
        ORDER BY +response_id, round"""  # or every response there is would be walked in order
    return store.read(JudgeRound, sql, plan.params)


def judge_rounds_of(store: Store, plan: Plan, response_id: int) -> list[JudgeRound]:
    """A judge's rounds on one response, pending ones included."""
    question_id = store.value("SELECT question_id FROM response WHERE id = ?", (response_id,))
    rounds = judge_rounds(store, replace(plan, question_ids=(question_id,)))
    return [one for one in rounds if one.response_id == response_id]


def judge_rounds_under(store: Store, plan: Plan, criteria_ids: Sequence[int]) -> list[JudgeRound]:
    """A judge's rounds on some questions under given versions of their criteria."""
    sql = f"""
        SELECT response.id AS response_id, question.id AS question_id, question.category,
               assessment.round, value, unscored_because
        FROM criteria
        JOIN question ON question.id = criteria.question_id
        JOIN current_response AS response ON response.question_id = question.id
        JOIN active_rater ON active_rater.study_id = :study AND active_rater.judge_id = :judge
             AND {SERVES}
        JOIN assessment ON assessment.response_id = response.id
             AND assessment.rater_id = active_rater.rater_id
             AND assessment.criteria_id = criteria.id AND purpose = 'study'
             AND assessment.round <= :rounds
        WHERE criteria.id IN (SELECT value FROM json_each(:criteria))
        ORDER BY response.id, assessment.round, assessment.attempt
    """
    params = {**plan.params, "criteria": json.dumps(list(criteria_ids))}
    rounds = store.read(JudgeRound, sql, params)
    return list({(one.response_id, one.round): one for one in rounds}.values())


@dataclass(frozen=True, slots=True)
class VersionVerdict:
    """The last attempt of one round under one version of a question's criteria."""

    criteria_id: int
    response_id: int
    round: int
    value: int | None


def verdicts_by_version(
    store: Store, study_id: int, judge_id: int, question_id: int
) -> list[VersionVerdict]:
    """Verdicts of a judge's present prompt under every version of a question's criteria.

    Those of trials stand in where the study has none.
    """
    sql = f"""
        SELECT assessment.criteria_id, assessment.response_id, assessment.round, assessment.value
        FROM question
        JOIN current_response AS response ON response.question_id = question.id
        JOIN active_rater ON active_rater.study_id = :study AND active_rater.judge_id = :judge
             AND {SERVES}
        JOIN assessment ON assessment.response_id = response.id
             AND assessment.rater_id = active_rater.rater_id
             AND assessment.purpose IN ('study', 'trial')
        WHERE question.id = :question
        ORDER BY assessment.purpose DESC, assessment.attempt
    """
    params = {"study": study_id, "judge": judge_id, "question": question_id}
    found = store.read(VersionVerdict, sql, params)
    last = {(one.criteria_id, one.response_id, one.round): one for one in found}
    return list(last.values())


@dataclass(frozen=True, slots=True)
class MachineScore:
    """A judge's score of a response, with what was said."""

    id: int
    judge: str
    engine: str
    model: str
    prompt_version: int
    criteria_version: int
    is_active: bool
    purpose: Purpose
    round: int
    attempt: int
    value: int | None
    usable: bool | None
    unscored_because: str | None
    detail: str
    rationale: str
    safety_risk: bool | None
    maximum: int
    created_at: str
    exchange_id: int | None


def machine_scores(store: Store, study_id: int, response_id: int) -> list[MachineScore]:
    """Every score of a response by judges, newest criteria first."""
    sql = """
        SELECT assessment.id AS id, judge.name AS judge, engine, model,
               judge_prompt.version AS prompt_version, criteria.version AS criteria_version,
               EXISTS (SELECT 1 FROM active_criteria WHERE active_criteria.study_id = ?
                       AND active_criteria.criteria_id = assessment.criteria_id) AS is_active,
               purpose, round, attempt, value, value >= usable_from AS usable, unscored_because,
               detail, rationale, safety_risk, maximum, assessment.created_at, exchange_id
        FROM assessment
        JOIN rater ON rater.id = rater_id AND rater.configuration_id IS NOT NULL
        JOIN configuration ON configuration.id = rater.configuration_id
        JOIN judge ON judge.configuration_id = configuration.id
        JOIN judge_prompt ON judge_prompt.id = rater.judge_prompt_id
        JOIN criteria ON criteria.id = assessment.criteria_id
        JOIN scale ON scale.name = assessment.scale
        WHERE response_id = ?
        ORDER BY criteria.version DESC, judge.id, round, attempt
    """
    return store.read(MachineScore, sql, (study_id, response_id))
