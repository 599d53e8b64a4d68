"""Writing tables: CSV, XLSX, JSONL or Parquet by the suffix of the file, whole or not at all."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
from openpyxl.cell import WriteOnlyCell

from core.domain.table_fields import harmless
from core.errors import Refused

#: What one cell of a workbook can hold.
_LONGEST_CELL = 32_767
_LARGEST_SHEET = 1_048_576
#: What a workbook's XML can't hold as it is, and what would be taken for its way of writing it.
_ESCAPED = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")


def write_table(
    path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, name: str
) -> None:
    """Write a table of texts, numbers and None.

    In CSV and XLSX a text that a spreadsheet would take for a formula gets an apostrophe in
    front; every other text is written to the character.

    Args:
        name: what the rows are, in a word; a workbook's sheet is called so (at most 31 characters,
            none of []:*?/\\).

    Raises:
        Refused: `not_a_table_out`, `cell_too_long`, `sheet_too_long`, `cannot_write`.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise Refused("not_a_table_out", file=path.name, known=", ".join(_WRITERS))
    content = write(columns, rows, path.name, name)
    unfinished = path.parent / f".{path.name}.{os.getpid()}"
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise Refused("cannot_write", file=str(path), problem=error.strerror or "") from error


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]], *_: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue().encode("utf-8-sig")  # the mark tells spreadsheets that it is UTF-8


def _jsonl(columns: Sequence[str], rows: Sequence[Sequence[Any]], *_: str) -> bytes:
    lines = (
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
    )
    return "".join(lines).encode("utf-8", "backslashreplace")


def _parquet(columns: Sequence[str], rows: Sequence[Sequence[Any]], *_: str) -> bytes:
    cells = {
        name: pyarrow.array([row[place] for row in rows]) for place, name in enumerate(columns)
    }
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(cells), out)
    return out.getvalue()


def _xlsx(columns: Sequence[str], rows: Sequence[Sequence[Any]], file: str, name: str) -> bytes:
    if len(rows) >= _LARGEST_SHEET:
        raise Refused("sheet_too_long", file=file, n=len(rows), largest=_LARGEST_SHEET - 1)
    cells = [
        [_text_cell(cell, name, line, file) for cell, name in zip(row, columns, strict=True)]
        for line, row in enumerate(rows, 2)
    ]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.append(list(columns))
    for row in cells:
        sheet.append([_as_text(sheet, cell) if isinstance(cell, str) else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _text_cell(cell: Any, column: str, line: int, file: str) -> Any:
    """A cell as a workbook's XML holds it.

    Raises:
        Refused: `cell_too_long`; openpyxl would cut it.
    """
    if not isinstance(cell, str):
        return cell
    text = _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", harmless(cell))
    if len(text) > _LONGEST_CELL:
        raise Refused(
            "cell_too_long", file=file, column=column, line=line, n=len(text),
            longest=_LONGEST_CELL,
        )  # fmt: skip
    return text


def _as_text(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl would take "#N/A" for an error
    return cell


_WRITERS: dict[str, Callable[[Sequence[str], Sequence[Sequence[Any]], str, str], bytes]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".parquet": _parquet,
    ".jsonl": _jsonl,
}
