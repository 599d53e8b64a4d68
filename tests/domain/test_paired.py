"""Paired comparisons against statsmodels, by hand, and their laws."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from core.domain.coefficients import cohen_kappa, percent_agreement
from core.domain.paired import change_of, holm, sign_flip_p


def sign_flip_p_of(sums: np.ndarray, *, flips: int = 10_000) -> np.ndarray:
    """p of sums over questions, shape (clusters, m), each as a column beside zeros."""
    m = sums.shape[1]
    values = np.hstack([sums, np.zeros((len(sums), 1))])
    known = np.ones(values.shape, dtype=bool)
    return sign_flip_p(values, known, [(at, m) for at in range(m)], flips=flips)


def test_signs_flipped_by_hand():
    # Five questions, all +1: only 2 of 32 sign patterns reach |5|, so p ≈ 1/16.
    [p] = sign_flip_p_of(np.ones((5, 1)))

    assert p == pytest.approx(1 / 16, abs=0.01)


def test_no_difference_has_p_of_one():
    assert sign_flip_p_of(np.zeros((40, 2))) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed):
    p_values = np.random.default_rng(seed).random(9) ** 3

    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def tables(first, second) -> np.ndarray:
    """A 2×2 table per pair, each of a question of its own."""
    found = np.zeros((len(first), 2, 2))
    found[np.arange(len(first)), first, second] = 1
    return found


def test_a_revision_that_mends_ten_of_forty_shows():
    human = np.arange(40) % 2
    before, after = np.where(np.arange(40) < 12, 1 - human, human), human.copy()
    after[:2] = before[:2]

    found = change_of(tables(human, before), tables(human, after), percent_agreement, pairs=40)
    kappa = change_of(tables(human, before), tables(human, after), cohen_kappa, pairs=40)

    assert found.difference.value == pytest.approx(0.25)
    assert found.difference.low > 0.0
    assert found.p < 0.01
    assert kappa.difference.value == pytest.approx(0.5)
    assert kappa.p < 0.01


def test_a_revision_that_changes_nothing_has_p_of_one():
    human, judge = np.arange(30) % 2, np.arange(30) % 3 % 2
    same = tables(human, judge)

    found = change_of(same, same, cohen_kappa, pairs=30)

    assert (found.difference.value, found.p) == (0.0, 1.0)


def test_exchanging_the_sides_turns_the_change_round():
    generator = np.random.default_rng(2)
    human, one, two = generator.integers(0, 2, (3, 50))
    before, after = tables(human, one), tables(human, two)

    there = change_of(before, after, cohen_kappa, pairs=50)
    back = change_of(after, before, cohen_kappa, pairs=50)

    assert back.difference.value == pytest.approx(-there.difference.value)
    assert (back.difference.low, back.difference.high) == pytest.approx(
        (-there.difference.high, -there.difference.low)
    )
    assert back.p == pytest.approx(there.p)


def test_a_change_without_pairs_or_variation_says_why():
    nothing = np.zeros((0, 2, 2))
    same = tables(np.ones(5, int), np.ones(5, int))

    assert change_of(nothing, nothing, cohen_kappa, pairs=0).difference.undefined_because == (
        "no_pairs"
    )
    assert change_of(same, same, cohen_kappa, pairs=5).difference.undefined_because == (
        "no_variation"
    )


def test_the_permutation_keeps_its_level():
    # 200 studies without a difference, three responses a question that move together.
    rejected = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        sums = generator.normal(size=(60, 1)) * 3 + generator.normal(size=(60, 1))
        rejected += sign_flip_p_of(sums, flips=1_000)[0] <= 0.05

    assert 0.02 <= rejected / 200 <= 0.085


@pytest.mark.parametrize("questions", [40, 900])
@pytest.mark.parametrize("lacking", [0.0, 0.05])
def test_pairs_of_columns_are_tested_as_their_differences_are(questions, lacking):
    generator = np.random.default_rng(2)
    values = generator.random((questions, 4)) + np.array([0.0, 0.02, 0.05, 0.5])
    known = generator.random(values.shape) >= lacking
    pairs = [(0, 1), (0, 2), (1, 3), (2, 3)]

    found = sign_flip_p(values, known, pairs)

    apart = np.stack(
        [np.where(known[:, i] & known[:, j], values[:, i] - values[:, j], 0.0) for i, j in pairs],
        axis=1,
    )
    assert found == pytest.approx(sign_flip_p_of(apart), abs=1e-3)
    assert found[0] > 0.05 > found[3]
