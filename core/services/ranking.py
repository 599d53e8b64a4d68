"""Ranking: usability per model and category, by the judge, by physicians, and corrected.

The usability rate of a cell is usable / responses. OP is the plain mean of the category rates, as
in the paper's table 2; the question-weighted rate is a figure of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.domain.correction import (
    JudgeQuality,
    Stratum,
    may_calibrate,
    prediction_powered,
    rogan_gladen,
    too_few,
)
from core.domain.estimation import (
    Estimate,
    Z,
    ratio_and_variance,
    resampled_tables,
    share_estimate,
    undefined,
    wilson_interval,
)
from core.domain.paired import holm, sign_flip_p
from core.domain.questions import CATEGORIES
from core.domain.ranks import brackets, rank_interval, rank_shares
from core.domain.usability import overall_performance, physicians_reading
from core.errors import Refused, UnknownName
from core.services.agreeing import Case, cases_of_panel, votes_of
from core.services.empanelling import Panel
from core.services.permitting import require
from core.store import questions, readings, responses, table_settings
from core.store.assessments import Plan
from core.store.database import Store
from core.store.questions import Question
from core.store.studies import Study

#: What an unscored response counts as.
Unscored = Literal["left_out", "not_usable"]
Facet = Literal["category", "category2", "difficulty"]
_LEVEL = 0.05
_USABLE, _UNUSABLE, _UNSCORED, _PENDING, _ABSENT = 1, 0, -1, -2, -3

Codes = npt.NDArray[np.int8]
Ids = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge or jury says of every response of a study, one row a response.

    Attributes:
        response, question, model: ids, shape (n,).
        code: 1 usable, 0 unusable, −1 unscored, −2 not judged yet, −3 absent, shape (n,).
    """

    response: Ids
    question: Ids
    model: Ids
    code: Codes


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
class Row:
    """One model of the leaderboard.

    Attributes:
        op: plain mean of the category rates.
        weighted: the question-weighted rate.
        cells: by category (or subcategory, difficulty).
        ranks: from and to which rank the model stands in 95% of resamples, by the judge; None
            where a category without a scored response leaves it without an OP.
        rank_shares: share of resamples at each rank.
    """

    model: str
    group: str
    op: Rates
    weighted: Rates
    cells: dict[str, Rates]
    ranks: tuple[int, int] | None
    rank_shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A leaderboard, best model first.

    Attributes:
        columns: the categories of the cells, in order.
        brackets: runs of rows of which no two can be told apart (paired test over questions, Holm).
        excluded: questions that are left out.
    """

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    brackets: tuple[tuple[int, int], ...]
    excluded: int


@dataclass(frozen=True, slots=True)
class Order:
    """How a leaderboard is made.

    Attributes:
        by: what the columns are; OP is of categories where it is not `category` too.
        category: only this category; None for all.
    """

    unscored: Unscored = "left_out"
    by: Facet = "category"
    category: str | None = None
    with_excluded: bool = False


def board_of(store: Store, study: Study, panel: Panel, order: Order) -> Board:
    """The leaderboard of a study by a judge or jury."""
    require(store, "lead")
    verdicts = verdicts_of(store, study, panel)
    cases = calibrating(store, study, panel, cases_of_panel(store, study, panel))
    return board(store, study, order, verdicts, *cases)


def verdicts_of(store: Store, study: Study, panel: Panel) -> Verdicts:
    """What a judge or jury says of every response."""
    require(store, "lead")
    tables = []
    for judge, rounds in panel.members:
        plan = Plan(study.id, judge.id, rounds)
        rows = readings.response_readings(store, plan)
        tables.append((np.array(rows, dtype=np.int64).reshape(-1, 7), rounds))
    first = tables[0][0]
    usable_from = panel.scale.usable_from
    sides = [_codes(table, rounds, usable_from) for table, rounds in tables]
    code = sides[0] if panel.rule is None else _together(panel, tables, sides)
    return Verdicts(first[:, 0], first[:, 1], first[:, 2], code)


def calibrating(
    store: Store, study: Study, panel: Panel, cases: Sequence[Case]
) -> tuple[list[Case], list[Case]]:
    """All cases, and those with the scores alone that may correct the judge.

    A score never does that somebody could have revised with in view: of a question whose criteria,
    or whose judge prompt, were put to use after it was given.
    """
    require(store, "lead")
    revised: dict[int, str] = {}
    for judge, _ in panel.members:
        for question_id, at in readings.revised_at(store, study.id, judge.id).items():
            revised[question_id] = max(at, revised.get(question_id, ""))
    kept = []
    for case in cases:
        since = revised.get(case.question_id)
        scores = tuple(one for one in case.scores if may_calibrate(one.created_at, since))
        if len(scores) == len(case.scores):
            kept.append(case)
        elif scores:
            usable = physicians_reading(votes_of(scores))
            kept.append(replace(case, scores=scores, physicians_usable=usable))
    return list(cases), kept


def board(
    store: Store,
    study: Study,
    order: Order,
    verdicts: Verdicts,
    cases: Sequence[Case],
    calibration: Sequence[Case],
) -> Board:
    """The leaderboard of verdicts that are known."""
    require(store, "lead")
    left_out = {one.question_id for one in table_settings.exclusions(store, study.id)}
    known = {
        question.id: question
        for question in questions.questions_of_study(store, study.id)
        if (order.with_excluded or question.id not in left_out)
        and order.category in (None, question.category)
    }
    labels = dict(responses.models_of_study(store, study.id))
    groups = table_settings.model_groups(store, study.id)
    maker = _Maker(order, known, verdicts, cases, calibration)
    made = [(model_id, label, maker.row(model_id, label)) for model_id, label in labels.items()]
    made = [one for one in made if one[2][0].responses]
    if not made:
        return Board((), maker.columns, (), len(left_out))
    made.sort(key=_best_first)
    ids = [model_id for model_id, _, (op, *_) in made if op.judge.value is not None]
    # A model without an OP stands below the others, without a rank.
    shares = [*rank_shares(maker.op_draws(ids)), *[np.zeros(0)] * (len(made) - len(ids))]
    rows = tuple(
        Row(label, groups.get(model_id, ""), op, weighted, cells,
            rank_interval(share) if len(share) else None, tuple(float(one) for one in share))
        for (model_id, label, (op, weighted, cells)), share in zip(made, shares, strict=True)
    )  # fmt: skip
    apart = maker.apart(ids)
    runs = brackets(len(ids), lambda i, j: apart[i, j])
    return Board(rows, maker.columns, tuple((run[0], run[-1]) for run in runs), len(left_out))


@dataclass(frozen=True, slots=True)
class Listed:
    """A response behind a number of the leaderboard."""

    response_id: int
    question_id: int
    question: str
    model: str
    code: int


def listed(
    store: Store, study: Study, order: Order, verdicts: Verdicts, *, model: str, column: str
) -> list[Listed]:
    """The responses of a model behind a cell, unusable first; '' for all columns."""
    require(store, "lead")
    label = _facet(order.by)
    known = {
        question.id: question
        for question in questions.questions_of_study(store, study.id)
        if column in ("", label(question)) and order.category in (None, question.category)
    }
    model_id = responses.model_id_of(store, model)
    rows = np.flatnonzero((verdicts.model == model_id) & (verdicts.code != _ABSENT))
    found = [
        Listed(
            int(verdicts.response[row]), question.id, question.key, model, int(verdicts.code[row])
        )
        for row in rows
        if (question := known.get(int(verdicts.question[row]))) is not None
    ]
    return sorted(found, key=lambda one: one.code if one.code >= 0 else 2 - one.code)


def exclude(
    store: Store, study: Study, key: str, *, is_excluded: bool, reason: str, by: str
) -> None:
    """Leave a question out of a study's figures from now on, or take it back in.

    Raises:
        Refused: `needs_reason`.
        UnknownName: `unknown_question_key`.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    for question in questions.questions_of_study(store, study.id):
        if question.key == key:
            with store.writing():
                table_settings.add_exclusion(
                    store, study.id, question.id, is_excluded=is_excluded, reason=reason, by=by
                )
            return
    raise UnknownName("unknown_question_key", key=key, dataset=study.name)


