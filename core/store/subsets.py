"""Subsets of exams: which exercises stand for a whole, and how models answered them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.known_models import Known
from core.domain.rapid import Picked
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset of a dataset's closed questions.

    Attributes:
        strata: how many exercises each stratum of the whole has.
        known: the shares that models had answered right in every stratum when it was drawn.
    """

    id: int
    dataset_id: int
    name: str
    size: int
    seed: int
    strata: dict[str, int]
    known: dict[str, list[float]]
    created_by: str
    created_at: str

    @property
    def known_models(self) -> Known | None:
        """None where too few models were known."""
        if not self.known:
            return None
        return Known(tuple(self.known), np.array(list(self.known.values())).T)


_COLUMNS = (
    "SELECT id, dataset_id, name, size, seed, strata, known, created_by, created_at"
    " FROM exam_subset"
)


def subsets(store: Store, dataset_id: int) -> list[Subset]:
    """A dataset's subsets, oldest first."""
    return store.read(Subset, f"{_COLUMNS} WHERE dataset_id = ? ORDER BY id", (dataset_id,))


def add_subset(
    store: Store, dataset_id: int, name: str, found: Sequence[Picked],
    *, seed: int, strata: dict[str, int], known: Known | None, by: str,
) -> int:  # fmt: skip
    """Insert a subset with its exercises."""
    shares = {} if known is None else dict(zip(known.strata, known.shares.T.tolist(), strict=True))
    subset_id = store.add(
        "INSERT INTO exam_subset (dataset_id, name, size, seed, strata, known, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            dataset_id, name, len(found), seed, json.dumps(strata, sort_keys=True),
            json.dumps(shares, sort_keys=True), by,
        ),
    )  # fmt: skip
    store.add_many(
        "INSERT INTO exam_subset_question (subset_id, question_id, stratum, probability)"
        " VALUES (?, ?, ?, ?)",
        [(subset_id, one.unit, one.stratum, one.probability) for one in found],
    )
    return subset_id


def scores(
    store: Store, study_id: int, subset_id: int, rater_id: int
) -> list[tuple[str, str, int | None]]:
    """Model, stratum and score (None where unscored) of every response to a subset."""
    sql = """
        SELECT label, stratum, value FROM exam_subset_question AS drawn
        JOIN current_response AS response ON response.question_id = drawn.question_id
        JOIN model ON model.id = response.model_id
        JOIN active_criteria ON study_id = :study
                            AND active_criteria.question_id = drawn.question_id
        JOIN assessment ON assessment.response_id = response.id
             AND assessment.rater_id = :rater AND purpose = 'study' AND round = 1
             AND assessment.criteria_id = active_criteria.criteria_id
        WHERE subset_id = :subset
    """
    rows = store.rows(sql, {"study": study_id, "subset": subset_id, "rater": rater_id})
    return [tuple(row) for row in rows]
