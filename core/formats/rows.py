"""Responses and physicians' scores as tables: JSONL or CSV, one row each."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from core.domain.questions import QuestionKey, question_key
from core.errors import BrokenFile
from core.formats.base import (
    GivenHumanScore,
    GivenResponse,
    text_field,
    text_of_file,
    wrong_type,
)
from core.formats.broken import Broken
from core.formats.declaring import Record, line_records, signed, table_records

Found = TypeVar("Found")

_PHASES: dict[str, Literal["blind", "informed", "unknown"] | None] = {
    "": None,
    "blind": "blind",
    "informed": "informed",
    "unknown": "unknown",
}


def is_table(path: Path) -> bool:
    """Tell by its name whether a file is a table."""
    return path.suffix.lower() in (".jsonl", ".csv")


def read_responses(path: Path) -> list[GivenResponse]:
    """Read rows of `question` (key), `response`, and optionally `sample`.

    Raises:
        BrokenFile: names the row and the field that can't be read.
    """
    return _read(path, ("response",), _response)


def read_scores(path: Path) -> list[GivenHumanScore]:
    """Read rows of `question`, `model`, `physician`, `score`.

    Optional: `sample` (1), `phase` (blind, informed, unknown), `safety_risk` (0, 1, true,
    false), `comment`.

    Raises:
        BrokenFile: names the row and the field that can't be read.
    """
    return _read(path, ("model", "physician", "score"), _score)


def _read(
    path: Path, needed: Sequence[str], row_of: Callable[[Record, str, str], Found]
) -> list[Found]:
    broken, is_table = Broken(path.name), path.suffix.lower() == ".csv"
    records = (
        table_records(path, broken)
        if is_table
        else line_records(text_of_file(path), path.name, broken)
    )
    found = broken.each(
        signed(records, ("question", *needed), broken, is_table=is_table),
        lambda one: row_of(one[1], path.name, one[0]),
    )
    broken.refuse()
    if not found:
        raise BrokenFile("no_rows", file=path.name)
    return found


def _response(row: dict[str, Any], file: str, where: str) -> GivenResponse:
    sample = _whole(row, "sample", file, where) if row.get("sample") not in (None, "") else None
    text = text_field(row, "response", file=file, where=where)
    absent_because = None if text else "empty"
    return GivenResponse(
        _key(row, file, where), sample, text or None, absent_because, None, None, where
    )


def _score(row: dict[str, Any], file: str, where: str) -> GivenHumanScore:
    if isinstance(row.get("safety_risk"), bool):
        row = row | {"safety_risk": str(row["safety_risk"])}
    names = {
        field: text_field(row, field, file=file, where=where).strip()
        for field in ("model", "physician", "phase", "safety_risk")
    }
    for field in ("model", "physician"):
        if not names[field]:
            raise wrong_type(file, where, field, "text", names[field])
    if names["phase"] not in _PHASES:
        raise wrong_type(file, where, "phase", "phase", names["phase"])
    risks = {"": None, "0": False, "1": True, "False": False, "True": True}
    if names["safety_risk"] not in risks:
        raise wrong_type(file, where, "safety_risk", "zero_or_one", names["safety_risk"])
    return GivenHumanScore(
        _key(row, file, where),
        names["model"],
        _whole(row, "sample", file, where) if row.get("sample") not in (None, "") else 1,
        names["physician"],
        _whole(row, "score", file, where),
        _PHASES[names["phase"]],
        risks[names["safety_risk"]],
        text_field(row, "comment", file=file, where=where),
        where,
    )


def _key(row: dict[str, Any], file: str, where: str) -> QuestionKey:
    written = text_field(row, "question", file=file, where=where)
    key = question_key(written)
    if key is None:
        raise wrong_type(file, where, "question", "question_key", written)
    return key


def _whole(row: dict[str, Any], field: str, file: str, where: str) -> int:
    written = text_field(row, field, file=file, where=where).strip()
    if not written.removeprefix("-").isdecimal() or len(written) > 9:
        raise wrong_type(file, where, field, "whole_number", row.get(field))
    value = int(written)
    if field == "sample" and value < 1:
        raise wrong_type(file, where, field, "whole_number", value)
    return value