def group_model(store: Store, study: Study, label: str, kind: str, *, by: str) -> None:
    """Show a model under a heading: open, closed or specialised.

    Raises:
        UnknownName: `unknown_model`.
    """
    require(store, "lead")
    known = {name: model_id for model_id, name in responses.models_of_study(store, study.id)}
    if label not in known:
        raise UnknownName("unknown_model", name=label, known=", ".join(known) or "–")
    with store.writing():
        table_settings.add_model_group(store, study.id, known[label], kind, by=by)


class _Maker:
    """Cuts verdicts and cases into cells, and makes the rates of each."""

    def __init__(
        self,
        order: Order,
        known: dict[int, Question],
        verdicts: Verdicts,
        cases: Sequence[Case],
        calibration: Sequence[Case],
    ) -> None:
        self._order, self._known, self._verdicts = order, known, verdicts
        is_known = np.isin(verdicts.question, np.array(list(known), dtype=np.intp))
        self._kept = is_known & (verdicts.code != _ABSENT)
        self._absent = is_known & (verdicts.code == _ABSENT)
        self._label = _facet(order.by)
        self.columns = _columns(known.values(), self._label)
        self._column_of = {one.id: self._label(one) for one in known.values()}
        place = {name: at for at, name in enumerate(self.columns)}
        by_id = np.full(max(known, default=0) + 1, -1)
        for question_id, name in self._column_of.items():
            by_id[question_id] = place.get(name, -1)
        inside = np.where(is_known, verdicts.question, 0)
        self._column = np.where(is_known, by_id[inside], -1)
        self._usable = verdicts.code == _USABLE
        self._counts = self._kept & (
            (verdicts.code >= 0) | ((verdicts.code == _UNSCORED) & (order.unscored == "not_usable"))
        )
        self._decided = self._by_model(cases)
        self._calibrating = self._by_model(calibration)
        self._quality = _quality([case for some in self._calibrating.values() for case in some])

    def row(self, model_id: int, label: str) -> tuple[Rates, Rates, dict[str, Rates]]:
        """OP, question-weighted rate and cells of one model."""
        of_model = self._verdicts.model == model_id
        cells = {
            name: self._rates(of_model & (self._column == at), label, name)
            for at, name in enumerate(self.columns)
        }
        weighted = self._rates(of_model, label, None)
        return self._mean(weighted, cells, label, of_model), weighted, cells

    def op_draws(self, model_ids: Sequence[int]) -> npt.NDArray[np.float64]:
        """OP of every model in resamples of the questions of each column, shape (resamples, m)."""
        sums = self._per_question(model_ids)
        draws = []
        for at in range(len(self.columns)):
            of_column = sums[at]
            if not of_column.any():
                continue
            drawn = resampled_tables(of_column, seed=at)
            usable, counted = drawn[..., 0], drawn[..., 1]
            rate = np.zeros_like(usable)
            np.divide(usable, counted, out=rate, where=counted > 0)
            draws.append(rate)
        return np.mean(draws, axis=0) if draws else np.zeros((1, len(model_ids)))

    def apart(self, model_ids: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Which pairs of models differ in OP: sign flips over questions, Holm over pairs."""
        sums = self._per_question(model_ids)
        contributions = []
        filled = [of_column for of_column in sums if of_column.any()]
        for of_column in filled:
            counted = of_column[..., 1]
            rate = np.zeros_like(counted)
            np.divide(of_column[..., 0], counted, out=rate, where=counted > 0)
            # Questions that either model lacks say nothing of their difference.
            pairs = [
                np.where((counted[:, i] > 0) & (counted[:, j] > 0), rate[:, i] - rate[:, j], 0.0)
                for i, j in combinations(range(len(model_ids)), 2)
            ]
            if pairs:
                contributions.append(np.stack(pairs, axis=1) / (len(filled) * len(counted)))
        found = np.zeros((len(model_ids), len(model_ids)), dtype=bool)
        if contributions:
            p_values = holm(sign_flip_p(np.concatenate(contributions)))
            for (i, j), p in zip(combinations(range(len(model_ids)), 2), p_values, strict=True):
                found[i, j] = found[j, i] = p <= _LEVEL
        return found

    def _per_question(self, model_ids: Sequence[int]) -> list[npt.NDArray[np.float64]]:
        """Usable and counted responses per column, question and model: (questions, m, 2) each."""
        place = np.full(int(self._verdicts.model.max(initial=0)) + 1, -1)
        place[list(model_ids)] = np.arange(len(model_ids))
        model = place[self._verdicts.model]
        found = []
        for at in range(len(self.columns)):
            rows = self._counts & (self._column == at) & (model >= 0)
            names, index = np.unique(self._verdicts.question[rows], return_inverse=True)
            cell = index * len(model_ids) + model[rows]
            size = len(names) * len(model_ids)
            usable = np.bincount(cell, self._usable[rows].astype(float), minlength=size)
            counted = np.bincount(cell, minlength=size).astype(float)
            shape = (len(names), len(model_ids))
            found.append(np.stack([usable.reshape(shape), counted.reshape(shape)], axis=-1))
        return found

    def _rates(self, rows: npt.NDArray[np.bool_], label: str, column: str | None) -> Rates:
        """The rates of one cell, or of a model over all questions where `column` is None."""
        code, counted = self._verdicts.code, rows & self._counts
        judge = share_estimate(self._usable[counted], self._verdicts.question[counted])
        decided = self._in(self._decided[label], column)
        physicians = share_estimate(*_sides_of(decided))
        stratum = self._stratum(rows, self._in(self._calibrating[label], column), 1.0)
        quality = _quality(self._in(self._calibrating[label], column))
        second, is_shared = self._second(judge, judge.n, quality)
        return Rates(
            judge, physicians, prediction_powered([stratum]), second, is_shared,
            int((rows & self._kept).sum()),
            int((rows & self._kept & (code == _UNSCORED)).sum()),
            int((rows & self._kept & (code == _PENDING)).sum()),
            int((rows & self._absent).sum()),
        )  # fmt: skip

    def _mean(
        self,
        total: Rates,
        cells: dict[str, Rates],
        label: str,
        of_model: npt.NDArray[np.bool_],
    ) -> Rates:
        """Plain mean of the cells' rates; a cell without any response is no category of it."""
        filled = {name: cell for name, cell in cells.items() if cell.responses}
        strata = [
            self._stratum(
                of_model & (self._column == self.columns.index(name)),
                self._in(self._calibrating[label], name), 1.0 / len(filled),
            )
            for name in filled
        ]  # fmt: skip
        judge = self._plain_mean(
            [
                (self._usable[rows], self._verdicts.question[rows])
                for name in filled
                for rows in (of_model & (self._column == self.columns.index(name)) & self._counts,)
            ]
        )
        physicians = self._plain_mean(
            [_sides_of(self._in(self._decided[label], name)) for name in filled]
        )
        size = float(judge.n)
        if judge.value is not None and judge.low is not None and judge.high is not None:
            size = _size_behind(judge)
        second, is_shared = self._second(judge, size, _quality(self._calibrating[label]))
        corrected = prediction_powered(strata) if strata else undefined(0, "no_pairs")
        return Rates(
            judge, physicians, corrected, second, is_shared,
            total.responses, total.unscored, total.pending, total.absent,
        )  # fmt: skip

    @staticmethod
    def _plain_mean(
        cells: Sequence[tuple[npt.NDArray[np.bool_], Ids]],
    ) -> Estimate:
        """Mean of shares of separate questions, with a Wilson interval on the effective size."""
        n = sum(len(hits) for hits, _ in cells)
        if not cells or any(len(hits) == 0 for hits, _ in cells):
            return undefined(n, "no_pairs" if n == 0 else "too_few")
        found = [ratio_and_variance(hits.astype(float), clusters) for hits, clusters in cells]
        value = overall_performance([mean for mean, *_ in found])
        variance = sum(one for _, one, _ in found) / len(found) ** 2
        clusters = sum(size for *_, size in found)
        if value in (0.0, 1.0) or variance == 0.0:
            size = clusters
        else:
            size = value * (1.0 - value) / variance
        low, high = wilson_interval(value, size)
        return Estimate(value, n, low, high, None, "wilson")

    def _stratum(self, rows: npt.NDArray[np.bool_], cases: Sequence[Case], share: float) -> Stratum:
        """What is known of some responses: both sides where physicians may calibrate."""
        both = [
            case
            for case in cases
            if case.physicians_usable is not None and case.judge.usable is not None
        ]
        seen = np.array([case.response_id for case in both], dtype=np.intp)
        alone = rows & self._counts & ~np.isin(self._verdicts.response, seen)
        return Stratum(
            np.array([case.physicians_usable for case in both], dtype=np.bool_),
            np.array([case.judge.usable for case in both], dtype=np.bool_),
            np.array([case.question_id for case in both], dtype=np.intp),
            self._usable[alone], self._verdicts.question[alone], share,
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

    def _by_model(self, cases: Sequence[Case]) -> dict[str, list[Case]]:
        found: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            if case.question_id in self._known and case.physicians_usable is not None:
                found[case.model].append(case)
        return found

    def _in(self, cases: Sequence[Case], column: str | None) -> list[Case]:
        if column is None:
            return list(cases)
        return [case for case in cases if self._column_of[case.question_id] == column]


def _best_first(
    made: tuple[int, str, tuple[Rates, Rates, dict[str, Rates]]],
) -> tuple[bool, float, str]:
    _, label, (op, *_) = made
    return op.judge.value is None, -(op.judge.value or 0.0), label


def _codes(table: npt.NDArray[np.int64], rounds: int, usable_from: int) -> Codes:
    """Codes of `Verdicts` from a judge's summed rounds."""
    _, _, _, is_absent, scored, asked, total = table.T
    code = np.where(total >= usable_from * rounds, _USABLE, _UNUSABLE)
    code = np.where(scored < rounds, _UNSCORED, code)
    code = np.where(asked < rounds, _PENDING, code)
    code = np.where((is_absent == 1) & (asked == 0), _ABSENT, code)
    return code.astype(np.int8)


def _together(
    panel: Panel, tables: Sequence[tuple[npt.NDArray[np.int64], int]], sides: Sequence[Codes]
) -> Codes:
    """A jury's codes: scored only where all its members are."""
    every = np.stack(sides)
    worst = every.min(0)
    if panel.rule == "majority":
        ayes = (every == _USABLE).sum(0)
        usable = np.where(2 * ayes > len(sides), _USABLE, _UNUSABLE)
        usable = np.where(2 * ayes == len(sides), _UNSCORED, usable)
    else:
        means = np.stack([table[:, 6] / rounds for table, rounds in tables])
        mean = means.mean(0) if panel.rule == "mean" else np.median(means, axis=0)
        usable = np.where(mean >= panel.scale.usable_from - 1e-9, _USABLE, _UNUSABLE)
    code: Codes = np.where(worst < 0, worst, usable).astype(np.int8)
    return code


def _facet(by: Facet) -> Callable[[Question], str]:
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


def _sides_of(cases: Sequence[Case]) -> tuple[npt.NDArray[np.bool_], Ids]:
    return (
        np.array([case.physicians_usable for case in cases], dtype=np.bool_),
        np.array([case.question_id for case in cases], dtype=np.intp),
    )


def _quality(cases: Sequence[Case]) -> JudgeQuality | None:
    """How often a judge is right about what physicians pass and reject; None if too few."""
    both = [case for case in cases if case.judge.usable is not None]
    human = np.array([case.physicians_usable for case in both], dtype=np.bool_)
    if too_few(human):
        return None
    machine = np.array([case.judge.usable for case in both], dtype=np.bool_)
    return JudgeQuality(
        float((~machine[~human]).mean()), int((~human).sum()),
        float(machine[human].mean()), int(human.sum()),
    )  # fmt: skip


def _size_behind(found: Estimate) -> float:
    """The number of independent responses that would give an interval as wide."""
    assert found.low is not None
    assert found.high is not None
    half = (found.high - found.low) / 2.0
    return max(1.0, (found.value or 0.0) * (1.0 - (found.value or 0.0)) * (Z / half) ** 2)
