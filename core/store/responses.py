"""Responses: what the models under evaluation answered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.conversations import given_as_turns
from core.domain.prompts import Turn
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Response:
    """The current attempt of a response."""

    id: int
    question_id: int
    model_id: int
    model: str
    sample: int
    attempt: int
    text: str | None
    absent_because: str | None


_COLUMNS = """
    SELECT response.id, response.question_id, model_id, label AS model, sample, attempt, text,
           absent_because
    FROM current_response AS response JOIN model ON model.id = model_id
"""


def response_by_id(store: Store, response_id: int) -> Response | None:
    """The response with that id, whether or not it is the current attempt."""
    sql = _COLUMNS.replace("current_response", "response")
    return store.read_one(Response, f"{sql} WHERE response.id = ?", (response_id,))


def response_to(store: Store, question_id: int, model_id: int, sample: int) -> Response | None:
    """The current response of a model to a question."""
    sql = f"{_COLUMNS} WHERE response.question_id = ? AND model_id = ? AND sample = ?"
    return store.read_one(Response, sql, (question_id, model_id, sample))


def responses_of_model(
    store: Store, dataset_id: int, model_id: int, sample: int
) -> dict[int, Response]:
    """A model's current responses to a dataset, by question id."""
    sql = f"""{_COLUMNS} JOIN question ON question.id = response.question_id
        WHERE dataset_id = ? AND model_id = ? AND sample = ?"""
    found = store.read(Response, sql, (dataset_id, model_id, sample))
    return {response.question_id: response for response in found}


def responses_to_question(store: Store, question_id: int) -> list[Response]:
    """All current responses to a question."""
    sql = f"{_COLUMNS} WHERE response.question_id = ? ORDER BY label, sample"
    return store.read(Response, sql, (question_id,))


def earlier_turns(store: Store, response_id: int) -> list[Turn]:
    """The turns before a response's question, with the answers of the same model and sample.

    Turns that the benchmark gives stand last: right before the question.
    """
    sql = """
        SELECT criteria.question_text, coalesce(earlier.text, '')
        FROM response
        JOIN question ON question.id = response.question_id
        JOIN question AS before ON before.conversation_id = question.conversation_id
                               AND before.turn < question.turn
        LEFT JOIN current_response AS earlier ON earlier.question_id = before.id
             AND earlier.model_id = response.model_id AND earlier.sample = response.sample
        JOIN criteria ON criteria.id = coalesce(earlier.criteria_id, (
             SELECT max(id) FROM criteria WHERE criteria.question_id = before.id))
        WHERE response.id = ? ORDER BY before.turn
    """
    turns = [Turn(question, answer) for question, answer in store.rows(sql, (response_id,))]
    sql = """
        SELECT given_turns FROM response JOIN criteria ON criteria.id = criteria_id
        WHERE response.id = ?
    """
    return [*turns, *given_as_turns(store.value(sql, (response_id,)) or "")]


