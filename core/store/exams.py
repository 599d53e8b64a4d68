"""Exams: closed questions with the responses to them, their scores, and tallies of these."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.domain.closed import Closed
from core.domain.tallies import Tally
from core.store.database import Store

_SCALE = "right or wrong"


@dataclass(frozen=True, slots=True)
class Answered:
    """A response to a closed question that the exact reading has not scored yet.

    Attributes:
        order: the file's label at each place, as the model was shown them; '' for the file's order.
    """

    response_id: int
    criteria_id: int
    text: str
    order: str


def closed_datasets(store: Store, study_id: int) -> list[tuple[int, str]]:
    """Id and name of a study's datasets that have closed questions."""
    sql = """
        SELECT id, name FROM dataset JOIN study_dataset ON dataset_id = dataset.id
        WHERE study_id = ? AND EXISTS (
          SELECT 1 FROM question WHERE question.dataset_id = dataset.id AND kind = 'closed')
        ORDER BY id
    """
    return [(id_, name) for id_, name in store.rows(sql, (study_id,))]


def closed_counts(store: Store, study_id: int) -> list[tuple[str, int]]:
    """Name and number of closed questions of a study's datasets that have any."""
    sql = """
        SELECT dataset.name, count(*)
        FROM study_dataset JOIN question ON question.dataset_id = study_dataset.dataset_id
        JOIN dataset ON dataset.id = question.dataset_id
        WHERE study_id = ? AND kind = 'closed' GROUP BY dataset.id ORDER BY dataset.id
    """
    return [(name, n) for name, n in store.rows(sql, (study_id,))]


def closed_ids(store: Store, dataset_id: int) -> list[int]:
    """Ids of a dataset's closed questions, in order."""
    sql = "SELECT id FROM question WHERE dataset_id = ? AND kind = 'closed' ORDER BY id"
    return [id_ for (id_,) in store.rows(sql, (dataset_id,))]


def closed_questions(store: Store, study_id: int, first: int, last: int) -> dict[int, Closed]:
    """The options of the closed questions with ids in a range, by their active criteria."""
    sql = """
        SELECT closed_question.criteria_id, options, right_labels, takes_several
        FROM active_criteria JOIN closed_question USING (criteria_id)
        WHERE study_id = ? AND question_id BETWEEN ? AND ?
    """
    return {
        criteria_id: Closed(tuple(json.loads(options).items()), right, bool(several))
        for criteria_id, options, right, several in store.rows(sql, (study_id, first, last))
    }


def answered(store: Store, study_id: int, rater_id: int, first: int, last: int) -> list[Answered]:
    """Current responses to the closed questions in a range that a rater has not scored."""
    sql = """
        SELECT response.id, active_criteria.criteria_id, text, coalesce(labels, '')
        FROM question
        JOIN active_criteria ON study_id = :study AND active_criteria.question_id = question.id
        JOIN current_response AS response ON response.question_id = question.id
        LEFT JOIN option_order ON option_order.response_id = response.id
        WHERE question.id BETWEEN :first AND :last AND kind = 'closed' AND text IS NOT NULL
          AND NOT EXISTS (
            SELECT 1 FROM assessment
            WHERE assessment.response_id = response.id AND assessment.rater_id = :rater
              AND assessment.criteria_id = active_criteria.criteria_id AND purpose = 'study'
              AND round = 1)
    """
    params = {"study": study_id, "rater": rater_id, "first": first, "last": last}
    return [Answered(*row) for row in store.rows(sql, params)]


def add_readings(
    store: Store, rater_id: int, rows: Sequence[tuple[int, int, int | None, str | None, str, str]],
    *, by: str,
) -> None:  # fmt: skip
    """Insert scores: response, criteria, 1 or 0, why there is none, words read, labels chosen."""
    store.add_many(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt,"
        f" scale, value, unscored_because, detail, rationale, claimed_phase, created_by)"
        f" VALUES (?, {rater_id}, ?, 'study', 1, 1, '{_SCALE}', ?, ?, ?, ?, 'observed', ?)",
        [(*row, by) for row in rows],
    )


