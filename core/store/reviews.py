"""A physician's queue: what they have answered, what they have been shown, what comes next."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.store.assessments import Given
from core.store.database import Store, opened

#: An answer (a score, or why there is none) stands unless the last attempt withdrew it.
_LAST_ANSWERS = """
    WITH last AS (
      SELECT response_id, max(attempt), unscored_because, seconds FROM assessment
      WHERE rater_id = (SELECT id FROM rater WHERE person_id = :person) AND purpose = 'study'
        AND round = 1
      GROUP BY response_id)
"""
_IS_CURRENT = """
    NOT EXISTS (SELECT 1 FROM response AS later
                WHERE later.question_id = response.question_id
                  AND later.model_id = response.model_id AND later.sample = response.sample
                  AND later.attempt > response.attempt AND later.id <= :last)
"""


def offered_count(store: Store, study_id: int) -> int:
    """How many responses a study has for its physicians."""
    sql = "SELECT (SELECT max(id) FROM response), count(*) FROM study_dataset WHERE study_id = ?"
    last_response_id, datasets = store.rows(sql, (study_id,))[0]
    return _offered_until(store.path, study_id, datasets, last_response_id or 0)


@lru_cache(maxsize=64)
def _offered_until(path: Path, study_id: int, datasets: int, last_response_id: int) -> int:
    """As `offered_count`; responses are append-only, so what was counted up to one stays true."""
    sql = f"""
        SELECT count(*) FROM study_dataset
        JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id
        JOIN response ON response.question_id = question.id
        WHERE study_id = :study AND text IS NOT NULL AND response.id <= :last AND {_IS_CURRENT}
    """
    with opened(path) as store:
        return int(store.value(sql, {"study": study_id, "last": last_response_id}))


def offered_questions(store: Store, study_id: int, person_id: int) -> list[tuple[int, bool]]:
    """A study's questions in a fixed order that differs from physician to physician.

    Each with whether anything about it was shown to this one.
    """
    sql = "SELECT (SELECT max(id) FROM question), count(*) FROM study_dataset WHERE study_id = ?"
    last_question_id, datasets = store.rows(sql, (study_id,))[0]
    order = _order_until(store.path, study_id, person_id, datasets, last_question_id or 0)
    sql = "SELECT DISTINCT question_id FROM exposure WHERE person_id = ?"
    exposed = {question_id for (question_id,) in store.rows(sql, (person_id,))}
    return [(question_id, question_id in exposed) for question_id in order]


@lru_cache(maxsize=128)
def _order_until(
    path: Path, study_id: int, person_id: int, datasets: int, last_question_id: int
) -> tuple[int, ...]:
    """The order of `offered_questions`; questions are append-only, so it stays up to one."""
    sql = """
        SELECT question.id FROM study_dataset
        JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id
        WHERE study_id = :study AND question.id <= :last
        ORDER BY (question.id * (7919 + 104729 * :person)) % 99991, question.id
    """
    params = {"study": study_id, "person": person_id, "last": last_question_id}
    with opened(path) as store:
        return tuple(question_id for (question_id,) in store.rows(sql, params))


def offered_responses(store: Store, question_id: int, person_id: int) -> list[int]:
    """A question's responses in a fixed order that differs from physician to physician."""
    sql = """
        SELECT id FROM current_response AS response
        WHERE question_id = :question AND text IS NOT NULL
        ORDER BY (id * (7919 + 104729 * :person)) % 99991, id
    """
    rows = store.rows(sql, {"question": question_id, "person": person_id})
    return [response_id for (response_id,) in rows]


def answered(store: Store, study_id: int, person_id: int) -> dict[int, int]:
    """The question of every response of a study that a physician has answered, by response."""
    sql = f"""{_LAST_ANSWERS}
        SELECT response.id, response.question_id
        FROM last JOIN current_response AS response ON response.id = last.response_id
        JOIN question ON question.id = response.question_id
        JOIN study_dataset USING (dataset_id)
        WHERE study_id = :study AND last.unscored_because IS NOT 'withdrawn'
        ORDER BY question.position, response.id
    """
    return dict(map(tuple, store.rows(sql, {"study": study_id, "person": person_id})))


