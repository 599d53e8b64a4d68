"""What can't be read of a file: gathered over all of its records, and told at once."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from core.errors import BrokenFile

#: So many records are named with the reason; the others are counted.
NAMED = 5

Item = TypeVar("Item")
Found = TypeVar("Found")


class Broken:
    """The records of a file that can't be read, in the order in which they were come upon.

    Attributes:
        errors: one a record, at most; each names the record by `where`, or by `line`.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[BrokenFile] = []

    def add(self, error: BrokenFile) -> None:
        """Note why a record can't be read; a second reason of the same record is left out."""
        if not self.errors or _place(self.errors[-1]) != _place(error):
            self.errors.append(error)

    def each(self, items: Iterable[Item], read: Callable[[Item], Found]) -> list[Found]:
        """What is read of each item; one that can't be read is noted, and the next one is read."""
        found = []
        for item in items:
            try:
                found.append(read(item))
            except BrokenFile as error:
                self.add(error)
        return found

    def refuse(self) -> None:
        """Refuse the file where a record can't be read.

        Raises:
            BrokenFile: the record's own, or `unreadable_records` with the first `NAMED`.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise BrokenFile(
                "unreadable_records", file=self.file, n=len(self.errors),
                records=tuple(self.errors[:NAMED]),
            )  # fmt: skip


def _place(error: BrokenFile) -> object:
    return error.values["file"], error.values.get("where", error.values.get("line"))
