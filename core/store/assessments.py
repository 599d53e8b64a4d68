"""Assessments: scores of judges and physicians, and exposures.

The key of a machine assessment is (response, rater, criteria, purpose, round, attempt). What a
study's plan asks for and this key space lacks is the outstanding work.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from core.domain.scales import Scale
from core.domain.verdicts import MARKS, Mark
from core.store.database import Store

Purpose = Literal["study", "trial", "noise"]
#: What a score's phase is, derived by the view `human_assessment` from what its author had been
#: shown, and what is claimed for it: `observed` for a score that was given on a page of this app.
Phase = Literal["blind", "informed", "unknown"]
ClaimedPhase = Literal["observed", "blind", "informed", "unknown"]


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


_ACTIVE = """JOIN active_criteria AS followed ON followed.study_id = study_dataset.study_id
                          AND followed.question_id = question.id"""
_VERSION = """JOIN (SELECT id AS criteria_id, question_id FROM criteria WHERE version = :version)
           AS followed ON followed.question_id = question.id"""


def held(plan: Plan) -> str:
    """A statement's beginning, with every key that a plan asks for in `held`.

    They are those under the plan's criteria and the active prompts, each with its last attempt; its
    columns are NULL while the key has none. Both indexes that it names hold all it reads.
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
      JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id
      JOIN current_response AS response ON response.question_id = question.id
      {_ACTIVE if plan.version is None else _VERSION}
      JOIN active_rater ON active_rater.study_id = study_dataset.study_id
                       AND active_rater.judge_id = :judge
                       AND (active_rater.category = '*'
                            OR (active_rater.category = question.category
                                AND active_rater.language = question.language))
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


@dataclass(frozen=True, slots=True)
class JudgeRound:
    """One round of a judge on one response."""

    response_id: int
    question_id: int
    category: str
    model_id: int
    round: int
    value: int | None
    unscored_because: str | None
    is_absent: bool


def judge_rounds(store: Store, plan: Plan, *, only_scored: bool = False) -> list[JudgeRound]:
    """A judge's rounds on the responses of a plan, pending ones included.

    Args:
        only_scored: only responses that a person has scored.
    """
    scored = """AND response_id IN (
        SELECT response_id FROM rater CROSS JOIN assessment ON rater_id = rater.id
        WHERE person_id IS NOT NULL)"""
    sql = f"""{held(plan)}
        SELECT response_id, question_id, category, model_id, round, value, unscored_because,
               is_absent
        FROM held WHERE 1 {scored if only_scored else ""}
        ORDER BY response_id, round"""
    return store.read(JudgeRound, sql, plan.params)


def judge_rounds_of(store: Store, plan: Plan, response_id: int) -> list[JudgeRound]:
    """A judge's rounds on one response, pending ones included."""
    question_id = store.value("SELECT question_id FROM response WHERE id = ?", (response_id,))
    rounds = judge_rounds(store, replace(plan, question_ids=(question_id,)))
    return [one for one in rounds if one.response_id == response_id]


def judge_rounds_under(store: Store, plan: Plan, criteria_ids: Sequence[int]) -> list[JudgeRound]:
    """A judge's rounds on some questions under given versions of their criteria."""
    sql = """
        SELECT response.id AS response_id, question.id AS question_id, question.category,
               response.model_id, assessment.round, value, unscored_because, 0 AS is_absent
        FROM criteria
        JOIN question ON question.id = criteria.question_id
        JOIN current_response AS response ON response.question_id = question.id
        JOIN active_rater ON active_rater.study_id = :study AND active_rater.judge_id = :judge
             AND (active_rater.category = '*' OR (active_rater.category = question.category
                  AND active_rater.language = question.language))
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
            (*key_row(key), *_given_row(score), by, reason),
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
            *_given_row(given),
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


def _given_row(
    given: Given,
) -> tuple[str, int | None, str | None, str, str, int | None]:
    risk = None if given.safety_risk is None else int(given.safety_risk)
    return (
        given.scale.name, given.value, given.unscored_because, given.detail, given.rationale, risk,
    )  # fmt: skip
