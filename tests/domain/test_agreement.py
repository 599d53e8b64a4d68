"""Coefficients against published figures, two libraries, degenerate inputs and their own laws."""

import numpy as np
import pytest
import scipy
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from core.domain.agreement import (
    COEFFICIENTS,
    SCORE_COEFFICIENTS,
    Agreement,
    agreement_of,
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
from core.domain.estimation import Estimate

#: Made by hand; κ and weighted κ by statsmodels 0.14 and scikit-learn, which agree.
HAND_MADE = (
    (8, 3, 1, 0, 0),
    (2, 10, 4, 1, 0),
    (0, 3, 15, 6, 1),
    (0, 1, 5, 20, 7),
    (0, 0, 1, 6, 26),
)

#: LLMEval-Med (arXiv 2506.04078v3), figure 6: rows physicians, columns the judge, usable first.
FIGURE_6 = {
    "llama-3.1-8B": (((16, 6), (40, 40)), 0.54902, 0.145666, 0.145355, 0.098039),
    "Mistral-24B": (((20, 9), (35, 38)), 0.568627, 0.165489, 0.163311, 0.137255),
    "DISC-MedLLM": (((1, 1), (9, 91)), 0.901961, 0.138514, 0.889754, 0.803922),
    "pooled": (((37, 16), (84, 169)), 0.673203, 0.242912, 0.448947, 0.346405),
}

KAPPAS = {"cohen_kappa": None, "linear_kappa": "linear", "quadratic_kappa": "quadratic"}


def pairs_of(table) -> tuple[np.ndarray, np.ndarray]:
    """First and second ratings whose cross table is `table`."""
    cells = np.asarray(table)
    first, second = np.indices(cells.shape).reshape(2, -1)
    return np.repeat(first, cells.ravel()), np.repeat(second, cells.ravel())


def agreement_of_table(table, *, seed: int = 0) -> Agreement:
    """Agreement of the pairs of a table, every pair on a question of its own."""
    first, second = pairs_of(table)
    return agreement_of(first, second, np.arange(len(first)), categories=len(table), seed=seed)


def random_pairs(seed: int, *, categories: int = 5, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Two raters who agree about half the time."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, categories, n)
    other = generator.integers(0, categories, n)
    return first, np.where(generator.random(n) < 0.5, first, other)


def table_of(first: np.ndarray, second: np.ndarray, *, categories: int) -> np.ndarray:
    table = np.zeros((categories, categories))
    np.add.at(table, (first, second), 1)
    return table


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


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("categories", [2, 3, 5])
def test_kappas_agree_with_statsmodels_and_scikit_learn(seed, categories):
    first, second = random_pairs(seed, categories=categories)
    found = agreement_of(first, second, np.arange(len(first)), categories=categories)
    table = table_of(first, second, categories=categories)
    steps = np.arange(categories)

    for name, weights in KAPPAS.items():
        by_statsmodels = cohens_kappa(
            table,
            wt={None: None, "linear": "linear", "quadratic": "quadratic"}[weights],
            weights=None if weights is None else steps,
            return_results=False,
        )
        by_scikit_learn = cohen_kappa_score(first, second, labels=steps, weights=weights)
        assert found.coefficients[name].value == pytest.approx(by_statsmodels, abs=1e-12)
        assert found.coefficients[name].value == pytest.approx(by_scikit_learn, abs=1e-12)


def test_agreement_of_nothing_has_no_value_and_says_so():
    nothing = np.array([], dtype=int)
    undefined = Estimate(None, 0, None, None, "no_pairs")

    assert agreement_of(nothing, nothing, nothing, categories=2) == Agreement(
        ((0, 0), (0, 0)), undefined, dict.fromkeys(COEFFICIENTS, undefined)
    )


@pytest.mark.parametrize("name", KAPPAS)
@pytest.mark.parametrize("n", [1, 12])
def test_kappa_is_undefined_rather_than_perfect_where_one_category_is_used(name, n):
    same = np.full(n, 4)

    found = agreement_of(same, same, np.arange(n), categories=5)

    assert found.coefficients[name] == Estimate(None, n, None, None, "no_variation")


def test_kappa_is_zero_where_only_one_rater_varies():
    # The first rater says category 0 always: pa = pe = the second rater's share of category 0.
    first, second = np.zeros(10, int), np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1])

    found = agreement_of(first, second, np.arange(10), categories=2)

    assert found.coefficients["cohen_kappa"].value == pytest.approx(0.0, abs=1e-12)
    assert found.agreement.value == 0.7


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_no_coefficient_ever_leaves_as_not_a_number(name):
    tables = [[[1, 0], [0, 0]], [[0, 1], [0, 0]], [[3, 0], [0, 2]], [[0, 2], [2, 0]]]

    for table in tables:
        found = agreement_of_table(table).coefficients[name]
        assert (found.value is None) == (found.undefined_because is not None)
        numbers = [x for x in (found.value, found.low, found.high) if x is not None]
        assert not np.isnan(numbers).any()


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


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_repeating_every_pair_on_its_question_adds_no_knowledge(name):
    # 40 questions, four identical pairs each: the interval is that of 40 pairs, not of 160.
    first, second = random_pairs(3, n=40)
    once = agreement_of(first, second, np.arange(40), categories=5)
    clusters = np.repeat(np.arange(40), 4)
    clustered = agreement_of(np.repeat(first, 4), np.repeat(second, 4), clusters, categories=5)

    one, four = once.coefficients[name], clustered.coefficients[name]

    assert (four.value, four.low, four.high) == pytest.approx((one.value, one.low, one.high))
    assert (one.n, four.n) == (40, 160)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_clusters_that_move_together_make_the_interval_wider(name):
    first, second = (np.repeat(ratings, 4) for ratings in random_pairs(3, n=40))

    together = agreement_of(first, second, np.repeat(np.arange(40), 4), categories=5)
    apart = agreement_of(first, second, np.arange(160), categories=5)

    assert width(together.coefficients[name]) > 1.5 * width(apart.coefficients[name])
    assert width(together.agreement) > 1.5 * width(apart.agreement)


