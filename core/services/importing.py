"""Importing: what every import reports and records. All of a file is kept, or nothing of it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.domain.personal_data import findings
from core.formats.declaring import files_of
from core.services.naming import dataset_named
from core.services.permitting import require
from core.store import datasets
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        absent: responses without a text, or questions of the dataset that the file lacks.
        kept_revised: changed questions whose active version somebody had revised here; the file's
            version is stored and not activated.
        personal: how many places look like personal data, by kind.
        unrecognised: questions of the file with a checklist in which no requirement is read.
    """

    dataset: str
    added: int
    changed: int
    unchanged: int
    absent: int
    kept_revised: int
    scored: int
    unscored: int
    personal: dict[str, int]
    unrecognised: int = 0


def personal_data(store: Store, dataset: str) -> list[tuple[str, str, str, int, int]]:
    """Places that looked like personal data at import: key, field, kind, start, length.

    Raises:
        UnknownName: `unknown_dataset`.
    """
    require(store, "lead")
    return datasets.findings_listed(store, dataset_named(store, dataset).id)


def add_run(store: Store, dataset_id: int, kind: str, path: Path, by: str) -> int:
    """Record that a file was read; the run's id."""
    require(store, "lead")
    digest = hashlib.sha256()
    for file in files_of(path):
        digest.update(file.read_bytes())
    return datasets.add_import_run(store, dataset_id, kind, path.name, digest.hexdigest(), by=by)


def note_personal_data(
    store: Store, run: int, texts: Iterable[tuple[int, str, str]]
) -> Counter[str]:
    """Record what looks like personal data in texts (question id, field, text), by kind."""
    require(store, "lead")
    found = [
        (run, question_id, field, place.kind, place.start, place.length)
        for question_id, field, text in texts
        for place in findings(text)
    ]
    datasets.add_findings(store, found)
    return Counter(kind for _, _, _, kind, _, _ in found)
