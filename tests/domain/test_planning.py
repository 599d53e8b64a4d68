"""Where further scores go, and how narrow an interval becomes."""

import math

import numpy as np
import pytest

from core.domain.correction import Stratum, prediction_powered
from core.domain.estimation import Estimate, undefined
from core.domain.planning import prospect_of, scores_for_half_width


def stratum(scored: int, left: int, *, errs: float, share: float = 0.5, seed: int = 0) -> Stratum:
    """Physicians find half usable; the judge errs in a share of responses."""
    generator = np.random.default_rng(seed)
    human = np.arange(scored) % 2 == 0
    judge = human ^ (generator.random(scored) < errs)
    alone = generator.random(left) < 0.5
    at = np.arange(scored + left)
    return Stratum(human, judge, at[:scored], alone, at[scored:], share)


def now_of(strata: dict[str, Stratum]) -> Estimate:
    return prediction_powered(list(strata.values()))


def test_scores_go_where_the_judge_errs() -> None:
    strata = {"MK": stratum(60, 500, errs=0.02), "MR": stratum(60, 500, errs=0.4, seed=1)}

    found = prospect_of(strata, now_of(strata), 40)

    assert sum(found.given.values()) == 40
    assert found.given["MR"] > found.given["MK"]


def test_every_category_gets_two_first() -> None:
    strata = {"MK": stratum(100, 500, errs=0.4), "MR": stratum(0, 500, errs=0.0)}

    found = prospect_of(strata, undefined(100, "too_few"), 2)

    assert found.given == {"MK": 0, "MR": 2}
    assert (found.before, found.after is None) == (None, False)


def test_there_are_no_more_scores_than_responses() -> None:
    strata = {"MK": stratum(40, 3, errs=0.2), "MR": stratum(40, 0, errs=0.2)}

    assert prospect_of(strata, now_of(strata), 50).given == {"MK": 3, "MR": 0}


def test_below_thirty_scores_nothing_is_promised() -> None:
    strata = {"MK": stratum(5, 100, errs=0.2), "MR": stratum(5, 100, errs=0.2)}

    found = prospect_of(strata, undefined(10, "too_few"), 10)

    assert (found.before, found.after) == (None, None)


@pytest.mark.parametrize("scored", [0, 1])
def test_before_anybody_has_scored_each_category_gets_its_share(scored: int) -> None:
    strata = {"MK": stratum(scored, 1, errs=0.0), "MR": stratum(0, 100, errs=0.0)}

    found = prospect_of(strata, undefined(scored, "too_few"), 10)

    assert found.given == {"MK": 1, "MR": 9}
    assert (found.before, found.after) == (None, None)


def test_what_was_promised_comes_about() -> None:
    # 100 scored of 1,100 each; 200 more promised, then given.
    before = {name: stratum(100, 1000, errs=0.2, seed=n) for n, name in enumerate(("MK", "MR"))}
    promised = prospect_of(before, now_of(before), 200)
    after = {
        name: stratum(100 + promised.given[name], 1000 - promised.given[name], errs=0.2, seed=n)
        for n, name in enumerate(("MK", "MR"))
    }

    now = now_of(after)

    assert now.low is not None
    assert now.high is not None
    assert promised.after == pytest.approx((now.high - now.low) / 2, rel=0.1)


def test_the_width_falls_with_the_root_of_the_number() -> None:
    found = Estimate(0.5, 100, 0.4, 0.6, None, "bootstrap")

    assert scores_for_half_width(found, 0.05) == 400
    assert scores_for_half_width(found, 0.2) == 100
    assert scores_for_half_width(undefined(0, "no_pairs"), 0.1) is None
    assert math.isclose(0.1 / math.sqrt(400 / 100), 0.05)
