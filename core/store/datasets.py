"""Datasets: the benchmarks that were imported, and whether their text may leave."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset and its current marking."""

    id: int
    name: str
    format: str
    is_illustrative: bool
    marking: str


_COLUMNS = """
    SELECT id, name, format, is_illustrative,
      (SELECT marking FROM dataset_marking WHERE dataset_id = dataset.id
       ORDER BY id DESC LIMIT 1) AS marking
    FROM dataset
"""


def dataset_named(store: Store, name: str) -> Dataset | None:
    """The dataset of that name."""
    return store.read_one(Dataset, f"{_COLUMNS} WHERE name = ?", (name,))


def dataset_by_id(store: Store, dataset_id: int) -> Dataset:
    """The dataset with that id, which must exist."""
    found = store.read_one(Dataset, f"{_COLUMNS} WHERE id = ?", (dataset_id,))
    assert found is not None
    return found


def datasets(store: Store) -> list[Dataset]:
    """All datasets, in order of import."""
    return store.read(Dataset, f"{_COLUMNS} ORDER BY id")


def datasets_of_study(store: Store, study_id: int) -> list[Dataset]:
    """The datasets of a study."""
    sql = f"""{_COLUMNS} WHERE id IN (
        SELECT dataset_id FROM study_dataset WHERE study_id = ?) ORDER BY id"""
    return store.read(Dataset, sql, (study_id,))


def add_dataset(store: Store, name: str, format_: str, *, is_illustrative: bool, by: str) -> int:
    """Insert a dataset."""
    return store.add(
        "INSERT INTO dataset (name, format, is_illustrative, created_by) VALUES (?, ?, ?, ?)",
        (name, format_, int(is_illustrative), by),
    )


def add_marking(store: Store, dataset_id: int, marking: str, *, reason: str, by: str) -> None:
    """Mark a dataset `local` or `may_leave` from now on."""
    store.add(
        "INSERT INTO dataset_marking (dataset_id, marking, reason, created_by) VALUES (?, ?, ?, ?)",
        (dataset_id, marking, reason, by),
    )


def add_release(
    store: Store, dataset_id: int, host: str, *, purpose: str, basis: str, by: str
) -> None:
    """Record that a dataset's text may be sent to a host."""
    store.add(
        "INSERT INTO release (dataset_id, host, purpose, basis, created_by) VALUES (?, ?, ?, ?, ?)",
        (dataset_id, host, purpose, basis, by),
    )


def is_released(store: Store, dataset_id: int, host: str) -> bool:
    """Tell whether somebody released the dataset to this host."""
    sql = "SELECT count(*) FROM release WHERE dataset_id = ? AND host = ?"
    return bool(store.value(sql, (dataset_id, host)))


def add_import_run(
    store: Store, dataset_id: int, kind: str, file_name: str, sha256: str, *, by: str
) -> int:
    """Record that a file was read."""
    return store.add(
        "INSERT INTO import_run (dataset_id, kind, file_name, sha256, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (dataset_id, kind, file_name, sha256, by),
    )


def add_findings(store: Store, rows: Sequence[tuple[int, int, str, str, int, int]]) -> None:
    """Record places of personal data: import run, question, field, kind, start, length."""
    store.add_many(
        "INSERT INTO personal_data_finding"
        " (import_run_id, question_id, field, kind, start, length) VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )


def finding_counts(store: Store, dataset_id: int) -> dict[str, int]:
    """Number of findings of each kind over all imports of a dataset."""
    sql = """
        SELECT finding.kind, count(*) FROM personal_data_finding AS finding
        JOIN import_run ON import_run.id = import_run_id
        WHERE dataset_id = ? GROUP BY finding.kind ORDER BY finding.kind
    """
    return dict(map(tuple, store.rows(sql, (dataset_id,))))


def findings_listed(store: Store, dataset_id: int) -> list[tuple[str, str, str, int, int]]:
    """Every finding of a dataset: question key, field, kind, start, length."""
    sql = """
        SELECT key, field, finding.kind, start, length FROM personal_data_finding AS finding
        JOIN import_run ON import_run.id = import_run_id
        JOIN question ON question.id = question_id
        WHERE import_run.dataset_id = ? ORDER BY finding.id
    """
    return [tuple(row) for row in store.rows(sql, (dataset_id,))]
