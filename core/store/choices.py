"""Choices that are read of answers to closed questions: what is outstanding, and what was read.

Plain tuples in the order of responses' ids, because there may be half a million: so rows are
inserted at the end of every index and not all over it.
"""

import json
from collections.abc import Iterator, Sequence

from core.domain.closed import Closed
from core.store.database import Store
from core.store.migrations.base import NOW

_SCALE = "right or wrong"
#: Memory in KiB for pages of the database while half a million rows are read and written.
_PAGES_KIB = 64 * 1024

#: Response, criteria, 1 or 0, why there is none, words read, labels chosen.
Reading = tuple[int, int, int | None, str | None, str, str]


def use_much_memory(store: Store) -> None:
    """Let this connection keep more pages of the database than it does for a page's reads.

    They reach the file less often, too: what is committed is safe in the log until then.
    """
    store.conn.execute(f"PRAGMA cache_size=-{_PAGES_KIB}")
    store.conn.execute(f"PRAGMA wal_autocheckpoint={_PAGES_KIB // 4}")


def closed_questions(store: Store, study_id: int, dataset_id: int) -> dict[int, Closed]:
    """The options of a dataset's closed questions, by their active criteria."""
    sql = """
        SELECT closed_question.criteria_id, options, right_labels, takes_several
        FROM question
        JOIN active_criteria ON study_id = ? AND active_criteria.question_id = question.id
        JOIN closed_question USING (criteria_id)
        WHERE dataset_id = ? AND kind = 'closed'
    """
    return {
        criteria_id: Closed(tuple(json.loads(options).items()), right, bool(several))
        for criteria_id, options, right, several in store.conn.execute(sql, (study_id, dataset_id))
    }


def outstanding(
    store: Store, study_id: int, dataset_id: int, rater_id: int
) -> list[tuple[int, int]]:
    """Current responses to closed questions that a rater has not scored, and the criteria."""
    sql = """
        SELECT response.id, active_criteria.criteria_id
        FROM question
        JOIN active_criteria ON study_id = :study AND active_criteria.question_id = question.id
        JOIN current_response AS response ON response.question_id = question.id
        WHERE question.dataset_id = :dataset AND kind = 'closed' AND absent_because IS NULL
          AND NOT EXISTS (
            SELECT 1 FROM assessment
            WHERE assessment.response_id = response.id AND assessment.rater_id = :rater
              AND assessment.criteria_id = active_criteria.criteria_id AND purpose = 'study'
              AND round = 1)
        ORDER BY response.id
    """
    params = {"study": study_id, "dataset": dataset_id, "rater": rater_id}
    return list(store.conn.execute(sql, params))


def texts(store: Store, ids: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Text of each response, and the order of options that the model was shown ('' for the file's).

    Args:
        ids: of responses with a text, in order.
    """
    sql = """
        SELECT text, coalesce(labels, '')
        FROM json_each(?) AS asked
        CROSS JOIN response ON response.id = asked.value
        LEFT JOIN option_order ON option_order.response_id = response.id
        ORDER BY response.id
    """
    yield from store.conn.execute(sql, (json.dumps(ids),))


def add_readings(store: Store, rater_id: int, rows: Sequence[Reading], *, by: str) -> None:
    """Insert scores, of one time; what another scoring has inserted meanwhile stays as it is."""
    now = store.value(f"SELECT {NOW}")
    store.add_many(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt,"
        f" scale, value, unscored_because, detail, rationale, claimed_phase, created_by,"
        f" created_at) VALUES (?, {rater_id}, ?, 'study', 1, 1, '{_SCALE}', ?, ?, ?, ?, 'observed',"
        f" ?, '{now}')"
        " ON CONFLICT (response_id, rater_id, criteria_id, purpose, round, attempt) DO NOTHING",
        [(*row, by) for row in rows],
    )


def readings(
    store: Store, study_id: int, dataset_id: int, rater_id: int
) -> list[tuple[int, int, int, int | None, str, str]]:
    """Question, model, whether the response is absent, score, chosen labels and order shown.

    Every current response.
    """
    sql = """
        SELECT question.id, response.model_id, response.absent_because IS NOT NULL, value,
               coalesce(rationale, ''), coalesce(labels, '')
        FROM question
        JOIN current_response AS response ON response.question_id = question.id
        JOIN active_criteria ON study_id = :study AND active_criteria.question_id = question.id
        LEFT JOIN option_order ON option_order.response_id = response.id
        LEFT JOIN assessment ON assessment.response_id = response.id
             AND assessment.rater_id = :rater AND purpose = 'study' AND round = 1
             AND assessment.criteria_id = active_criteria.criteria_id
        WHERE question.dataset_id = :dataset AND kind = 'closed'
    """
    params = {"study": study_id, "dataset": dataset_id, "rater": rater_id}
    return list(store.conn.execute(sql, params))


def places(store: Store, study_id: int, dataset_id: int) -> Iterator[tuple[int, int, str]]:
    """Question, number of options, right labels ('' for none) of the active criteria."""
    sql = """
        SELECT active_criteria.question_id, (SELECT count(*) FROM json_each(options)),
               coalesce(right_labels, '')
        FROM question
        JOIN active_criteria ON study_id = ? AND active_criteria.question_id = question.id
        JOIN closed_question USING (criteria_id)
        WHERE dataset_id = ? AND kind = 'closed'
    """
    yield from store.conn.execute(sql, (study_id, dataset_id))