def answered_questions(store: Store, study_id: int) -> dict[int, int]:
    """The question of every response of a study that any person has answered, by response."""
    sql = """
        SELECT DISTINCT given.response_id, given.question_id
        FROM person CROSS JOIN human_assessment AS given ON given.person_id = person.id
        JOIN question ON question.id = given.question_id
        JOIN study_dataset USING (dataset_id) WHERE study_id = ?
    """
    return dict(map(tuple, store.rows(sql, (study_id,))))


def recent_seconds(store: Store, person_id: int, *, last: int) -> list[float]:
    """Active seconds of a person's last so many answers that have them."""
    sql = """
        SELECT seconds FROM assessment
        WHERE rater_id = (SELECT id FROM rater WHERE person_id = ?) AND seconds IS NOT NULL
        ORDER BY id DESC LIMIT ?
    """
    return [seconds for (seconds,) in store.rows(sql, (person_id, last))]


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """What a person said last of a response; `value` is None where they gave no score.

    Attributes:
        id: of the assessment.
    """

    id: int
    scale: str
    value: int | None
    unscored_because: str | None
    comment: str
    safety_risk: bool | None

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was taken back, so that the response waits again."""
        return self.unscored_because == "withdrawn"

    def says(self, given: Given) -> bool:
        """Tell whether it is exactly this answer, marks aside."""
        return (
            self.scale, self.value, self.unscored_because, self.comment, self.safety_risk
        ) == (
            given.scale.name, given.value, given.unscored_because, given.rationale,
            given.safety_risk,
        )  # fmt: skip


def last_answer(store: Store, person_id: int, response_id: int) -> LastAnswer | None:
    """A person's last answer to a response, whichever criteria were on the screen."""
    sql = """
        SELECT assessment.id, scale, value, unscored_because, rationale AS comment,
               safety_risk
        FROM assessment JOIN rater ON rater.id = rater_id
        WHERE response_id = ? AND person_id = ? AND round = 1
        ORDER BY assessment.id DESC LIMIT 1
    """
    return store.read_one(LastAnswer, sql, (response_id, person_id))


def is_exposed(store: Store, person_id: int, question_id: int) -> bool:
    """Tell whether anything about a question has been shown to a person."""
    sql = "SELECT count(*) FROM exposure WHERE person_id = ? AND question_id = ?"
    return bool(store.value(sql, (person_id, question_id)))


def was_shown(store: Store, person_id: int, question_id: int, shown: str) -> bool:
    """Tell whether this kind of thing about a question has been shown to a person."""
    sql = "SELECT count(*) FROM exposure WHERE person_id = ? AND question_id = ? AND shown = ?"
    return bool(store.value(sql, (person_id, question_id, shown)))


def revealed_questions(store: Store, person_id: int) -> set[int]:
    """Ids of the questions of which a person was shown a judge's verdict."""
    sql = "SELECT question_id FROM exposure WHERE person_id = ? AND shown = 'machine_verdict'"
    return {question_id for (question_id,) in store.rows(sql, (person_id,))}


def shown_verdicts(store: Store, study_id: int) -> dict[tuple[int, int], int]:
    """The question of every response of a study that a person answered and then was shown a verdict
    on, by person and response."""
    sql = """
        SELECT exposure.person_id, given.response_id, exposure.question_id
        FROM exposure
        CROSS JOIN question ON question.id = exposure.question_id
        CROSS JOIN study_dataset USING (dataset_id)
        CROSS JOIN rater ON rater.person_id = exposure.person_id
        CROSS JOIN response ON response.question_id = exposure.question_id
        CROSS JOIN assessment AS given ON given.response_id = response.id
         AND given.rater_id = rater.id AND given.round = 1
        WHERE study_id = ? AND shown = 'machine_verdict'
          AND exposure.after_assessment >= given.id
    """
    rows = store.rows(sql, (study_id,))
    return {(person_id, response_id): question_id for person_id, response_id, question_id in rows}
