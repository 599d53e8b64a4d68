"""Assessments: scores of judges and physicians, the exchanges they came from, and exposures.

The key of a machine assessment is (response, rater, criteria, purpose, round, attempt). What a
study's plan asks for and this key space lacks is the outstanding work.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.scales import Scale
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
class Exchange:
    """What was sent to a judge for a key, and what came back."""

    key: Key
    prompt: str
    reply: str
    finish_reason: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A score on a scale, or the reason why there is none."""

    scale: Scale
    value: int | None
    unscored_because: str | None
    detail: str = ""
    rationale: str = ""
    safety_risk: bool | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Keys of a judge in a study: scored, unscored, and not asked yet; absent responses apart."""

    judged: int
    unscored: int
    outstanding: int
    absent: int


#: `wanted`: every key that a plan asks for, under the active criteria and prompts. `held`: each
#: of them with its last attempt, whose columns are NULL while the key is outstanding.
_WANTED = """
    WITH RECURSIVE
    round (number) AS (
      SELECT 1 UNION ALL SELECT number + 1 FROM round WHERE number < :rounds),
    wanted AS (
      SELECT response.id AS response_id, active_rater.rater_id, active_criteria.criteria_id,
             round.number AS round, question.id AS question_id, question.position,
             question.category, response.model_id, response.text IS NULL AS is_absent
      FROM study_dataset
      JOIN question ON question.dataset_id = study_dataset.dataset_id
      JOIN current_response AS response ON response.question_id = question.id
      JOIN active_criteria ON active_criteria.study_id = study_dataset.study_id
                          AND active_criteria.question_id = question.id
      JOIN active_rater ON active_rater.study_id = study_dataset.study_id
                       AND active_rater.judge_id = :judge
                       AND (active_rater.category = '*'
                            OR (active_rater.category = question.category
                                AND active_rater.language = question.language))
      CROSS JOIN round
      WHERE study_dataset.study_id = :study
        AND (:questions IS NULL
             OR question.id IN (SELECT value FROM json_each(:questions)))),
    held AS (
      SELECT wanted.*, assessment.id AS assessment_id, assessment.value,
             assessment.unscored_because
      FROM wanted LEFT JOIN assessment
        ON assessment.response_id = wanted.response_id
       AND assessment.rater_id = wanted.rater_id
       AND assessment.criteria_id = wanted.criteria_id
       AND assessment.purpose = 'study' AND assessment.round = wanted.round
       AND NOT EXISTS (
         SELECT 1 FROM assessment AS later
         WHERE later.response_id = assessment.response_id
           AND later.rater_id = assessment.rater_id
           AND later.criteria_id = assessment.criteria_id
           AND later.purpose = 'study' AND later.round = assessment.round
           AND later.attempt > assessment.attempt))
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which keys are asked for: a judge's rounds in a study, on all questions or on some."""

    study_id: int
    judge_id: int
    rounds: int
    question_ids: tuple[int, ...] | None = None

    @property
    def params(self) -> dict[str, object]:
        """Parameters of the statements below."""
        some = None if self.question_ids is None else json.dumps(self.question_ids)
        return {
            "study": self.study_id,
            "judge": self.judge_id,
            "rounds": self.rounds,
            "questions": some,
        }


def outstanding(store: Store, plan: Plan, *, limit: int | None = None) -> list[Key]:
    """Keys of a plan that have no assessment yet, in the order of the questions."""
    sql = f"""{_WANTED}
        SELECT response_id, rater_id, criteria_id, round FROM held
        WHERE assessment_id IS NULL AND NOT is_absent
        ORDER BY round, position, model_id LIMIT :limit"""
    return store.read(Key, sql, {**plan.params, "limit": -1 if limit is None else limit})


def progress(store: Store, plan: Plan) -> Progress:
    """Count a plan's keys."""
    sql = f"""{_WANTED}
        SELECT count(value), count(unscored_because),
               sum(assessment_id IS NULL AND NOT is_absent),
               sum(is_absent AND assessment_id IS NULL)
        FROM held"""
    judged, unscored, left, absent = store.rows(sql, plan.params)[0]
    return Progress(judged, unscored, left or 0, absent or 0)


