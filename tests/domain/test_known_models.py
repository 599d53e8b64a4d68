"""What models that answered a whole exam tell of one that answered a part of it."""

import numpy as np
import pytest

from core.domain.known_models import FEWEST, Known, combined, known_models, plan

SIZES = np.array([600.0, 300.0, 100.0])
ASKED = np.array([10.0, 20.0, 5.0])
SKILLS = np.linspace(-1.5, 1.5, 9)


def rasch(*, lean=0.0) -> Known:
    """Nine models of logit skill + 1, 0, −2; every other one leans to the first stratum."""
    logits = SKILLS[:, None] + np.array([1.0, 0.0, -2.0])
    logits[::2, 0] += lean
    logits[1::2, 0] -= lean
    return Known(("1~", "3~", "5~"), 1 / (1 + np.exp(-logits)))


def test_models_that_are_as_the_prediction_says_have_hardly_a_misfit():
    straight, leaning = plan(rasch(), SIZES, ASKED), plan(rasch(lean=1.0), SIZES, ASKED)

    # a mean of shares is no mean of logits, so even they are not quite as predicted
    assert straight.misfit < 0.0002
    assert leaning.misfit > 3 * straight.misfit
    assert leaning.weight < straight.weight


def test_a_prediction_by_the_number_right_is_the_sum_of_predicted_shares():
    known = Known(("1~", "5~"), np.tile([0.8, 0.2], (9, 1)))  # no misfit, and so all its weight
    planned = plan(known, np.array([500.0, 500.0]), np.array([10.0, 10.0]))
    value, _ = combined(
        known, np.array([500.0, 500.0]), np.array([10.0, 10.0]), np.array([[0.7, 0.3]])
    )

    # 10 of 20 right is what logit ±1.386 gives at θ = 0: .8·10 + .2·10; so the full score is .5
    assert planned.ease == pytest.approx([np.log(4), -np.log(4)])
    assert value == pytest.approx(0.5)


def test_once_the_whole_exam_is_asked_nothing_is_predicted():
    means = np.array([0.9, 0.4, 0.0])

    value, variance = combined(rasch(lean=1.0), SIZES, SIZES, means[None])

    assert value == pytest.approx(0.6 * 0.9 + 0.3 * 0.4)
    assert variance == 0.0


def test_known_models_make_an_estimate_less_uncertain():
    means = np.array([0.8, 0.5, 0.2])

    _, variance = combined(rasch(), SIZES, ASKED, means[None])

    spread = means * (1 - means) * (1 - ASKED / SIZES) / ASKED
    assert variance < ((SIZES / SIZES.sum()) ** 2 * spread).sum()


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_a_model_that_gets_none_or_all_right_has_an_estimate(right):
    value, variance = combined(rasch(), SIZES, ASKED, np.full((1, 3), right))

    assert abs(value - right) < 0.1
    assert variance > 0.0


def test_a_model_is_not_measured_by_a_difficulty_that_it_made_itself():
    # two of ten models answer the first question: .2 for all makes it 4. For one of the two, one
    # of nine others did (5); for the rest, two of nine (.22, so 4)
    scores = np.zeros((10, 2))
    scores[:2, 0] = 1.0

    found = known_models(scores, ["", "1"], ["1", "4~", "5~"])

    assert found.shares[:, 2].tolist() == [1.0, 1.0, *[0.0] * 8]
    assert found.shares[2:, 1].tolist() == [0.0] * 8
    assert found.shares[:, 0].tolist() == [0.0] * 10


def test_too_few_models_or_too_few_answers_tell_nothing():
    scores = np.ones((FEWEST, 10))

    assert known_models(scores, [""] * 10, ["1~"]) is not None
    assert known_models(scores[1:], [""] * 10, ["1~"]) is None
    scores[0, :2] = np.nan
    assert known_models(scores, [""] * 10, ["1~"]) is None
