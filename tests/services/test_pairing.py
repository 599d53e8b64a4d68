"""Both versions on the same responses, weighted as these were drawn for physicians, and raw."""

import random
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from core.domain.usability import JudgeReading
from core.services.agreeing import Case
from core.services.pairing import Pair, Paired, paired
from tests.services.test_comparing import _case


def _read(usable: bool) -> JudgeReading:
    score = 5 if usable else 1
    return JudgeReading(usable, score, float(score), None)


def _pairs(*, weight: bool, tried: float = 1.0) -> list[Pair]:
    """300 responses of which those that the judge passes were drawn half as often."""
    draw = random.Random(3)
    found = []
    for number in range(1, 301):
        human = draw.random() < 0.5
        before = human if draw.random() < 0.7 else not human
        after = human if draw.random() < 0.85 else not human
        case = _case(number, 5 if human else 1, 5)
        case = replace(
            case, question_id=number // 3, weight=(4.0 if before else 2.0) if weight else None
        )
        sides = [replace(case, judge=_read(side)) for side in (before, after)]
        found.append(Pair(sides[0], sides[1], tried if number % 2 else 1.0))
    return found


def _theirs(pairs: list[Pair], weights: list[float]) -> list[float]:
    """Agreement before and after, κ before and after, by scikit-learn."""
    human = [one.after.physicians_usable for one in pairs]
    sides = [[one.before.judge.usable for one in pairs], [one.after.judge.usable for one in pairs]]
    return [
        *(accuracy_score(human, side, sample_weight=weights) for side in sides),
        *(cohen_kappa_score(human, side, sample_weight=weights) for side in sides),
    ]


def _ours(found: Paired) -> list[float | None]:
    return [
        found.agreement_before.value, found.agreement_after.value,
        found.kappa_before.value, found.kappa_after.value,
    ]  # fmt: skip


def test_an_equal_sample_is_not_weighted() -> None:
    pairs = _pairs(weight=False)

    found = paired(pairs)

    assert (found.raw, found.effective_n) == (None, None)
    assert _ours(found) == pytest.approx(_theirs(pairs, [1.0] * len(pairs)))


def test_an_unequal_sample_is_weighted_and_the_raw_figures_stay() -> None:
    pairs = _pairs(weight=True)
    weights = [one.after.weight or 0.0 for one in pairs]

    found = paired(pairs)

    assert _ours(found) == pytest.approx(_theirs(pairs, weights))
    assert _without_weights(found.raw) == paired(_pairs(weight=False))
    assert found.effective_n == pytest.approx(sum(weights) ** 2 / np.square(weights).sum())
    assert found.kappa_change.difference.value == pytest.approx(
        (found.kappa_after.value or 0.0) - (found.kappa_before.value or 0.0)
    )
    assert _ours(found) != _ours(found.raw)
    counts = ("n", "left_out", "unchanged", "false_usable_before", "false_usable_after")
    assert [getattr(found, name) for name in counts] == [
        getattr(found.raw, name) for name in counts
    ]


def test_a_trials_own_draw_multiplies_that_of_the_physicians() -> None:
    pairs = _pairs(weight=True, tried=5.0)

    found = paired(pairs)

    assert found.raw is not None
    assert _ours(found.raw) == pytest.approx(_theirs(pairs, [one.weight for one in pairs]))
    both = [one.weight * (one.after.weight or 0.0) for one in pairs]
    assert _ours(found) == pytest.approx(_theirs(pairs, both))


def test_what_was_never_drawn_stands_in_the_raw_figures_alone() -> None:
    drawn = _pairs(weight=True)
    apart = [Pair(*(replace(side, weight=None) for side in (one.before, one.after)))
             for one in drawn[:50]]  # fmt: skip

    found = paired([*drawn, *apart])

    assert _ours(found) == pytest.approx(_ours(paired(drawn)))
    assert found.raw is not None
    assert (found.n, found.raw.n, found.agreement_after.n) == (350, 350, 300)


def _without_weights(found: Paired | None) -> Paired:
    """The same with cases as if nothing had been drawn, to be compared whole."""
    assert found is not None

    def bare(cases: tuple[Case, ...]) -> tuple[Case, ...]:
        return tuple(replace(case, weight=None) for case in cases)

    return replace(found, fixed=bare(found.fixed), broken=bare(found.broken))
