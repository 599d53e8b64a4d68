"""Ranks: shares of draws by hand, intervals, and brackets of what can't be told apart."""

import numpy as np
import pytest

from core.domain.estimation import Estimate
from core.domain.planning import scores_for_half_width
from core.domain.ranks import brackets, rank_interval, rank_shares


def test_shares_of_ranks_by_hand():
    # Draws: A > B, A > B, B > A, tie. A is first in 2 draws and half of the tie.
    shares = rank_shares(np.array([[0.9, 0.1], [0.8, 0.3], [0.2, 0.3], [0.5, 0.5]]))

    assert shares.tolist() == [[0.625, 0.375], [0.375, 0.625]]


@pytest.mark.parametrize("seed", range(3))
def test_every_model_has_a_rank_and_every_rank_a_model(seed):
    draws = np.random.default_rng(seed).integers(0, 4, (50, 6)).astype(float)

    shares = rank_shares(draws)

    assert shares.sum(0) == pytest.approx(np.ones(6))
    assert shares.sum(1) == pytest.approx(np.ones(6))


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([1.0, 0.0, 0.0], (1, 1)),
        ([0.5, 0.5, 0.0], (1, 2)),
        ([0.02, 0.96, 0.02], (2, 2)),
        ([0.03, 0.03, 0.94], (1, 3)),
    ],
)
def test_the_middle_95_percent_of_ranks(shares, expected):
    assert rank_interval(np.array(shares)) == expected


def test_neighbours_that_can_not_be_told_apart_share_a_bracket():
    # 0 and 2 differ, nobody else does among 0–2; 3 differs from all.
    apart = {(0, 2), (0, 3), (1, 3), (2, 3)}

    assert brackets(4, lambda i, j: (i, j) in apart) == [range(0, 2), range(1, 3)]


def test_a_model_that_differs_from_all_is_in_no_bracket():
    assert brackets(3, lambda i, j: True) == []
    assert brackets(3, lambda i, j: False) == [range(0, 3)]


def test_four_times_the_scores_halve_the_interval():
    found = Estimate(0.6, 50, 0.4, 0.8, None)

    assert scores_for_half_width(found, 0.1) == 200
    assert scores_for_half_width(found, 0.5) == 50  # narrow enough already
    assert scores_for_half_width(Estimate(None, 3, None, None, "too_few"), 0.1) is None
