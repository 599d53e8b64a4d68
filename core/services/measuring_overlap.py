"""Measuring overlap: secondary metrics of open responses, and whether physicians agree with them.

A metric is no verdict. Beside each stands how it goes with physicians' scores: its rank correlation
with them, and how often it is higher for a response that they found usable than for one that they
did not (.5 is chance).
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.domain.estimation import Estimate, Z, mean_estimate, undefined
from core.domain.overlap import items_of, key_point_recall, micro_f1, rouge_l
from core.services.permitting import require
from core.store import assessments, responses
from core.store.database import Store
from core.store.responses import Compared
from core.store.studies import Study

Metric = Literal["rouge_l", "key_points", "items_f1"]
METRICS: tuple[Metric, ...] = ("rouge_l", "key_points", "items_f1")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric: its mean by model, and its agreement with physicians over all models.

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
    for one in assessments.counting(assessments.human_scores_of_study(store, study.id)):
        if one.value is not None and one.usable is not None:
            share = (one.value - one.minimum) / (one.maximum - one.minimum)
            scores[one.response_id].append((share, one.usable))
    return [_row(metric, compared, scores) for metric in METRICS]


def _row(
    metric: Metric, compared: Sequence[Compared],
    scores: Mapping[int, Sequence[tuple[float, bool]]],
) -> MetricRow:  # fmt: skip
    values = {one.response_id: _value(metric, one) for one in compared}
    by_model: dict[str, list[tuple[float, int]]] = defaultdict(list)
    pairs: list[tuple[float, float, bool, int]] = []
    for one in compared:
        value = values[one.response_id]
        if value is None:
            continue
        by_model[one.model].append((value, one.question_id))
        given = scores.get(one.response_id)
        if given:
            mean = float(np.mean([share for share, _ in given]))
            ayes = sum(usable for _, usable in given)
            pairs.append((value, mean, 2 * ayes > len(given), one.question_id))
    models = {
        model: mean_estimate(
            np.array([value for value, _ in some]),
            np.array([question for _, question in some], dtype=np.intp),
        )
        for model, some in sorted(by_model.items())
    }
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