@pytest.mark.parametrize("name", COEFFICIENTS)
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_holds_the_estimate(name, seed):
    first, second = random_pairs(seed)

    found = agreement_of(first, second, np.arange(60) // 3, categories=5).coefficients[name]

    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        pytest.param("cohen_kappa", 0.4480, 0.6679, id="plain"),
        pytest.param("linear_kappa", 0.6528, 0.8078, id="linear"),
        pytest.param("quadratic_kappa", 0.8032, 0.9126, id="quadratic"),
    ],
)
def test_resampled_interval_lies_near_the_asymptotic_one_where_pairs_are_independent(
    name, low, high
):
    # statsmodels' asymptotic interval of the hand-made table; 2,000 resamples leave some noise.
    found = agreement_of_table(HAND_MADE).coefficients[name]

    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_the_same_seed_gives_the_same_interval():
    assert agreement_of_table(HAND_MADE, seed=7) == agreement_of_table(HAND_MADE, seed=7)
    assert agreement_of_table(HAND_MADE, seed=7) != agreement_of_table(HAND_MADE, seed=8)


def test_the_order_of_pairs_and_the_names_of_questions_do_not_matter():
    first, second = random_pairs(1)
    clusters = np.arange(60) // 3
    order = np.random.default_rng(0).permutation(60)

    straight = agreement_of(first, second, clusters, categories=5)
    shuffled = agreement_of(first[order], second[order], clusters[order] * 1000 - 7, categories=5)

    assert shuffled == straight


def test_one_question_leaves_nothing_to_tell_the_spread_from():
    first, second = random_pairs(2, n=12)

    found = agreement_of(first, second, np.zeros(12, int), categories=5)

    assert {(x.low, x.high) for x in found.coefficients.values()} == {(None, None)}


def test_the_table_has_the_first_rater_in_its_rows():
    found = agreement_of(np.array([0, 0, 2]), np.array([1, 1, 2]), np.arange(3), categories=3)

    assert found.table == ((0, 2, 0), (0, 0, 0), (0, 0, 1))


def width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


# --- scores as numbers ------------------------------------------------------------------------


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


def test_scores_bring_their_own_coefficients():
    first, second = pairs_of(HAND_MADE)
    found = agreement_of(first, second, np.arange(len(first)), categories=5, are_scores=True)

    assert set(found.coefficients) == {*COEFFICIENTS, *SCORE_COEFFICIENTS}
    for one in found.coefficients.values():
        assert one.low < one.value < one.high