def readings(
    store: Store, study_id: int, dataset_id: int, rater_id: int
) -> list[tuple[int, int, int, int | None, str, str]]:
    """Question, model, whether the response is absent, score, chosen labels and order shown.

    Every current response; plain tuples, because there may be half a million.
    """
    sql = """
        SELECT question.id, response.model_id, response.text IS NULL, value,
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


@dataclass(frozen=True, slots=True)
class ExerciseStrata:
    """What a closed question is reported by, and its cluster's name ('' for itself)."""

    question_id: int
    stage: str
    department: str
    question_type: str
    level: int | None
    level_by: str
    stem: str


def strata(store: Store, dataset_id: int) -> list[ExerciseStrata]:
    """The strata of a dataset's closed questions."""
    sql = """
        SELECT question.id AS question_id, coalesce(stage, '') AS stage,
               coalesce(department, '') AS department,
               coalesce(question_type, '') AS question_type, level,
               coalesce(level_by, '') AS level_by, coalesce(stem, '') AS stem
        FROM question
        JOIN current_record ON current_record.question_id = question.id
        LEFT JOIN exercise ON exercise.record_id = current_record.id
        WHERE question.dataset_id = ? AND kind = 'closed' ORDER BY question.id
    """
    return [ExerciseStrata(*row) for row in store.conn.execute(sql, (dataset_id,))]


def replace_tallies(
    store: Store, dataset_id: int,
    found: Iterable[tuple[str, tuple[str, ...], tuple[str, ...], int, Tally]],
) -> None:  # fmt: skip
    """Keep a dataset's tallies: measure, facets, cell, model and sums; those of before go."""
    store.change("DELETE FROM exam_tally WHERE dataset_id = ?", (dataset_id,))
    store.add_many(
        "INSERT INTO exam_tally (dataset_id, measure, facets, cell, model_id, n, unscored, absent,"
        " total, clusters, squares, crossed, sizes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                dataset_id, measure, "+".join(facets), json.dumps(cell, ensure_ascii=False),
                model_id, one.n, one.unscored, one.absent, one.total, one.clusters, one.squares,
                one.crossed, one.sizes,
            )
            for measure, facets, cell, model_id, one in found
        ],
    )  # fmt: skip


def tallies(
    store: Store, dataset_id: int, measure: str, facets: Sequence[str]
) -> list[tuple[tuple[str, ...], str, Tally]]:
    """Cell, model's label and sums of a dataset's tallies cut by these facets."""
    sql = """
        SELECT cell, label, n, unscored, absent, total, clusters, squares, crossed, sizes
        FROM exam_tally JOIN model ON model.id = model_id
        WHERE dataset_id = ? AND measure = ? AND facets = ? ORDER BY cell, label
    """
    rows = store.rows(sql, (dataset_id, measure, "+".join(facets)))
    return [(tuple(json.loads(cell)), label, Tally(*sums)) for cell, label, *sums in rows]


def replace_places(
    store: Store, dataset_id: int, found: Iterable[tuple[int, int, int, int, int, int]]
) -> None:
    """Keep how models chose places: model, place, shown, chosen, right there, and chosen there."""
    store.change("DELETE FROM position_tally WHERE dataset_id = ?", (dataset_id,))
    store.add_many(
        "INSERT INTO position_tally (dataset_id, model_id, place, shown, chosen, is_right,"
        " right_chosen) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(dataset_id, *row) for row in found],
    )


def place_tallies(store: Store, dataset_id: int) -> list[tuple[str, int, int, int, int, int]]:
    """Model, place, shown, chosen, right there, and chosen where right, of a dataset."""
    sql = """
        SELECT label, place, shown, chosen, is_right, right_chosen
        FROM position_tally JOIN model ON model.id = model_id
        WHERE dataset_id = ? ORDER BY label, place
    """
    return [tuple(row) for row in store.rows(sql, (dataset_id,))]


