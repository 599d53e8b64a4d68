"""Commands about tables: import one with any column names, export what the database holds."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

import click

from core.commands.data import export_group, import_group
from core.commands.terminal import FILE, Terminal, command, language, text_of, words
from core.domain.table_fields import guessed_field, is_field, read_mapping, read_scale
from core.errors import Refused
from core.formats.tables import Problem, Table, read_table
from core.i18n import read_as_words
from core.services.exporting_tables import WHATS, TableExport, What, export_table
from core.services.importing_table import (
    TableImport,
    TableImported,
    TableReading,
    keep_table,
    read_for_import,
    refuse_problems,
)

_SHOWN_ROWS = 3
_SHOWN_LETTERS = 60


@command(import_group, "table", writes=True)
@click.argument("file", type=FILE)
@click.option("--name", required=True, help="Name of the dataset, new or not.")
@click.option(
    "--map", "mapped", multiple=True, metavar="COLUMN=FIELD",
    help="What a column is: question_id, question, category, turn, reference, checklist, model,"
    " sample, response, judge:NAME, physician:NAME … (docs/tables.md). A column that is called"
    " like a field needs no --map.",
)  # fmt: skip
@click.option("--model", default="", help="Whose responses they are, where no column says so.")
@click.option("--scale", default="1-5", show_default=True, help="Lowest and highest score.")
@click.option("--usable", type=int, help="Usable from this score on.  [default: 4 on 1-5 and 0-5]")
@click.option("--judge-scale", help="Of the judges, if it is another one.")
@click.option("--judge-usable", type=int, help="Threshold on --judge-scale.")
@click.option(
    "--phase", type=click.Choice(["blind", "informed", "unknown"]), default="unknown",
    show_default=True, help="Whether physicians scored blind, where a row does not say.",
)  # fmt: skip
@click.option("--sheet", help="Which sheet of a workbook.")
@click.option("--reason", default="", help="Why something changed, when importing over a dataset.")
@click.option("--may-leave", is_flag=True, help="The texts may be sent to any judge's address.")
@click.option("--dry-run", is_flag=True, help="Show what would be read; write nothing.")
def import_table_command(
    terminal: Terminal,
    *,
    file: Path,
    name: str,
    mapped: tuple[str, ...],
    model: str,
    scale: str,
    usable: int | None,
    judge_scale: str | None,
    judge_usable: int | None,
    phase: Literal["blind", "informed", "unknown"],
    sheet: str | None,
    reason: str,
    may_leave: bool,
    dry_run: bool,
) -> None:
    """Import a table: CSV, TSV, XLSX, JSON, JSONL or Parquet, with any column names.

    Rows that can't be read are all listed, and then nothing is written.
    """
    human = read_scale(scale, usable)
    machine = None if judge_scale is None else read_scale(judge_scale, judge_usable)
    table = read_table(file, sheet=sheet)
    try:
        mapping = read_mapping(mapped, table.columns)
    except Refused:
        if dry_run:  # what there is to choose from
            named = {one: one for one in table.columns if is_field(one)}
            found = {"file": table.file, **_columns(table, named)}
            terminal.show(found, _column_lines(table, named))
        raise
    options = TableImport(
        name, terminal.by, mapping, model, human, machine, phase, reason, may_leave
    )
    reading = read_for_import(table, options)
    if dry_run or reading.problems:
        _preview(terminal, reading, options)
        refuse_problems(reading)
        return
    with terminal.store() as store:
        done = keep_table(store, file, options, reading)
    terminal.show({**asdict(done), "mapping": dict(mapping)}, _done(done))


@command(export_group, "table")
@click.option("--dataset", required=True)
@click.option("--what", type=click.Choice(WHATS), required=True)
@click.option("--names", "with_names", is_flag=True, help="People by name, and not as R1, R2, …")
@click.option(
    "--out", type=FILE, required=True, help="Its suffix says how: .csv, .xlsx, .jsonl, .parquet."
)
def export_table_command(
    terminal: Terminal, *, dataset: str, what: str, with_names: bool, out: Path
) -> None:
    """Write a dataset's questions, responses or assessments as a table."""
    with terminal.store() as store:
        rows = export_table(store, TableExport(dataset, cast(What, what), with_names), out)
    terminal.show({"file": str(out), "rows": rows}, words("table_exported", file=out, rows=rows))


def _preview(terminal: Terminal, reading: TableReading, options: TableImport) -> None:
    table, counts = reading.table, reading.counts()
    said = {
        "file": table.file, "read_as": table.read_as, **_columns(table, options.mapping),
        "counts": counts, "first_rows": [_plain(row) for row in _first_rows(table)],
        "problems": [
            {"line": one.line, "column": one.column, "why": problem_words(one)}
            for one in reading.problems
        ],
    }  # fmt: skip
    read_as = read_as_words(language(), table.read_as)
    lines = [
        words("table_read_as", file=table.file, read_as=read_as, **counts),
        _column_lines(table, options.mapping),
    ]
    for one in reading.problems:
        key = "table_place" if one.column else "table_line"
        place = words(key, line=one.line, column=one.column)
        lines.append(text_of("record_problem.line", where=place, why=problem_words(one)))
    terminal.show(said, "\n".join(lines))


def _columns(table: Table, mapping: Mapping[str, str]) -> dict[str, Any]:
    """What columns stand for, which are left out, and what these may stand for by their names."""
    left_out = [one for one in table.columns if one not in mapping]
    perhaps = {one: field for one in left_out if (field := guessed_field(one))}
    return {"mapping": dict(mapping), "left_out": left_out, "perhaps": perhaps}


def _column_lines(table: Table, mapping: Mapping[str, str]) -> str:
    """A line for each column, with its first cells."""
    perhaps, lines = _columns(table, mapping)["perhaps"], []
    for column in table.columns:
        field = mapping.get(column) or words("table_left_out")
        if column in perhaps:
            field = words("table_perhaps", column=column, field=perhaps[column])
        cells = " | ".join(_short(row[column]) for row in _first_rows(table))
        lines.append(f"  {column} → {field}: {cells}")
    return "\n".join(lines)


def _first_rows(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for _, row in table.rows[:_SHOWN_ROWS]]


def problem_words(problem: Problem) -> str:
    """Why a row can't be read."""
    return text_of(f"table_problem.{problem.why}", **problem.values)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    known = (str, int, float, bool, type(None))
    return {name: cell if isinstance(cell, known) else str(cell) for name, cell in row.items()}


def _short(cell: object) -> str:
    text = "" if cell is None else " ".join(str(cell).split())
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"


def _done(done: TableImported) -> str:
    lines = [words("table_imported", dataset=done.dataset)]
    for name in ("questions", "responses", "judge_scores", "physician_scores"):
        outcome = getattr(done, name)
        lines.append(words("table_outcome", what=words(f"table_{name}"), **asdict(outcome)))
    personal = sum(done.personal.values())
    lines.append(
        words("table_besides", unscored=done.unscored, history=done.history, personal=personal)
    )
    return "\n".join(lines)
