"""Connections are lent to one at a time, kept open, and never with what the last one left."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from core.errors import DatabaseRefused
from core.store import people
from core.store.database import NOBODY, ensure_database, opened
from core.store.lending import lent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty database."""
    ensure_database(tmp_path / "workbench.db")
    return tmp_path / "workbench.db"


def test_a_connection_is_lent_again_and_to_nobody_else_meanwhile(path: Path) -> None:
    with lent(path, actor=7) as first, lent(path, actor=8) as second:
        known = (first.conn, second.conn)
        assert first.conn is not second.conn
        assert (first.actor, second.actor) == (7, 8)
    with lent(path, actor=NOBODY) as again:
        assert again.conn in known
        assert again.actor == NOBODY


def test_who_had_a_connection_can_do_nothing_with_it_any_more(path: Path) -> None:
    with lent(path, actor=7) as first:
        assert people.people(first) == []
    with lent(path, actor=8), pytest.raises(sqlite3.ProgrammingError, match="closed"):
        people.people(first)


def test_who_is_lent_a_connection_reads_what_others_have_written_meanwhile(path: Path) -> None:
    with lent(path, actor=None) as first:
        known = first.conn
        assert people.people(first) == []
    with opened(path) as other, other.writing():
        people.ensure_person(other, "Dr Lin")
    with lent(path, actor=None) as again:
        assert again.conn is known
        assert [one.name for one in people.people(again)] == ["Dr Lin"]


def test_an_unfinished_transaction_is_lent_to_nobody(path: Path) -> None:
    with lent(path, actor=None) as first:
        known = first.conn
        first.conn.execute("BEGIN IMMEDIATE")
        people.ensure_person(first, "Dr Lin")
    with lent(path, actor=None) as second:
        assert second.conn is not known
        assert people.people(second) == []


def test_a_file_that_was_put_in_the_place_of_another_is_read(path: Path) -> None:
    copy = Path(shutil.copy(path, path.with_name("copy.db")))
    with opened(copy) as store, store.writing():
        people.ensure_person(store, "Dr Restored")
    with lent(path, actor=None) as before:
        assert people.people(before) == []
    copy.replace(path)
    with lent(path, actor=None) as after:
        assert [one.name for one in people.people(after)] == ["Dr Restored"]


def test_a_file_that_is_gone_is_refused(path: Path) -> None:
    with lent(path, actor=None):
        pass
    path.unlink()
    with pytest.raises(DatabaseRefused) as refused, lent(path, actor=None):
        pass
    assert refused.value.code == "no_database"
