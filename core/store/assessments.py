"""Assessments that a judge is asked for: which there are to be, what is there, what is outstanding.

The key of a machine assessment is (response, rater, criteria, purpose, round, attempt). What a
study's plan asks for and this key space lacks is the outstanding work.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from core.domain.scales import Scale
from core.domain.verdicts import MARKS, Mark
from core.store.database import Store

Purpose = Literal["study", "trial", "noise"]


@dataclass(frozen=True, slots=True)
class Key:
    """What one machine assessment is of."""

    response_id: int
    rater_id: int
    criteria_id: int
    round: int
    attempt: int = 1
    purpose: Purpose = "study"


@dataclass(frozen=True, slots=True)
class Given:
    """A score on a scale, or the reason why there is none.

    Attributes:
        marks: of the requirements of the key's criteria.
    """

    scale: Scale
    value: int | None
    unscored_because: str | None
    detail: str = ""
    rationale: str = ""
    safety_risk: bool | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Keys of a judge in a study: scored, unscored, and not asked yet; absent responses apart."""

    judged: int
    unscored: int
    outstanding: int
    absent: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Which keys are asked for: a judge's rounds in a study, on all questions or on some.

    Attributes:
        retry_until: keys that were left unscored are asked for again, as their next attempt,
            where their last assessment's id is at most this; None: none of them.
        first_round: rounds before it are left out.
        version: of the criteria, on the questions that have it; None for the active one.
    """

    study_id: int
    judge_id: int
    rounds: int
    question_ids: tuple[int, ...] | None = None
    retry_until: int | None = None
    first_round: int = 1
    version: int | None = None

    @property
    def params(self) -> dict[str, object]:
        """Parameters of the statements below."""
        return {
            "study": self.study_id,
            "judge": self.judge_id,
            "rounds": self.rounds,
            "first_round": self.first_round,
            "questions": json.dumps(self.question_ids),
            "retry_until": self.retry_until,
            "version": self.version,
        }


#: Whether an active rater is the one for a question: by its category and language, or for all.
SERVES = """(active_rater.category = '*' OR (active_rater.category = question.category
             AND active_rater.language = question.language))"""
_ACTIVE = """CROSS JOIN active_criteria AS followed ON followed.study_id = study_dataset.study_id
                          AND followed.question_id = question.id"""
_VERSION = """JOIN (SELECT id AS criteria_id, question_id FROM criteria WHERE version = :version)
           AS followed ON followed.question_id = question.id"""


def held(plan: Plan) -> str:
    """A statement's beginning, with every key that a plan asks for in `held`.

    They are those under the plan's criteria and the active prompts, each with its last attempt; its
    columns are NULL while the key has none. Both indexes that it names hold all it reads. Open
    questions come first: a study may have ten times as many closed ones.
    """
    some = "AND question.id IN (SELECT value FROM json_each(:questions))"
    return f"""
    WITH RECURSIVE
    round (number) AS (
      SELECT :first_round UNION ALL SELECT number + 1 FROM round WHERE number < :rounds),
    wanted AS (
      SELECT response.id AS response_id, active_rater.rater_id, followed.criteria_id,
             round.number AS round, question.id AS question_id, question.position,
             question.category, response.model_id,
             response.absent_because IS NOT NULL AS is_absent
      FROM study_dataset
      CROSS JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id
      JOIN current_response AS response ON response.question_id = question.id
      {_ACTIVE if plan.version is None else _VERSION}
      JOIN active_rater ON active_rater.study_id = study_dataset.study_id
                       AND active_rater.judge_id = :judge
                       AND {SERVES}
      CROSS JOIN round
      WHERE study_dataset.study_id = :study {some if plan.question_ids is not None else ""}),
    held AS (
      SELECT wanted.*, assessment.id AS assessment_id, assessment.attempt, assessment.value,
             assessment.unscored_because
      FROM wanted LEFT JOIN assessment INDEXED BY assessment_by_rater
        ON assessment.response_id = wanted.response_id
       AND assessment.rater_id = wanted.rater_id
       AND assessment.criteria_id = wanted.criteria_id
       AND assessment.purpose = 'study' AND assessment.round = wanted.round
       AND NOT EXISTS (
         SELECT 1 FROM assessment AS later INDEXED BY assessment_again
         WHERE later.attempt > 1
           AND later.response_id = assessment.response_id
           AND later.rater_id = assessment.rater_id
           AND later.criteria_id = assessment.criteria_id
           AND later.purpose = 'study' AND later.round = assessment.round
           AND later.attempt > assessment.attempt))
    """


#: Keys that are read at once, about; nothing ever holds all keys of a large study.
_KEYS_AT_ONCE = 1_000
_IS_OUTSTANDING = """
    NOT is_absent AND (assessment_id IS NULL
                       OR (unscored_because IS NOT NULL AND assessment_id <= :retry_until))
"""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Keys of a plan that have no assessment yet, round by round in the order of the questions.

    They are read as they are iterated over, some questions at a time.

    Attributes:
        places: round, question and number of keys, in order.
    """

    store: Store
    plan: Plan
    places: tuple[tuple[int, int, int], ...]

    @property
    def total(self) -> int:
        """How many keys there were when this was made."""
        return sum(count for _, _, count in self.places)

    def __iter__(self) -> Iterator[Key]:
        for number, question_ids in self._pages():
            page = replace(
                self.plan, first_round=number, rounds=number, question_ids=tuple(question_ids)
            )
            sql = f"""{held(page)}
                SELECT response_id, rater_id, criteria_id, round, coalesce(attempt, 0) + 1
                FROM held WHERE {_IS_OUTSTANDING} ORDER BY position, model_id, response_id"""
            for row in self.store.rows(sql, page.params):
                yield Key(*row)

    def _pages(self) -> Iterator[tuple[int, list[int]]]:
        """Questions of one round, with about so many keys as are read at once."""
        for number, places in groupby(self.places, key=lambda place: place[0]):
            page, keys = [], 0
            for _, question_id, count in places:
                page.append(question_id)
                keys += count
                if keys >= _KEYS_AT_ONCE:
                    yield number, page
                    page, keys = [], 0
            if page:
                yield number, page


