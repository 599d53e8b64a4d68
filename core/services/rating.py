"""Rating: each model's usability rates, by the judge, by physicians, and corrected.

The usability rate of a cell is usable / responses. OP is the plain mean of the category rates, as
in the paper's table 2; the question-weighted rate is a figure of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.domain.correction import (
    JudgeQuality,
    Stratum,
    prediction_powered,
    rogan_gladen,
    too_few,
)
from core.domain.estimation import (
    Estimate,
    Floats,
    Z,
    effective_n,
    ratio_and_variance,
    share_estimate,
    undefined,
    wilson_interval,
)
from core.domain.questions import CATEGORIES
from core.domain.usability import overall_performance
from core.services.agreeing import Case, weighted_among
from core.services.tallying import ABSENT, PENDING, UNSCORED, USABLE, Ids, Verdicts
from core.store.questions import Question

#: What an unscored response counts as.
Unscored = Literal["left_out", "not_usable"]
Facet = Literal["category", "category2", "difficulty"]
#: Of all columns together, beside the numbers of the columns.
_ALL = -1


@dataclass(frozen=True, slots=True)
class Order:
    """How a leaderboard is made.

    Attributes:
        by: what the columns are; OP is of categories where it is not `category` too.
        category: only this category; None for all.
        benchmark: only the dataset of this name; '' for all of the study, in one mean.
    """

    unscored: Unscored = "left_out"
    by: Facet = "category"
    category: str | None = None
    with_excluded: bool = False
    benchmark: str = ""


@dataclass(frozen=True, slots=True)
class Rates:
    """Usable / responses, three ways, of one model over some questions.

    Attributes:
        judge: by the judge alone; n counts responses.
        physicians: by physicians alone; n counts responses that they decided.
        corrected: by PPI++; n counts physicians' decisions that may calibrate.
        second: by Rogan and Gladen.
        is_shared: the judge's errors of `second` were seen on all models together.
        responses, unscored, pending, absent: what the rates are of, and what is left out.
    """

    judge: Estimate
    physicians: Estimate
    corrected: Estimate
    second: Estimate
    is_shared: bool
    responses: int
    unscored: int
    pending: int
    absent: int


@dataclass(frozen=True, slots=True)
class _Sides:
    """What physicians decided on some responses, beside the judge; arrays of shape (n,).

    Attributes:
        weights: 1/π where the responses were drawn with unequal probabilities; else None.
    """

    response: Ids
    question: Ids
    physicians: npt.NDArray[np.bool_]
    judge: npt.NDArray[np.bool_]
    weights: Floats | None


class Rater:
    """Cuts verdicts and cases into cells, and makes the rates of each."""

    def __init__(
        self,
        order: Order,
        known: dict[int, Question],
        verdicts: Verdicts,
        cases: Sequence[Case],
        calibration: Sequence[Case],
    ) -> None:
        self.verdicts = verdicts
        label = facet(order.by)
        self.columns = _columns(known.values(), label)
        place = {name: at for at, name in enumerate(self.columns)}
        self._place_of = {one.id: place.get(label(one), -2) for one in known.values()}
        by_id = np.full(max(known, default=0) + 1, -2)
        by_id[list(known)] = list(self._place_of.values())
        is_known = np.isin(verdicts.question, np.array(list(known), dtype=np.intp))
        self.column = np.where(is_known, by_id[np.where(is_known, verdicts.question, 0)], -2)
        self.usable = verdicts.code == USABLE
        self.counts = is_known & (
            (verdicts.code >= 0) | ((verdicts.code == UNSCORED) & (order.unscored == "not_usable"))
        )
        self._rows = self._rows_of_cells(is_known)
        self._decided = self._by_cell(cases)
        self._calibrating = self._by_cell(calibration)
        together = [
            one for (_, at), some in self._calibrating.items() if at == _ALL for one in some
        ]
        self._quality = _quality(together)

    def row(self, model_id: int, label: str) -> tuple[Rates, Rates, dict[str, Rates]]:
        """OP, question-weighted rate and cells of one model."""
        cells = {name: self._rates(model_id, label, at) for at, name in enumerate(self.columns)}
        weighted = self._rates(model_id, label, _ALL)
        filled = [at for at, name in enumerate(self.columns) if cells[name].responses]
        return self._mean(weighted, filled, model_id, label), weighted, cells

    def strata(self, model_id: int, label: str) -> dict[str, Stratum]:
        """What is known of one model, by column that has a response."""
        filled = {
            at: name for at, name in enumerate(self.columns) if len(self._in_cell(model_id, at))
        }
        return {
            name: self._stratum(
                self._in_cell(model_id, at), self._calibrating.get((label, at), ()),
                1.0 / len(filled),
            )
            for at, name in filled.items()
        }  # fmt: skip

    def per_question(self, model_ids: Sequence[int]) -> list[Floats]:
        """Usable and counted responses per column, question and model: (questions, m, 2) each."""
        place = np.full(int(self.verdicts.model.max(initial=0)) + 1, -1)
        place[list(model_ids)] = np.arange(len(model_ids))
        model = place[self.verdicts.model]
        found = []
        for at in range(len(self.columns)):
            rows = np.flatnonzero(self.counts & (self.column == at) & (model >= 0))
            names, index = np.unique(self.verdicts.question[rows], return_inverse=True)
            cell = index * len(model_ids) + model[rows]
            size = len(names) * len(model_ids)
            usable = np.bincount(cell, self.usable[rows].astype(float), minlength=size)
            counted = np.bincount(cell, minlength=size).astype(float)
            shape = (len(names), len(model_ids))
            found.append(np.stack([usable.reshape(shape), counted.reshape(shape)], axis=-1))
        return found

    def _rows_of_cells(self, is_known: npt.NDArray[np.bool_]) -> dict[tuple[int, int], Ids]:
        """Rows of the verdicts by model and column; column −1 holds all of a model."""
        rows = np.flatnonzero(is_known)
        order = rows[np.lexsort((self.column[rows], self.verdicts.model[rows]))]
        model, column = self.verdicts.model[order], self.column[order]
        found = {}
        for one in np.unique(model):
            first, last = np.searchsorted(model, (one, one + 1))
            found[int(one), _ALL] = order[first:last]
            for at in range(len(self.columns)):
                start, end = np.searchsorted(column[first:last], (at, at + 1))
                found[int(one), at] = order[first + start : first + end]
        return found

    def _by_cell(self, cases: Sequence[Case]) -> dict[tuple[str, int], list[Case]]:
        found: dict[tuple[str, int], list[Case]] = defaultdict(list)
        for case in cases:
            at = self._place_of.get(case.question_id)
            if at is not None and case.physicians_usable is not None:
                found[case.model, _ALL].append(case)
                found[case.model, at].append(case)
        return found

    def _in_cell(self, model_id: int, at: int) -> Ids:
        return self._rows.get((model_id, at), np.zeros(0, dtype=np.intp))

    def _rates(self, model_id: int, label: str, at: int) -> Rates:
        """The rates of one cell."""
        rows = self._in_cell(model_id, at)
        code, counted = self.verdicts.code[rows], rows[self.counts[rows]]
        judge = share_estimate(self.usable[counted], self.verdicts.question[counted])
        decided = _sides(self._decided.get((label, at), ()))
        physicians = share_estimate(decided.physicians, decided.question, decided.weights)
        calibrating = self._calibrating.get((label, at), ())
        second, is_shared = self._second(judge, judge.n, _quality(calibrating))
        return Rates(
            judge, physicians, prediction_powered([self._stratum(rows, calibrating, 1.0)]),
            second, is_shared, int((code != ABSENT).sum()), int((code == UNSCORED).sum()),
            int((code == PENDING).sum()), int((code == ABSENT).sum()),
        )  # fmt: skip

    def _mean(self, total: Rates, filled: Sequence[int], model_id: int, label: str) -> Rates:
        """Plain mean of the cells' rates; a cell without any response is no category of it."""
        rows = [self._in_cell(model_id, at) for at in filled]
        calibrating = [self._calibrating.get((label, at), ()) for at in filled]
        judge = _plain_mean(
            [
                (self.usable[counted], self.verdicts.question[counted], None)
                for some in rows
                for counted in (some[self.counts[some]],)
            ]
        )
        physicians = _plain_mean(
            [
                (sides.physicians, sides.question, sides.weights)
                for at in filled
                for sides in (_sides(self._decided.get((label, at), ())),)
            ]
        )
        strata = [
            self._stratum(some, cases, 1.0 / len(filled))
            for some, cases in zip(rows, calibrating, strict=True)
        ]
        size = _size_behind(judge) if judge.value is not None else float(judge.n)
        own = _quality([case for cases in calibrating for case in cases])
        second, is_shared = self._second(judge, size, own)
        corrected = prediction_powered(strata) if strata else undefined(0, "no_pairs")
        return Rates(
            judge, physicians, corrected, second, is_shared,
            total.responses, total.unscored, total.pending, total.absent,
        )  # fmt: skip

    def _stratum(self, rows: Ids, cases: Sequence[Case], share: float) -> Stratum:
        """What is known of some responses: both sides where physicians may calibrate."""
        both = _sides([case for case in cases if case.judge.usable is not None])
        alone = rows[self.counts[rows]]
        alone = alone[~np.isin(self.verdicts.response[alone], both.response)]
        return Stratum(
            both.physicians, both.judge, both.question,
            self.usable[alone], self.verdicts.question[alone], share, both.weights,
        )  # fmt: skip

    def _second(
        self, judge: Estimate, size: float, own: JudgeQuality | None
    ) -> tuple[Estimate, bool]:
        """Rogan and Gladen by the model's own scores, or by those of all models where too few."""
        if judge.value is None:
            return undefined(0, "no_pairs"), False
        if own is not None:
            return rogan_gladen(judge.value, size, own), False
        if self._quality is not None:
            return rogan_gladen(judge.value, size, self._quality), True
        return undefined(0, "too_few"), False