def outstanding_by_category(store: Store, plan: Plan) -> dict[str, int]:
    """How many keys of a plan are outstanding, by category."""
    sql = f"""{_WANTED}
        SELECT category, sum(:all_rounds - (
          SELECT count(DISTINCT done.round) FROM assessment AS done
          WHERE done.response_id = wanted.response_id AND done.rater_id = wanted.rater_id
            AND done.criteria_id = wanted.criteria_id AND done.purpose = 'study'
            AND done.round <= :all_rounds)) AS outstanding
        FROM wanted WHERE NOT is_absent
        GROUP BY category HAVING outstanding > 0 ORDER BY category"""
    params = {**plan.params, "rounds": 1, "all_rounds": plan.rounds}
    return dict(map(tuple, store.rows(sql, params)))


def sample_of_category(store: Store, plan: Plan, category: str, *, size: int) -> list[Key]:
    """Some keys of a plan's first round, judged or not: always the same, spread over all."""
    sql = f"""{_WANTED}
        SELECT response_id, rater_id, criteria_id, round FROM wanted
        WHERE category = :category AND NOT is_absent
        ORDER BY (response_id * 2654435761) & 4294967295 LIMIT :size"""
    params = {**plan.params, "rounds": 1, "category": category, "size": size}
    return store.read(Key, sql, params)


def unscored_reasons(store: Store, plan: Plan) -> dict[str, int]:
    """How many keys of a plan are unscored, by reason."""
    sql = f"""{_WANTED}
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
        SELECT response_id FROM assessment JOIN rater ON rater.id = rater_id
        WHERE person_id IS NOT NULL)"""
    sql = f"""{_WANTED}
        SELECT response_id, question_id, category, model_id, round, value, unscored_because,
               is_absent
        FROM held WHERE 1 {scored if only_scored else ""}
        ORDER BY response_id, round"""
    return store.read(JudgeRound, sql, plan.params)


