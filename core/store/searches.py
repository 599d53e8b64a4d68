"""Where words stand in a study's texts, Chinese ones too."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

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
    response_id: int | None
    text: str


#: The texts of a study: those of questions as they are in use, current responses, and comments.
_TEXTS = """
    WITH of_question AS (
      SELECT question.id, key, category, position, criteria.question_text, reference_answer,
             checklist
      FROM question JOIN study_dataset USING (dataset_id)
      JOIN active_criteria ON active_criteria.study_id = study_dataset.study_id
                          AND active_criteria.question_id = question.id
      JOIN criteria ON criteria.id = active_criteria.criteria_id
      WHERE study_dataset.study_id = :study),
    texts AS (
      SELECT id, NULL AS response_id, 1 AS place, 'question' AS "where", question_text AS text
      FROM of_question
      UNION ALL SELECT id, NULL, 2, 'reference_answer', reference_answer FROM of_question
      UNION ALL SELECT id, NULL, 3, 'checklist', checklist FROM of_question
      UNION ALL SELECT question_id, response.id, 4, 'response', response.text
      FROM current_response AS response
      UNION ALL SELECT question_id, given.response_id, 5, 'comment', given.rationale
      FROM human_assessment AS given
      WHERE given.rationale <> '' AND (:whose IS NULL OR given.person_id = :whose))
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

    Args:
        words: ASCII in any case.
        responses: look at these and their questions only; None for all.
        comments_of: only comments of this person; None for everybody's.
    """
    named = {f"word{at}": f"%{_escaped(word)}%" for at, word in enumerate(words)}
    holds = " AND ".join(f"texts.text LIKE :{name} ESCAPE '\\'" for name in named)
    sql = f"""{_TEXTS}
        SELECT "where", of_question.id AS question_id, key AS question, category, response_id, text
        FROM texts JOIN of_question ON of_question.id = texts.id
        WHERE {holds} AND (:some IS NULL
          OR response_id IN (SELECT value FROM json_each(:some))
          OR response_id IS NULL AND texts.id IN (
            SELECT question_id FROM response WHERE id IN (SELECT value FROM json_each(:some))))
        ORDER BY position, place, response_id LIMIT :limit
    """
    some = None if responses is None else json.dumps(sorted(responses))
    params = {"study": study_id, "some": some, "whose": comments_of, "limit": limit, **named}
    return store.read(Place, sql, params)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
