"""A jury's reading: three rules by hand, and what is missing."""

import pytest

from core.domain.juries import jury_reading
from core.domain.scales import ONE_TO_FIVE
from core.domain.usability import JudgeReading, judge_reading


def reading(*rounds: int) -> JudgeReading:
    return judge_reading(list(rounds), ONE_TO_FIVE, rounds=len(rounds))


PENDING = judge_reading([], ONE_TO_FIVE, rounds=1)
UNSCORED = judge_reading([None], ONE_TO_FIVE, rounds=1, reason="no_verdict")


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        # Scores of three judges; usable by mean, by median, by majority.
        ((5, 5, 2), {"mean": True, "median": True, "majority": True}),
        ((4, 4, 1), {"mean": False, "median": True, "majority": True}),
        ((5, 5, 1), {"mean": False, "median": True, "majority": True}),
        ((3, 3, 5), {"mean": False, "median": False, "majority": False}),
        ((4, 3, 5), {"mean": True, "median": True, "majority": True}),
    ],
)
def test_three_rules_on_the_same_scores(means, expected):
    members = [reading(score) for score in means]

    assert {rule: jury_reading(members, rule, ONE_TO_FIVE).usable for rule in expected} == expected


def test_the_mean_is_of_the_members_means_however_many_rounds_they_have():
    # (3 + 4 + 5)/3 = 4 and 4: the mean of 4 and 4 is just usable.
    found = jury_reading([reading(3, 4, 5), reading(4)], "mean", ONE_TO_FIVE)

    assert (found.usable, found.mean, found.is_unstable) == (True, 4.0, True)


def test_thirds_that_meet_at_the_threshold_are_usable():
    # 11/3 and 13/3 have the mean 4 exactly.
    found = jury_reading([reading(3, 4, 4), reading(4, 4, 5)], "mean", ONE_TO_FIVE)

    assert found.usable is True


def test_a_majority_that_is_tied_is_unscored():
    found = jury_reading([reading(5), reading(2)], "majority", ONE_TO_FIVE)

    assert (found.usable, found.unscored_because, found.mean) == (None, "jury_tie", 3.5)


@pytest.mark.parametrize(
    ("missing", "because"), [(PENDING, "pending"), (UNSCORED, "member_unscored")]
)
@pytest.mark.parametrize("rule", ["mean", "median", "majority"])
def test_a_jury_scores_only_where_all_its_members_do(rule, missing, because):
    found = jury_reading([reading(5), missing, reading(5)], rule, ONE_TO_FIVE)

    assert (found.usable, found.median, found.unscored_because) == (None, None, because)


def test_the_middle_score_needs_an_odd_number_of_members():
    odd = jury_reading([reading(5), reading(3), reading(2)], "mean", ONE_TO_FIVE)
    even = jury_reading([reading(5), reading(3)], "mean", ONE_TO_FIVE)

    assert (odd.median, even.median) == (3, None)


def test_members_on_both_sides_make_a_response_unstable():
    split = jury_reading([reading(5), reading(3), reading(5)], "median", ONE_TO_FIVE)
    alike = jury_reading([reading(5), reading(4), reading(5)], "median", ONE_TO_FIVE)

    assert (split.is_unstable, split.spread) == (True, 2)
    assert (alike.is_unstable, alike.spread) == (False, 1)
