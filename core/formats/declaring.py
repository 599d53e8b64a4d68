"""Declaring a file format: how its records stand in a file, and which field is what.

A format is a `Format` and nothing else where records are flat; `reshaped` turns others into flat
ones first. What it is read into is `core.formats.base.BenchmarkQuestion`.
"""

import gc
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.domain.closed import Closed, Strata, level_of_share, with_options
from core.domain.criteria import Criteria
from core.domain.questions import QuestionKey
from core.errors import BrokenFile
from core.formats import options as written_options
from core.formats.base import (
    BenchmarkQuestion,
    check_conversations,
    is_missing,
    json_of,
    text_field,
    text_of_file,
    wrong_type,
)
from core.formats.broken import Broken
from core.formats.tables import check_header, csv_rows, text_of_table, wrong_width

Record = dict[str, Any]
Layout = Literal["json", "jsonl", "csv", "folder"]
#: Suffixes of the files that hold records in a layout.
_SUFFIXES: dict[Layout, tuple[str, ...]] = {
    "json": (".json",),
    "jsonl": (".jsonl", ".json"),
    "csv": (".csv", ".tsv"),
    "folder": (".jsonl", ""),
}


@dataclass(frozen=True, slots=True)
class Fields:
    """Under which names records hold what an exercise is made of; '' where they do not.

    A dot leads into an object: `other.id`.

    Attributes:
        stem: a case or passage that stands before the question; the same text is a shared one.
        answer: the right options of a closed question, the reference answer of an open one.
        people_right: the share of people who answered right, 0 to 1 or in percent.
    """

    question: str = "question"
    id: str = ""
    category: str = ""
    turn: str = ""
    stem: str = ""
    options: str = ""
    answer: str = ""
    checklist: str = ""
    explanation: str = ""
    stage: str = ""
    department: str = ""
    question_type: str = ""
    difficulty: str = ""
    people_right: str = ""
    given_turns: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes:
        name: as commands call it.
        layout: a list in JSON, an object a line, a CSV with a header, or a folder that holds
            `<task>/<task>.jsonl`, whose records get a field `task`.
        signs: fields that every record has; they tell the format from others.
        category: of its questions, where `fields.category` names none.
        several: question types whose questions may have several right options.
        levels: what the file's words for difficulty mean, 1 (easiest) to 5.
        reshaped: flat records of one record of the file.
    """

    name: str
    layout: Layout
    signs: tuple[str, ...]
    fields: Fields = field(default_factory=Fields)
    category: str = "general"
    several: tuple[str, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)
    reshaped: Callable[[Record, str, str], Iterable[Record]] | None = None

    def reads(self, path: Path) -> bool:
        """Tell by its name whether a file can be of this format."""
        return path.suffix.lower() in _SUFFIXES[self.layout]


def read_benchmark(path: Path, format_: Format) -> list[BenchmarkQuestion]:
    """Read all exercises of a file, in its order.

    Raises:
        BrokenFile: names the file, the record and the field that can't be read; or how many
            records there are that can't, and the first of them.
    """
    broken = Broken(path.name)
    with _without_collection():
        found = broken.each(
            _flat_records(path, format_, broken),
            lambda one: (
                one[1],
                exercise_of(one[2], format_, file=path.name, where=one[1], number=one[0]),
            ),
        )
    broken.refuse()
    if not found:
        raise BrokenFile("no_rows", file=path.name)
    check_conversations([(where, one.key) for where, one in found], file=path.name)
    return [one for _, one in found]


def _flat_records(path: Path, format_: Format, broken: Broken) -> Iterator[tuple[int, str, Record]]:
    """Number, place and record of every exercise, flat; a task of a folder counts its own."""
    numbers: Counter[str] = Counter()
    records = records_of(path, format_.layout, broken)
    for where, record in signed(records, format_.signs, broken, is_table=format_.layout == "csv"):
        task = str(record.get("task", "")) if format_.layout == "folder" else ""
        numbers[task] += 1
        if format_.reshaped is None:
            yield numbers[task], where, record
            continue
        try:
            flat = list(format_.reshaped(record, path.name, where))
        except BrokenFile as error:
            broken.add(error)
            continue
        for one in flat:
            yield numbers[task], where, one


def signed(
    records: Iterable[tuple[str, Record]], signs: Sequence[str], broken: Broken, *, is_table: bool
) -> Iterator[tuple[str, Record]]:
    """The records that have the fields of their format, each with its place.

    Raises:
        BrokenFile: `missing_column` where the header of a table lacks one.
    """
    for where, record in records:
        lacking = next((sign for sign in signs if sign not in record), None)
        if lacking is None:
            yield where, record
            continue
        if is_table:
            known = ", ".join(record)
            raise BrokenFile("missing_column", file=broken.file, field=lacking, known=known)
        broken.add(BrokenFile("missing_field", file=broken.file, where=where, field=lacking))


def records_of(path: Path, layout: Layout, broken: Broken) -> Iterator[tuple[str, Record]]:
    """Place and record of every record of a file; what is no record is noted and passed over.

    Raises:
        BrokenFile: the file as a whole can't be read.
    """
    if layout == "folder":
        yield from _folder_records(path, broken)
        return
    if layout == "csv":
        yield from table_records(path, broken)
        return
    text, file = text_of_file(path), path.name
    if layout == "jsonl" and not text.lstrip().startswith("["):
        yield from line_records(text, file, broken)
        return
    content = json_of(text, file=file)
    del text
    if not isinstance(content, list):
        raise wrong_type(file, file, file, "list", content)
    content.reverse()
    for number in range(1, len(content) + 1):
        where, record = f"record {number}", content.pop()  # what was read is not kept
        if isinstance(record, dict):
            yield where, record
        else:
            broken.add(wrong_type(file, where, "record", "object", record))


def line_records(text: str, file: str, broken: Broken) -> Iterator[tuple[str, Record]]:
    """Place and record of every line that is not empty."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            record = json_of(line, file=file, line=number)
        except BrokenFile as error:
            broken.add(error)
            continue
        if isinstance(record, dict):
            yield where, record
        else:
            broken.add(wrong_type(file, where, "line", "object", record))


