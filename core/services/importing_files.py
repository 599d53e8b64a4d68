"""Importing a benchmark's file in the format that it seems to have."""

from dataclasses import replace
from pathlib import Path

from core.errors import UnknownName
from core.formats.catalogue import FIVE_KEYS, FORMATS
from core.formats.judged import JUDGED
from core.services.importing import Imported
from core.services.importing_judged import JudgedImported, import_judged
from core.services.importing_questions import QuestionImport, import_benchmark, import_questions
from core.services.permitting import require
from core.store.database import Store

BenchmarkImported = Imported | JudgedImported


def import_guessed(
    store: Store, path: Path, format_: str, options: QuestionImport
) -> BenchmarkImported:  # fmt: skip
    """Import a file in a format that was guessed of it (`core.formats.catalogue.guessed`).

    Raises:
        UnknownName: `unknown_format`: nothing is known to read it with.
        BrokenFile, Refused: as the import of that format.
    """
    require(store, "lead")
    if format_ == FIVE_KEYS:
        return import_questions(store, path, options)
    if format_ in FORMATS:
        return import_benchmark(store, path, FORMATS[format_], options)
    for judged in JUDGED:
        if judged.name == format_:
            return import_judged(store, path, judged, replace(options, format=judged.name))
    known = ", ".join((FIVE_KEYS, *FORMATS, *(one.name for one in JUDGED)))
    raise UnknownName("unknown_format", name=format_, known=known)
