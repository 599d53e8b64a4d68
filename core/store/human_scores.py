"""Scores of physicians, each with the phase that follows from what they had been shown."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from core.store.assessments import Given, given_row
from core.store.database import Store

#: What a score's phase is, derived by the view `human_assessment` from what its author had been
#: shown, and what is claimed for it: `observed` for a score that was given on a page of this app.
Phase = Literal["blind", "informed", "unknown"]
ClaimedPhase = Literal["observed", "blind", "informed", "unknown"]


@dataclass(frozen=True, slots=True)
class HumanScore:
    """A person's score of a response, with the phase that follows from what they were shown.

    Attributes:
        usable: what the score means on its scale, where the safety of a generated medical text is
            a veto (`core.domain.mtg`); None where there is no score.
        seconds: active time on the response, where the app measured it.
    """

    id: int
    response_id: int
    person_id: int
    person: str
    criteria_version: int
    attempt: int
    value: int | None
    unscored_because: str | None
    usable: bool | None
    scale: str
    usable_from: int
    minimum: int
    maximum: int
    comment: str
    safety_risk: bool | None
    phase: Phase
    reason: str
    seconds: float | None
    created_at: str


_HUMAN = """
    SELECT given.id, given.response_id, person_id, person.name AS person,
           criteria.version AS criteria_version, given.attempt, value, unscored_because,
           value >= usable_from AND NOT (scale.name = 'MTG 0-7' AND safety_risk IS 1) AS usable,
           given.scale, usable_from, minimum, maximum, rationale AS comment, safety_risk, phase,
           given.reason, seconds, given.created_at
    FROM human_assessment AS given
    JOIN person ON person.id = person_id
    JOIN criteria ON criteria.id = given.criteria_id
    JOIN scale ON scale.name = given.scale
"""


#: Beginning with people's raters: of a large study's assessments theirs are few.
_BY_PEOPLE = _HUMAN.replace(
    "FROM human_assessment AS given\n    JOIN person ON person.id = person_id",
    "FROM person CROSS JOIN human_assessment AS given ON given.person_id = person.id",
)


def human_scores_of_response(store: Store, response_id: int) -> list[HumanScore]:
    """Every score of a response by people, in order of time."""
    sql = f"{_HUMAN} WHERE given.response_id = ? ORDER BY given.id"
    return store.read(HumanScore, sql, (response_id,))


def human_scores_of_study(
    store: Store, study_id: int, *, question_ids: Collection[int] | None = None
) -> list[HumanScore]:
    """Every score of a study's current responses by people, in order of time.

    Args:
        question_ids: of these questions alone; None for all.
    """
    some = "AND given.question_id IN (SELECT value FROM json_each(:questions))"
    sql = f"""{_BY_PEOPLE if question_ids is None else _HUMAN}
        WHERE EXISTS (SELECT 1 FROM current_response WHERE id = given.response_id)
          AND EXISTS (
            SELECT 1 FROM open_question JOIN study_dataset USING (dataset_id)
            WHERE open_question.id = given.question_id AND study_id = :study)
          {some if question_ids is not None else ""}
        ORDER BY given.id"""
    params = {"study": study_id, "questions": json.dumps(sorted(question_ids or ()))}
    return store.read(HumanScore, sql, params)


def counting(scores: Sequence[HumanScore]) -> list[HumanScore]:
    """Per person and response the last score that is not informed.

    Scores of unknown phase count, and are named wherever they do. A withdrawn score is the last
    one with value None, so that nothing counts until the response is scored again.
    """
    last = {
        (score.person_id, score.response_id): score for score in scores if score.phase != "informed"
    }
    return list(last.values())


def add_human_assessment(
    store: Store,
    response_id: int,
    rater_id: int,
    criteria_id: int,
    given: Given,
    *,
    claimed_phase: ClaimedPhase,
    reason: str,
    by: str,
    seconds: float | None = None,
    round: int = 1,
) -> int:
    """Store a person's score as their next attempt on a response.

    Args:
        round: 2 for a response that came back to them unannounced.
    """
    return store.add(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, round, attempt, purpose,"
        " scale, value, unscored_because, detail, rationale, safety_risk, claimed_phase, reason,"
        " created_by, seconds) VALUES (?1, ?2, ?3, ?14, (SELECT coalesce(max(attempt), 0) + 1"
        "  FROM assessment WHERE response_id = ?1 AND rater_id = ?2), 'study',"
        " ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        (
            response_id,
            rater_id,
            criteria_id,
            *given_row(given),
            claimed_phase,
            reason,
            by,
            seconds,
            round,
        ),
    )


def add_exposure(
    store: Store,
    person_id: int,
    question_id: int,
    shown: Literal["machine_verdict", "other_person"],
    *,
    page: str,
) -> None:
    """Record that a person has seen something about a question; the first time counts."""
    store.change(
        "INSERT OR IGNORE INTO exposure (person_id, question_id, shown, page, after_assessment)"
        " VALUES (?, ?, ?, ?, (SELECT coalesce(max(id), 0) FROM assessment))",
        (person_id, question_id, shown, page),
    )
