"""A physician's queue: what they have scored, what they have been shown, what comes next."""

from dataclasses import dataclass

from core.store.database import Store

#: A score counts as given unless its last attempt was withdrawn.
_MINE = """
    EXISTS (SELECT 1 FROM assessment JOIN rater ON rater.id = assessment.rater_id
            WHERE assessment.response_id = response.id AND rater.person_id = :person
              AND assessment.unscored_because IS NOT 'withdrawn'
              AND NOT EXISTS (SELECT 1 FROM assessment AS later
                              WHERE later.response_id = assessment.response_id
                                AND later.rater_id = assessment.rater_id
                                AND later.id > assessment.id))
"""
_RESPONSES = """
    FROM study_dataset
    JOIN question ON question.dataset_id = study_dataset.dataset_id
    JOIN current_response AS response ON response.question_id = question.id
    WHERE study_dataset.study_id = :study AND response.text IS NOT NULL
"""


def review_counts(store: Store, study_id: int, person_id: int) -> tuple[int, int]:
    """How many responses a study has for a physician, and how many they have scored."""
    sql = f"SELECT count(*), coalesce(sum({_MINE}), 0) {_RESPONSES}"
    total, scored = store.rows(sql, {"study": study_id, "person": person_id})[0]
    return total, scored


def next_response(store: Store, study_id: int, person_id: int) -> int | None:
    """The next response for a physician.

    Questions of which they have seen nothing come first, then a fixed order that differs from
    physician to physician.
    """
    sql = f"""
        SELECT response.id {_RESPONSES} AND NOT {_MINE}
        ORDER BY EXISTS (SELECT 1 FROM exposure WHERE exposure.person_id = :person
                         AND exposure.question_id = question.id),
                 (response.id * (7919 + 104729 * :person)) % 99991
        LIMIT 1
    """
    found: int | None = store.value(sql, {"study": study_id, "person": person_id})
    return found


def scored_responses(store: Store, study_id: int, person_id: int) -> list[int]:
    """Ids of the responses that a physician has scored in a study."""
    sql = f"SELECT response.id {_RESPONSES} AND {_MINE} ORDER BY question.position"
    rows = store.rows(sql, {"study": study_id, "person": person_id})
    return [response_id for (response_id,) in rows]


@dataclass(frozen=True, slots=True)
class LastScore:
    """What a person said last of a response; `value` is None where it was withdrawn."""

    value: int | None
    comment: str
    safety_risk: bool | None


def last_score(store: Store, person_id: int, response_id: int) -> LastScore | None:
    """A person's last score of a response, whichever criteria were on the screen."""
    sql = """
        SELECT value, rationale AS comment, safety_risk
        FROM assessment JOIN rater ON rater.id = rater_id
        WHERE response_id = ? AND person_id = ? ORDER BY assessment.id DESC LIMIT 1
    """
    return store.read_one(LastScore, sql, (response_id, person_id))


def is_exposed(store: Store, person_id: int, question_id: int) -> bool:
    """Tell whether anything about a question has been shown to a person."""
    sql = "SELECT count(*) FROM exposure WHERE person_id = ? AND question_id = ?"
    return bool(store.value(sql, (person_id, question_id)))


def was_shown(store: Store, person_id: int, question_id: int, shown: str) -> bool:
    """Tell whether this kind of thing about a question has been shown to a person."""
    sql = "SELECT count(*) FROM exposure WHERE person_id = ? AND question_id = ? AND shown = ?"
    return bool(store.value(sql, (person_id, question_id, shown)))