def judge_rounds_under(store: Store, plan: Plan, criteria_id: int) -> list[JudgeRound]:
    """A judge's rounds on one question under a given version of its criteria."""
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
        WHERE criteria.id = :criteria ORDER BY response.id, assessment.round, assessment.attempt
    """
    rounds = store.read(JudgeRound, sql, {**plan.params, "criteria": criteria_id})
    return list({(one.response_id, one.round): one for one in rounds}.values())


def add_exchanges(store: Store, exchanges: Sequence[Exchange], job_id: int | None) -> None:
    """Store what was said, before anybody reads it."""
    store.add_many(
        "INSERT INTO exchange (response_id, rater_id, criteria_id, round, attempt, purpose,"
        " prompt, reply, finish_reason, prompt_tokens, reply_tokens, seconds, cached_tokens,"
        " job_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *_key_row(said.key), _packed(said.prompt), _packed(said.reply),
                said.finish_reason, said.prompt_tokens, said.reply_tokens, said.seconds,
                said.cached_tokens, job_id,
            )
            for said in exchanges
        ],
    )  # fmt: skip


def unread_exchanges(store: Store, plan: Plan) -> list[tuple[Key, str, str]]:
    """Replies of a plan that were stored but not read: key, reply, finish reason."""
    sql = f"""{_WANTED}
        SELECT held.response_id, held.rater_id, held.criteria_id, held.round, attempt, purpose,
               reply, finish_reason
        FROM held JOIN exchange USING (response_id, rater_id, criteria_id, round)
        WHERE held.assessment_id IS NULL AND purpose = 'study'"""
    return [
        (Key(*row[:6]), unpacked(row[6]), row[7])
        for row in map(tuple, store.rows(sql, plan.params))
    ]


def add_machine_assessments(store: Store, given: Sequence[tuple[Key, Given]], *, by: str) -> None:
    """Store what a judge's replies say, each linked with its exchange."""
    store.add_many(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, round, attempt, purpose,"
        " scale, value, unscored_because, detail, rationale, safety_risk, claimed_phase,"
        " created_by, exchange_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'observed', ?13,"
        " (SELECT id FROM exchange WHERE response_id = ?1 AND rater_id = ?2"
        "  AND criteria_id = ?3 AND round = ?4 AND attempt = ?5 AND purpose = ?6))",
        [(*_key_row(key), *_given_row(score), by) for key, score in given],
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
    """A person's score of a response, with the phase that follows from what they were shown."""

    id: int
    response_id: int
    person_id: int
    person: str
    criteria_version: int
    attempt: int
    value: int | None
    unscored_because: str | None
    usable_from: int
    minimum: int
    maximum: int
    comment: str
    safety_risk: bool | None
    phase: Phase
    reason: str
    created_at: str


_HUMAN = """
    SELECT given.id, given.response_id, person_id, person.name AS person,
           criteria.version AS criteria_version, given.attempt, value, unscored_because,
           usable_from, minimum, maximum, rationale AS comment, safety_risk, phase,
           given.reason, given.created_at
    FROM human_assessment AS given
    JOIN person ON person.id = person_id
    JOIN criteria ON criteria.id = given.criteria_id
    JOIN scale ON scale.name = given.scale
"""


def human_scores_of_response(store: Store, response_id: int) -> list[HumanScore]:
    """Every score of a response by people, in order of time."""
    sql = f"{_HUMAN} WHERE given.response_id = ? ORDER BY given.id"
    return store.read(HumanScore, sql, (response_id,))


def human_scores_of_study(store: Store, study_id: int) -> list[HumanScore]:
    """Every score of a study's current responses by people, in order of time."""
    sql = f"""{_HUMAN} JOIN current_response ON current_response.id = given.response_id
        JOIN question ON question.id = given.question_id
        JOIN study_dataset USING (dataset_id)
        WHERE study_dataset.study_id = ? ORDER BY given.id"""
    return store.read(HumanScore, sql, (study_id,))


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
) -> int:
    """Store a person's score as their next attempt on a response."""
    return store.add(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, round, attempt, purpose,"
        " scale, value, unscored_because, detail, rationale, safety_risk, claimed_phase, reason,"
        " created_by) VALUES (?1, ?2, ?3, 1, (SELECT coalesce(max(attempt), 0) + 1"
        "  FROM assessment WHERE response_id = ?1 AND rater_id = ?2), 'study',"
        " ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        (
            response_id,
            rater_id,
            criteria_id,
            *_given_row(given),
            claimed_phase,
            reason,
            by,
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
        SELECT judge.name AS judge, engine, model, judge_prompt.version AS prompt_version,
               criteria.version AS criteria_version,
               EXISTS (SELECT 1 FROM active_criteria WHERE active_criteria.study_id = ?
                       AND active_criteria.criteria_id = assessment.criteria_id) AS is_active,
               purpose, round, attempt, value, unscored_because, detail, rationale, safety_risk,
               maximum, assessment.created_at, exchange_id
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


def exchange_texts(store: Store, exchange_id: int) -> tuple[str, str]:
    """Prompt and reply of an exchange, whole."""
    found = store.row("SELECT prompt, reply FROM exchange WHERE id = ?", (exchange_id,))
    assert found is not None
    return unpacked(found[0]), unpacked(found[1])


def scale_named(store: Store, name: str) -> Scale:
    """The scale of that name, which must exist."""
    sql = "SELECT name, minimum, maximum, usable_from FROM scale WHERE name = ?"
    found = store.row(sql, (name,))
    assert found is not None
    return Scale(*found)


def unpacked(stored: bytes) -> str:
    """The text of a compressed column."""
    return zlib.decompress(stored).decode("utf-8", "surrogatepass")


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def _key_row(key: Key) -> tuple[int, int, int, int, int, str]:
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
