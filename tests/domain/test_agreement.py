"""Agreement beside two libraries, its intervals, weights, degenerate inputs and coverage."""

import numpy as np
import pytest
import scipy
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from core.domain.agreement import Agreement, agreement_of
from core.domain.coefficients import COEFFICIENTS, SCORE_COEFFICIENTS, cohen_kappa
from core.domain.estimation import Estimate
from tests.two_raters import HAND_MADE, pairs_of, random_pairs, table_of

KAPPAS = {"cohen_kappa": None, "linear_kappa": "linear", "quadratic_kappa": "quadratic"}


def agreement_of_table(table, *, seed: int = 0) -> Agreement:
    """Agreement of the pairs of a table, every pair on a question of its own."""
    first, second = pairs_of(table)
    return agreement_of(first, second, np.arange(len(first)), categories=len(table), seed=seed)


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
            wt=weights,
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
