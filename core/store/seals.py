"""Seals: the parts that conversations and scored responses were drawn into, and openings."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.splitting import Part, Talk, Use
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Seal:
    """How a study is drawn."""

    salt: str
    held_out: float
    created_by: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Opening:
    """Somebody looked at what was held back."""

    subject: str
    model: str
    reason: str
    created_by: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Scored:
    """A current response that a person has scored, with the use that it was drawn for, if any."""

    response_id: int
    question_id: int
    name: str
    use: Use | None


#: Open questions of a study come first: it may have many times as many closed ones.
_OPEN = """study_dataset
        CROSS JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id"""
_SEALED = f"""{_OPEN}
        CROSS JOIN conversation_seal ON conversation_seal.study_id = study_dataset.study_id
             AND conversation_seal.conversation_id = question.conversation_id"""


def seal_of(store: Store, study_id: int) -> Seal | None:
    """How a study is drawn; None where it is not yet."""
    sql = "SELECT salt, held_out, created_by, created_at FROM seal WHERE study_id = ?"
    return store.read_one(Seal, sql, (study_id,))


def add_seal(store: Store, study_id: int, salt: str, held_out: float, *, by: str) -> None:
    """Say how a study is drawn, once."""
    store.add(
        "INSERT INTO seal (study_id, salt, held_out, created_by) VALUES (?, ?, ?, ?)",
        (study_id, salt, held_out, by),
    )


def undrawn(store: Store, study_id: int) -> int:
    """How many conversations of a study with open questions have no part yet."""
    sql = f"""
        SELECT count(DISTINCT conversation_id) FROM {_OPEN}
        WHERE study_dataset.study_id = :study AND NOT EXISTS (
          SELECT 1 FROM conversation_seal
          WHERE study_id = :study AND conversation_id = question.conversation_id)
    """
    return int(store.value(sql, {"study": study_id}))


def talks(store: Store, study_id: int) -> list[Talk]:
    """A study's conversations with the texts of their open questions in use."""
    sql = f"""
        SELECT conversation_id, question.category, conversation.group_code, question_text
        FROM {_OPEN}
        JOIN conversation ON conversation.id = conversation_id
        CROSS JOIN active_criteria ON active_criteria.study_id = study_dataset.study_id
                                  AND active_criteria.question_id = question.id
        JOIN criteria ON criteria.id = criteria_id
        WHERE study_dataset.study_id = ? ORDER BY conversation_id, turn
    """
    found: dict[int, Talk] = {}
    for talk_id, category, group, text in store.rows(sql, (study_id,)):
        before = found.get(talk_id)
        texts = (*before.texts, text) if before else (text,)
        found[talk_id] = Talk(talk_id, category, f"{category}:{group}", texts)
    return list(found.values())


def parts(store: Store, study_id: int) -> dict[int, Part]:
    """The part of every conversation, as drawn."""
    sql = "SELECT conversation_id, part FROM conversation_seal WHERE study_id = ?"
    return dict(map(tuple, store.rows(sql, (study_id,))))


def parts_of_questions(store: Store, study_id: int) -> dict[int, Part]:
    """The part of every open question, as drawn."""
    sql = f"""
        SELECT question.id, part FROM {_SEALED} WHERE study_dataset.study_id = ?
    """
    return dict(map(tuple, store.rows(sql, (study_id,))))


def drawn_at(store: Store, study_id: int) -> tuple[dict[int, str], dict[int, str]]:
    """When questions were held out, and when responses were held back; both by id, in UTC."""
    held_out = f"""
        SELECT question.id, conversation_seal.created_at FROM {_SEALED}
        WHERE study_dataset.study_id = ? AND part = 'held_out'
    """
    check = (
        "SELECT response_id, created_at FROM response_seal WHERE study_id = ? AND part = 'check'"
    )
    first, second = (store.rows(sql, (study_id,)) for sql in (held_out, check))
    return dict(map(tuple, first)), dict(map(tuple, second))


def add_parts(store: Store, study_id: int, parts: Mapping[int, Part]) -> None:
    """Store the parts of conversations, once."""
    store.add_many(
        "INSERT INTO conversation_seal (study_id, conversation_id, part) VALUES (?, ?, ?)",
        [(study_id, conversation_id, part) for conversation_id, part in parts.items()],
    )


