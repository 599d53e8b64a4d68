"""Exporting tables: questions, responses, assessments to the character; figures one a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from core.formats.table_files import write_table
from core.formats.tables import Table
from core.services.naming import dataset_named, study_of_dataset
from core.services.permitting import require
from core.services.tabulating import (
    AGREEMENT_COLUMNS,
    LEADERBOARD_COLUMNS,
    agreement_rows,
    leaderboard_rows,
)
from core.store import tables
from core.store.database import Store

What = Literal["questions", "responses", "assessments", "agreement", "leaderboard"]
WHATS: tuple[What, ...] = get_args(What)

#: Columns that only an export has together.
_MARKS = (
    {"question_id", "category2", "criteria_created_at"},
    {"is_current", "origin", "criteria_version"},
    {"is_current", "response_attempt", "missing_because", "criteria_version"},
)


@dataclass(frozen=True, slots=True)
class TableExport:
    """What is to be exported.

    Attributes:
        with_names: people by their names, and not as R1, R2, …
    """

    dataset: str
    what: What
    with_names: bool = False


def export_table(store: Store, export: TableExport, out: Path) -> int:
    """Write a table by the suffix of `out`; the number of rows.

    Assessments hold every attempt of every round, by judges and by people; `is_current` is 1
    for those that count under the study's active criteria and prompts.

    Raises:
        UnknownName: `unknown_dataset`.
        Refused: as `core.formats.table_files.write_table`.
    """
    require(store, "lead")
    dataset = dataset_named(store, export.dataset)
    study = study_of_dataset(store, export.dataset)
    columns: Sequence[str]
    if export.what == "agreement":
        columns, rows = AGREEMENT_COLUMNS, agreement_rows(store, study)
    elif export.what == "leaderboard":
        columns, rows = LEADERBOARD_COLUMNS, leaderboard_rows(store, study)
    else:
        columns, rows = tables.exported_rows(
            store, export.what, study_id=study.id, dataset_id=dataset.id
        )
    if export.what == "assessments":
        columns, rows = _with_people(columns, rows, with_names=export.with_names)
    write_table(out, columns, rows, name=export.what)
    return len(rows)


def has_apostrophes(table: Table) -> bool:
    """Tell by its columns a sheet that was exported here, where apostrophes guard formulas."""
    is_sheet = table.file.lower().endswith((".csv", ".xlsx"))
    return is_sheet and any(marks <= set(table.columns) for marks in _MARKS)


def _with_people(
    columns: Sequence[str], rows: list[list[object]], *, with_names: bool
) -> tuple[list[str], list[list[object]]]:
    """Without ids of people; names only if wished, else R1, R2, … in the order of arrival."""
    id_place, name_place = columns.index("person_id"), columns.index("physician")
    ids = sorted({found for row in rows if isinstance(found := row[id_place], int)})
    codes: dict[object, str] = {person_id: f"R{number}" for number, person_id in enumerate(ids, 1)}
    for row in rows:
        if not with_names:
            row[name_place] = codes.get(row[id_place])
        del row[id_place]
    return [name for name in columns if name != "person_id"], rows
