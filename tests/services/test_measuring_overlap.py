"""Secondary metrics stand beside what physicians say of the same responses."""

import json

import pytest

from core.formats.catalogue import FORMATS
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
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


def test_a_task_of_labels_has_macro_f1_with_its_interval(empty):
    empty.name = "labels"
    rows = [
        {"question": f"问题{n}", "answer": "阳性" if n % 2 else "阴性",
         "other": {"id": n, "source": "DBMHG"}}
        for n in range(1, 9)
    ]  # fmt: skip
    path = empty.file("\n".join(json.dumps(row) for row in rows), "lines.jsonl")
    options = QuestionImport("labels", "Dr Lead")
    import_benchmark(empty.store, path, FORMATS["medbench"], options)
    said = ["阳性", "阴性", "答：阳性", "不好说", "阳性", "阳性", "阳性", "阴性"]
    lines = [{"question": f"DBMHG:{n}:1", "response": text} for n, text in enumerate(said, 1)]
    answers = empty.file("\n".join(json.dumps(line) for line in lines), "cedar.jsonl")
    import_responses(empty.store, answers, ResponseImport("labels", "cedar", "Dr Lead"))

    found = metrics(empty)["labels_f1"].models["cedar"]

    # 阳性: 4 of 4 found, one too many: 8/9; 阴性: 2 of 4, none too many: 4/6
    assert (found.n, found.value) == (8, pytest.approx((8 / 9 + 4 / 6) / 2))
    assert found.low < found.value <= found.high


def test_texts_are_no_labels(scored):
    assert metrics(scored)["labels_f1"].models == {}


def test_an_overview_has_a_column_for_each_measure_and_none_that_mixes_them(scored):
    scored.baseline_judges()

    found = overview(scored.store, scored.study, None)

    assert [(one.dataset, one.what) for one in found.columns] == [("ward", "physicians")]
    assert found.models == ("cedar", "willow")
    assert found.columns[0].figures["cedar"].value == 1.0
    assert found.columns[0].figures["willow"].n == 5
