"""Trials: a candidate's responses, the keys that its trial still asks for, and both sides of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.store.assessments import Key
from core.store.database import Store

Role = Literal["affected", "regression"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate that is judged beside what is in use.

    Attributes:
        criteria_id, judge_prompt_id: the candidate; one of them is None.
        base_id: the criteria version, or prompt, that was in use when the trial began.
    """

    id: int
    study_id: int
    judge_id: int
    criteria_id: int | None
    judge_prompt_id: int | None
    base_id: int
    rounds: int
    has_noise: bool
    created_by: str
    created_at: str


@dataclass(frozen=True, slots=True)
class TrialResponse:
    """A response of a trial.

    Attributes:
        probability: with which it was drawn among its like.
    """

    response_id: int
    role: Role
    probability: float
    before_rater_id: int
    before_criteria_id: int
    after_rater_id: int
    after_criteria_id: int


_COLUMNS = """
    SELECT id, study_id, judge_id, criteria_id, judge_prompt_id, base_id, rounds, has_noise,
           created_by, created_at
    FROM trial
"""


def add_trial(
    store: Store, study_id: int, judge_id: int, *, criteria_id: int | None,
    judge_prompt_id: int | None, base_id: int, rounds: int, has_noise: bool, by: str,
) -> int:  # fmt: skip
    """Insert a trial."""
    return store.add(
        "INSERT INTO trial (study_id, judge_id, criteria_id, judge_prompt_id, base_id, rounds,"
        " has_noise, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (study_id, judge_id, criteria_id, judge_prompt_id, base_id, rounds, int(has_noise), by),
    )


def add_responses(store: Store, trial_id: int, responses: Sequence[TrialResponse]) -> None:
    """Insert what a trial is made on."""
    store.add_many(
        "INSERT INTO trial_response (trial_id, response_id, role, probability, before_rater_id,"
        " before_criteria_id, after_rater_id, after_criteria_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                trial_id, one.response_id, one.role, one.probability, one.before_rater_id,
                one.before_criteria_id, one.after_rater_id, one.after_criteria_id,
            )
            for one in responses
        ],
    )  # fmt: skip


def trial_by_id(store: Store, trial_id: int) -> Trial | None:
    """The trial with that id."""
    return store.read_one(Trial, f"{_COLUMNS} WHERE id = ?", (trial_id,))


def trial_of(
    store: Store, study_id: int, judge_id: int, *, criteria_id: int | None = None,
    judge_prompt_id: int | None = None,
) -> Trial | None:  # fmt: skip
    """The newest trial of a candidate with a judge."""
    return store.read_one(
        Trial,
        f"{_COLUMNS} WHERE study_id = ? AND judge_id = ? AND criteria_id IS ?"
        " AND judge_prompt_id IS ? ORDER BY id DESC LIMIT 1",
        (study_id, judge_id, criteria_id, judge_prompt_id),
    )


def responses_of(store: Store, trial_id: int) -> list[TrialResponse]:
    """What a trial is made on."""
    sql = """
        SELECT response_id, role, probability, before_rater_id, before_criteria_id,
               after_rater_id, after_criteria_id
        FROM trial_response WHERE trial_id = ? ORDER BY response_id
    """
    return store.read(TrialResponse, sql, (trial_id,))


_WANTED = """
    WITH RECURSIVE round (number) AS (
      SELECT 1 UNION ALL SELECT number + 1 FROM round, trial
      WHERE trial.id = :trial AND number < rounds),
    wanted AS (
      SELECT response_id, after_rater_id AS rater_id, after_criteria_id AS criteria_id,
             'trial' AS purpose
      FROM trial_response WHERE trial_id = :trial
      UNION ALL
      SELECT response_id, before_rater_id, before_criteria_id, 'noise'
      FROM trial_response JOIN trial ON trial.id = trial_id
      WHERE trial_id = :trial AND has_noise),
    missing AS (
      SELECT response_id, rater_id, criteria_id, round.number AS round, purpose
      FROM wanted CROSS JOIN round
      WHERE NOT EXISTS (
        SELECT 1 FROM assessment
        WHERE assessment.response_id = wanted.response_id
          AND assessment.rater_id = wanted.rater_id
          AND assessment.criteria_id = wanted.criteria_id
          AND assessment.round = round.number
          AND (assessment.purpose = wanted.purpose
               OR (wanted.purpose = 'trial' AND assessment.purpose = 'study'))))
"""


def missing(store: Store, trial_id: int) -> list[Key]:
    """The keys that a trial asks for and nobody has judged, the candidate's first.

    A verdict that the study has already, or another trial, is not asked for again.
    """
    sql = f"""{_WANTED}
        SELECT response_id, rater_id, criteria_id, round, 1 AS attempt, purpose FROM missing
        ORDER BY purpose = 'noise', round, response_id"""
    return store.read(Key, sql, {"trial": trial_id})


def missing_by_category(store: Store, trial_id: int) -> dict[str, int]:
    """How many keys a trial still asks for, by category."""
    sql = f"""{_WANTED}
        SELECT category, count(*) FROM missing JOIN response ON response.id = response_id
        JOIN question ON question.id = question_id GROUP BY category"""
    return dict(map(tuple, store.rows(sql, {"trial": trial_id})))


@dataclass(frozen=True, slots=True)
class SideVerdict:
    """The last attempt of one round, on one side of a trial."""

    side: Literal["before", "after", "noise"]
    assessment_id: int
    response_id: int
    round: int
    value: int | None


def verdicts(store: Store, trial_id: int) -> list[SideVerdict]:
    """Every verdict of a trial; the study's own come before those of trials."""
    sql = """
        SELECT side, assessment.id AS assessment_id, assessment.response_id, assessment.round,
               assessment.value
        FROM (
          SELECT 'before' AS side, response_id, before_rater_id AS rater_id,
                 before_criteria_id AS criteria_id, 'study' AS purpose, 0 AS rank
          FROM trial_response WHERE trial_id = :trial
          UNION ALL
          SELECT 'after', response_id, after_rater_id, after_criteria_id, 'trial', 1
          FROM trial_response WHERE trial_id = :trial
          UNION ALL
          SELECT 'after', response_id, after_rater_id, after_criteria_id, 'study', 0
          FROM trial_response WHERE trial_id = :trial
          UNION ALL
          SELECT 'noise', response_id, before_rater_id, before_criteria_id, 'noise', 0
          FROM trial_response WHERE trial_id = :trial) AS wanted
        JOIN assessment ON assessment.response_id = wanted.response_id
             AND assessment.rater_id = wanted.rater_id
             AND assessment.criteria_id = wanted.criteria_id
             AND assessment.purpose = wanted.purpose
        JOIN trial ON trial.id = :trial
        WHERE assessment.round <= trial.rounds
        ORDER BY rank DESC, attempt
    """
    found = store.read(SideVerdict, sql, {"trial": trial_id})
    return list({(one.side, one.response_id, one.round): one for one in found}.values())
