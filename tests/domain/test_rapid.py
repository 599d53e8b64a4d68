"""Rapid assessment: a difficulty-stratified subset beats a random one of the same size."""

import numpy as np
import pytest

from core.domain.closed import level_of_share
from core.domain.rapid import full_score, neyman, picked
from tests.synthetic_exam import KnownExam, errors_of


def test_strata_with_more_exercises_and_more_doubt_give_more():
    # N·S: 100 × .3 = 30, 100 × .5 = 50, 20 × .5 = 10, so 27 divide as 9 : 15 : 3
    sizes = {"1": 100, "3": 100, "5": 20}

    given = neyman(sizes, {"1": 0.3, "3": 0.5, "5": 0.5}, 27)

    assert given == {"1": 9, "3": 15, "5": 3}


def test_no_stratum_gives_more_than_it_has_and_none_is_left_out():
    assert neyman({"1": 1, "3": 50, "5": 4}, {"1": 0.1, "3": 0.5, "5": 0.1}, 100) == {
        "1": 1, "3": 50, "5": 4,
    }  # fmt: skip
    assert min(neyman({"1": 900, "3": 50, "5": 4}, {"1": 0.5, "3": 0.5, "5": 0.1}, 8).values()) == 2


def test_the_same_seed_picks_the_same_exercises():
    strata = {unit: str(unit % 5 + 1) for unit in range(200)}
    numbers = dict.fromkeys("12345", 8)

    first, again, other = (picked(strata, numbers, seed=seed) for seed in (1, 1, 2))

    assert first == again != other
    assert len({one.unit for one in first}) == 40


def test_a_stratified_estimate_weighs_strata_by_their_size():
    # W = .75 and .25; means .5 and 1; θ = .75·.5 + .25·1 = .625
    found = full_score({"3": 300, "1": 100}, {"3": [1, 0, 1, 0], "1": [1, 1]})

    assert found.value == pytest.approx(0.625)
    # s² of 1,0,1,0 is 1/3 and that of 1,1 at least .75·.25/2 = .09375:
    # .75²·(296/300)·(1/3)/4 + .25²·(98/100)·.09375/2 = .046250 + .002871 → se .22163
    assert found.high == pytest.approx(min(1.0, 0.625 + 1.959964 * 0.22163), abs=1e-4)
    assert found.low == pytest.approx(0.625 - 1.959964 * 0.22163, abs=1e-4)


def test_the_whole_exam_has_no_interval_left():
    found = full_score({"3": 2}, {"3": [1, 0]})

    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_a_stratum_without_scores_leaves_the_estimate_undefined():
    assert full_score({"1": 10, "5": 10}, {"1": [1, 1]}).undefined_because == "too_few"


@pytest.fixture(scope="module", params=[50, 100, 400])
def errors(request):
    """Errors of subsets, stratified and random, over ten exams with 40 draws each."""
    exams = [KnownExam(exercises=2_000, models=12, seed=seed) for seed in range(10)]
    found = [errors_of(exam, size=request.param, draws=40) for exam in exams]
    return [np.mean([[e.score, e.ranking, e.coverage] for e in side], axis=0)
            for side in zip(*found, strict=True)]  # fmt: skip


def test_the_stratified_subset_is_nearer_to_the_full_score_than_a_random_one(errors):
    stratified, random = errors

    assert stratified[0] < 0.8 * random[0]


def test_the_stratified_subset_is_nearer_to_the_full_ranking_than_a_random_one(errors):
    stratified, random = errors

    assert stratified[1] < 0.95 * random[1]


def test_the_stated_interval_holds_the_full_score_as_often_as_it_says(errors):
    stratified, _ = errors

    assert 0.93 <= stratified[2] <= 0.98


def test_difficulty_is_known_from_other_models_than_those_that_are_assessed():
    exam = KnownExam(exercises=500, models=3, seed=1)

    shares = exam.answers[: exam.known].mean(axis=0)

    assert exam.levels == [f"{level_of_share(share)}~" for share in shares]
    assert {level[0] for level in exam.levels} == set("12345")
