"""Closed questions: what an answer is worth, options in another order, difficulty bins."""

from fractions import Fraction

import pytest

from core.domain.closed import (
    Closed,
    exact_match,
    in_file_labels,
    level_of_share,
    partial_credit,
    presented,
    shuffled,
    with_options,
)

FOUR = Closed((("A", "心电图"), ("B", "CT"), ("C", "B超"), ("D", "MRI")), "AC", takes_several=True)


@pytest.mark.parametrize(
    ("chosen", "exact", "credit"),
    [
        ("AC", True, Fraction(1)),
        ("CA", True, Fraction(1)),
        ("A", False, Fraction(1, 2)),  # one of two right ones, and no wrong one
        ("ABC", False, Fraction(0)),  # a wrong one costs everything
        ("B", False, Fraction(0)),
        ("", False, Fraction(0)),
    ],
)
def test_an_answer_is_worth_an_exact_match_and_as_a_second_reading_a_part(chosen, exact, credit):
    assert exact_match(chosen, "AC") is exact
    assert partial_credit(chosen, "AC") == credit


def test_an_order_shows_the_same_options_under_other_labels():
    assert presented(FOUR, "CADB") == (("A", "B超"), ("B", "心电图"), ("C", "MRI"), ("D", "CT"))
    assert in_file_labels("AB", "CADB") == "AC"


def test_orders_are_the_same_for_the_same_seed_question_and_sample():
    def order(**changed):
        return shuffled(FOUR, **{"seed": 1, "key": "x:1:1", "sample": 1} | changed)

    assert order() == order()
    assert sorted(order()) == list("ABCD")
    assert len({order(sample=n) for n in range(1, 40)}) > 10
    assert len({order(key=f"x:{n}:1") for n in range(1, 40)}) > 10


def test_every_option_comes_to_every_place_about_as_often():
    at_top = [shuffled(FOUR, seed=3, key=f"x:{n}:1", sample=1)[0] for n in range(4000)]

    # 4,000 draws of 4: 1,000 each, standard deviation 27; five of them are 137
    assert all(abs(at_top.count(label) - 1000) < 137 for label in "ABCD")


def test_options_stand_below_the_question():
    assert with_options("首选？", FOUR.options[:2]) == "首选？\n\nA. 心电图\nB. CT"


@pytest.mark.parametrize(
    ("share", "level"),
    [(1.0, 1), (0.8, 1), (0.79, 2), (0.6, 2), (0.5, 3), (0.4, 3), (0.2, 4), (0.19, 5), (0.0, 5)],
)
def test_difficulty_has_five_bins_of_a_fifth(share, level):
    assert level_of_share(share) == level
