"""Secondary metrics stand beside what physicians say of the same responses."""

import pytest

from core.services.measuring_overlap import overlap_metrics
from core.services.naming import dataset_named
from core.services.surveying_benchmarks import overview
from tests.workbench import CEDAR, QUESTIONS

SCORED = ["MK:1:1", "MK:1:2", "MR:1:1", "MLU:1:1", "MSE:1:1"]


@pytest.fixture
def scored(study):
    """A physician finds cedar's answers usable and willow's not."""
    person = study.physician()
    for key in SCORED:
        study.scores(person, key, "cedar", 5)
        study.scores(person, key, "willow", 1)
    return study


def metrics(bench):
    dataset = dataset_named(bench.store, bench.name)
    return {one.metric: one for one in overlap_metrics(bench.store, bench.study, dataset.id)}


def test_an_answer_that_repeats_the_reference_has_rouge_l_one(scored):
    assert CEDAR["MLU:1:1"] == QUESTIONS["MLU:1:1"]["sanswer"]

    found = metrics(scored)["rouge_l"]

    assert found.models["cedar"].value > found.models["willow"].value
    assert found.models["cedar"].n == 6  # one of the seven has no reference answer


def test_a_metric_that_goes_with_physicians_shows_it(scored):
    found = metrics(scored)["rouge_l"]

    assert found.physicians_scored == 10
    assert found.higher_for_usable > 0.8
    assert found.spearman.value > 0.5
    assert found.spearman.low < found.spearman.value < found.spearman.high


def test_without_physicians_there_is_no_agreement_and_no_zero(study):
    found = metrics(study)["rouge_l"]

    assert (found.spearman.value, found.spearman.undefined_because) == (None, "too_few")
    assert found.higher_for_usable is None


def test_an_overview_has_a_column_for_each_measure_and_none_that_mixes_them(scored):
    scored.baseline_judges()

    found = overview(scored.store, scored.study, None)

    assert [(one.dataset, one.what) for one in found.columns] == [("ward", "physicians")]
    assert found.models == ("cedar", "willow")
    assert found.columns[0].figures["cedar"].value == 1.0
    assert found.columns[0].figures["willow"].n == 5
