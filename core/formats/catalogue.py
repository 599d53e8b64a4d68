"""The formats of benchmarks: one line for each file of this folder that declares one."""

from dataclasses import dataclass
from pathlib import Path

from core.domain.criteria import Criteria
from core.errors import BrokenFile
from core.formats import cmb, cmexam, healthbench, kqa, llmeval_med, medbench
from core.formats.base import json_of
from core.formats.broken import Broken
from core.formats.declaring import Format, exercise_of, files_of, records_of
from core.formats.judged import DECLARED, JUDGED
from core.formats.tables import SUFFIXES

#: By name, in the order in which a file is held against them: those with more signs first.
FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        cmb.EXAM,
        cmb.CLINIC,
        medbench.PASSAGES,
        medbench.OPENCOMPASS,
        medbench.PLATFORM,
        cmexam.FORMAT,
        healthbench.FORMAT,
        kqa.FORMAT,
    )
}
#: Formats that are read by means of their own: five keys; and any table, by a mapping of columns.
FIVE_KEYS, TABLE = "llmeval-med", "table"


@dataclass(frozen=True, slots=True)
class Guess:
    """Which format a file seems to be.

    Attributes:
        format: '' where none fits.
        because: key of the language catalogue, `guess.<because>`.
        fields: the fields that were found, or those that the nearest format would need; of a
            folder the tasks in it.
    """

    format: str
    because: str
    fields: tuple[str, ...]


def is_declared(format_: str) -> bool:
    """Whether a dataset's records are those of a declared format, and not of five keys."""
    return format_ in FORMATS or any(one.name == format_ for one in JUDGED)


def guessed(path: Path) -> Guess:
    """Which format a file seems to be, by the fields of the first record that can be read.

    Raises:
        BrokenFile: the file can't be read at all.
    """
    if path.is_dir():
        tasks = files_of(path)
        if not tasks:
            raise BrokenFile("no_tasks", file=path.name)
        return Guess(medbench.OPENCOMPASS.name, "folder", tuple(one.stem for one in tasks))
    if path.suffix.lower() == ".json":
        keys = _keys_of_object(path)
        if keys:
            fits = set(keys) <= set(llmeval_med.CATEGORY_CODES)
            return Guess(FIVE_KEYS if fits else "", "five_keys" if fits else "nothing", keys)
    seen: set[str] = set()
    for format_ in FORMATS.values():
        if format_.layout == "folder" or not format_.reads(path):
            continue
        broken = Broken(path.name)
        _, record = next(records_of(path, format_.layout, broken), ("", None))
        if record is None:
            broken.refuse()
        seen |= set(record or ())
        if record is not None and set(format_.signs) <= set(record):
            return Guess(format_.name, "fields", format_.signs)
        for judged in JUDGED:
            if record is not None and set(judged.signs) <= set(record):
                return Guess(judged.name, "fields", judged.signs)
    suffix = path.suffix.lower()
    if suffix in SUFFIXES and (seen or suffix != ".json"):
        return Guess(TABLE, "columns", tuple(sorted(seen)))
    return Guess("", "nothing", tuple(sorted(seen)))


def criteria_of_record(format_: str, record: str) -> Criteria:
    """The criteria that a stored record of a dataset holds."""
    found = FORMATS.get(format_) or next((one for one in DECLARED if one.name == format_), None)
    if found is None:
        return llmeval_med.criteria_of_record(record)
    return exercise_of(json_of(record, file=""), found).criteria


def _keys_of_object(path: Path) -> tuple[str, ...]:
    """The keys of a file that holds one object, first ones; none where it holds a list."""
    with path.open("rb") as file:
        if file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return ()
    try:
        found = json_of(path.read_bytes().decode("utf-8-sig"), file=path.name)
    except (UnicodeDecodeError, BrokenFile):
        return ()  # one object a line, or no JSON
    return tuple(found) if isinstance(found, dict) else ()
