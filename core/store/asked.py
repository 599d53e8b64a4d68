"""What decides which responses a physician is asked for (`core/domain/asking.py`), read at once."""

import json
from functools import lru_cache
from pathlib import Path

from core.domain.asking import Given, Offer, Situation
from core.store.database import Store, opened


def situation_of(store: Store, study_id: int, person_id: int, *, now: float) -> Situation:
    """A person's situation in a study.

    Args:
        now: Unix seconds; what others reserved until then holds no longer.
    """
    given, exposed = _given(store, person_id), _exposed(store, person_id)
    field, reserved = _field(store, person_id), _reserved(store, person_id)
    offers = _offers(store, study_id, person_id)
    held = _held(store, person_id, now=now)
    return Situation(offers, given, exposed, _scores(store), held, field, reserved)


def _offers(store: Store, study_id: int, person_id: int) -> tuple[Offer, ...]:
    """The responses of the open draws in which a person is asked."""
    sql = """
        SELECT (SELECT max(id) FROM draw), (SELECT count(*) FROM draw_end),
               (SELECT count(*) FROM draw_person), (SELECT max(id) FROM response)
    """
    return _offers_at(store.path, study_id, person_id, tuple(store.rows(sql)[0]))


@lru_cache(maxsize=128)
def _offers_at(
    path: Path, study_id: int, person_id: int, _state: tuple[int | None, ...]
) -> tuple[Offer, ...]:
    """As `_offers`; draws, their ends and responses are append-only, so counts tell one state."""
    sql = """
        SELECT response.id, question.id, question.category, purpose, max(overlap),
               (response.id * 40503 + :person * 65537 + max(seed)) % 10000
                 < 10000 * max(repeat_share),
               (response.id * (7919 + 104729 * :person) + max(seed)) % 99991
        FROM draw
        JOIN draw_person ON draw_person.draw_id = draw.id AND draw_person.person_id = :person
        JOIN draw_response ON draw_response.draw_id = draw.id
        JOIN current_response AS response ON response.id = draw_response.response_id
        JOIN question ON question.id = response.question_id
        WHERE study_id = :study
          AND NOT EXISTS (SELECT 1 FROM draw_end WHERE draw_end.draw_id = draw.id)
        GROUP BY response.id, purpose
    """
    with opened(path) as store:
        rows = store.rows(sql, {"study": study_id, "person": person_id})
    return tuple(
        Offer(response, question, category, purpose, overlap, bool(again), (order, response))
        for response, question, category, purpose, overlap, again, order in rows
    )


def _given(store: Store, person_id: int) -> list[Given]:
    sql = """
        SELECT response_id, round, unscored_because IS 'withdrawn' FROM assessment
        WHERE rater_id = (SELECT id FROM rater WHERE person_id = ?) ORDER BY id
    """
    return [
        Given(response_id, number, bool(is_withdrawn))
        for response_id, number, is_withdrawn in store.rows(sql, (person_id,))
    ]


def _exposed(store: Store, person_id: int) -> frozenset[int]:
    sql = "SELECT DISTINCT question_id FROM exposure WHERE person_id = ?"
    return frozenset(question_id for (question_id,) in store.rows(sql, (person_id,)))


def _scores(store: Store) -> dict[int, int]:
    """How many people have scored a response: whose last first look at it is a score."""
    sql = """
        SELECT response_id, count(value) FROM (
          SELECT response_id, max(assessment.id), value
          FROM rater CROSS JOIN assessment ON assessment.rater_id = rater.id
          WHERE rater.person_id IS NOT NULL AND assessment.round = 1
          GROUP BY rater_id, response_id)
        GROUP BY response_id
    """
    return dict(map(tuple, store.rows(sql)))


def _held(store: Store, person_id: int, *, now: float) -> dict[int, int]:
    sql = """
        SELECT response_id, count(*) FROM reservation
        WHERE person_id <> ? AND until > ? GROUP BY response_id
    """
    return dict(map(tuple, store.rows(sql, (person_id, now))))


def _field(store: Store, person_id: int) -> frozenset[str]:
    sql = "SELECT categories FROM field_of_work WHERE person_id = ? ORDER BY id DESC LIMIT 1"
    return frozenset(json.loads(store.value(sql, (person_id,)) or "[]"))


def _reserved(store: Store, person_id: int) -> int | None:
    found: int | None = store.value(
        "SELECT response_id FROM reservation WHERE person_id = ?", (person_id,)
    )
    return found
