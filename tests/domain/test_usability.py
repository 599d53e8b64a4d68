"""Rounds into one reading, physicians into one."""

import pytest

from core.domain.scales import ONE_TO_FIVE, RELEASED, Scale
from core.domain.usability import JudgeReading, judge_reading, physicians_reading

MTG = Scale("MTG 0-7", 0, 7, 5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # LLMEval-Med, section 3.3: usable when the mean of the rounds is at least 4.
        pytest.param([4], JudgeReading(True, 4, 4.0, None), id="one round, usable"),
        pytest.param([3], JudgeReading(False, 3, 3.0, None), id="one round, not usable"),
        pytest.param([3, 4, 5], JudgeReading(True, 4, 4.0, None, 2, True), id="mean 4 exactly"),
        pytest.param([5, 5, 2], JudgeReading(True, 5, 4.0, None, 3, True), id="mean 4, middle 5"),
        pytest.param(
            [4, 4, 3], JudgeReading(False, 4, 11 / 3, None, 1, True), id="middle 4, mean below"
        ),
        pytest.param([1, 1, 5], JudgeReading(False, 1, 7 / 3, None, 4, True), id="one round high"),
        pytest.param([4, 5, 5], JudgeReading(True, 5, 14 / 3, None, 1, False), id="all usable"),
        pytest.param(
            [3, 5], JudgeReading(True, None, 4.0, None, 2, True), id="two rounds have no middle"
        ),
    ],
)
def test_rounds_are_usable_from_their_mean(values, expected):
    assert judge_reading(values, ONE_TO_FIVE, rounds=len(values)) == expected


@pytest.mark.parametrize(
    ("values", "rounds", "reason", "expected"),
    [
        ([5, None, 5], 3, "out_of_range", JudgeReading(None, None, 5.0, "round_missing", 0)),
        ([5, 5], 3, "", JudgeReading(None, None, 5.0, "round_missing", 0)),
        ([None, None, None], 3, "", JudgeReading(None, None, None, "round_missing")),
        ([], 3, "", JudgeReading(None, None, None, "round_missing")),
        ([None], 1, "no_verdict", JudgeReading(None, None, None, "no_verdict")),
        ([], 1, "", JudgeReading(None, None, None, "pending")),
    ],
    ids=["unscored round", "two of three", "none of three", "not begun", "the only one", "pending"],
)
def test_a_missing_round_is_never_counted_as_a_score(values, rounds, reason, expected):
    assert judge_reading(values, ONE_TO_FIVE, rounds=rounds, reason=reason) == expected


def test_only_the_first_rounds_of_the_plan_count():
    found = judge_reading([4, 4, 4, 1, 1], ONE_TO_FIVE, rounds=3)

    assert found == JudgeReading(True, 4, 4.0, None, 0, False)


def test_the_threshold_is_the_scales_own():
    assert judge_reading([4], MTG, rounds=1).usable is False
    assert judge_reading([5], MTG, rounds=1).usable is True
    assert judge_reading([0], RELEASED, rounds=1) == JudgeReading(False, 0, 0.0, None)


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ([], None),
        ([True], True),
        ([False], False),
        ([True, False], None),
        ([True, True, False], True),
        ([False, True, False], False),
        ([True, False, True, False], None),
    ],
)
def test_physicians_decide_by_strict_majority(votes, expected):
    assert physicians_reading(votes) is expected


@pytest.mark.parametrize(
    ("scale", "inside", "outside"),
    [(ONE_TO_FIVE, (1, 5), (0, 6)), (RELEASED, (0, 5), (-1, 6)), (MTG, (0, 7), (-1, 8))],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_scale_holds_its_ends(scale, inside, outside):
    assert [scale.holds(value) for value in (*inside, *outside)] == [True, True, False, False]
