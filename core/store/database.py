"""Open the SQLite file that holds everything, with the settings that make it safe."""

import dataclasses
import json
import os
import sqlite3
import time
import typing
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlite_utils

from core.errors import DatabaseRefused
from core.store.migrations.steps import migrations

Params = Sequence[Any] | dict[str, Any]
Record = TypeVar("Record")

#: The actor of a connection on whose other end nobody has signed in yet.
NOBODY = 0

#: Kinds of file system on which SQLite's write-ahead log is unsafe.
_NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "fuse.sshfs",
        "afs",
        "ceph",
        "glusterfs",
    }
)


class Store(sqlite_utils.Database):
    """One connection to the workbench's database, for one unit of work.

    Reads see committed rows; writes go through `writing()`.

    Attributes:
        actor: id of the person for whom it works, or `NOBODY`; None for the operator, who owns
            the file and uses the command line, and for the worker.
    """

    path: Path
    actor: int | None

    def __init__(
        self, path: Path, *, actor: int | None = None, kept: sqlite3.Connection | None = None
    ) -> None:
        """Open a file, or go on with a connection to it that such a store has had."""
        connection = kept or sqlite3.connect(
            path, timeout=30, check_same_thread=False, isolation_level=None
        )
        super().__init__(connection, execute_plugins=False, use_old_upsert=False)
        self.path = path
        self.actor = actor
        if kept is None:
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock from the first statement on; commit at the end, or undo all.

        Inside another `writing()` it joins that transaction.
        """
        if self.conn.in_transaction:
            yield
            return
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.conn.execute("ROLLBACK")
            raise
        self.conn.execute("COMMIT")

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let a block write, and undo it: what would happen, and nothing has.

        Inside a transaction it undoes its own block alone.
        """
        is_inside = self.conn.in_transaction
        self.conn.execute("SAVEPOINT tried" if is_inside else "BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self.conn.execute("ROLLBACK TO tried" if is_inside else "ROLLBACK")

    def rows(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        cursor = self.conn.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, params).fetchall()

    def row(self, sql: str, params: Params = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        cursor = self.conn.cursor()
        cursor.row_factory = sqlite3.Row
        found: sqlite3.Row | None = cursor.execute(sql, params).fetchone()
        return found

    def read(self, kind: type[Record], sql: str, params: Params = ()) -> list[Record]:
        """Return all rows as records of a dataclass whose fields are the query's columns.

        Fields annotated as bool are read from 0 and 1, dicts from JSON.
        """
        cursor = self.conn.execute(sql, params)
        names = [name for name, *_ in cursor.description]
        convert = _converters(cast(Hashable, kind))
        places = [(names.index(name), conversion) for name, conversion in convert.items()]
        rows = cursor if not places else (_converted(row, places) for row in cursor)
        if names == _field_names(cast(Hashable, kind)):  # by place: half the time
            return [kind(*row) for row in rows]
        return [kind(**dict(zip(names, row, strict=True))) for row in rows]

    def read_one(self, kind: type[Record], sql: str, params: Params = ()) -> Record | None:
        """Return the first row as a record, or None."""
        found = self.read(kind, sql, params)
        return found[0] if found else None

    def value(self, sql: str, params: Params = ()) -> Any:
        """Return the first column of the first row, or None."""
        found = self.conn.execute(sql, params).fetchone()
        return None if found is None else found[0]

    def add(self, sql: str, params: Params) -> int:
        """Insert one row and return its id."""
        row_id = self.conn.execute(sql, params).lastrowid
        assert row_id is not None
        return row_id

    def add_many(self, sql: str, rows: Sequence[Params]) -> None:
        """Insert many rows with one statement."""
        self.conn.executemany(sql, rows)

    def change(self, sql: str, params: Params) -> int:
        """Run an update or delete and return how many rows it touched."""
        return self.conn.execute(sql, params).rowcount


@contextmanager
def opened(path: Path, *, actor: int | None = None) -> Iterator[Store]:
    """Open a database that exists, and close it afterwards.

    Args:
        actor: for whom (see `Store`).

    Raises:
        DatabaseRefused: `no_database`, `not_a_database`, `cannot_open`.
    """
    store = connected(path, actor=actor)
    try:
        yield store
    finally:
        store.close()


def connected(path: Path, *, actor: int | None = None) -> Store:
    """A connection to a database that exists; whoever asks for it closes it.

    Raises:
        DatabaseRefused: as `opened`.
    """
    if not path.exists():
        raise DatabaseRefused("no_database", path=str(path))
    try:
        store = Store(path, actor=actor)
        is_ours = store.value("SELECT count(*) FROM sqlite_master WHERE name = 'assessment'")
    except sqlite3.DatabaseError as error:
        raise _refusal(error, path) from error
    if not is_ours:
        store.close()
        raise DatabaseRefused("not_a_database", path=str(path))
    return store


def ensure_database(path: Path) -> None:
    """Create the file if it is missing and bring its schema up to date.

    Safe to call from several processes at once.

    Raises:
        DatabaseRefused: `old_sqlite`, `network_file_system`, `not_a_database`,
            `cannot_open`; `broken_references` where the file's rows refer to none.
    """
    if sqlite3.sqlite_version_info < (3, 37):
        raise DatabaseRefused("old_sqlite", version=sqlite3.sqlite_version)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = error.strerror or ""
        raise DatabaseRefused("cannot_open", path=str(path), problem=problem) from error
    kind = _file_system(path)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise DatabaseRefused("network_file_system", path=str(path), kind=kind)
    try:
        store = Store(path)
        try:
            tables = store.value("SELECT count(*) FROM sqlite_master WHERE type = 'table'")
            ours = store.value("SELECT count(*) FROM sqlite_master WHERE name = 'assessment'")
            if tables and not ours:
                raise DatabaseRefused("not_a_database", path=str(path))
            _ensure_write_ahead_log(store)
            if not tables or migrations.pending(store):
                _migrate(store)
        finally:
            store.close()
    except sqlite3.DatabaseError as error:
        raise _refusal(error, path) from error


def _migrate(store: Store) -> None:
    """Take all pending steps, or none.

    A step may make a table anew that others refer to, so references are checked at the end and
    not on the way; SQLite takes the setting outside of a transaction only.
    """
    store.conn.execute("PRAGMA foreign_keys=OFF")
    try:
        with store.writing():
            migrations.apply(store)
            broken = store.rows("PRAGMA foreign_key_check")
            if broken:
                raise DatabaseRefused(
                    "broken_references", path=str(store.path), table=broken[0]["table"]
                )
    finally:
        store.conn.execute("PRAGMA foreign_keys=ON")


def _refusal(error: sqlite3.DatabaseError, path: Path) -> DatabaseRefused:
    """What SQLite's error means for whoever opens the file."""
    if error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return DatabaseRefused("not_a_database", path=str(path))
    return DatabaseRefused("cannot_open", path=str(path), problem=str(error))


def _ensure_write_ahead_log(store: Store) -> None:
    """Switch the file to WAL, which lasts. SQLite does not wait for others here, so ask again."""
    until = time.monotonic() + 30
    while True:
        try:
            store.value("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _converted(
    row: Sequence[Any], places: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Sequence[Any]:
    """A row with the columns at some places converted, where they hold anything."""
    found = list(row)
    for place, conversion in places:
        if found[place] is not None:
            found[place] = conversion(found[place])
    return found


@cache
def _field_names(kind: Hashable) -> list[str]:
    return [field.name for field in dataclasses.fields(cast(Any, kind))]


@cache
def _converters(kind: Hashable) -> dict[str, Callable[[Any], Any]]:
    """How the fields of a record are read where SQLite has another type for them."""
    found: dict[str, Callable[[Any], Any]] = {}
    for name, hint in typing.get_type_hints(kind).items():
        if bool in (hint, *typing.get_args(hint)):
            found[name] = bool
        elif typing.get_origin(hint) is dict:
            found[name] = json.loads
    return found


def _file_system(path: Path) -> str:
    """Kind of the file system under `path`, or '' where the machine does not say."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    real = os.path.realpath(path.parent)
    best, kind = "", ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, found, *_ = line.split(" ")
        is_above = real == point or real.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):
            best, kind = point, found
    return kind
