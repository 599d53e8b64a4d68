"""Studies: which datasets are looked at together, and under which settings."""

from dataclasses import dataclass
from typing import Literal

from core.store.database import Store

Reveal = Literal["never", "batch_done", "at_once"]


@dataclass(frozen=True, slots=True)
class Study:
    """A study and when it shows physicians what the judge said."""

    id: int
    name: str
    reveal: Reveal
    is_illustrative: bool


_COLUMNS = """
    SELECT study.id, study.name,
      (SELECT value FROM study_setting WHERE study_id = study.id AND name = 'reveal'
       ORDER BY study_setting.id DESC LIMIT 1) AS reveal,
      (SELECT max(is_illustrative) FROM dataset
       JOIN study_dataset ON study_dataset.dataset_id = dataset.id
       WHERE study_dataset.study_id = study.id) AS is_illustrative
    FROM study
"""


def studies(store: Store) -> list[Study]:
    """All studies, oldest first."""
    return store.read(Study, f"{_COLUMNS} ORDER BY study.id")


def study_named(store: Store, name: str) -> Study | None:
    """The study of that name."""
    return store.read_one(Study, f"{_COLUMNS} WHERE study.name = ?", (name,))


def study_by_id(store: Store, study_id: int) -> Study | None:
    """The study with that id."""
    return store.read_one(Study, f"{_COLUMNS} WHERE study.id = ?", (study_id,))


def studies_of_dataset(store: Store, dataset_id: int) -> list[int]:
    """Ids of the studies that look at a dataset."""
    sql = "SELECT study_id FROM study_dataset WHERE dataset_id = ? ORDER BY study_id"
    return [study_id for (study_id,) in store.rows(sql, (dataset_id,))]


def add_study(store: Store, name: str, *, reveal: Reveal, by: str) -> int:
    """Insert a study with its settings."""
    study_id = store.add("INSERT INTO study (name, created_by) VALUES (?, ?)", (name, by))
    set_reveal(store, study_id, reveal, reason="initial", by=by)
    return study_id


def set_reveal(store: Store, study_id: int, reveal: Reveal, *, reason: str, by: str) -> None:
    """Change when the judge's verdict is shown."""
    store.add(
        "INSERT INTO study_setting (study_id, name, value, reason, created_by)"
        " VALUES (?, 'reveal', ?, ?, ?)",
        (study_id, reveal, reason, by),
    )


def add_dataset_to_study(store: Store, study_id: int, dataset_id: int) -> None:
    """Let a study look at a dataset."""
    store.add(
        "INSERT INTO study_dataset (study_id, dataset_id) VALUES (?, ?)",
        (study_id, dataset_id),
    )
