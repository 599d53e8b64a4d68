"""Coefficients against published figures, hand examples, scipy and their own laws."""

import numpy as np
import pytest
import scipy

from core.domain.coefficients import (
    COEFFICIENTS,
    cohen_kappa,
    gwet_ac1,
    intraclass,
    linear_kappa,
    lower_limit,
    mean_difference,
    pabak,
    percent_agreement,
    quadratic_kappa,
    spearman,
    upper_limit,
)
from tests.two_raters import HAND_MADE, random_pairs, table_of

#: LLMEval-Med (arXiv 2506.04078v3), figure 6: rows physicians, columns the judge, usable first.
FIGURE_6 = {
    "llama-3.1-8B": (((16, 6), (40, 40)), 0.54902, 0.145666, 0.145355, 0.098039),
    "Mistral-24B": (((20, 9), (35, 38)), 0.568627, 0.165489, 0.163311, 0.137255),
    "DISC-MedLLM": (((1, 1), (9, 91)), 0.901961, 0.138514, 0.889754, 0.803922),
    "pooled": (((37, 16), (84, 169)), 0.673203, 0.242912, 0.448947, 0.346405),
}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        pytest.param(cohen_kappa, 0.557951, id="plain"),
        pytest.param(linear_kappa, 0.730284, id="linear"),
        pytest.param(quadratic_kappa, 0.857916, id="quadratic"),
    ],
)
def test_kappas_of_the_hand_made_table(formula, expected):
    assert float(formula(np.array(HAND_MADE, float))) == pytest.approx(expected, abs=5e-7)


def test_kappa_of_a_table_small_enough_to_do_by_hand():
    # 20 5 / 10 15: pa = 35/50 = .7; shares .5 .5 and .6 .4, so pe = .3 + .2 = .5;
    # kappa = .2/.5 = .4. AC1: pi = .55, .45; pe = 2·.55·.45 = .495; (.7−.495)/.505 = .405941.
    table = np.array([[20.0, 5.0], [10.0, 15.0]])

    found = [float(formula(table)) for formula in (percent_agreement, cohen_kappa, gwet_ac1, pabak)]

    assert found == pytest.approx([0.7, 0.4, 0.405941, 0.4], abs=5e-7)


@pytest.mark.parametrize("model", FIGURE_6)
def test_figure_6_of_llmeval_med(model):
    table, *expected = FIGURE_6[model]
    counts = np.array(table, float)

    found = [
        float(formula(counts)) for formula in (percent_agreement, cohen_kappa, gwet_ac1, pabak)
    ]

    assert found == pytest.approx(expected, abs=5e-7)


def test_formulas_take_a_stack_of_tables():
    stack = np.array([table for table, *_ in FIGURE_6.values()], float)

    assert cohen_kappa(stack) == pytest.approx(
        [kappa for _, _, kappa, _, _ in FIGURE_6.values()], abs=5e-7
    )


@pytest.mark.parametrize("seed", range(5))
def test_swapping_the_raters_changes_no_coefficient(seed):
    first, second = random_pairs(seed)
    table = table_of(first, second, categories=5)

    for formula in COEFFICIENTS.values():
        assert float(formula(table)) == pytest.approx(float(formula(table.T)), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_category_that_nobody_uses_leaves_plain_kappa_unchanged(seed):
    first, second = random_pairs(seed, categories=3)

    narrow = cohen_kappa(table_of(first, second, categories=3))
    wide = cohen_kappa(table_of(first, second, categories=6))

    assert float(wide) == pytest.approx(float(narrow), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_an_unused_end_of_the_scale_leaves_weighted_kappa_unchanged(seed):
    # Disagreement weights stand above and below the bar, so dividing them all by K−1 cancels.
    first, second = random_pairs(seed, categories=3)

    for formula in (linear_kappa, quadratic_kappa):
        narrow = formula(table_of(first, second, categories=3))
        wide = formula(table_of(first, second, categories=6))
        assert float(wide) == pytest.approx(float(narrow), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_turning_the_scale_round_changes_no_coefficient(seed):
    table = table_of(*random_pairs(seed), categories=5)

    for formula in COEFFICIENTS.values():
        assert float(formula(table[::-1, ::-1])) == pytest.approx(float(formula(table)), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_plain_kappa_and_ac1_do_not_know_the_order_of_categories(seed):
    table = table_of(*random_pairs(seed), categories=5)
    order = np.random.default_rng(seed).permutation(5)
    shuffled = table[np.ix_(order, order)]

    for formula in (cohen_kappa, gwet_ac1, pabak):
        assert float(formula(shuffled)) == pytest.approx(float(formula(table)), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_two_categories_make_all_three_kappas_one(seed):
    table = table_of(*random_pairs(seed, categories=2), categories=2)

    found = [float(formula(table)) for formula in (cohen_kappa, linear_kappa, quadratic_kappa)]

    assert found == pytest.approx([found[0]] * 3, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_spearman_is_that_of_scipy(seed):
    first, second = random_pairs(seed)

    expected = scipy.stats.spearmanr(first, second).statistic

    assert float(spearman(table_of(first, second, categories=5))) == pytest.approx(expected)


def test_bias_and_limits_done_by_hand():
    # Differences 1, 1, −1, 0, 1, 1: mean .5, squares about it sum to 3.5, s = √.7 = .836660.
    first, second = np.array([0, 1, 2, 3, 3, 2]), np.array([1, 2, 1, 3, 4, 3])
    table = table_of(first, second, categories=5)

    found = [float(formula(table)) for formula in (mean_difference, lower_limit, upper_limit)]

    assert found == pytest.approx([0.5, 0.5 - 1.959964 * 0.836660, 0.5 + 1.959964 * 0.836660])


def test_intraclass_correlation_of_shrout_and_fleiss_form():
    # Two raters, subjects (0,1) (2,3) (4,4): grand mean 7/3; SSR = 2·Σ(m − 7/3)² = 2·(3.361111 +
    # .027778 + 2.777778) = 12.333333; SSC = 3·(2·(1/3)²) = .666667; SST = 13.333333; SSE = .333333.
    # MSR 6.166667, MSE .166667, MSC .666667: ICC = 6 / (6.333333 + 2·.5/3) = .9.
    table = table_of(np.array([0, 2, 4]), np.array([1, 3, 4]), categories=5)

    assert float(intraclass(table)) == pytest.approx(0.9)
