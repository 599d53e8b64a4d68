"""Generations: which responses are still to be generated, and how each one came about."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.questions import Language
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Generator:
    """The one way in which a model's responses are generated."""

    id: int
    model_id: int
    engine: str
    source: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One sample of a conversation that has turns without a response."""

    conversation_id: int
    sample: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class AskedTurn:
    """A turn of a conversation, with this sample's answer if it is there.

    Attributes:
        given_turns: what a benchmark lets stand before it (`core.domain.criteria.Criteria`).
        response_id: None while the turn is outstanding.
    """

    question_id: int
    key: str
    language: Language
    criteria_id: int
    question_text: str
    given_turns: str
    response_id: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Generated:
    """A response as it was generated: a text, or the reason why there is none.

    Attributes:
        messages: roles and contents that the model was asked, in order.
        output: all that came back.
        order: of the options of a closed question as they were shown; '' for the file's.
    """

    question_id: int
    criteria_id: int
    sample: int
    text: str | None
    absent_because: str | None
    messages: tuple[tuple[str, str], ...]
    output: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float
    cached_tokens: int | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class HowGenerated:
    """How a response came about, for the case page."""

    engine: str
    source: str
    parameters: dict[str, Any]
    revision: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float


def generator_of_model(store: Store, model_id: int) -> Generator | None:
    """How a model's responses are generated; None where they are made elsewhere."""
    sql = "SELECT id, model_id, engine, source, parameters FROM generator WHERE model_id = ?"
    return store.read_one(Generator, sql, (model_id,))


def add_generator(
    store: Store, model_id: int, engine: str, source: str, parameters: Mapping[str, Any], *, by: str
) -> None:
    """Fix how a model's responses are generated."""
    store.add(
        "INSERT INTO generator (model_id, engine, source, parameters, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (model_id, engine, source, json.dumps(parameters, sort_keys=True), by),
    )


def revision_seen(store: Store, generator_id: int) -> str | None:
    """Revision of the weights that the newest response of a generator was made with."""
    found: str | None = store.value(
        "SELECT revision FROM generation WHERE generator_id = ? ORDER BY response_id DESC LIMIT 1",
        (generator_id,),
    )
    return found


_MISSING = """
    WITH RECURSIVE wanted (number) AS (
      SELECT 1 UNION ALL SELECT number + 1 FROM wanted WHERE number < :samples)
    SELECT question.conversation_id, wanted.number AS sample, count(*) AS outstanding
    FROM study_dataset
    JOIN question ON question.dataset_id = study_dataset.dataset_id
    CROSS JOIN wanted
    WHERE study_dataset.study_id = :study
      AND (:subset IS NULL OR question.id IN (
        SELECT question_id FROM exam_subset_question WHERE subset_id = :subset))
      AND NOT EXISTS (
      SELECT 1 FROM response WHERE response.question_id = question.id
        AND response.model_id = :model AND response.sample = wanted.number)
    GROUP BY question.conversation_id, wanted.number
    ORDER BY wanted.number, min(question.dataset_id), min(question.position)
"""


def conversations_outstanding(
    store: Store, study_id: int, model_id: int, *, samples: int, subset_id: int | None = None
) -> list[Conversation]:
    """Samples of conversations in which a model has turns to answer, in the order of the file.

    Args:
        subset_id: only the exercises of a subset (`core.store.subsets`).
    """
    params = {"study": study_id, "model": model_id, "samples": samples, "subset": subset_id}
    return store.read(Conversation, _MISSING, params)


@dataclass(frozen=True, slots=True)
class AskedText:
    """A turn's text, and how many of its responses are outstanding."""

    conversation_id: int
    category: str
    text: str
    outstanding: int


