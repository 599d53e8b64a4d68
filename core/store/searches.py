"""Where words stand in a study's texts, Chinese ones too."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.store.database import Store

Where = Literal["question", "reference_answer", "checklist", "response", "comment"]


@dataclass(frozen=True, slots=True)
class Place:
    """A text that holds all the words.

    Attributes:
        response_id: None for the texts of a question.
    """

    where: Where
    question_id: int
    question: str
    category: str
    kind: Literal["open", "closed"]
    response_id: int | None
    text: str


#: How many questions are looked through first: words that many texts hold are found in them.
_NEAR = 700
_OF_STUDY = """
    SELECT question.id FROM question JOIN study_dataset USING (dataset_id) WHERE study_id = ?
"""
_OF_RESPONSES = """
    SELECT DISTINCT question_id FROM response WHERE id IN (SELECT value FROM json_each(?))
"""
#: Every text that holds the words, before it is asked whether it is in use. CROSS JOIN keeps
#: SQLite from walking all questions to their texts, as few texts hold the words, and from reading
#: machine verdicts for comments.
_PLACES = """
    WITH held AS (
      SELECT id AS criteria_id, question_id, NULL AS response_id, 1 AS place, 'question' AS "where",
             question_text AS text
      FROM criteria WHERE {question_text} {among}
      UNION ALL SELECT id, question_id, NULL, 2, 'reference_answer', reference_answer
      FROM criteria WHERE {reference_answer} {among}
      UNION ALL SELECT id, question_id, NULL, 3, 'checklist', checklist
      FROM criteria WHERE {checklist} {among}
      UNION ALL SELECT NULL, question_id, id, 4, 'response', text
      FROM current_response WHERE {text} {among}
        AND (:some IS NULL OR id IN (SELECT value FROM json_each(:some)))
      UNION ALL SELECT NULL, question_id, response_id, 5, 'comment', rationale
      FROM rater CROSS JOIN assessment ON rater_id = rater.id
      JOIN response ON response.id = response_id
      WHERE person_id IS NOT NULL AND (:whose IS NULL OR person_id = :whose)
        AND {rationale} {among}
        AND (:some IS NULL OR response_id IN (SELECT value FROM json_each(:some))))
    SELECT "where", held.question_id, key AS question, category, kind, response_id, text
    FROM held CROSS JOIN question ON question.id = held.question_id
    CROSS JOIN active_criteria AS active ON active.question_id = held.question_id
    WHERE active.study_id = :study
      AND (held.criteria_id IS NULL OR held.criteria_id = active.criteria_id)
    ORDER BY position, place, response_id LIMIT :limit
"""


def places(
    store: Store,
    study_id: int,
    words: Sequence[str],
    *,
    responses: Collection[int] | None,
    comments_of: int | None,
    limit: int,
) -> list[Place]:
    """The first so many texts that hold every word, in the order of the questions.

    Looked through are the texts of questions as they are in use, current responses and comments.

    Args:
        words: ASCII in any case.
        responses: look at these and their questions only; None for all.
        comments_of: only comments of this person; None for everybody's.
    """
    some = None if responses is None else json.dumps(sorted(responses))
    params = {"study": study_id, "whose": comments_of, "limit": limit, "some": some}
    if some is not None:
        return _places(store, words, params, _ids(store, _OF_RESPONSES, some))
    near = _ids(store, _OF_STUDY + " AND position < ?", study_id, _NEAR)
    found = _places(store, words, params, near)
    farther = _OF_STUDY + " AND position >= ? LIMIT 1"
    if len(found) == limit or not _ids(store, farther, study_id, _NEAR):
        return found
    return _places(store, words, params, None)


def _places(
    store: Store, words: Sequence[str], params: dict[str, Any], questions: list[int] | None
) -> list[Place]:
    """The places in the texts of some questions; None for all."""
    named = {f"word{at}": f"%{_escaped(word)}%" for at, word in enumerate(words)}
    holds = {
        column: " AND ".join(f"{column} LIKE :{name} ESCAPE '\\'" for name in named)
        for column in ("question_text", "reference_answer", "checklist", "text", "rationale")
    }
    among = "AND question_id IN (SELECT value FROM json_each(:among))"
    sql = _PLACES.format(among="" if questions is None else among, **holds)
    return store.read(Place, sql, {**params, **named, "among": json.dumps(questions)})


def _ids(store: Store, sql: str, *params: Any) -> list[int]:
    return [found for (found,) in store.conn.execute(sql, params)]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
