"""The alternative annotator test: hand examples, and judges whose skill is known."""

import numpy as np
import pytest

from core.domain.alternative_annotator import annotator_test


def raters_and_judge(skill: float, *, units: int = 120, raters: int = 4, seed: int = 0):
    """Raters who are right in 80%, a judge who is right in `skill`."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 2, units)

    def seen(right: float, shape: tuple[int, ...]) -> np.ndarray:
        columns = truth if len(shape) == 1 else truth[:, None]
        return np.where(generator.random(shape) < right, columns, 1 - columns)

    return seen(0.8, (units, raters)), seen(skill, (units,)), np.arange(units)


def held_against(marks, judge, clusters, **options):
    return annotator_test(marks, judge, clusters, **{"closeness": "accuracy", **options})


def test_a_judge_as_good_as_physicians_may_stand_in():
    found = held_against(*raters_and_judge(0.8))

    assert found.may_stand_in is True
    assert (found.omega.value, found.physicians, found.units) == (1.0, 4, 120)
    assert 0.75 < found.rho.low < found.rho.value < found.rho.high <= 1.0


def test_a_judge_that_guesses_may_not():
    found = held_against(*raters_and_judge(0.45))

    assert found.may_stand_in is False
    assert found.omega.value == 0.0


def test_the_annotator_test_done_by_hand():
    # Three raters always say 0, the judge too on 20 of 30 units. Against the other two a rater is
    # always right: W_h = 1, W_f = 20/30. d̄ = 1/3 ≥ ε = .2: nobody is beaten, ω = 0, ρ = 2/3.
    marks, judge = np.zeros((30, 3), int), (np.arange(30) >= 20).astype(int)

    found = held_against(marks, judge, np.arange(30))

    assert (found.omega.value, found.rho.value) == (0.0, pytest.approx(2 / 3))


def test_rmse_measures_distance_where_accuracy_sees_only_hits():
    # The judge is one step off everywhere and never hits; a rater is four steps off half the time.
    generator = np.random.default_rng(1)
    marks = np.where(generator.random((60, 3)) < 0.5, 4, 0)
    judge = np.full(60, 1)

    near = held_against(marks, judge, np.arange(60), closeness="negative_rmse")
    hits = held_against(marks, judge, np.arange(60), closeness="accuracy")

    assert near.rho.value > 0.4 > hits.rho.value


@pytest.mark.parametrize(
    ("units", "raters"), [pytest.param(29, 4, id="units"), pytest.param(60, 2, id="raters")]
)
def test_the_annotator_test_needs_three_physicians_and_thirty_units(units, raters):
    found = held_against(*raters_and_judge(0.9, units=units, raters=raters))

    assert (found.omega.undefined_because, found.may_stand_in) == ("too_few", None)


def test_units_without_a_judge_or_a_second_physician_do_not_count():
    marks, judge, clusters = raters_and_judge(0.8)
    judge[:10], marks[10:15, 1:] = -1, -1

    assert held_against(marks, judge, clusters).units == 105


def test_a_physician_with_few_units_is_tested_by_wilcoxon():
    marks, judge, clusters = raters_and_judge(0.9)
    marks[20:, 3] = -1

    found = held_against(marks, judge, clusters)

    assert (found.physicians, found.units) == (4, 120)


def test_a_judge_that_is_always_as_close_is_not_certain_to_be_so():
    # Four physicians and a judge who all agree on 40 units: Wilson's interval of 40 of 40.
    marks = np.tile(np.arange(40)[:, None] % 2, (1, 4))

    found = annotator_test(marks, marks[:, 0], np.arange(40), closeness="accuracy")

    assert (found.rho.value, found.rho.interval_by) == (1.0, "wilson")
    assert found.rho.low == pytest.approx(40 / (40 + 1.959964**2), abs=1e-6)
