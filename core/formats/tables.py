"""Tables as people have them: CSV with any separator, XLSX, JSON, Parquet; any column names."""

import csv
import io
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import openpyxl
import pyarrow
import pyarrow.parquet
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import BrokenFile, UnknownName
from core.formats.base import LARGEST_FILE, check_file, json_of

DELIMITED = (".csv", ".tsv", ".txt")
SUFFIXES = (*DELIMITED, ".xlsx", ".json", ".jsonl", ".parquet")

_DELIMITERS = (",", ";", "\t", "|")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"')
_UNCALCULATED = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?r="([A-Z]+[0-9]+)"[^>]*>\s*<(?:\w+:)?f[^<]*(?:/>|</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row can't be read.

    Attributes:
        line: line of a text file, row of a sheet, number of a record.
        column: '' where the whole row is meant.
        why: key of the language catalogue (`table_problem.<why>`), with the values it names.
    """

    line: int
    column: str
    why: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it stands in a file.

    Attributes:
        rows: line and cells, one cell per column; None and '' where there is nothing.
        problems: lines that are no rows of the table.
        read_as: how the file was read: encoding and separator, or the sheet; for people.
    """

    file: str
    columns: tuple[str, ...]
    rows: list[tuple[int, Sequence[Any]]]
    problems: list[Problem]
    read_as: str


def read_table(path: Path, *, sheet: str | None = None) -> Table:
    """Read a table by the suffix of its name.

    Raises:
        BrokenFile: the file as a whole can't be read; which rows can't is among `problems`.
        UnknownName: `unknown_sheet`.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BrokenFile("not_a_table", file=path.name, known=", ".join(SUFFIXES))
    check_file(path)
    if suffix == ".xlsx":
        table = _sheet(path, sheet)
    elif suffix == ".parquet":
        table = _parquet(path)
    else:
        table = (_json if suffix in (".json", ".jsonl") else _delimited)(path)
    if not table.rows and not table.problems:
        raise BrokenFile("no_rows", file=path.name)
    return table


def sheets_of(path: Path) -> list[str]:
    """Names of a workbook's sheets that hold something; none for other kinds of file.

    Raises:
        BrokenFile: `not_xlsx`, `too_large`.
    """
    if path.suffix.lower() != ".xlsx":
        return []
    with path.open("rb") as file:
        return _used_sheets(_book(file, path.name))


def text_of_table(path: Path) -> tuple[str, str]:
    """Text and encoding of a file: UTF-8, UTF-16 with a mark, or GB18030 that is Chinese.

    Raises:
        BrokenFile: as `core.formats.base.check_file`; `empty_file`, `not_utf8`.
    """
    check_file(path)
    text, encoding = _decoded(path)
    if not text.strip():
        raise BrokenFile("empty_file", file=path.name)
    return text, encoding


def _decoded(path: Path) -> tuple[str, str]:
    raw = path.read_bytes()
    is_utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        encoding = "utf-16" if is_utf16 else "utf-8-sig"
        return raw.decode(encoding), "UTF-16" if is_utf16 else "UTF-8"
    except UnicodeDecodeError as error:
        byte = error.start
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError as error:
        raise BrokenFile("not_utf8", file=path.name, byte=byte) from error
    foreign = [letter for letter in text if letter > "\x7f"]
    common = sum(bool(letter.encode("gb2312", "ignore")) for letter in foreign)
    if common < 0.9 * len(foreign):  # Western bytes read as GB18030 give rare characters
        raise BrokenFile("not_utf8", file=path.name, byte=byte)
    return text, "GB18030"


def csv_rows(text: str, file: str) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """Separator of a delimited text, and its rows with their first lines, the header first.

    Raises:
        BrokenFile: `not_csv`, when the row is reached.
    """
    csv.field_size_limit(sys.maxsize)
    stated = re.match(r"sep=(.)\r?\n", text)
    delimiter = stated[1] if stated else _delimiter(text)
    skipped = 1 if stated else 0
    body = text[stated.end() :] if stated else text
    return delimiter, _parsed(body, delimiter, skipped, file)


def check_header(columns: Sequence[str], file: str, *, line: int = 1) -> None:
    """Refuse two columns of one name: a reader would keep one and drop the other.

    Raises:
        BrokenFile: `repeated_column`.
    """
    for name, count in Counter(columns).items():
        if count > 1:
            first = columns.index(name)
            second = columns.index(name, first + 1)
            raise BrokenFile(
                "repeated_column", file=file, where=f"line {line}", column=name,
                first=first + 1, second=second + 1,
            )  # fmt: skip


def wrong_width(file: str, line: int, cells: int, columns: int) -> BrokenFile:
    """The error for a row that has another number of cells than the header."""
    return BrokenFile("wrong_width", file=file, where=f"line {line}", cells=cells, columns=columns)


def _delimiter(text: str) -> str:
    """The separator that splits the first rows alike into the most cells."""

    def cells(delimiter: str) -> tuple[bool, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            widths = [len(row) for row, _ in zip(reader, range(20), strict=False) if row]
        except csv.Error:
            return False, 0
        return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0

    return max(_DELIMITERS, key=cells)


def _parsed(text: str, delimiter: str, skipped: int, file: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1 + skipped
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise BrokenFile("not_csv", file=file, where=f"line {line}", problem=str(error)) from error


def _delimited(path: Path) -> Table:
    text, encoding = text_of_table(path)
    delimiter, lines = csv_rows(text, path.name)
    start, header = next(lines)
    columns = tuple(name.strip() for name in header)
    check_header(columns, path.name, line=start)
    rows: list[tuple[int, Sequence[Any]]] = []
    problems = []
    for line, row in lines:
        if len(row) == len(columns):
            rows.append((line, row))
        else:
            problems.append(
                Problem(line, "", "wrong_width", {"cells": len(row), "columns": len(columns)})
            )
    shown = {"\t": "Tab"}.get(delimiter, delimiter)
    return _without_empty(path, columns, rows, problems, f"{encoding}, {shown}", start)


def _json(path: Path) -> Table:
    """A list of objects (`.json`), or an object a line; those inside become columns."""
    text, encoding = text_of_table(path)
    problems: list[Problem] = []
    whole = _whole_json(text, path) if path.suffix.lower() == ".json" else None
    found = list(_json_lines(text, path.name, problems)) if whole is None else whole
    records: list[tuple[int, dict[str, Any]]] = []
    columns: dict[str, None] = {}
    for number, record in found:
        if not isinstance(record, dict):
            problems.append(Problem(number, "", "not_json", {"problem": "{…}"}))
            continue
        flat = _flat(record)
        columns |= dict.fromkeys(flat)
        records.append((number, flat))
    names = tuple(columns)
    rows = [(number, [record.get(name) for name in names]) for number, record in records]
    return Table(path.name, names, list(rows), problems, encoding)


def _whole_json(text: str, path: Path) -> list[tuple[int, Any]] | None:
    """The records of a list, or of one object; None where a text is several values."""
    is_list = text.lstrip().startswith("[")
    try:
        content = json_of(text, file=path.name)
    except BrokenFile:
        if is_list:
            raise
        return None
    return list(enumerate(content if is_list else [content], 1))


def _json_lines(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json_of(line, file=file, line=number)
        except BrokenFile as error:
            problems.append(Problem(number, "", "not_json", {"problem": error.values["problem"]}))


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose objects are columns of their own: `human.accuracy`; no name is lost."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        inner = value if isinstance(value, dict) and value else None
        found |= {f"{name}.{one}": cell for one, cell in inner.items()} if inner else {name: value}
    parts = sum(len(one) if isinstance(one, dict) and one else 1 for one in record.values())
    return found if len(found) == parts else record


def _parquet(path: Path) -> Table:
    try:
        found = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise BrokenFile("not_parquet", file=path.name) from error
    columns = tuple(str(name) for name in found.column_names)
    check_header(columns, path.name)
    cells = zip(*(column.to_pylist() for column in found.columns), strict=True)
    return Table(path.name, columns, list(enumerate(cells, 1)), [], "Parquet")


def _sheet(path: Path, wanted: str | None) -> Table:
    with path.open("rb") as file:
        sheet = _chosen(_book(file, path.name), wanted, path.name)
        with zipfile.ZipFile(file) as archive:
            # openpyxl tells neither of these when it reads row by row
            _refuse_unclear_cells(archive.read(sheet._worksheet_path.lstrip("/")), path.name)
        lines = [
            (line, [_cell(cell, path.name) for cell in row])
            for line, row in enumerate(sheet.iter_rows(), 1)
        ]
    filled = [(line, row) for line, row in lines if any(cell is not None for cell in row)]
    start, header = filled[0] if filled else (1, [])
    width = max((len(row) for _, row in filled), default=0)
    named = ["" if cell is None else str(cell).strip() for cell in header]
    columns = tuple(named + [""] * (width - len(named)))
    rows: list[tuple[int, Sequence[Any]]] = [
        (line, row + [None] * (width - len(row))) for line, row in filled[1:]
    ]
    return _without_empty(path, columns, rows, [], sheet.title, start)


def _book(file: BinaryIO, name: str) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LARGEST_FILE:
            raise BrokenFile("too_large", file=name, size=size, largest=LARGEST_FILE)
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise BrokenFile("not_xlsx", file=name) from error


def _used_sheets(book: Any) -> list[str]:
    return [
        sheet.title
        for sheet in book.worksheets
        if any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)
    ]


def _chosen(book: Any, wanted: str | None, file: str) -> Any:
    names = list(book.sheetnames)
    if wanted is not None:
        if wanted not in names:
            raise UnknownName("unknown_sheet", name=wanted, known=", ".join(names))
        return book[wanted]
    used = _used_sheets(book)
    if not used:
        raise BrokenFile("no_rows", file=file)
    if len(used) > 1:
        raise BrokenFile("several_sheets", file=file, sheets=", ".join(used))
    return book[used[0]]


def _refuse_unclear_cells(xml: bytes, file: str) -> None:
    merged = [found.decode() for found in _MERGED.findall(xml)]
    if merged:
        raise BrokenFile("merged_cells", file=file, cells=", ".join(merged[:8]), n=len(merged))
    formulas = [found.decode() for found in _UNCALCULATED.findall(xml)]
    if formulas:
        raise BrokenFile("uncalculated", file=file, cells=", ".join(formulas[:8]), n=len(formulas))


def _cell(cell: Any, file: str) -> Any:
    if cell.value is not None and cell.data_type == "e":
        raise BrokenFile("error_cell", file=file, cell=cell.coordinate, found=cell.value)
    if isinstance(cell.value, str):
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), cell.value)
    return cell.value


def _without_empty(
    path: Path, columns: tuple[str, ...], rows: list[tuple[int, Sequence[Any]]],
    problems: list[Problem], read_as: str, start: int,
) -> Table:  # fmt: skip
    """A table without the columns and rows that hold nothing at all.

    Raises:
        BrokenFile: `nameless_column` for cells under no name; `repeated_column`.
    """
    rows = [(line, row) for line, row in rows if any(cell not in (None, "") for cell in row)]
    for place, name in enumerate(columns):
        if name:
            continue
        line = next((line for line, row in rows if row[place] not in (None, "")), None)
        if line is not None:
            raise BrokenFile(
                "nameless_column", file=path.name, column=get_column_letter(place + 1),
                line=start, first=line,
            )  # fmt: skip
    kept = [place for place, name in enumerate(columns) if name]
    names = tuple(columns[place] for place in kept)
    check_header(names, path.name, line=start)
    if len(kept) < len(columns):
        rows = [(line, [row[place] for place in kept]) for line, row in rows]
    return Table(path.name, names, rows, problems, read_as)
