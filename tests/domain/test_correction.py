"""Corrected rates: the published vector, hand examples, rules, coverage on simulated studies."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.domain.correction import (
    JudgeQuality,
    Stratum,
    may_calibrate,
    prediction_powered,
    rogan_gladen,
    too_few,
)
from core.domain.estimation import share_estimate

STUDIES = 200


def stratum(physicians, judge, judge_only, *, share: float = 1.0) -> Stratum:
    """A stratum in which every response is of a question of its own."""
    n = len(physicians)
    return Stratum(
        np.asarray(physicians, bool), np.asarray(judge, bool), np.arange(n),
        np.asarray(judge_only, bool), np.arange(n, n + len(judge_only)), share,
    )  # fmt: skip


def simulated(seed: int, *, rate: float, n: int = 100, left: int = 900, errors=(0.1, 0.25)):
    """Physicians' and judge's sides; the judge misses and passes with these probabilities."""
    generator = np.random.default_rng(seed)
    human = generator.random(n + left) < rate
    miss, passing = errors
    judge = np.where(
        human, generator.random(n + left) >= miss, generator.random(n + left) < passing
    )
    return human, judge


def covers(found, rate: float) -> bool:
    return found.low <= rate <= found.high


# --- Rogan and Gladen -------------------------------------------------------------------------


def test_rogan_gladen_of_lee_et_al():
    found = rogan_gladen(0.4, 1000, JudgeQuality(0.7, 200, 0.9, 200))

    assert found.value == pytest.approx(0.1667, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.0564, 0.2627), abs=5e-5)
    assert found.n == 400


def test_a_perfect_judge_needs_no_correction():
    assert rogan_gladen(0.4, 1000, JudgeQuality(1.0, 50, 1.0, 50)).value == pytest.approx(0.4)


@pytest.mark.parametrize(("specificity", "sensitivity"), [(0.5, 0.5), (0.2, 0.6)])
def test_a_judge_no_better_than_chance_can_not_be_corrected(specificity, sensitivity):
    found = rogan_gladen(0.4, 1000, JudgeQuality(specificity, 50, sensitivity, 50))

    assert (found.value, found.undefined_because) == (None, "no_better_than_chance")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_corrected_rate_is_a_share(share):
    found = rogan_gladen(share, 40, JudgeQuality(0.8, 20, 0.9, 20))

    assert 0.0 <= found.low <= found.high <= 1.0
    assert 0.0 <= found.value <= 1.0


def test_rogan_gladen_covers_the_true_rate():
    covered = 0
    for seed in range(STUDIES):
        human, judge = simulated(seed, rate=0.4, n=200)
        known, seen = human[:200], judge[:200]
        quality = JudgeQuality(
            float((~seen[~known]).mean()), int((~known).sum()),
            float(seen[known].mean()), int(known.sum()),
        )  # fmt: skip
        covered += covers(rogan_gladen(float(judge[200:].mean()), 900, quality), 0.4)

    assert covered / STUDIES >= 0.93


# --- PPI++ ------------------------------------------------------------------------------------


def test_ppi_done_by_hand():
    # n = N = 40. Y usable 20; f agrees on all but 4 (2 each way), so mean Y = mean f = .5 and
    # cov = (18 − 40·.25)/39 = 8/39. Judge-only: 30 of 40 usable. All f: 50 of 80 usable, var =
    # 80·(.625·.375)/79 = .237342. λ = .205128/(2·.237342) = .432137.
    # θ = λ·.75 + (.5 − λ·.5) = .5 + .25λ = .608034.
    physicians = [1] * 20 + [0] * 20
    judge = [1] * 18 + [0] * 2 + [1] * 2 + [0] * 18
    found = prediction_powered([stratum(physicians, judge, [1] * 30 + [0] * 10)])

    assert found.value == pytest.approx(0.608034, abs=5e-7)
    # se² = λ²·(.75·.25·40/39)/40 + var(Y − λf)/40 + the added half disagreements.
    rate = 0.432137
    rest = np.array(physicians) - rate * np.array(judge)
    added = 0.5 * ((1 - rest.mean()) ** 2 + (rate + rest.mean()) ** 2) / 1600
    se = math.sqrt(rate**2 * (0.1875 * 40 / 39) / 40 + rest.var(ddof=1) / 40 + added)
    assert (found.low, found.high) == pytest.approx(
        (0.608034 - 1.959964 * se, 0.608034 + 1.959964 * se), abs=2e-6
    )
    assert (found.n, found.interval_by) == (40, "normal")


def test_a_judge_that_knows_nothing_is_left_alone():
    # λ = 0: the physicians' rate, whatever the judge says of the rest.
    found = prediction_powered([stratum([1, 0] * 20, [1] * 40, [1] * 300)])

    assert found.value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("usable", "n", "few"), [(15, 29, True), (15, 30, False), (4, 100, True), (96, 100, True)]
)
def test_too_few_scores_or_too_few_of_either_outcome(usable, n, few):
    physicians = np.arange(n) < usable

    assert too_few(physicians) is few
    found = prediction_powered([stratum(physicians, physicians, [1, 0] * 50)])
    assert (found.undefined_because == "too_few") is few


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("n", [30, 100])
def test_ppi_covers_the_true_rate(rate, n):
    found = [
        prediction_powered([stratum(human[:n], judge[:n], judge[n:])])
        for human, judge in (simulated(seed, rate=rate, n=n) for seed in range(STUDIES))
    ]
    known = [one for one in found if one.value is not None]

    assert sum(covers(one, rate) for one in known) / len(known) >= 0.93


def test_ppi_is_narrower_than_physicians_alone_and_unbiased_where_the_judge_is_not():
    human, judge = simulated(3, rate=0.4, n=100, left=5_000)

    found = prediction_powered([stratum(human[:100], judge[:100], judge[100:])])

    alone = math.sqrt(0.4 * 0.6 / 100) * 1.96
    assert (found.high - found.low) / 2 < 0.9 * alone
    assert abs(judge.mean() - 0.4) > 0.09  # the judge passes too many
    assert covers(found, 0.4)


def test_responses_of_one_question_do_not_count_as_independent():
    human, judge = simulated(1, rate=0.5, n=120)
    alone = stratum(human[:120], judge[:120], judge[120:])
    three = Stratum(
        np.repeat(human[:120], 3), np.repeat(judge[:120], 3), np.repeat(np.arange(120), 3),
        np.repeat(judge[120:], 3), np.repeat(np.arange(120, 1020), 3),
    )  # fmt: skip

    once, repeated = prediction_powered([alone]), prediction_powered([three])

    assert repeated.value == pytest.approx(once.value, abs=0.002)
    assert repeated.high - repeated.low == pytest.approx(once.high - once.low, rel=0.05)


def test_strata_weigh_by_their_shares():
    # Two categories of equal share: the plain mean of their rates, however many scores each has.
    human, judge = simulated(5, rate=0.8, n=200, left=2_000)
    other, other_judge = simulated(6, rate=0.2, n=50, left=2_000)

    found = prediction_powered(
        [
            stratum(human[:200], judge[:200], judge[200:], share=0.5),
            stratum(other[:50], other_judge[:50], other_judge[50:], share=0.5),
        ]
    )

    assert covers(found, 0.5)
    assert abs(found.value - 0.5) < 0.05


def test_a_stratum_without_a_pair_of_scores_is_too_few():
    full = stratum([1, 0] * 30, [1, 0] * 30, [1, 0] * 30, share=0.5)
    lone = stratum([1], [1], [1, 0] * 30, share=0.5)

    assert prediction_powered([full, lone]).undefined_because == "too_few"


# --- sampled strata ---------------------------------------------------------------------------


def sampled_by_judge(seed: int, *, passed: int, rejected: int) -> Stratum:
    """2,000 responses of a rate of .4, so many drawn of those that the judge passes and rejects."""
    generator = np.random.default_rng(seed)
    human, judge = simulated(seed, rate=0.4, n=0, left=2_000, errors=(0.3, 0.18))
    chosen, weights = [], []
    for side, count in ((True, passed), (False, rejected)):
        of_side = np.flatnonzero(judge == side)
        chosen.append(generator.choice(of_side, count, replace=False))
        weights.append(np.full(count, len(of_side) / count))
    drawn = np.concatenate(chosen)
    left = np.setdiff1d(np.arange(2_000), drawn)
    return Stratum(
        human[drawn], judge[drawn], drawn, judge[left], left, weights=np.concatenate(weights)
    )


def test_a_sample_drawn_by_the_judges_score_is_corrected_without_bias():
    sampled = [sampled_by_judge(seed, passed=150, rejected=60) for seed in range(STUDIES)]
    found = [prediction_powered([one]) for one in sampled]
    physicians = [
        share_estimate(one.physicians, one.clusters, one.weights).value for one in sampled
    ]

    assert np.mean([one.value for one in found]) == pytest.approx(0.4, abs=0.006)
    assert 0.92 <= np.mean([covers(one, 0.4) for one in found]) <= 0.99
    assert np.mean(physicians) == pytest.approx(0.4, abs=0.006)
    # Unweighted, the same scores tell another story.
    assert np.mean([one.physicians.mean() for one in sampled]) > 0.5


def test_equal_weights_give_the_plain_rate():
    human, judge = simulated(2, rate=0.4, n=200, left=800)
    plain = stratum(human[:200], judge[:200], judge[200:])
    weighted = replace(plain, weights=np.full(200, 5.0))

    once, again = prediction_powered([plain]), prediction_powered([weighted])

    assert again.value == pytest.approx(once.value, abs=0.01)
    assert again.high - again.low == pytest.approx(once.high - once.low, rel=0.1)


def test_corrected_beats_the_judge_alone_and_is_narrower_than_physicians_alone():
    errors: dict[str, list[float]] = {"judge": [], "physicians": [], "corrected": []}
    widths: dict[str, list[float]] = {"physicians": [], "corrected": []}
    for seed in range(STUDIES):
        human, judge = simulated(seed, rate=0.4, n=150, left=2_000)
        known = stratum(human[:150], judge[:150], judge[150:])
        found = {
            "physicians": share_estimate(known.physicians, known.clusters),
            "corrected": prediction_powered([known]),
        }
        errors["judge"].append(abs(float(judge.mean()) - 0.4))
        for name, one in found.items():
            errors[name].append(abs(one.value - 0.4))
            widths[name].append(one.high - one.low)

    assert np.mean(errors["corrected"]) < 0.5 * np.mean(errors["judge"])
    assert np.mean(errors["corrected"]) < np.mean(errors["physicians"])
    assert np.mean(widths["corrected"]) < 0.95 * np.mean(widths["physicians"])


# --- who may calibrate ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scored_at", "revised_at", "may"),
    [
        ("2026-01-02T00:00:00.000Z", None, True),
        ("2026-01-02T00:00:00.000Z", "2026-01-01T00:00:00.000Z", True),
        ("2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z", False),
        ("2026-01-02T00:00:00.000Z", "2026-01-02T00:00:00.000Z", False),
    ],
)
def test_a_score_that_a_reviser_could_see_never_calibrates(scored_at, revised_at, may):
    assert may_calibrate(scored_at, revised_at) is may