def asked_texts(store: Store, study_id: int, model_id: int, *, samples: int) -> list[AskedText]:
    """All turns of a study, conversation by conversation, with what a model has not answered."""
    sql = """
        SELECT question.conversation_id, question.category, question_text AS text,
               :samples - (SELECT count(DISTINCT sample) FROM response
                           WHERE response.question_id = question.id
                             AND response.model_id = :model
                             AND response.sample <= :samples) AS outstanding
        FROM study_dataset
        JOIN question ON question.dataset_id = study_dataset.dataset_id
        JOIN active_criteria ON active_criteria.question_id = question.id
                            AND active_criteria.study_id = study_dataset.study_id
        JOIN criteria ON criteria.id = active_criteria.criteria_id
        WHERE study_dataset.study_id = :study
        ORDER BY question.conversation_id, question.turn
    """
    params = {"study": study_id, "model": model_id, "samples": samples}
    return store.read(AskedText, sql, params)


def turns(
    store: Store, study_id: int, conversation_id: int, model_id: int, sample: int
) -> list[AskedTurn]:
    """A conversation's turns in order, with what a sample has answered so far."""
    sql = """
        SELECT question.id AS question_id, question.key, question.language,
               criteria.id AS criteria_id, question_text, given_turns,
               response.id AS response_id, response.text
        FROM question
        JOIN active_criteria ON active_criteria.question_id = question.id
                            AND active_criteria.study_id = ?
        JOIN criteria ON criteria.id = active_criteria.criteria_id
        LEFT JOIN current_response AS response ON response.question_id = question.id
             AND response.model_id = ? AND response.sample = ?
        WHERE question.conversation_id = ? ORDER BY question.turn
    """
    return store.read(AskedTurn, sql, (study_id, model_id, sample, conversation_id))


def add_generated(
    store: Store, generator: Generator, found: Sequence[Generated],
    *, revision: str, job_id: int, by: str,
) -> None:  # fmt: skip
    """Store responses with how they came about."""
    for one in found:
        response_id = store.add(
            "INSERT INTO response (question_id, model_id, sample, attempt, criteria_id, text,"
            " absent_because, origin, created_by) VALUES (?, ?, ?, 1, ?, ?, ?, 'generated', ?)",
            (
                one.question_id, generator.model_id, one.sample, one.criteria_id, one.text,
                one.absent_because, by,
            ),
        )  # fmt: skip
        store.add(
            "INSERT INTO generation (response_id, generator_id, revision, messages, output,"
            " reasoning, finish_reason, prompt_tokens, reply_tokens, seconds, cached_tokens,"
            " job_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                response_id, generator.id, revision, _packed(json.dumps(one.messages)),
                _packed(one.output), one.reasoning, one.finish_reason, one.prompt_tokens,
                one.reply_tokens, one.seconds, one.cached_tokens, job_id,
            ),
        )  # fmt: skip
        if one.order:
            store.add(
                "INSERT INTO option_order (response_id, labels) VALUES (?, ?)",
                (response_id, one.order),
            )


def how_generated(store: Store, response_id: int) -> HowGenerated | None:
    """How a response came about; None where it was imported."""
    sql = """
        SELECT engine, source, parameters, revision, reasoning, finish_reason, prompt_tokens,
               reply_tokens, seconds
        FROM generation JOIN generator ON generator.id = generator_id WHERE response_id = ?
    """
    return store.read_one(HowGenerated, sql, (response_id,))


def messages_of(store: Store, response_id: int) -> list[tuple[str, str]]:
    """Roles and contents that a model was asked for a response."""
    packed = store.value("SELECT messages FROM generation WHERE response_id = ?", (response_id,))
    return [(role, content) for role, content in json.loads(_unpacked(packed))]


def is_cut(store: Store, response_id: int) -> bool:
    """Tell whether a response was cut by the token limit."""
    sql = "SELECT count(*) FROM generation WHERE response_id = ? AND finish_reason = 'length'"
    return bool(store.value(sql, (response_id,)))


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def _unpacked(stored: bytes) -> str:
    return zlib.decompress(stored).decode("utf-8", "surrogatepass")
