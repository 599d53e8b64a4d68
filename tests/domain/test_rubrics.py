"""HealthBench's published rules against cases that were computed by hand."""

import numpy as np
import pytest

from core.domain.estimation import undefined
from core.domain.rubrics import (
    criterion_line,
    macro_f1,
    overall_score,
    points_of,
    rubric_score,
)


@pytest.mark.parametrize(
    ("criteria", "value"),
    [
        # 8 of 8 + 4 possible
        ([(8, True), (4, False), (-6, False)], 8 / 12),
        # 8 + 4 − 6 of 12
        ([(8, True), (4, True), (-6, True)], 6 / 12),
        # only the harmful one: below 0, and not clipped
        ([(8, False), (4, False), (-6, True)], -6 / 12),
        ([(5, True)], 1.0),
        ([(5, False)], 0.0),
        # nothing can be earned: undefined, and no 0
        ([(-6, True)], None),
        ([(-6, False), (-2, False)], None),
        ([], None),
    ],
)
def test_an_examples_score_is_points_met_over_positive_points(criteria, value):
    assert rubric_score(criteria) == value


def test_the_overall_mean_is_clipped_and_no_example_is():
    # (1 + −2 + .25)/3 = −.25 → 0; clipped one by one it would be (1 + 0 + .25)/3 = .4167
    below = overall_score(np.array([1.0, -2.0, 0.25]), np.arange(3))
    within = overall_score(np.array([1.0, -0.5, 0.25]), np.arange(3))

    assert (below.value, below.low) == (0.0, 0.0)
    assert within.value == pytest.approx(0.25)
    assert overall_score(np.array([]), np.arange(0)) == undefined(0, "no_pairs")


def test_macro_f1_is_the_mean_of_both_classes():
    # judge, physician: 3 both met, 1 only judge, 2 only physician, 4 neither
    pairs = [(True, True)] * 3 + [(True, False)] + [(False, True)] * 2 + [(False, False)] * 4

    found = macro_f1(pairs)

    assert found.n == 10
    assert found.met == pytest.approx(6 / (6 + 1 + 2))  # 2·3/(2·3 + 1 + 2) = .6667
    assert found.not_met == pytest.approx(8 / (8 + 2 + 1))  # 2·4/(2·4 + 2 + 1) = .7273
    assert found.macro == pytest.approx((6 / 9 + 8 / 11) / 2)  # .6970


def test_macro_f1_is_the_same_from_both_sides():
    pairs = [(True, True), (True, False), (False, False), (False, True), (True, True)]

    assert macro_f1(pairs) == macro_f1([(b, a) for a, b in pairs])


def test_macro_f1_without_an_answer_of_one_kind_is_undefined():
    assert macro_f1([(True, True)] * 3).macro is None
    assert macro_f1([]).macro is None


@pytest.mark.parametrize(
    ("text", "points"),
    [("[+5] Calls 120", 5), ("[-8] Waits", -8), ("[−3] Waits", -3), ("Calls 120", None),
     ("5 mg [+5]", None)],
)  # fmt: skip
def test_points_stand_at_the_beginning_of_a_criterion(text, points):
    assert points_of(text) == points


def test_a_criterion_is_written_on_one_line_with_its_points():
    assert criterion_line("Tells\nto call 120", 8) == "[+8] Tells to call 120"
    assert points_of(criterion_line("x", -4)) == -4


def test_macro_f1_equals_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = [(n % 3 > 0, n % 5 > 1) for n in range(60)]

    judge, physician = zip(*pairs, strict=True)

    assert macro_f1(pairs).macro == pytest.approx(
        metrics.f1_score(physician, judge, average="macro")
    )
