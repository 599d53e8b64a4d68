"""Commands about the leaderboard: show it, write it as a table, and what its tables hold."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, listed, text_of, words
from core.domain.estimation import Estimate
from core.formats.latex import csv_table, latex_table, markdown_table
from core.services import excluding, ranking
from core.services.empanelling import panel_of_study
from core.services.exporting import write_whole
from core.services.naming import study_of_dataset
from core.services.ranking import Board, Row
from core.services.rating import Facet, Order, Rates, Unscored

Format = Literal["text", "csv", "markdown", "latex"]
Figure = Literal["judge", "physicians", "corrected", "second"]


@command(main, "leaderboard")
@click.option("--dataset", required=True)
@click.option("--judge", help="By this judge or jury.  [default: the newest judge]")
@click.option(
    "--by", "facet", type=click.Choice(["category", "category2", "difficulty"]), default="category",
    show_default=True, help="What the columns are.",
)  # fmt: skip
@click.option("--category", help="Only this category, e.g. MK.")
@click.option(
    "--unscored", type=click.Choice(["left_out", "not_usable"]), default="left_out",
    show_default=True, help="What an unscored response counts as.",
)  # fmt: skip
@click.option("--with-excluded", is_flag=True, help="Count excluded questions too.")
@click.option(
    "--figure", type=click.Choice(["judge", "physicians", "corrected", "second"]),
    default="judge", show_default=True, help="Whose rates a written table holds.",
)  # fmt: skip
@click.option(
    "--format", "format_", type=click.Choice(["text", "csv", "markdown", "latex"]), default="text",
    show_default=True,
)  # fmt: skip
@click.option("--out", type=FILE, help="Write it there instead of printing it.")
def leaderboard(
    terminal: Terminal, *, dataset: str, judge: str | None, facet: Facet, category: str | None,
    unscored: Unscored, with_excluded: bool, figure: Figure, format_: Format, out: Path | None,
) -> None:  # fmt: skip
    """Usability per model and category: judge alone, physicians alone, corrected.

    Of a study with several benchmarks, the one that --dataset names: no mean goes over two.
    """
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        panel = panel_of_study(store, study, judge)
        several = len(ranking.benchmarks(store, study)) > 1
        order = Order(unscored, facet, category, with_excluded, dataset if several else "")
        board = ranking.board_of(store, study, panel, order)
    text = _WRITERS[format_](board, figure)
    if out is not None:
        write_whole(out, text + "\n")
        text = words("leaderboard.written", file=out)
    found = {"dataset": dataset, "judge": panel.name, "unscored": unscored, **_board(board)}
    terminal.show(found, text)


@command(main, "model-group", writes=True)
@click.argument("model")
@click.argument("kind", type=click.Choice(["open", "closed", "specialised"]))
@click.option("--dataset", required=True)
def model_group(terminal: Terminal, *, model: str, kind: str, dataset: str) -> None:
    """Show a model under a heading of the leaderboard."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        excluding.group_model(store, study, model, kind, by=terminal.by)
    terminal.show(
        {"model": model, "group": kind}, words("leaderboard.grouped", model=model, kind=kind)
    )


@command(main, "exclude", writes=True)
@click.argument("question")
@click.option("--dataset", required=True)
@click.option("--reason", required=True)
@click.option("--undo", is_flag=True, help="Count it again.")
def exclude(terminal: Terminal, *, question: str, dataset: str, reason: str, undo: bool) -> None:
    """Leave a question out of a study's leaderboard from now on; both readings stay there."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        excluding.exclude(
            store, study, question, is_excluded=not undo, reason=reason, by=terminal.by
        )
    said = "included" if undo else "excluded"
    terminal.show(
        {"question": question, "excluded": not undo}, words(f"leaderboard.{said}", key=question)
    )


def _board(board: Board) -> dict[str, Any]:
    return {
        "columns": board.columns,
        "excluded": board.excluded,
        "models": [
            {
                "model": row.model,
                "group": row.group,
                "ranks": row.ranks,
                "rank_shares": row.rank_shares,
                "op": _rates(row.op),
                "question_weighted": _rates(row.weighted),
                **{name: _rates(cell) for name, cell in row.cells.items()},
            }
            for row in board.rows
        ],
        "cannot_be_told_apart": [
            [row.model for row in board.rows[first : last + 1]] for first, last in board.brackets
        ],
    }


def _rates(rates: Rates) -> dict[str, Any]:
    return asdict(rates)


def _as_text(board: Board, figure: Figure) -> str:
    lines = [
        words(
            "leaderboard.line", model=row.model, op=_share(row.op.judge), n=row.op.judge.n,
            ranks=_ranks(row),
            physicians=_share(row.op.physicians), corrected=_share(row.op.corrected),
            weighted=_share(row.weighted.judge),
        )
        for row in board.rows
    ]  # fmt: skip
    lines += [
        words("leaderboard.brackets", names=listed(row.model for row in board.rows[i : j + 1]))
        for i, j in board.brackets
    ]
    return "\n".join([*lines, words("leaderboard.op")]) if lines else words("leaderboard.nothing")


def _as_csv(board: Board, figure: Figure) -> str:
    head = ["model", "group", "rank_from", "rank_to"]
    for name in ("OP", "question_weighted", *board.columns):
        head += [name, f"{name}_low", f"{name}_high", f"{name}_n", f"{name}_undefined"]
    rows = []
    for row in board.rows:
        line: list[object] = [row.model, row.group, *(row.ranks or (None, None))]
        for rates in (row.op, row.weighted, *(row.cells[name] for name in board.columns)):
            one: Estimate = getattr(rates, figure)
            line += [one.value, one.low, one.high, one.n, one.undefined_because or ""]
        rows.append(line)
    return csv_table(head, rows).rstrip("\n")


def _as_markdown(board: Board, figure: Figure) -> str:
    head = [
        text_of("words.model"),
        text_of("leaderboard.rank"),
        "OP",
        text_of("leaderboard.weighted"),
    ]
    return markdown_table([*head, *board.columns], _rows(board, figure)).rstrip("\n")


def _as_latex(board: Board, figure: Figure) -> str:
    head = ["Model", "Rank", "OP", "By question", *board.columns]
    return latex_table(head, _rows(board, figure)).rstrip("\n")


_WRITERS = {"text": _as_text, "csv": _as_csv, "markdown": _as_markdown, "latex": _as_latex}


def _rows(board: Board, figure: Figure) -> list[list[str]]:
    return [
        [
            row.model, _ranks(row),
            *(
                f"{_share(one)} (n {one.n})"
                for rates in (row.op, row.weighted, *(row.cells[name] for name in board.columns))
                for one in (getattr(rates, figure),)
            ),
        ]
        for row in board.rows
    ]  # fmt: skip


def _ranks(row: Row) -> str:
    return "–".join(map(str, dict.fromkeys(row.ranks or ()))) or "–"


def _share(one: Estimate) -> str:
    if one.value is None:
        return f"– ({text_of(f'undefined.{one.undefined_because}')})"
    if one.low is None or one.high is None:
        return f"{100 * one.value:.2f}"
    return f"{100 * one.value:.2f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