@dataclass(frozen=True, slots=True)
class Unread:
    """A response of which no choice was read."""

    response_id: int
    question: str
    model: str
    because: str
    detail: str


def unread(
    store: Store, study_id: int, dataset_id: int, rater_id: int, *, limit: int
) -> list[Unread]:
    """Responses to closed questions that were left unscored, in the order of the scoring."""
    sql = """
        SELECT response.id AS response_id, question.key AS question, label AS model,
               unscored_because AS because, detail
        FROM assessment INDEXED BY assessment_unscored
        CROSS JOIN current_response AS response ON response.id = assessment.response_id
        CROSS JOIN question ON question.id = response.question_id AND kind = 'closed'
        CROSS JOIN active_criteria ON study_id = :study
             AND active_criteria.question_id = question.id
             AND active_criteria.criteria_id = assessment.criteria_id
        CROSS JOIN model ON model.id = response.model_id
        WHERE rater_id = :rater AND purpose = 'study' AND value IS NULL
          AND question.dataset_id = :dataset
        ORDER BY assessment.id LIMIT :limit
    """
    params = {
        "study": study_id, "dataset": dataset_id, "rater": rater_id, "limit": limit,
    }  # fmt: skip
    return store.read(Unread, sql, params)


def count_unread(store: Store, study_id: int, dataset_id: int, rater_id: int) -> None:
    """Keep how many responses were left unscored, by model and reason; those of before go."""
    store.change("DELETE FROM exam_unread WHERE dataset_id = ?", (dataset_id,))
    sql = """
        INSERT INTO exam_unread (dataset_id, model_id, because, n)
        SELECT :dataset, response.model_id, unscored_because, count(*)
        FROM assessment
        JOIN current_response AS response ON response.id = assessment.response_id
        JOIN question ON question.id = response.question_id AND kind = 'closed'
        JOIN active_criteria ON study_id = :study AND active_criteria.question_id = question.id
                            AND active_criteria.criteria_id = assessment.criteria_id
        WHERE rater_id = :rater AND purpose = 'study' AND value IS NULL
          AND question.dataset_id = :dataset
        GROUP BY response.model_id, unscored_because
    """
    store.change(sql, {"study": study_id, "dataset": dataset_id, "rater": rater_id})


def unread_reasons(store: Store, dataset_id: int) -> list[tuple[str, str, int]]:
    """Model, reason and number of the responses that were left unscored."""
    sql = """
        SELECT label, because, n FROM exam_unread JOIN model ON model.id = model_id
        WHERE dataset_id = ? ORDER BY label, n DESC
    """
    return [tuple(row) for row in store.rows(sql, (dataset_id,))]


@dataclass(frozen=True, slots=True)
class ChoiceRead:
    """What was read of an answer to a closed question: labels as in the file, or why none."""

    chosen: str
    value: int | None
    unscored_because: str | None
    detail: str


def reading_of(store: Store, response_id: int) -> ChoiceRead | None:
    """What was read of a response last; None for one to an open question."""
    sql = """
        SELECT rationale AS chosen, value, unscored_because, detail
        FROM assessment JOIN rater ON rater.id = rater_id
        JOIN configuration ON configuration.id = configuration_id AND engine = 'exact'
        WHERE response_id = ? ORDER BY assessment.id DESC LIMIT 1
    """
    return store.read_one(ChoiceRead, sql, (response_id,))


def asked_with(store: Store, response_id: int) -> tuple[int, str]:
    """The criteria that a response was asked with, and the order of its options ('' for none)."""
    sql = """
        SELECT criteria_id, coalesce(labels, '') FROM response
        LEFT JOIN option_order ON option_order.response_id = response.id WHERE response.id = ?
    """
    criteria_id, order = store.rows(sql, (response_id,))[0]
    return criteria_id, order
