"""Shares and intervals against statsmodels, and what a cluster does to them."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from core.domain.estimation import (
    Estimate,
    interval_of,
    resampled_apart,
    resampled_tables,
    share_estimate,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("hits", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (7, 10), (206, 306), (1, 667)]
)
def test_wilson_interval_is_that_of_statsmodels(hits, n):
    expected = proportion_confint(hits, n, method="wilson")

    assert wilson_interval(hits / n, n) == pytest.approx(expected, abs=1e-9)


def test_wilson_interval_done_by_hand():
    # p = 0, n = 10, z² = 3.841459: centre and half width are both (z²/20)/(1 + z²/10) = .138766.
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.277533), abs=1e-6)


def test_share_of_nothing_is_undefined():
    nothing = np.array([], dtype=int)

    assert share_estimate(nothing.astype(bool), nothing) == Estimate(
        None, 0, None, None, "no_pairs"
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_agree_the_sample_size_is_the_number_of_questions(share):
    hits = np.full(12, bool(share))
    clusters = np.arange(12) // 3  # four questions

    found = share_estimate(hits, clusters)

    low, high = proportion_confint(4 * share, 4, method="wilson")
    assert (found.value, found.n, found.undefined_because) == (share, 12, None)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_independent_responses_keep_nearly_their_whole_size():
    # One response a question: se² = m/(m−1)·p(1−p)/n, so n_eff = n−1 = 49 exactly.
    hits = np.arange(50) < 35

    found = share_estimate(hits, np.arange(50))

    low, high = wilson_interval(0.7, 49)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_identical_responses_of_a_question_count_once():
    # Ten questions with three equal responses each: n_eff = 10−1 = 9, not 30.
    found = share_estimate(np.repeat(np.arange(10) < 6, 3), np.repeat(np.arange(10), 3))

    low, high = wilson_interval(0.6, 9)
    assert (found.value, found.n) == (0.6, 30)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_the_sample_size_never_exceeds_the_number_of_responses():
    # Every question has one hit and one miss: no spread between questions at all.
    found = share_estimate(np.tile([True, False], 8), np.repeat(np.arange(8), 2))

    low, high = wilson_interval(0.5, 16)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_the_sample_size_is_cut_where_questions_are_more_alike_than_chance():
    # Eight questions of four: six with 2 hits, one with 3, one with 1. The residuals' squares sum
    # to 2, se² = 8/7·2/32² = .002232, and p(1−p)/se² = 112, more than the 32 responses there are.
    per_question = [2, 2, 2, 2, 2, 2, 3, 1]
    hits = np.concatenate([np.arange(4) < count for count in per_question])

    found = share_estimate(hits, np.repeat(np.arange(8), 4))

    assert (found.low, found.high) == pytest.approx(wilson_interval(0.5, 32), abs=1e-12)


def test_one_question_counts_as_one():
    found = share_estimate(np.array([True, False, True, True]), np.zeros(4, int))

    low, high = wilson_interval(0.75, 1)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_interval_holds_the_share(seed):
    generator = np.random.default_rng(seed)
    hits, clusters = generator.random(30) < seed / 9, generator.integers(0, 12, 30)

    found = share_estimate(hits, clusters)

    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


def test_a_resample_draws_as_many_clusters_as_there_are():
    tables = np.array([[[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 5.0]]])

    draws = resampled_tables(tables, seed=0, resamples=450)

    # Two clusters of 3 and 5 pairs: a resample holds 6, 8 or 10 pairs, all on the diagonal.
    assert draws.shape == (450, 2, 2)
    assert set(draws.sum((1, 2))) == {6.0, 8.0, 10.0}
    assert not draws[:, 0, 1].any()


def test_resampling_no_cluster_gives_empty_tables():
    assert not resampled_tables(np.zeros((0, 2, 2)), seed=0, resamples=3).any()


@pytest.mark.parametrize("clusters", [40, 300, 2_500], ids=["few", "some", "too many for one"])
def test_sets_of_clusters_are_drawn_apart_and_each_as_if_alone(clusters):
    generator = np.random.default_rng(5)
    parts = [generator.random((clusters, 1)) for _ in range(2)]

    first, second = (drawn[:, 0] for drawn in resampled_apart(parts))

    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1  # 2,000 draws: a chance of 1 in 100,000
    for part, drawn in zip(parts, (first, second), strict=True):
        assert drawn.mean() == pytest.approx(part.sum(), rel=0.02)
    # The same clusters twice in one drawing are not the same draws.
    same = resampled_apart([parts[0], parts[0]])
    assert not np.array_equal(same[0], same[1])


def test_the_interval_is_the_middle_95_percent():
    # 0 … 1000: the 2.5% and 97.5% points are 25 and 975.
    assert interval_of(np.arange(1001.0), clusters=2) == (25.0, 975.0)


@pytest.mark.parametrize(
    ("draws", "clusters"),
    [
        pytest.param([0.1, 0.2, 0.3], 1, id="one cluster"),
        pytest.param([0.1, np.nan, np.nan], 9, id="most draws undefined"),
        pytest.param([np.nan, np.nan], 9, id="all draws undefined"),
    ],
)
def test_there_is_no_interval_without_spread(draws, clusters):
    assert interval_of(np.array(draws), clusters=clusters) == (None, None)