def facet(by: Facet) -> Callable[[Question], str]:
    """What a question stands under."""
    if by == "category":
        return lambda question: question.category
    if by == "category2":
        return lambda question: question.category2
    return lambda question: question.difficulty


def _columns(known: Iterable[Question], label: Callable[[Question], str]) -> tuple[str, ...]:
    order = (*CATEGORIES, "easy", "medium", "hard")
    names = list(dict.fromkeys(label(question) for question in known))
    return tuple(
        sorted(
            (name for name in names if name),
            key=lambda name: order.index(name) if name in order else len(order),
        )
    )


def _sides(cases: Sequence[Case]) -> _Sides:
    """Both sides of some cases; of a sample with unequal chances, the drawn ones alone."""
    drawn = weighted_among(cases)
    kept = cases if drawn is None else drawn
    weights = None if drawn is None else np.array([case.weight for case in drawn], dtype=float)
    return _Sides(
        np.array([case.response_id for case in kept], dtype=np.intp),
        np.array([case.question_id for case in kept], dtype=np.intp),
        np.array([case.physicians_usable for case in kept], dtype=np.bool_),
        np.array([case.judge.usable is True for case in kept], dtype=np.bool_),
        weights,
    )


def _plain_mean(
    cells: Sequence[tuple[npt.NDArray[np.bool_], Ids, Floats | None]],
) -> Estimate:
    """Mean of shares of separate questions, with a Wilson interval on the effective size."""
    n = sum(len(hits) for hits, _, _ in cells)
    if not cells or any(len(hits) == 0 for hits, _, _ in cells):
        return undefined(n, "no_pairs" if n == 0 else "too_few")
    found = [
        ratio_and_variance(hits.astype(float), clusters, weights)
        for hits, clusters, weights in cells
    ]
    value = overall_performance([mean for mean, *_ in found])
    variance = sum(one for _, one, _ in found) / len(found) ** 2
    clusters = sum(size for *_, size in found)
    is_flat = value in (0.0, 1.0) or variance == 0.0
    size = clusters if is_flat else value * (1.0 - value) / variance
    low, high = wilson_interval(value, size)
    return Estimate(value, n, low, high, None, "wilson")


def _quality(cases: Sequence[Case]) -> JudgeQuality | None:
    """How often a judge is right about what physicians pass and reject; None if too few."""
    both = _sides([case for case in cases if case.judge.usable is not None])
    human, machine = both.physicians, both.judge
    if too_few(human):
        return None
    weights = np.ones(len(human)) if both.weights is None else both.weights
    return JudgeQuality(
        float(np.average(~machine[~human], weights=weights[~human])), effective_n(weights[~human]),
        float(np.average(machine[human], weights=weights[human])), effective_n(weights[human]),
    )  # fmt: skip


def _size_behind(found: Estimate) -> float:
    """The number of independent responses that would give an interval as wide."""
    if found.value is None or found.low is None or found.high is None:
        return float(found.n)
    half = (found.high - found.low) / 2.0
    return max(1.0, found.value * (1.0 - found.value) * (Z / half) ** 2)