def outstanding(store: Store, plan: Plan) -> Outstanding:
    """What of a plan is to be done."""
    sql = f"""{held(plan)}
        SELECT round, question_id, count(*) FROM held WHERE {_IS_OUTSTANDING}
        GROUP BY round, position, question_id ORDER BY round, position, question_id"""
    return Outstanding(store, plan, tuple(map(tuple, store.rows(sql, plan.params))))


def last_id(store: Store) -> int:
    """The highest id of an assessment; 0 where there is none."""
    return int(store.value("SELECT coalesce(max(id), 0) FROM assessment"))


def progress(store: Store, plan: Plan) -> Progress:
    """Count a plan's keys."""
    sql = f"""{held(plan)}
        SELECT count(value), count(unscored_because),
               sum(assessment_id IS NULL AND NOT is_absent),
               sum(is_absent AND assessment_id IS NULL)
        FROM held"""
    judged, unscored, left, absent = store.rows(sql, plan.params)[0]
    return Progress(judged, unscored, left or 0, absent or 0)


def outstanding_by_category(store: Store, plan: Plan) -> dict[str, int]:
    """How many keys of a plan are outstanding, by category."""
    sql = f"""{held(plan)}
        SELECT category, count(*) FROM held WHERE {_IS_OUTSTANDING} GROUP BY category"""
    return dict(map(tuple, store.rows(sql, plan.params)))


def sample_of_category(store: Store, plan: Plan, category: str, *, size: int) -> list[Key]:
    """Some keys of a plan's first round, judged or not: always the same, spread over all."""
    first = replace(plan, rounds=1)
    sql = f"""{held(first)}
        SELECT response_id, rater_id, criteria_id, round FROM wanted
        WHERE category = :category AND NOT is_absent
        ORDER BY (response_id * 2654435761) & 4294967295 LIMIT :size"""
    params = {**first.params, "category": category, "size": size}
    return store.read(Key, sql, params)


def unscored_reasons(store: Store, plan: Plan) -> dict[str, int]:
    """How many keys of a plan are unscored, by reason."""
    sql = f"""{held(plan)}
        SELECT unscored_because, count(*) FROM held
        WHERE unscored_because IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"""
    return dict(map(tuple, store.rows(sql, plan.params)))


def add_machine_assessments(
    store: Store, given: Sequence[tuple[Key, Given]], *, by: str, reason: str = ""
) -> None:
    """Store what a judge's replies say, each linked with the last exchange of its attempt."""
    for key, score in given:
        assessment_id = store.add(
            "INSERT INTO assessment (response_id, rater_id, criteria_id, round, attempt, purpose,"
            " scale, value, unscored_because, detail, rationale, safety_risk, claimed_phase,"
            " created_by, reason, exchange_id)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'observed', ?13, ?14,"
            " (SELECT id FROM exchange WHERE response_id = ?1 AND rater_id = ?2"
            "  AND criteria_id = ?3 AND round = ?4 AND attempt = ?5 AND purpose = ?6"
            "  ORDER BY ask DESC LIMIT 1))",
            (*key_row(key), *given_row(score), by, reason),
        )
        store.add_many(
            "INSERT INTO assessment_part (assessment_id, position, requirement_id, value, quote)"
            " VALUES (?1, ?2, (SELECT requirement_id FROM criteria_requirement"
            "  WHERE criteria_id = ?3 AND position = ?2), ?4, ?5)",
            [
                (assessment_id, one.number, key.criteria_id, MARKS.index(one.mark), one.quote)
                for one in score.marks
            ],
        )


def last_assessment(store: Store, key: Key) -> tuple[int | None, str, int] | None:
    """Value, rationale and attempt of the last assessment of a key, whatever its attempt."""
    sql = """
        SELECT value, rationale, attempt FROM assessment
        WHERE response_id = ? AND rater_id = ? AND criteria_id = ? AND purpose = ? AND round = ?
        ORDER BY attempt DESC LIMIT 1
    """
    identity = (key.response_id, key.rater_id, key.criteria_id, key.purpose, key.round)
    found = store.row(sql, identity)
    return None if found is None else tuple(found)


def scale_named(store: Store, name: str) -> Scale:
    """The scale of that name, which must exist."""
    sql = "SELECT name, minimum, maximum, usable_from FROM scale WHERE name = ?"
    found = store.row(sql, (name,))
    assert found is not None
    return Scale(*found)


def key_row(key: Key) -> tuple[int, int, int, int, int, str]:
    """A key's columns: response, rater, criteria, round, attempt, purpose."""
    return (
        key.response_id, key.rater_id, key.criteria_id, key.round, key.attempt, key.purpose,
    )  # fmt: skip


def given_row(
    given: Given,
) -> tuple[str, int | None, str | None, str, str, int | None]:
    """A score's columns: scale, value, why there is none, detail, rationale, safety risk."""
    risk = None if given.safety_risk is None else int(given.safety_risk)
    return (
        given.scale.name, given.value, given.unscored_because, given.detail, given.rationale, risk,
    )  # fmt: skip
