"""Tallies give the same share and interval as the responses that they were made of."""

import numpy as np
import pytest

from core.domain.estimation import share_estimate
from core.domain.tallies import Answers, tallies


def answers(score, cluster, *, absent=(), facet=None, model=None) -> Answers:
    score = np.array(score, dtype=float)
    n = len(score)
    is_absent = np.isin(np.arange(n), list(absent))
    facet = np.zeros(n, dtype=np.intp) if facet is None else np.array(facet)
    models, model = np.unique(np.zeros(n) if model is None else model, return_inverse=True)
    return Answers(
        model, np.arange(n), score, is_absent, models.tolist(), np.array(cluster),
        {"stage": facet}, {"stage": "xyz"},
    )  # fmt: skip


def test_a_cell_counts_what_is_right_unscored_and_absent():
    found = answers([1, 0, np.nan, np.nan], [0, 1, 2, 3], absent=[3])

    ((_, _, left_out),) = tallies(found, (), unscored_as_wrong=False)
    ((_, _, as_wrong),) = tallies(found, (), unscored_as_wrong=True)

    assert (left_out.n, left_out.total, left_out.unscored, left_out.absent) == (2, 1.0, 1, 1)
    assert (as_wrong.n, as_wrong.total, as_wrong.clusters) == (3, 1.0, 3)


def test_cells_are_cut_by_model_and_facet():
    found = answers([1, 0, 1, 1], [0, 1, 0, 1], facet=[0, 1, 0, 1], model=[7, 7, 9, 9])

    cells = {(cell, model): one.total for cell, model, one in tallies(
        found, ("stage",), unscored_as_wrong=False
    )}  # fmt: skip

    assert cells == {(("x",), 7): 1, (("y",), 7): 0, (("x",), 9): 1, (("y",), 9): 1}


@pytest.mark.parametrize("seed", range(6))
def test_the_interval_is_the_one_of_whole_stems(seed):
    chance = np.random.default_rng(seed)
    cluster = chance.integers(0, 40, 120)
    hits = chance.random(120) < 0.3 + 0.4 * (cluster % 2)

    ((_, _, found),) = tallies(answers(hits, cluster), (), unscored_as_wrong=False)

    expected = share_estimate(hits, cluster)
    assert found.share.value == pytest.approx(expected.value)
    assert (found.share.low, found.share.high) == pytest.approx((expected.low, expected.high))


def test_nothing_counted_is_undefined_and_no_zero():
    ((_, _, found),) = tallies(answers([np.nan], [0]), (), unscored_as_wrong=False)

    assert (found.share.value, found.share.undefined_because) == (None, "no_pairs")
