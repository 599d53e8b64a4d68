"""Surveying benchmarks: what the models of a study reach on each, every measure by itself.

Accuracy on an exam, a judge's usability and physicians' usability are never averaged: they answer
different questions, and there is no row and no column that mixes them.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.domain.estimation import Estimate, share_estimate
from core.domain.usability import physicians_reading
from core.services.empanelling import Panel
from core.services.examining_reports import exam_table
from core.services.permitting import require
from core.services.tallying import verdicts_of
from core.store import datasets, exams, human_scores, questions, responses
from core.store.database import Store
from core.store.studies import Study

#: Accuracy of closed questions; usable responses by a judge or jury; usable ones by physicians.
What = Literal["accuracy", "judge", "physicians"]


@dataclass(frozen=True, slots=True)
class Column:
    """One benchmark by one measure."""

    dataset: str
    what: What
    figures: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Overview:
    """A study's benchmarks side by side.

    Attributes:
        models: in the order of their labels: an order by merit would need one measure.
    """

    models: tuple[str, ...]
    columns: tuple[Column, ...]


def overview(store: Store, study: Study, panel: Panel | None) -> Overview:
    """Every benchmark of a study by every measure that there is for it."""
    require(store, "lead")
    columns = [*_exams(store, study), *_judged(store, study, panel), *_scored(store, study)]
    models = sorted({model for column in columns for model in column.figures})
    order = [one.name for one in datasets.datasets_of_study(store, study.id)]
    columns.sort(key=lambda one: (order.index(one.dataset), one.what))
    return Overview(tuple(models), tuple(columns))


def _exams(store: Store, study: Study) -> Iterator[Column]:
    for _, name in exams.closed_datasets(store, study.id):
        found = exam_table(store, study, name, ()).found
        if found:
            yield Column(name, "accuracy", {one.model: one.share for one in found})


def _judged(store: Store, study: Study, panel: Panel | None) -> Iterator[Column]:
    """Usable responses by the judge, those that it has scored."""
    if panel is None:
        return
    verdicts = verdicts_of(store, study, panel)
    dataset_of = {one.id: one.dataset_id for one in questions.questions_of_study(store, study.id)}
    labels = dict(responses.models_of_study(store, study.id))
    names = {one.id: one.name for one in datasets.datasets_of_study(store, study.id)}
    of_row = np.array([dataset_of.get(int(one), 0) for one in verdicts.question], dtype=np.intp)
    for dataset_id, name in names.items():
        figures = {}
        for model_id, label in labels.items():
            rows = (of_row == dataset_id) & (verdicts.model == model_id) & (verdicts.code >= 0)
            if rows.any():
                usable = verdicts.code[rows] == 1
                figures[label] = share_estimate(usable, verdicts.question[rows])
        if figures:
            yield Column(name, "judge", figures)


def _scored(store: Store, study: Study) -> Iterator[Column]:
    """Usable responses by the strict majority of the physicians who scored them."""
    votes: dict[int, list[bool]] = defaultdict(list)
    for one in human_scores.counting(human_scores.human_scores_of_study(store, study.id)):
        if one.usable is not None:
            votes[one.response_id].append(one.usable)
    places = responses.places_of(store, list(votes))
    cells: dict[str, dict[str, list[tuple[bool, int]]]] = defaultdict(lambda: defaultdict(list))
    for response_id, given in votes.items():
        usable = physicians_reading(given)
        if usable is not None and response_id in places:
            dataset, question_id, label = places[response_id]
            cells[dataset][label].append((usable, question_id))
    for dataset, by_model in cells.items():
        yield Column(dataset, "physicians", {
            label: share_estimate(
                np.array([usable for usable, _ in some], dtype=np.bool_),
                np.array([question for _, question in some], dtype=np.intp),
            )
            for label, some in by_model.items()
        })  # fmt: skip
