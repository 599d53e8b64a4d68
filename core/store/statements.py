"""Statements of a study about itself, for its methods report."""

from typing import Literal, get_args

from core.store.database import Store

Name = Literal["ethics", "data_source", "de_identification"]
NAMES: tuple[Name, ...] = get_args(Name)


def statements(store: Store, study_id: int) -> dict[Name, str]:
    """Every statement by name; '' where nothing is stated."""
    sql = "SELECT name, value FROM study_statement WHERE study_id = ? ORDER BY id"
    said = dict(map(tuple, store.rows(sql, (study_id,))))
    return {name: said.get(name, "") for name in NAMES}


def add_statement(store: Store, study_id: int, name: Name, value: str, *, by: str) -> None:
    """State something from now on."""
    store.add(
        "INSERT INTO study_statement (study_id, name, value, created_by) VALUES (?, ?, ?, ?)",
        (study_id, name, value, by),
    )
