"""Exchanges: what was sent to a judge for a key and what came back, whole, before it is read."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.criteria import Criteria
from core.domain.questions import Language
from core.store.assessments import Key, key_row
from core.store.database import Store

#: How the texts are packed: with zlib, and as rows of now are, with the key's own texts as its
#: dictionary. Those are study facts and never change, and zlib checks that they are the same.
_PLAIN, _WITH_DICTIONARY = 1, 2


@dataclass(frozen=True, slots=True)
class Material:
    """What a key's prompt is made of.

    Attributes:
        template: '' for a judge that reads no prompt.
        turn: of the question in its conversation, from 1.
    """

    template: str
    criteria: Criteria
    response: str
    language: Language
    turn: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One ask for a key, and its reply.

    Attributes:
        prompt: what this ask added to the conversation: the whole prompt, or what was said of a
            reply that could not be read.
        marker, ticket: what the prompt was made with; '' where none was read.
        ask: from 1 within an attempt.
        reask_version: of the text that asks again; None for the first ask.
    """

    key: Key
    prompt: str
    reply: str
    finish_reason: str
    prompt_tokens: int | None
    reply_tokens: int | None
    seconds: float
    marker: str = ""
    ticket: str = ""
    ask: int = 1
    reask_version: int | None = None
    cached_tokens: int | None = None


def material_of(store: Store, key: Key) -> Material:
    """What the prompt of a key is made of; its response must have a text."""
    sql = """
        SELECT judge_prompt.text, criteria.question_text, reference_answer, checklist,
               response.text, question.language, question.turn
        FROM response
        JOIN question ON question.id = response.question_id
        JOIN criteria ON criteria.id = :criteria
        JOIN rater ON rater.id = :rater
        JOIN judge_prompt ON judge_prompt.id = rater.judge_prompt_id
        WHERE response.id = :response
    """
    params = {"response": key.response_id, "rater": key.rater_id, "criteria": key.criteria_id}
    found = store.row(sql, params)
    assert found is not None
    template, question, reference, checklist, response, language, turn = found
    return Material(template, Criteria(question, reference, checklist), response, language, turn)


def add_exchanges(store: Store, exchanges: Sequence[Exchange], job_id: int | None) -> None:
    """Store what was said, before anybody reads it."""
    store.add_many(
        "INSERT INTO exchange (response_id, rater_id, criteria_id, round, attempt, purpose, ask,"
        " reask_version, marker, ticket, packing, prompt, reply, finish_reason, prompt_tokens,"
        " reply_tokens, seconds, cached_tokens, job_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_row(store, said, job_id) for said in exchanges],
    )


def exchanges_of_key(store: Store, key: Key) -> list[Exchange]:
    """What was said for an attempt at a key, in order."""
    sql = """
        SELECT prompt, reply, packing, finish_reason, prompt_tokens, reply_tokens, seconds,
               marker, ticket, ask, reask_version
        FROM exchange
        WHERE response_id = ? AND rater_id = ? AND criteria_id = ? AND round = ? AND attempt = ?
          AND purpose = ?
        ORDER BY ask
    """
    rows = store.rows(sql, key_row(key))
    if not rows:
        return []
    dictionary = _dictionary(material_of(store, key))
    return [
        Exchange(
            key, unpacked(prompt, packing, dictionary), unpacked(reply, packing, dictionary), *rest
        )
        for prompt, reply, packing, *rest in map(tuple, rows)
    ]


def conversation_of(store: Store, exchange_id: int) -> list[Exchange]:
    """The exchanges of the attempt that an exchange belongs to, in order."""
    sql = """
        SELECT response_id, rater_id, criteria_id, round, attempt, purpose
        FROM exchange WHERE id = ?
    """
    found = store.row(sql, (exchange_id,))
    assert found is not None
    return exchanges_of_key(store, Key(*found))


def packed_prompt(store: Store, key: Key, prompt: str) -> bytes:
    """What is about to be asked for a key, packed as its exchange will be."""
    return packed(prompt, _dictionary(material_of(store, key)))


def unpacked_prompt(store: Store, key: Key, stored: bytes) -> str:
    """What `packed_prompt` was given."""
    return unpacked(stored, _WITH_DICTIONARY, _dictionary(material_of(store, key)))


def packed(text: str, dictionary: bytes) -> bytes:
    """A text as it is stored, with a dictionary."""
    packer = zlib.compressobj(zdict=dictionary)
    return packer.compress(text.encode("utf-8", "surrogatepass")) + packer.flush()


def unpacked(stored: bytes, packing: int, dictionary: bytes) -> str:
    """The text of a stored column, to the character.

    Raises:
        zlib.error: the dictionary is not the one that the text was packed with.
    """
    unpacker = zlib.decompressobj(zdict=dictionary) if packing != _PLAIN else zlib.decompressobj()
    return (unpacker.decompress(stored) + unpacker.flush()).decode("utf-8", "surrogatepass")


def _dictionary(material: Material) -> bytes:
    """The texts of which a prompt repeats most, and a reply much; the last 32 KiB count."""
    criteria = material.criteria
    texts = (
        material.template, criteria.question_text, criteria.reference_answer, criteria.checklist,
        material.response,
    )  # fmt: skip
    return "\n".join(texts).encode("utf-8", "surrogatepass")


def _row(store: Store, said: Exchange, job_id: int | None) -> tuple[object, ...]:
    dictionary = _dictionary(material_of(store, said.key))
    return (
        *key_row(said.key), said.ask, said.reask_version, said.marker, said.ticket,
        _WITH_DICTIONARY, packed(said.prompt, dictionary), packed(said.reply, dictionary),
        said.finish_reason, said.prompt_tokens, said.reply_tokens, said.seconds,
        said.cached_tokens, job_id,
    )  # fmt: skip