def table_records(path: Path, broken: Broken) -> Iterator[tuple[str, Record]]:
    """Place and record of every row of a delimited text, by the names in its header."""
    text, _ = text_of_table(path)
    _, lines = csv_rows(text, path.name)
    _, header = next(lines)
    check_header(header, path.name)
    for number, row in lines:
        if len(row) == len(header):
            yield f"line {number}", dict(zip(header, row, strict=True))
        else:
            broken.add(wrong_width(path.name, number, len(row), len(header)))


def exercise_of(
    record: Record, format_: Format, *, file: str = "", where: str = "", number: int = 0
) -> BenchmarkQuestion:
    """The exercise that a flat record holds.

    Args:
        number: its place in the file, which names it where the record does not.

    Raises:
        BrokenFile: names the field that can't be read.
    """
    return _Reader(record, format_, file, where).exercise(number)


class _Reader:
    """Reads one flat record by a format's declaration."""

    def __init__(self, record: Record, format_: Format, file: str, where: str) -> None:
        self.record, self.format = record, format_
        self.file, self.where = file, where

    def exercise(self, number: int) -> BenchmarkQuestion:
        fields = self.format.fields
        asked = self.text(fields.question)
        if not asked.strip():
            raise wrong_type(self.file, self.where, fields.question, "text", asked)
        stem, answer = self.text(fields.stem).strip(), self.value(fields.answer)
        text = f"{stem}\n\n{asked}" if stem else asked
        closed = self.closed(asked, answer)
        reference = self.text(fields.answer) if closed is None else closed.right or ""
        explanation = self.text(fields.explanation).strip()
        if explanation:
            reference = f"{reference}\n\n{explanation}" if reference else explanation
        if closed is not None and self.value(fields.options):
            text = with_options(text, closed.options)
        turns = self.value(fields.given_turns)
        criteria = Criteria(
            text, reference, self.text(fields.checklist),
            "" if not turns else json.dumps(turns, ensure_ascii=False),
        )  # fmt: skip
        return BenchmarkQuestion(
            self.key(number), criteria, "", "", "", json.dumps(self.record, ensure_ascii=True),
            self.strata(stem), closed,
        )  # fmt: skip

    def key(self, number: int) -> QuestionKey:
        fields = self.format.fields
        category = code(self.text(fields.category)) or self.format.category
        group = code(self.text(fields.id)) or str(number)
        turn = self.value(fields.turn)
        if turn is None:
            return QuestionKey(category, group, 1)
        if type(turn) is not int or turn < 1:
            raise wrong_type(self.file, self.where, fields.turn, "whole_number", turn)
        return QuestionKey(category, group, turn)

    def closed(self, asked: str, answer: object) -> Closed | None:
        fields = self.format.fields
        given = self.value(fields.options)
        kind = self.text(fields.question_type)
        found = written_options.options_of(
            given, asked, file=self.file, where=self.where, field=fields.options or fields.question
        )
        if found is None:
            return None
        right = written_options.right_labels(
            answer, found, file=self.file, where=self.where, field=fields.answer
        )
        is_several = kind in self.format.several or written_options.asks_for_several(kind + asked)
        if len(right or "") > 1 and not is_several and written_options.asks_for_one(kind):
            raise BrokenFile(
                "one_right_option", file=self.file, where=self.where, field=fields.answer,
                found=right, kind=kind,
            )  # fmt: skip
        return Closed(found, right, is_several or len(right or "") > 1)

    def strata(self, stem: str) -> Strata:
        fields = self.format.fields
        stage, department, kind, difficulty = (
            self.text(name).strip()
            for name in (fields.stage, fields.department, fields.question_type, fields.difficulty)
        )
        shared = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        stem_name = shared if stem else ""
        share = self.value(fields.people_right)
        if difficulty:
            return Strata(stage, department, kind, self.level(difficulty), "file", stem_name)
        if not is_missing(share) and share != "":
            level = level_of_share(self.share(share))
            return Strata(stage, department, kind, level, "people", stem_name)
        return Strata(stage, department, kind, None, "", stem_name)

    def level(self, written: str) -> int:
        level = self.format.levels.get(written)
        if level is None and re.fullmatch(r"[1-5](?:\.0)?", written):
            level = int(written[0])
        if level is None:
            raise wrong_type(self.file, self.where, self.format.fields.difficulty, "level", written)
        return level

    def share(self, written: object) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", str(written).strip())
        share = float(found[1]) / (100 if found[2] or float(found[1]) > 1 else 1) if found else -1
        if not 0 <= share <= 1:
            raise wrong_type(
                self.file, self.where, self.format.fields.people_right, "share", written
            )
        return share

    def value(self, name: str) -> Any:
        """What stands under a name, or None."""
        if not name:
            return None
        if "." not in name:
            return self.record.get(name)
        found: Any = self.record
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def text(self, name: str) -> str:
        if not name:
            return ""
        value = self.value(name)
        if isinstance(value, str) and _is_text(value):
            return value
        return text_field({name: value}, name, file=self.file, where=self.where)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage: all that is made here stays, and the looking takes as long again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _is_text(value: str) -> bool:
    """Whether a text holds no half of a surrogate pair."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def code(name: str) -> str:
    """A name as it can stand in a key."""
    return re.sub(r"\s+", "_", name.strip().replace(":", ".").replace("：", "."))


def files_of(path: Path) -> list[Path]:
    """The files of a benchmark: itself, or what a folder holds as `<task>/<task>.jsonl`.

    A task's own folder holds that task.
    """
    if not path.is_dir():
        return [path]
    found = [*path.glob("*.jsonl"), *path.glob("*/*.jsonl")]
    return sorted(one for one in found if one.stem == one.parent.name)


def _folder_records(path: Path, broken: Broken) -> Iterator[tuple[str, Record]]:
    files = files_of(path)
    if not files:
        raise BrokenFile("no_tasks", file=path.name)
    for file in files:
        for where, record in records_of(file, "jsonl", broken):
            place = where if file == path else f"{file.name} {where}"
            yield place, record | {"task": file.stem}