@pytest.mark.parametrize("name", ["spearman", "icc_a1"])
def test_scores_without_variation_have_no_correlation(name):
    same = np.full(12, 4)
    found = agreement_of(same, same, np.arange(12), categories=5, are_scores=True)

    assert found.coefficients[name].undefined_because == "no_variation"
    assert found.coefficients["bias"].value == 0.0


# --- where resampling knows nothing -----------------------------------------------------------


@pytest.mark.parametrize("name", ["gwet_ac1", "pabak"])
def test_one_category_tells_nothing_apart_from_chance(name):
    same = np.full(12, 1)

    found = agreement_of(same, same, np.arange(12), categories=2).coefficients[name]

    assert (found.value, found.undefined_because) == (None, "no_variation")


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_perfect_agreement_does_not_claim_to_be_certain(name):
    # Twelve questions, six of each: chance .5 for all. Wilson's lower end of 12 of 12 is .757506,
    # so the coefficient's is 1 − (1 − .757506)/.5 = .515012.
    both = np.arange(12) % 2

    found = agreement_of(both, both, np.arange(12), categories=2).coefficients[name]

    assert (found.value, found.high, found.interval_by) == (1.0, 1.0, "wilson_held_chance")
    assert found.low == pytest.approx(0.515012, abs=1e-5)


def test_a_disagreement_brings_the_resampled_interval_back():
    first = np.arange(40) % 2
    second = np.where(np.arange(40) < 3, 1 - first, first)

    found = agreement_of(first, second, np.arange(40), categories=2).coefficients["cohen_kappa"]

    assert found.interval_by == "bootstrap"


# --- unequal sampling -------------------------------------------------------------------------


def test_weights_undo_a_sample_that_was_drawn_by_the_judges_score():
    # 2,000 responses, rows physicians: the judge passes 560, 420 of them rightly, and rejects
    # 1,440, 1,260 of them rightly: agreement .84. Drawn 200 passed (150 right) and 100 rejected
    # (87.5 right): raw agreement 237.5/300 = .79.
    population = np.array([[1260.0, 140.0], [180.0, 420.0]])
    drawn = population * np.array([100 / 1440, 200 / 560])
    weights = np.array([1440 / 100, 560 / 200])
    first, second = pairs_of(np.round(drawn * 20).astype(int))  # exact to a twentieth

    found = agreement_of(
        first, second, np.arange(len(first)), categories=2, weights=weights[second]
    )
    raw = agreement_of(first, second, np.arange(len(first)), categories=2)

    assert found.agreement.value == pytest.approx(0.84, abs=0.002)
    assert raw.agreement.value == pytest.approx(0.79, abs=0.005)
    assert found.coefficients["cohen_kappa"].value == pytest.approx(
        float(cohen_kappa(population)), abs=0.005
    )
    assert found.table == raw.table  # the table counts what was seen


def test_equal_weights_change_nothing():
    first, second = random_pairs(4)
    clusters = np.arange(60) // 3

    plain = agreement_of(first, second, clusters, categories=5)
    weighted = agreement_of(first, second, clusters, categories=5, weights=np.full(60, 2.5))

    for name, one in plain.coefficients.items():
        other = weighted.coefficients[name]
        assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))


# --- coverage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("questions", "usable"), [(80, 0.5), (120, 0.25)])
def test_clustered_kappa_covers_its_true_value(questions, usable):
    # Three responses a question that depend on each other; the judge errs in 15% either way.
    right = 0.85
    passed = usable * right + (1 - usable) * (1 - right)
    chance = usable * passed + (1 - usable) * (1 - passed)
    truth = (right - chance) / (1 - chance)
    clusters = np.arange(questions).repeat(3)
    covered = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)

        def related(share: float, generator: np.random.Generator = generator) -> np.ndarray:
            """True with probability `share`, alike within a question (correlation .4)."""
            common = generator.normal(size=questions).repeat(3)
            own = generator.normal(size=3 * questions)
            return np.sqrt(0.4) * common + np.sqrt(0.6) * own < scipy.stats.norm.ppf(share)

        human = related(usable)
        judge = human == related(right)
        found = agreement_of(human.astype(int), judge.astype(int), clusters, categories=2)
        kappa = found.coefficients["cohen_kappa"]
        covered += kappa.low <= truth <= kappa.high

    assert 0.92 <= covered / 200 <= 0.98