def identities(store: Store, response_ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Model label and sample of each response, by id."""
    sql = """
        SELECT response.id, label, sample FROM response JOIN model ON model.id = model_id
        WHERE response.id IN (SELECT value FROM json_each(?))
    """
    rows = store.rows(sql, (json.dumps(list(response_ids)),))
    return {response_id: (label, sample) for response_id, label, sample in rows}


def places_of(store: Store, response_ids: Sequence[int]) -> dict[int, tuple[str, int, str]]:
    """Dataset's name, question id and model's label of each response, by id."""
    sql = """
        SELECT response.id, dataset.name, question.id, label
        FROM response JOIN question ON question.id = response.question_id
        JOIN dataset ON dataset.id = question.dataset_id JOIN model ON model.id = model_id
        WHERE response.id IN (SELECT value FROM json_each(?))
    """
    rows = store.rows(sql, (json.dumps(list(response_ids)),))
    return {id_: (dataset, question, label) for id_, dataset, question, label in rows}


def present(store: Store, study_id: int, question_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Id, question and model's label of a study's current responses with a text to questions."""
    sql = """
        SELECT response.id, question.id, label
        FROM study_dataset JOIN question USING (dataset_id)
        JOIN current_response AS response ON response.question_id = question.id
        JOIN model ON model.id = response.model_id
        WHERE study_id = ? AND text IS NOT NULL
          AND question.id IN (SELECT value FROM json_each(?))
        ORDER BY response.id
    """
    rows = store.rows(sql, (study_id, json.dumps(list(question_ids))))
    return [(response_id, question_id, label) for response_id, question_id, label in rows]


@dataclass(frozen=True, slots=True)
class Compared:
    """A response beside the reference answer and the requirements of its question."""

    response_id: int
    question_id: int
    category: str
    model: str
    text: str
    reference_answer: str
    requirements: tuple[str, ...]


def compared(store: Store, study_id: int, dataset_id: int) -> list[Compared]:
    """A dataset's current open responses with a text, under the active criteria."""
    sql = """
        SELECT response.id, question.id, category, label, response.text, reference_answer,
               (SELECT json_group_array(requirement.text) FROM criteria_requirement
                JOIN requirement ON requirement.id = requirement_id
                WHERE criteria_id = criteria.id)
        FROM open_question AS question
        JOIN active_criteria ON study_id = ? AND active_criteria.question_id = question.id
        JOIN criteria ON criteria.id = active_criteria.criteria_id
        JOIN current_response AS response ON response.question_id = question.id
        JOIN model ON model.id = response.model_id
        WHERE question.dataset_id = ? AND response.text IS NOT NULL ORDER BY response.id
    """
    rows = store.rows(sql, (study_id, dataset_id))
    return [
        Compared(id_, question, category, model, text, reference, tuple(json.loads(points)))
        for id_, question, category, model, text, reference, points in rows
    ]


def models_of_study(store: Store, study_id: int) -> list[tuple[int, str]]:
    """Id and label of every model that answered a question of a study."""
    sql = """
        SELECT id, label FROM model WHERE EXISTS (
          SELECT 1 FROM response JOIN question ON question.id = response.question_id
          JOIN study_dataset USING (dataset_id)
          WHERE response.model_id = model.id AND study_dataset.study_id = ?)
        ORDER BY label
    """
    return [(model_id, label) for model_id, label in store.rows(sql, (study_id,))]


def model_id_of(store: Store, label: str) -> int | None:
    """Id of the model of that label."""
    found: int | None = store.value("SELECT id FROM model WHERE label = ?", (label,))
    return found


def label_of(store: Store, model_id: int) -> str:
    """Label of the model with that id, which must exist."""
    found: str = store.value("SELECT label FROM model WHERE id = ?", (model_id,))
    return found


def ensure_model(store: Store, label: str) -> int:
    """Id of the model of that label, added if new."""
    store.change("INSERT OR IGNORE INTO model (label) VALUES (?)", (label,))
    found = model_id_of(store, label)
    assert found is not None
    return found


def has_responses(store: Store, model_id: int) -> bool:
    """Tell whether a model has answered anything."""
    sql = "SELECT EXISTS (SELECT 1 FROM response WHERE model_id = ?)"
    return bool(store.value(sql, (model_id,)))


def add_response(
    store: Store,
    identity: tuple[int, int, int, int],
    *,
    criteria_id: int,
    text: str | None,
    absent_because: str | None,
    origin: Literal["imported", "generated"],
    by: str,
) -> int:
    """Insert a response; `identity` is question, model, sample, attempt."""
    return store.add(
        "INSERT INTO response (question_id, model_id, sample, attempt, criteria_id, text,"
        " absent_because, origin, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*identity, criteria_id, text, absent_because, origin, by),
    )


@dataclass(frozen=True, slots=True)
class ResponseCounts:
    """How many questions a study has, and how many responses, with and without a text."""

    questions: int
    conversations: int
    models: int
    present: int
    absent: int


def response_counts(store: Store, study_id: int) -> ResponseCounts:
    """Count a study's open questions and their responses."""
    sql = """
        SELECT count(*), count(DISTINCT conversation_id) FROM open_question
        JOIN study_dataset USING (dataset_id) WHERE study_id = ?
    """
    questions, conversations = store.rows(sql, (study_id,))[0]
    sql = """
        SELECT count(DISTINCT model_id), count(*) - count(absent_because), count(absent_because)
        FROM study_dataset
        JOIN open_question AS question USING (dataset_id)
        JOIN current_response AS response ON response.question_id = question.id
        WHERE study_id = ?
    """
    models, present, absent = store.rows(sql, (study_id,))[0]
    return ResponseCounts(questions, conversations, models, present, absent)
