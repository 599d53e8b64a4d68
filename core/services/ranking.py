"""Ranking: models by their rates, with uncertainty, and which of them can't be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from core.domain.correction import may_calibrate
from core.domain.estimation import Bools, Floats, resampled_apart
from core.domain.paired import holm, sign_flip_p
from core.domain.questions import CATEGORIES
from core.domain.ranks import brackets, rank_interval, rank_shares
from core.domain.usability import physicians_reading
from core.services.agreeing import Case, cases_of_panel, votes_of
from core.services.empanelling import Panel
from core.services.permitting import require
from core.services.rating import Order, Rater, Rates, facet
from core.services.sealing import sealed_since
from core.services.tallying import ABSENT, Verdicts, verdicts_of
from core.store import datasets, questions, readings, responses, table_settings
from core.store.database import Store
from core.store.questions import Question
from core.store.studies import Study

_LEVEL = 0.05


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


def board_of(store: Store, study: Study, panel: Panel, order: Order) -> Board:
    """The leaderboard of a study by a judge or jury."""
    require(store, "lead")
    verdicts = verdicts_of(store, study, panel)
    cases = calibrating(store, study, panel, cases_of_panel(store, study, panel))
    return board(store, study, order, verdicts, *cases)


def calibrating(
    store: Store, study: Study, panel: Panel, cases: Sequence[Case]
) -> tuple[list[Case], list[Case]]:
    """All cases, and those with the scores alone that may correct the judge.

    A score never does that somebody could have revised with in view: of a question whose criteria,
    or whose judge prompt, were put to use after it was given, unless the response was held back
    from revisers before that and still is. Nor does a decision of an
    adjudicator who had been shown the judge's verdict: the scores' majority stands in for it.
    """
    require(store, "lead")
    revised: dict[int, str] = {}
    for judge, _ in panel.members:
        for question_id, at in readings.revised_at(store, study.id, judge.id).items():
            revised[question_id] = max(at, revised.get(question_id, ""))
    sealed = sealed_since(store, study, cases)
    kept = []
    for case in cases:
        since = revised.get(case.question_id)
        if since is not None and sealed.get(case.response_id, since) < since:
            since = None
        scores = tuple(one for one in case.scores if may_calibrate(one.created_at, since))
        if len(scores) == len(case.scores) and not case.is_decided_informed:
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
    known = counted_questions(store, study, order)
    labels = dict(responses.models_of_study(store, study.id))
    groups = table_settings.model_groups(store, study.id)
    rater = Rater(order, known, verdicts, cases, calibration)
    made = [(model_id, label, rater.row(model_id, label)) for model_id, label in labels.items()]
    made = [one for one in made if one[2][0].responses]
    if not made:
        return Board((), rater.columns, (), len(left_out))
    made.sort(key=_best_first)
    ids = [model_id for model_id, _, (op, *_) in made if op.judge.value is not None]
    sums = [of_column for of_column in rater.per_question(ids) if of_column.any()]
    # A model without an OP stands below the others, without a rank.
    shares = [*rank_shares(_op_draws(sums, len(ids))), *[np.zeros(0)] * (len(made) - len(ids))]
    rows = tuple(
        Row(label, groups.get(model_id, ""), op, weighted, cells,
            rank_interval(share) if len(share) else None, tuple(float(one) for one in share))
        for (model_id, label, (op, weighted, cells)), share in zip(made, shares, strict=True)
    )  # fmt: skip
    apart = _apart(sums, len(ids))
    runs = brackets(len(ids), lambda i, j: apart[i, j])
    return Board(rows, rater.columns, tuple((run[0], run[-1]) for run in runs), len(left_out))


def benchmarks(store: Store, study: Study) -> dict[str, tuple[str, ...]]:
    """A study's datasets with open questions, the first one first, and their categories."""
    require(store, "lead")
    found: dict[int, dict[str, None]] = {}
    for one in questions.questions_of_study(store, study.id):
        found.setdefault(one.dataset_id, {})[one.category] = None
    return {
        one.name: tuple(sorted(found[one.id], key=_place))
        for one in datasets.datasets_of_study(store, study.id) if one.id in found
    }  # fmt: skip


def _place(category: str) -> int:
    """LLMEval-Med's categories in its paper's order, others behind them."""
    return CATEGORIES.index(category) if category in CATEGORIES else len(CATEGORIES)


def counted_questions(store: Store, study: Study, order: Order) -> dict[int, Question]:
    """The questions that a leaderboard counts, by id."""
    require(store, "lead")
    left_out = {one.question_id for one in table_settings.exclusions(store, study.id)}
    named = {one.id: one.name for one in datasets.datasets_of_study(store, study.id)}
    return {
        question.id: question
        for question in questions.questions_of_study(store, study.id)
        if (order.with_excluded or question.id not in left_out)
        and order.category in (None, question.category)
        and order.benchmark in ("", named[question.dataset_id])
    }


@dataclass(frozen=True, slots=True)
class Listed:
    """A response behind a number of the leaderboard."""

    response_id: int
    question_id: int
    question: str
    code: int


def listed(
    store: Store, study: Study, order: Order, verdicts: Verdicts, *, model: str, column: str
) -> list[Listed]:
    """The responses of a model behind a cell, unusable first; '' for all columns."""
    require(store, "lead")
    label = facet(order.by)
    known = {
        id_: question
        for id_, question in counted_questions(store, study, order).items()
        if column in ("", label(question))
    }
    model_id = responses.model_id_of(store, model)
    rows = np.flatnonzero((verdicts.model == model_id) & (verdicts.code != ABSENT))
    found = [
        Listed(int(verdicts.response[row]), question.id, question.key, int(verdicts.code[row]))
        for row in rows
        if (question := known.get(int(verdicts.question[row]))) is not None
    ]
    return sorted(found, key=lambda one: one.code if one.code >= 0 else 2 - one.code)


def _op_draws(sums: Sequence[Floats], models: int) -> Floats:
    """OP of every model in resamples of the questions of each column, shape (resamples, m)."""
    draws = []
    for drawn in resampled_apart(sums):
        usable, counted = drawn[..., 0], drawn[..., 1]
        rate = np.zeros_like(usable)
        np.divide(usable, counted, out=rate, where=counted > 0)
        draws.append(rate)
    return np.mean(draws, axis=0) if draws else np.zeros((1, models))


def _apart(sums: Sequence[Floats], models: int) -> Bools:
    """Which pairs of models differ in OP: sign flips over questions, Holm over pairs."""
    pairs = list(combinations(range(models), 2))
    found = np.zeros((models, models), dtype=bool)
    if not (pairs and sums):
        return found
    rates, known = [], []
    for of_column in sums:
        counted = of_column[..., 1]
        rate = np.zeros_like(counted)
        np.divide(of_column[..., 0], counted, out=rate, where=counted > 0)
        rates.append(rate / (len(sums) * len(counted)))
        known.append(counted > 0)
    p_values = holm(sign_flip_p(np.concatenate(rates), np.concatenate(known), pairs))
    for (i, j), p in zip(pairs, p_values, strict=True):
        found[i, j] = found[j, i] = p <= _LEVEL
    return found


def _best_first(
    made: tuple[int, str, tuple[Rates, Rates, dict[str, Rates]]],
) -> tuple[bool, float, str]:
    _, label, (op, *_) = made
    return op.judge.value is None, -(op.judge.value or 0.0), label
