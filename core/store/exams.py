"""Exams: datasets with closed questions, their strata, and tallies of how models answered."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.domain.tallies import Tally
from core.store.database import Store


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
        SELECT name, n FROM (
          SELECT dataset.id, dataset.name,
                 (SELECT count(*) FROM question WHERE dataset_id = dataset.id AND kind = 'closed')
                 AS n
          FROM study_dataset JOIN dataset ON dataset.id = dataset_id WHERE study_id = ?)
        WHERE n > 0 ORDER BY id
    """
    return [(name, n) for name, n in store.rows(sql, (study_id,))]


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
