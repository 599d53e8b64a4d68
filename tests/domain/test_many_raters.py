"""Many raters: published examples, statsmodels, hand examples, and what is undefined."""

import numpy as np
import pytest
import statsmodels.stats.inter_rater as reference

from core.domain.estimation import wilson_interval
from core.domain.many_raters import (
    among_raters,
    fleiss_kappa,
    krippendorff_alpha,
)

DISTANCES = ("nominal", "ordinal", "interval")
#: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C.
SECTION_C = (
    (1, 1, 1), (2, 2, 3, 2), (3, 3, 3, 3), (3, 3, 3, 3), (2, 2, 2, 2), (1, 2, 3, 4),
    (4, 4, 4, 4), (1, 1, 2, 1), (2, 2, 2, 2), (5, 5, 5), (1, 1), (3,),
)  # fmt: skip


def marks_of(units, *, raters: int = 4) -> np.ndarray:
    """Marks from 1 as category indices, missing ones at the end of a unit."""
    marks = np.full((len(units), raters), -1)
    for row, unit in zip(marks, units, strict=True):
        row[: len(unit)] = np.array(unit) - 1
    return marks


def alpha(marks, distance="nominal", categories=5):
    return krippendorff_alpha(
        marks, np.arange(len(marks)), categories=categories, distance=distance
    )


# --- Krippendorff -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distance", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_krippendorffs_own_example(distance, expected):
    found = alpha(marks_of(SECTION_C), distance)

    assert round(found.value, 3) == expected
    assert found.n == 40  # the lone mark of the last unit pairs with nothing
    assert found.low < found.value < found.high


def test_alpha_of_two_raters_done_by_hand():
    # Pairs (1,1) (1,2) (2,2) (2,2): n = 8 marks, n₁ = 3, n₂ = 5, coincidences o₁₂ + o₂₁ = 2.
    # α = 1 − 7·2/(2·3·5) = 1 − 14/30 = .533333.
    found = alpha(marks_of([(1, 1), (1, 2), (2, 2), (2, 2)], raters=2), categories=2)

    assert found.value == pytest.approx(0.533333, abs=5e-7)


@pytest.mark.parametrize("distance", DISTANCES)
def test_alpha_is_undefined_rather_than_perfect_where_all_marks_are_equal(distance):
    found = alpha(marks_of([(4, 4), (4, 4, 4), (4, 4)]), distance)

    assert (found.value, found.n, found.undefined_because) == (None, 7, "no_variation")


def test_alpha_of_units_with_one_mark_each_has_no_pairs():
    assert alpha(marks_of([(1,), (2,), (5,)])).undefined_because == "no_pairs"


@pytest.mark.parametrize("distance", DISTANCES)
def test_an_unpairable_unit_changes_nothing(distance):
    with_it, without = marks_of(SECTION_C), marks_of(SECTION_C[:-1])

    assert alpha(with_it, distance) == alpha(without, distance)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_raters_does_not_matter(distance, seed):
    marks = marks_of(SECTION_C)
    shuffled = np.random.default_rng(seed).permuted(marks, axis=1)

    assert alpha(shuffled, distance) == alpha(marks, distance)


def test_nominal_alpha_does_not_know_the_order_of_categories():
    marks = marks_of(SECTION_C)
    renamed = np.where(marks >= 0, (marks * 2) % 5, -1)

    assert alpha(renamed).value == pytest.approx(alpha(marks).value)


def test_perfect_agreement_does_not_claim_to_be_certain():
    # Six questions each way: pe = .5, Wilson's lower end of 12 of 12 is .757.
    found = alpha(marks_of([(1, 1)] * 6 + [(2, 2)] * 6, raters=2), categories=2)

    least = wilson_interval(1.0, 12)[0]
    assert (found.value, found.high, found.interval_by) == (1.0, 1.0, "wilson_held_chance")
    assert found.low == pytest.approx(1 - (1 - least) / 0.5)


# --- Fleiss -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_fleiss_kappa_is_that_of_statsmodels(seed):
    generator = np.random.default_rng(seed)
    marks = generator.integers(0, 4, (40, 3))
    marks[:, 1] = np.where(generator.random(40) < 0.6, marks[:, 0], marks[:, 1])
    table = np.stack([(marks == step).sum(1) for step in range(4)], axis=1)

    found = fleiss_kappa(marks, np.arange(40), categories=4)

    assert found.value == pytest.approx(reference.fleiss_kappa(table), abs=1e-12)
    assert found.n == 40
    assert found.low < found.value < found.high


def test_fleiss_kappa_needs_the_same_number_of_marks_on_every_unit():
    found = fleiss_kappa(marks_of([(1, 2), (1, 1, 1)]), np.arange(2), categories=2)

    assert (found.value, found.undefined_because) == (None, "unequal_raters")


def test_fleiss_kappa_leaves_out_units_that_nobody_marked():
    marks = marks_of([(1, 2), (), (2, 2), (1, 1)], raters=2)

    assert fleiss_kappa(marks, np.arange(4), categories=2).n == 3


@pytest.mark.parametrize(
    ("units", "because"),
    [([(4, 4), (4, 4)], "no_variation"), ([(), ()], "no_pairs"), ([(1,), (2,)], "no_pairs")],
)
def test_fleiss_kappa_says_why_it_is_undefined(units, because):
    found = fleiss_kappa(marks_of(units), np.arange(2), categories=5)

    assert (found.value, found.undefined_because) == (None, because)


# --- all pairs --------------------------------------------------------------------------------


def test_every_pair_of_raters_on_a_unit_counts_once():
    # (1,1,2): pairs 11 12 12; (2,2): 22. Two of four pairs agree.
    found = among_raters(marks_of([(1, 1, 2), (2, 2)]), np.arange(2), categories=2)

    assert (found.agreement.value, found.agreement.n) == (0.5, 4)
    assert {one.n for one in found.coefficients.values()} == {4}


def test_a_lone_rater_has_no_pairs():
    found = among_raters(marks_of([(1,), (2,)]), np.arange(2), categories=2)

    assert found.agreement.undefined_because == "no_pairs"
    assert {one.undefined_because for one in found.coefficients.values()} == {"no_pairs"}
