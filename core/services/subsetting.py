"""Subsetting: a rapid assessment by a difficulty-stratified part of an exam."""

import shlex
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Estimate
from core.domain.known_models import known_models
from core.domain.rapid import allotted, full_score, neyman, picked, spread_of
from core.errors import Refused, UnknownName
from core.services import examining, examining_tallies
from core.services.examining_reports import exam_dataset, exam_table
from core.services.examining_tallies import ExamAnswers
from core.services.naming import dataset_named
from core.services.permitting import require
from core.store import subsets
from core.store.database import Store
from core.store.studies import Study
from core.store.subsets import Subset

#: The stratum of exercises whose difficulty nobody knows.
_UNKNOWN = "3~"


def add_subset(
    store: Store, study: Study, dataset: str, name: str, *, size: int, seed: int, by: str
) -> Subset:
    """Draw a subset of a dataset's closed questions, stratified by difficulty, and keep it.

    Where the difficulty is neither given nor estimated, exercises count as of the middle bin. What
    models had answered by then is kept with it, and its estimates are made by that.

    Raises:
        Refused: `needs_name`, `subset_taken`, `bad_size`; `no_closed_questions`.
        UnknownName: `unknown_dataset`.
    """
    require(store, "lead")
    dataset_id, _ = exam_dataset(store, study, dataset)
    if not name.strip():
        raise Refused("needs_name")
    if any(one.name == name for one in subsets.subsets(store, dataset_id)):
        raise Refused("subset_taken", name=name)
    answers = examining_tallies.exam_answers(
        store, study, dataset_id, examining.reader_rater(store)
    )
    strata = dict(zip(answers.questions, (one or _UNKNOWN for one in answers.levels), strict=True))
    if not 1 <= size <= len(strata):
        raise Refused("bad_size", size=size, most=len(strata))
    sizes = Counter(strata.values())
    known = known_models(answers.scores, answers.given, sorted(sizes))
    numbers = allotted(sizes, known, size) if known else neyman(sizes, _spreads(answers), size)
    found = picked(strata, numbers, seed=seed)
    with store.writing():
        subset_id = subsets.add_subset(
            store, dataset_id, name, found, seed=seed, strata=dict(sizes), known=known, by=by
        )
    return next(one for one in subsets.subsets(store, dataset_id) if one.id == subset_id)


def _spreads(answers: ExamAnswers) -> dict[str, float]:
    """Standard deviation of every stratum, by the models' answers where there are any."""
    right: dict[str, list[float]] = defaultdict(list)
    for level, scores in zip(answers.levels, answers.scores.T, strict=True):
        right[level or _UNKNOWN] += scores[~np.isnan(scores)].tolist()
    return {
        level: spread_of(level, float(np.mean(some)) if some else None)
        for level, some in right.items()
    }


def subset_named(store: Store, dataset: str, name: str) -> Subset:
    """The subset of a dataset of that name.

    Raises:
        UnknownName: `unknown_dataset`, `no_subset`, `unknown_subset`.
    """
    require(store, "lead")
    known = {one.name: one for one in subsets.subsets(store, dataset_named(store, dataset).id)}
    if not known:
        raise UnknownName("no_subset", name=shlex.quote(name), dataset=shlex.quote(dataset))
    if name not in known:
        raise UnknownName("unknown_subset", name=name, known=", ".join(known))
    return known[name]


@dataclass(frozen=True, slots=True)
class Rapid:
    """What a subset tells of a model's score on the whole exam.

    Attributes:
        full: accuracy on all responses that the model has given, for comparison; it is the full
            score once `full.n` is the number of exercises.
    """

    model: str
    estimate: Estimate
    unscored: int
    full: Estimate


def rapid_scores(store: Store, study: Study, dataset: str, name: str) -> list[Rapid]:
    """Estimates of every model's full score from a subset, best first; unscored ones left out.

    Raises:
        UnknownName: `unknown_dataset`, `no_subset`, `unknown_subset`.
        Refused: `no_closed_questions`.
    """
    require(store, "lead")
    subset = subset_named(store, dataset, name)
    table = exam_table(store, study, dataset, ())
    rater_id = examining.reader_rater(store)
    if rater_id is None:
        return []
    by_model: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    unscored: Counter[str] = Counter()
    for model, stratum, value in subsets.scores(store, study.id, subset.id, rater_id):
        if value is None:
            unscored[model] += 1
        else:
            by_model[model][stratum].append(float(value))
    full = {one.model: one.share for one in table.found}
    found = [
        Rapid(
            model,
            full_score(subset.strata, scores, subset.known_models),
            unscored[model],
            full[model],
        )
        for model, scores in by_model.items()
    ]
    return sorted(found, key=lambda one: (-(one.estimate.value or 0.0), one.model))
