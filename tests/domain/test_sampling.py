"""Samples are drawn as asked, with probabilities that make weighted figures right."""

import random
from collections import Counter

import pytest

from core.domain.sampling import allocated, drawn, kappa_variance, pairs_for_kappa

SIZES = {("MK",): 60, ("MR",): 30, ("MTG",): 10}
UNITS = dict(enumerate(stratum for stratum, size in SIZES.items() for _ in range(size)))


def test_a_proportional_sample_keeps_the_shares_of_the_strata():
    assert allocated(SIZES, 20, "proportional") == {("MK",): 12, ("MR",): 6, ("MTG",): 2}


def test_remainders_go_to_the_strata_that_lack_most():
    assert allocated(SIZES, 11, "proportional") == {("MK",): 7, ("MR",): 3, ("MTG",): 1}


def test_an_equal_sample_fills_small_strata_and_gives_the_rest_to_the_others():
    assert allocated(SIZES, 40, "equal") == {("MK",): 15, ("MR",): 15, ("MTG",): 10}


def test_every_stratum_is_represented_where_the_sample_allows():
    sizes = {("a",): 1000, ("b",): 1, ("c",): 1}

    assert allocated(sizes, 3, "proportional") == {("a",): 1, ("b",): 1, ("c",): 1}
    assert allocated(sizes, 2, "equal") == {("a",): 1, ("b",): 1, ("c",): 0}


@pytest.mark.parametrize("allocation", ["proportional", "equal"])
@pytest.mark.parametrize("n", [0, 1, 7, 99, 100, 1000])
def test_a_sample_has_the_size_that_was_asked_for_or_all_there_is(allocation, n):
    numbers = allocated(SIZES, n, allocation)

    assert sum(numbers.values()) == min(n, 100)
    assert all(0 <= numbers[stratum] <= SIZES[stratum] for stratum in SIZES)


def test_the_same_seed_draws_the_same_units_and_another_seed_others():
    first, again, other = (
        [one.unit for one in drawn(UNITS, 20, allocation="equal", seed=seed)] for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other
    assert len(set(first)) == 20


def test_probabilities_are_the_shares_drawn_of_each_stratum():
    sample = drawn(UNITS, 40, allocation="equal", seed=3)

    assert {one.stratum: one.probability for one in sample} == {
        ("MK",): 15 / 60, ("MR",): 15 / 30, ("MTG",): 1.0,
    }  # fmt: skip


def test_weights_by_inverse_probability_add_up_to_the_whole():
    sample = drawn(UNITS, 37, allocation="equal", seed=4)

    assert sum(1 / one.probability for one in sample) == pytest.approx(100)


def test_every_unit_of_a_stratum_is_drawn_as_often_as_its_probability_says():
    counts = Counter(
        one.unit
        for seed in range(2000)
        for one in drawn(UNITS, 20, allocation="proportional", seed=seed)
    )

    shares = [counts[unit] / 2000 for unit in UNITS]
    assert min(shares) > 0.2 - 4 * 0.009  # 4 standard errors of a share of .2 in 2,000 draws
    assert max(shares) < 0.2 + 4 * 0.009


def test_the_variance_of_kappa_is_the_published_one():
    """The hand-made 5 × 5 table: κ .557951 with the asymptotic interval [.4480, .6679]."""
    table = [
        [8, 3, 1, 0, 0], [2, 10, 4, 1, 0], [0, 3, 15, 6, 1], [0, 1, 5, 20, 7], [0, 0, 1, 6, 26],
    ]  # fmt: skip
    n = sum(map(sum, table))

    error = (kappa_variance([[cell / n for cell in row] for row in table]) / n) ** 0.5

    assert 1.959964 * error == pytest.approx((0.6679 - 0.4480) / 2, abs=1e-4)


def test_the_number_of_pairs_yields_the_width_that_was_asked_for():
    """Simulated: at that n, the standard deviation of κ is the half-width over 1.96."""
    kappa, share, half = 0.6, 0.7, 0.1
    n = pairs_for_kappa(kappa, share, half)
    both = share**2 + kappa * share * (1 - share)
    cells = [both, share - both, share - both, 1 - 2 * share + both]
    chance = random.Random(5)

    values = [_kappa(chance.choices(range(4), cells, k=n)) for _ in range(1000)]

    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    assert 1.96 * spread == pytest.approx(half, rel=0.1)


def test_alike_responses_to_one_question_ask_for_more_pairs():
    alone = pairs_for_kappa(0.7, 0.6, 0.1)

    assert pairs_for_kappa(0.7, 0.6, 0.1, design_effect=1.8) == pytest.approx(1.8 * alone, abs=2)
    assert pairs_for_kappa(0.7, 0.6, 0.05) == pytest.approx(4 * alone, abs=4)


def _kappa(cells: list[int]) -> float:
    n = len(cells)
    a, b, c, d = (cells.count(cell) / n for cell in range(4))
    expected = (a + b) * (a + c) + (c + d) * (b + d)
    return (a + d - expected) / (1 - expected)
