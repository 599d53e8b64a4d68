"""The leaderboard page's views: the table, three ways beside each other, ranks, next, cases."""

import html
from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from core.domain.estimation import Estimate
from core.services import ranking
from core.services.empanelling import Panel
from core.services.ranking import Board, Row
from core.services.rating import Order, Rates
from core.services.reviewing import expose
from core.services.sealing import seals_of
from core.ui import charts
from core.ui.address import link_to
from core.ui.exposing import is_asked_for
from core.ui.figure_data import board_of_chosen, verdicts_of_chosen
from core.ui.figures import Cell, percent, show_grid, show_label
from core.ui.shell import Page

FIGURES = ("judge", "physicians", "corrected", "second")
#: Groups of models, in the paper's order.
GROUPS = ("open", "closed", "specialised")
_ROWS_PER_PAGE = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A leaderboard with how it was asked for."""

    panel: Panel
    order: Order
    board: Board


def drawn(p: Page, panel: Panel, order: Order) -> Drawn:
    """The leaderboard as asked for, kept until a study fact is added."""
    return Drawn(panel, order, board_of_chosen(p, panel, order))


def draw_table(p: Page, found: Drawn, figure: str) -> None:
    """Usability per model and column, as in table 2."""
    head = [
        p.t("leaderboard.rank"), p.t("words.model"), p.t("leaderboard.alike"), "OP",
        p.t("leaderboard.weighted"), *(_column(p, found.order, one) for one in found.board.columns),
    ]  # fmt: skip
    for group, rows in _grouped(found.board):
        if group:
            show_label(p.t(f"model_group.{group}"))
        show_grid(
            p, f"leaderboard-{figure}-{group or 'all'}", head,
            [
                [
                    Cell(_ranks(row)),
                    Cell(row.model),
                    Cell(_letters(found.board, row)),
                    _cell(p, found, row.op, figure, row.model, ""),
                    _cell(p, found, row.weighted, figure, row.model, ""),
                    *(
                        _cell(p, found, row.cells[one], figure, row.model, one)
                        for one in found.board.columns
                    ),
                ]
                for row in rows
            ],
        )  # fmt: skip
    st.html(
        f'<div class="quiet">'
        f"{p.joined(p.t(f'leaderboard.note_{figure}'), p.t('leaderboard.note'))}</div>"
    )


def draw_compare(p: Page, found: Drawn, figure: str) -> None:
    """OP by the judge alone, by physicians alone, and corrected, beside each other."""
    show_grid(
        p, "leaderboard-corrected",
        [p.t("words.model"), *(p.t(f"leaderboard.{one}") for one in FIGURES),
         p.t("leaderboard.left")],
        [
            [
                Cell(row.model),
                *(_cell(p, found, row.op, one, row.model, "") for one in FIGURES),
                Cell(_left(p, row.op)),
            ]
            for row in found.board.rows
        ],
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("leaderboard.note_compare")}</div>')


def draw_ranks(p: Page, found: Drawn, figure: str) -> None:
    """Share of resamples in which each model stands at each rank, and who is alike."""
    rows = [row for row in found.board.rows if row.ranks is not None]
    show_label(p.t("leaderboard.rank_shares"))
    ranks = [str(rank) for rank in range(1, len(rows) + 1)]
    grid = charts.heat([row.model for row in rows], ranks, [row.rank_shares for row in rows])
    charts.show(p, "ranks", grid, height=90 + 26 * len(rows))
    for first, last in found.board.brackets:
        names = ", ".join(row.model for row in rows[first : last + 1])
        show_label(
            p.t("leaderboard.bracket", letter=_letter(found.board, first, last), names=names)
        )
    st.html(f'<div class="quiet">{p.t("leaderboard.note")}</div>')


def draw_listed(p: Page, found: Drawn, figure: str) -> None:
    """The responses behind one number; opening the list is an exposure."""
    model, column = st.query_params.get("of_model", ""), st.query_params.get("of_column", "")
    verdicts = verdicts_of_chosen(p, found.panel)
    rows = ranking.listed(p.store, p.study, found.order, verdicts, model=model, column=column)
    place = _column(p, found.order, column) if column else "OP"
    st.html(
        f"<h3>{html.escape(p.t('leaderboard.of', n=len(rows), model=model, column=place))}</h3>"
    )
    if not rows:
        return
    seals = seals_of(p.store, p.study)
    every = len(rows)
    rows = [row for row in rows if seals.place_of(row.question_id, row.response_id) == "revise"]
    if every > len(rows):
        closed = html.escape(p.t("agreement.closed", n=every - len(rows)))
        st.html(f'<div class="quiet">{closed}</div>')
    if rows and not is_asked_for(p, "listed", p.t("agreement.show")):
        return
    pages = -(-len(rows) // _ROWS_PER_PAGE)
    at = st.pagination(pages, key=p.key(p.study.id, "page")) if pages > 1 else 1
    for one in rows[(at - 1) * _ROWS_PER_PAGE : at * _ROWS_PER_PAGE]:
        expose(p.store, p.person, one.question_id, "machine_verdict", page=p.name)
        what, said, link = st.columns([3, 6, 2], vertical_alignment="center")
        what.html(html.escape(one.question))
        said.html(p.t(f"leaderboard.code.{one.code}"))
        link.page_link(
            "pages/case.py", label=p.t("words.open_case"),
            query_params={"response": str(one.response_id)},
        )  # fmt: skip


def _cell(p: Page, found: Drawn, rates: Rates, figure: str, model: str, column: str) -> Cell:
    """A rate with its interval and what it is of, opening its cases."""
    estimate: Estimate = getattr(rates, figure)
    shared = " *" if figure == "second" and rates.is_shared else ""
    text = f"{percent(p, estimate)} · {estimate.n}{shared}"
    if not rates.responses:
        return Cell("")
    if figure == "judge":
        return Cell(text, link_to("leaderboard", view="cases", of_model=model, of_column=column))
    narrowed = {"model": model} | ({found.order.by: column} if column else {})
    named = {"category2": "kind"}
    return Cell(
        text,
        link_to(
            "agreement", view="cases", of="paired",
            **{named.get(name, name): value for name, value in narrowed.items()},
        ),
    )  # fmt: skip


def _grouped(board: Board) -> Iterator[tuple[str, list[Row]]]:
    """Rows by group, in the paper's order of groups; one list where no model has a group."""
    for group in (*GROUPS, ""):
        rows = [row for row in board.rows if row.group == group]
        if rows:
            yield group, rows


def _ranks(row: Row) -> str:
    if row.ranks is None:
        return "–"
    first, last = row.ranks
    return str(first) if first == last else f"{first}–{last}"


def _letters(board: Board, row: Row) -> str:
    """Letters of the brackets that a model stands in."""
    place = board.rows.index(row)
    return "".join(
        _letter(board, first, last) for first, last in board.brackets if first <= place <= last
    )


def _letter(board: Board, first: int, last: int) -> str:
    return _LETTERS[board.brackets.index((first, last)) % len(_LETTERS)]


def _left(p: Page, rates: Rates) -> str:
    return p.t(
        "leaderboard.counts", responses=rates.responses, unscored=rates.unscored,
        pending=rates.pending, absent=rates.absent,
    )  # fmt: skip


def _column(p: Page, order: Order, name: str) -> str:
    return name if order.by == "category2" else p.named(order.by, name)