def has_unused(store: Store, study_id: int) -> bool:
    """Whether some scored response to a dev question has no use yet."""
    sql = """
        SELECT EXISTS (
          SELECT 1 FROM rater CROSS JOIN assessment ON rater_id = rater.id
          JOIN current_response AS response ON response.id = response_id
          JOIN question ON question.id = response.question_id
          JOIN conversation_seal AS sealed ON sealed.conversation_id = question.conversation_id
          WHERE person_id IS NOT NULL AND sealed.study_id = :study AND sealed.part = 'dev'
            AND NOT EXISTS (
              SELECT 1 FROM response_seal
              WHERE study_id = :study AND response_seal.response_id = response.id))
    """
    return bool(store.value(sql, {"study": study_id}))


def scored_dev_responses(store: Store, study_id: int) -> list[Scored]:
    """Scored responses to dev questions, in an order that does not depend on their scores."""
    sql = """
        SELECT response.id AS response_id, response.question_id,
               question.key || '/' || model.label || '/' || response.sample AS name,
               response_seal.part AS use
        FROM conversation_seal
        JOIN question USING (conversation_id)
        JOIN current_response AS response ON response.question_id = question.id
        JOIN model ON model.id = response.model_id
        LEFT JOIN response_seal ON response_seal.study_id = conversation_seal.study_id
                               AND response_seal.response_id = response.id
        WHERE conversation_seal.study_id = ? AND conversation_seal.part = 'dev'
          AND response.id IN (
            SELECT response_id FROM assessment JOIN rater ON rater.id = rater_id
            WHERE person_id IS NOT NULL)
        ORDER BY response.id
    """
    return store.read(Scored, sql, (study_id,))


def add_uses(store: Store, study_id: int, uses: Mapping[int, Use]) -> None:
    """Store the uses of responses, once."""
    store.add_many(
        "INSERT INTO response_seal (study_id, response_id, part) VALUES (?, ?, ?)",
        [(study_id, response_id, use) for response_id, use in uses.items()],
    )


def checks(store: Store, study_id: int) -> set[int]:
    """Responses that were drawn to check criteria, opened or not."""
    sql = "SELECT response_id FROM response_seal WHERE study_id = ? AND part = 'check'"
    return {response_id for (response_id,) in store.rows(sql, (study_id,))}


def opened_questions(store: Store, study_id: int) -> set[int]:
    """Questions of conversations that were opened."""
    sql = """
        SELECT question.id FROM seal_opening JOIN question USING (conversation_id)
        WHERE study_id = ?
    """
    return {question_id for (question_id,) in store.rows(sql, (study_id,))}


def opened_responses(store: Store, study_id: int) -> set[int]:
    """Responses that were opened one by one."""
    sql = "SELECT response_id FROM seal_opening WHERE study_id = ? AND response_id IS NOT NULL"
    return {response_id for (response_id,) in store.rows(sql, (study_id,))}


def add_opening(
    store: Store, study_id: int, *, conversation_id: int | None, response_id: int | None,
    reason: str, by: str,
) -> None:  # fmt: skip
    """Record that a conversation, or a response, was looked at."""
    store.add(
        "INSERT INTO seal_opening (study_id, conversation_id, response_id, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (study_id, conversation_id, response_id, reason, by),
    )


def openings(store: Store, study_id: int) -> list[Opening]:
    """Every opening of a study, oldest first."""
    sql = """
        SELECT coalesce(talk.category || ':' || talk.group_code, question.key) AS subject,
               coalesce(model.label, '') AS model, seal_opening.reason, seal_opening.created_by,
               seal_opening.created_at
        FROM seal_opening
        LEFT JOIN conversation AS talk ON talk.id = seal_opening.conversation_id
        LEFT JOIN response ON response.id = seal_opening.response_id
        LEFT JOIN question ON question.id = response.question_id
        LEFT JOIN model ON model.id = response.model_id
        WHERE study_id = ? ORDER BY seal_opening.id
    """
    return store.read(Opening, sql, (study_id,))
