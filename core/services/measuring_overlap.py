"""Measuring overlap: secondary metrics of open responses, and whether physicians agree with them.

A metric is no verdict. Beside each stands how it goes with physicians' scores: its rank correlation
with them, and how often it is higher for a response that they found usable than for one that they
did not (.5 is chance).
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.domain.estimation import Estimate, Z, mean_estimate, undefined
from core.domain.labels import UNREAD, label_given, labels_of_task, macro_f1
from core.domain.overlap import items_of, key_point_recall, micro_f1, rouge_l
from core.services.permitting import require
from core.store import human_scores, responses
from core.store.database import Store
from core.store.responses import Compared
from core.store.studies import Study

Metric = Literal["rouge_l", "key_points", "items_f1", "labels_f1"]
#: Those that every response has a value of.
_OF_RESPONSES: tuple[Metric, ...] = ("rouge_l", "key_points", "items_f1")
#: What physicians said of responses: share of the scale, and whether that is usable.
_Scores = Mapping[int, Sequence[tuple[float, bool]]]


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric: its mean by model, and its agreement with physicians over all models.

    That of classification is macro F1 by model; with physicians goes whether the label is right.

    Attributes:
        spearman: rank correlation with physicians' mean score; the interval is Fisher's, on as
            many independent units as there are questions.
        higher_for_usable: share of pairs of a usable and an unusable response in which the usable
            one has the higher metric, a tie counting half; None where physicians found only one
            kind.
    """

    metric: Metric
    models: dict[str, Estimate]
    spearman: Estimate
    higher_for_usable: float | None
    physicians_scored: int


def overlap_metrics(store: Store, study: Study, dataset_id: int) -> list[MetricRow]:
    """Secondary metrics of a dataset's open responses, beside physicians' scores of them."""
    require(store, "lead")
    compared = responses.compared(store, study.id, dataset_id)
    scores: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for one in human_scores.counting(human_scores.human_scores_of_study(store, study.id)):
        if one.value is not None and one.usable is not None:
            share = (one.value - one.minimum) / (one.maximum - one.minimum)
            scores[one.response_id].append((share, one.usable))
    rows = [_row(metric, compared, scores) for metric in _OF_RESPONSES]
    return [*rows, _labels_row(compared, scores)]


def _row(metric: Metric, compared: Sequence[Compared], scores: _Scores) -> MetricRow:
    values = {one.response_id: _value(metric, one) for one in compared}
    known = {response_id: value for response_id, value in values.items() if value is not None}
    by_model: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for one in compared:
        if one.response_id in known:
            by_model[one.model].append((known[one.response_id], one.question_id))
    models = {
        model: _share(
            mean_estimate(
                np.array([value for value, _ in some]),
                np.array([question for _, question in some], dtype=np.intp),
            )
        )
        for model, some in sorted(by_model.items())
    }
    return _with_physicians(metric, models, compared, known, scores)


def _share(found: Estimate) -> Estimate:
    """A mean of values from 0 to 1, whose interval stays there."""
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def _labels_row(compared: Sequence[Compared], scores: _Scores) -> MetricRow:
    """Macro F1 over the labels of all classification tasks; a category is a task."""
    references: dict[str, dict[int, str]] = defaultdict(dict)
    for one in compared:
        references[one.category][one.question_id] = one.reference_answer
    labels = {
        category: labels_of_task(list(some.values())) for category, some in references.items()
    }
    by_model: dict[str, list[tuple[tuple[str, str], int]]] = defaultdict(list)
    known = {}
    for one in compared:
        if not labels[one.category]:
            continue
        (expected,) = items_of(one.reference_answer)
        given = label_given(one.text, labels[one.category])
        known[one.response_id] = float(given == expected)
        task = f"{one.category}: "  # labels of two tasks are not the same
        pair = (task + given if given != UNREAD else UNREAD, task + expected)
        by_model[one.model].append((pair, one.question_id))
    models = {
        model: macro_f1(
            [pair for pair, _ in some], np.array([question for _, question in some], dtype=np.intp)
        )
        for model, some in sorted(by_model.items())
    }
    return _with_physicians("labels_f1", models, compared, known, scores)


def _with_physicians(
    metric: Metric, models: dict[str, Estimate], compared: Sequence[Compared],
    known: Mapping[int, float], scores: _Scores,
) -> MetricRow:  # fmt: skip
    """A metric by model, beside how physicians' scores go with its value of each response."""
    pairs: list[tuple[float, float, bool, int]] = []
    for one in compared:
        given = scores.get(one.response_id)
        if given and one.response_id in known:
            mean = float(np.mean([share for share, _ in given]))
            ayes = sum(usable for _, usable in given)
            pairs.append((known[one.response_id], mean, 2 * ayes > len(given), one.question_id))
    return MetricRow(metric, models, _spearman(pairs), _higher(pairs), len(pairs))


def _value(metric: Metric, one: Compared) -> float | None:
    if metric == "rouge_l":
        found = rouge_l(one.text, one.reference_answer)
        return None if found is None else found.f1
    if metric == "key_points":
        return key_point_recall(one.text, one.requirements)
    if not one.reference_answer.strip():
        return None
    extracted = micro_f1([(items_of(one.text), items_of(one.reference_answer))])
    return None if extracted is None else extracted.f1


def _spearman(pairs: Sequence[tuple[float, float, bool, int]]) -> Estimate:
    n = len(pairs)
    if n < 4:
        return undefined(n, "too_few")
    metric, score = (_ranks([pair[at] for pair in pairs]) for at in (0, 1))
    if np.ptp(metric) == 0 or np.ptp(score) == 0:
        return undefined(n, "no_variation")
    value = float(np.corrcoef(metric, score)[0, 1])
    units = len({pair[3] for pair in pairs})
    if units < 4 or abs(value) >= 1:
        return Estimate(value, n, None, None, None)
    half = Z / math.sqrt(units - 3)
    low, high = (math.tanh(math.atanh(value) + side * half) for side in (-1, 1))
    return Estimate(value, n, low, high, None, "normal")


def _higher(pairs: Sequence[tuple[float, float, bool, int]]) -> float | None:
    usable = np.array([pair[0] for pair in pairs if pair[2]])
    unusable = np.array([pair[0] for pair in pairs if not pair[2]])
    if not len(usable) or not len(unusable):
        return None
    apart = usable[:, None] - unusable[None, :]
    return float(((apart > 0) + (apart == 0) / 2).mean())


def _ranks(values: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Ranks with ties at their mean."""
    _, index, counts = np.unique(np.array(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = (ends - (counts - 1) / 2)[index]
    return found
