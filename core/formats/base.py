"""What every file format is read into, and the checks that all of them share."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.domain.closed import NO_STRATA, Closed, Strata
from core.domain.criteria import Criteria
from core.domain.questions import Difficulty, QuestionKey
from core.errors import BrokenFile
from core.formats.broken import Broken

#: Files are read whole; a larger one is refused before it fills the memory.
LARGEST_FILE = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BenchmarkQuestion:
    """One question as a file gives it.

    Attributes:
        record: the record as JSON, to the letter of its values.
        closed: its options, where it is a closed question.
    """

    key: QuestionKey
    criteria: Criteria
    category2: str
    scene: str
    difficulty: Difficulty
    record: str
    strata: Strata = NO_STRATA
    closed: Closed | None = None


@dataclass(frozen=True, slots=True)
class GivenScore:
    """A judge's score that came with a response: a value or a reason."""

    value: int | None
    unscored_because: str | None
    detail: str
    rationale: str


@dataclass(frozen=True, slots=True)
class GivenResponse:
    """A response made elsewhere: a text, or the reason why there is none.

    Attributes:
        question_text: the question as the file repeats it, None where it does not.
        where: its place in the file.
    """

    key: QuestionKey
    sample: int | None
    text: str | None
    absent_because: str | None
    question_text: str | None
    score: GivenScore | None
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class GivenHumanScore:
    """A physician's score from a table; `where` is its place there."""

    key: QuestionKey
    model: str
    sample: int
    physician: str
    score: int
    phase: Literal["blind", "informed", "unknown"] | None
    safety_risk: bool | None
    comment: str
    where: str = field(default="", compare=False)


def text_of_file(path: Path) -> str:
    """Read a UTF-8 file.

    Raises:
        BrokenFile: as `check_file`; `empty_file`, `not_utf8`.
    """
    check_file(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenFile("not_utf8", file=path.name, byte=error.start) from error
    if not text.strip():
        raise BrokenFile("empty_file", file=path.name)
    return text


def check_file(path: Path) -> None:
    """Refuse a file that is not there, or that is too large to be read whole.

    Raises:
        BrokenFile: `no_file`, `too_large`.
    """
    if not path.is_file():
        raise BrokenFile("no_file", file=str(path))
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise BrokenFile("too_large", file=path.name, size=size, largest=LARGEST_FILE)


def json_of(text: str, *, file: str, line: int | None = None) -> Any:
    """Parse JSON, with bare NaN allowed and repeated fields refused.

    Raises:
        BrokenFile: `not_json` with the place.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        at = error.lineno if line is None else line
        raise BrokenFile(
            "not_json", file=file, line=at, column=error.colno, problem=error.msg
        ) from error
    except (ValueError, RecursionError) as error:
        raise BrokenFile(
            "not_json", file=file, line=line or 1, column=1, problem=str(error)
        ) from error


def is_missing(value: object) -> bool:
    """None and NaN are how files write that there is nothing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def text_field(record: dict[str, Any], field: str, *, file: str, where: str) -> str:
    """A text field; '' where it is missing, a number as Python writes it.

    Raises:
        BrokenFile: `wrong_type`, `not_text` (half a surrogate pair).
    """
    value = record.get(field)
    if is_missing(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong_type(file, where, field, "text", value)
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BrokenFile("not_text", file=file, where=where, field=field) from error
    return text


def whole_number(record: dict[str, Any], field: str, *, file: str, where: str) -> int:
    """A whole number.

    Raises:
        BrokenFile: `missing_field`, `wrong_type`.
    """
    if field not in record:
        raise BrokenFile("missing_field", file=file, where=where, field=field)
    value = record[field]
    if type(value) is not int:
        raise wrong_type(file, where, field, "whole_number", value)
    return value


def wrong_type(file: str, where: str, field: str, expected: str, found: object) -> BrokenFile:
    """The error for a field of another type than expected."""
    written = json.dumps(found, ensure_ascii=False, default=str)
    shown = written.encode("utf-8", "backslashreplace").decode("utf-8")  # half a surrogate pair
    return BrokenFile(
        "wrong_type",
        file=file,
        where=where,
        field=field,
        expected=expected,
        found=shown[:60],
    )


def check_conversations(found: Sequence[tuple[str, QuestionKey]], *, file: str) -> None:
    """Refuse two records with one key, and a turn without the one before it.

    Args:
        found: place and key of every question.

    Raises:
        BrokenFile: `repeated_key`, `missing_turn`; `unreadable_records` where there are several.
    """
    broken = Broken(file)
    seen = set()
    for where, key in found:
        if key in seen:
            broken.add(BrokenFile("repeated_key", file=file, where=where, key=str(key)))
        seen.add(key)
    for where, key in found:
        before = QuestionKey(key.category, key.group, key.turn - 1)
        if key.turn > 1 and before not in seen:
            broken.add(
                BrokenFile("missing_turn", file=file, where=where, key=str(key), before=str(before))
            )
    broken.refuse()


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {repeated!r} appears twice in one object")
    return found
