"""Tabulating: every figure of agreement and of the leaderboard as one row, for any spreadsheet."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import get_args

from core.domain.estimation import Estimate
from core.services import ranking
from core.services.agreeing import Case, cases_of_panel, grouped
from core.services.agreeing_physicians import ceiling_of
from core.services.choosing import Choice, chosen
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel, panels_of_study
from core.services.permitting import require
from core.services.ranking import Board, Row
from core.services.rating import Facet, Order, Rates, Unscored
from core.services.tallying import verdicts_of
from core.store import table_settings
from core.store.database import Store
from core.store.studies import Study

Cells = list[object]

#: Of agreement: whole studies, and groups by these.
GROUPS = ("category", "category2", "scene", "difficulty", "model")
FIGURES = ("judge", "physicians", "corrected", "second")
_ESTIMATE = ("value", "low", "high", "n", "interval_by", "undefined_because")
AGREEMENT_COLUMNS = (
    "judge", "excluded_questions", "by", "group", "on", "figure", *_ESTIMATE, "weighted",
    "effective_n", "cases", "undecided", "unscored", "pending", "undrawn", "unknown_phase",
)  # fmt: skip
LEADERBOARD_COLUMNS = (
    "judge", "unscored_as", "excluded_questions", "by", "model", "model_group", "rank_from",
    "rank_to", "column", "figure", *_ESTIMATE, "errors_shared", "responses", "unscored", "pending",
    "absent",
)  # fmt: skip


def agreement_rows(store: Store, study: Study) -> list[Cells]:
    """Every figure of every judge and jury, whole and by group, as `AGREEMENT_COLUMNS`."""
    require(store, "lead")
    rows: list[Cells] = []
    for panel in panels_of_study(store, study):
        every = cases_of_panel(store, study, panel)
        for reading, with_excluded in _readings(store, study):
            cases = chosen(every, Choice(with_excluded=with_excluded))
            for by, group, some in _groups(cases):
                found = comparison_of(some, panel)
                figures = [*estimates_of(found)]
                if by == "all":
                    figures += _among_physicians(some, panel)
                rows += [
                    [panel.name, reading, by, group, on, name, *_cells(one), *_counts(found)]
                    for on, name, one in figures
                ]
    return rows


def leaderboard_rows(store: Store, study: Study) -> list[Cells]:
    """Every rate by every judge and jury, in both readings, as `LEADERBOARD_COLUMNS`."""
    require(store, "lead")
    rows: list[Cells] = []
    for panel in panels_of_study(store, study):
        verdicts = verdicts_of(store, study, panel)
        every = cases_of_panel(store, study, panel)
        cases = ranking.calibrating(store, study, panel, every)
        for unscored in get_args(Unscored):
            for reading, with_excluded in _readings(store, study):
                for by in get_args(Facet):
                    order = Order(unscored, by, None, with_excluded)
                    board = ranking.board(store, study, order, verdicts, *cases)
                    head = [panel.name, unscored, reading, by]
                    rows += [[*head, *cells] for cells in board_rows(board)]
    return rows


def board_rows(board: Board) -> Iterator[Cells]:
    """The rates of one board from the column `model` on."""
    for row in board.rows:
        ranks = row.ranks or (None, None)
        for name, rates in _rates(row):
            for figure in FIGURES:
                one: Estimate = getattr(rates, figure)
                is_shared = int(rates.is_shared) if figure == "second" else None
                yield [
                    row.model, row.group, *ranks, name, figure, *_cells(one), is_shared,
                    rates.responses, rates.unscored, rates.pending, rates.absent,
                ]  # fmt: skip


def estimates_of(found: Comparison) -> Iterator[tuple[str, str, Estimate]]:
    """Every figure of a comparison: on what, its name, and what it is."""
    shares = ("false_usable", "missed_risk", "sensitivity", "specificity")
    for name in shares:
        yield "usable", name, getattr(found, name)
    for on, agreement in (("usable", found.usable), ("scores", found.scores)):
        yield on, "agreement", agreement.agreement
        for name, one in agreement.coefficients.items():
            yield on, name, one


def _among_physicians(cases: Sequence[Case], panel: Panel) -> Iterator[tuple[str, str, Estimate]]:
    ceiling = ceiling_of(cases, panel)
    yield "physicians", "agreement", ceiling.usable.agreement
    for name, one in ceiling.usable.coefficients.items():
        yield "physicians", name, one
    for name, one in ceiling.alpha.items():
        yield "physicians", f"krippendorff_alpha_{name}", one
    yield "physicians", "fleiss_kappa", ceiling.fleiss
    for on, test in (("usable", ceiling.test_usable), ("scores", ceiling.test_scores)):
        yield on, "alt_test_omega", test.omega
        yield on, "alt_test_rho", test.rho


def _groups(cases: Sequence[Case]) -> Iterator[tuple[str, str, Sequence[Case]]]:
    yield "all", "", cases
    for by in GROUPS:
        of: Callable[[Case], str] = attrgetter(by)
        for group, some in sorted(grouped(cases, of).items()):
            if group:
                yield by, group, some


def _readings(store: Store, study: Study) -> list[tuple[str, bool]]:
    """Without the excluded questions, and with them where there are some."""
    both = [("left_out", False), ("counted", True)]
    return both if table_settings.exclusions(store, study.id) else both[:1]


def _rates(row: Row) -> list[tuple[str, Rates]]:
    return [("OP", row.op), ("question_weighted", row.weighted), *row.cells.items()]


def _cells(one: Estimate) -> Cells:
    return [
        one.value, one.low, one.high, one.n, one.interval_by or None, one.undefined_because,
    ]  # fmt: skip


def _counts(found: Comparison) -> Cells:
    return [
        int(found.raw is not None), found.effective_n, found.cases, found.undecided,
        found.unscored, found.pending, found.undrawn, found.unknown_phase,
    ]  # fmt: skip
