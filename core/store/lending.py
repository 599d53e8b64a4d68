"""Lend connections that stay open, as each new one reads the whole schema before its first row."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from core.errors import DatabaseRefused
from core.store.database import Store, connected

#: Connections to one file that wait for their next use; any above that are closed.
_MOST_IDLE = 8
_File = tuple[Path, int, int]
_idle: dict[_File, list[sqlite3.Connection]] = defaultdict(list)
_lock = Lock()


@contextmanager
def lent(path: Path, *, actor: int | None) -> Iterator[Store]:
    """A store for one unit of work, on a connection that nobody else has meanwhile.

    Afterwards the store is as closed as one that `opened` gave, whoever has the connection next.
    For a process that serves people; elsewhere `opened` leaves no connection behind.

    Args:
        actor: for whom (see `Store`).

    Raises:
        DatabaseRefused: as `opened`.
    """
    file = _file(path)
    with _lock:
        kept = _idle[file].pop() if _idle[file] else None
    store = Store(path, actor=actor, kept=kept) if kept else connected(path, actor=actor)
    try:
        yield store
    finally:
        connection, store.conn = store.conn, _closed()
        _take_back(file, connection)


def _file(path: Path) -> _File:
    """Which file a path names now; a database that was put in its place is another one."""
    try:
        found = path.stat()
    except OSError as error:
        raise DatabaseRefused("no_database", path=str(path)) from error
    return path, found.st_dev, found.st_ino


def _closed() -> sqlite3.Connection:
    """A connection that refuses everything."""
    found = sqlite3.connect(":memory:")
    found.close()
    return found


def _take_back(file: _File, connection: sqlite3.Connection) -> None:
    with _lock:
        replaced = [one for one in _idle if one[0] == file[0] and one != file]
        closing = [old for one in replaced for old in _idle.pop(one)]
        is_welcome = not connection.in_transaction and len(_idle[file]) < _MOST_IDLE
        (_idle[file] if is_welcome else closing).append(connection)
    for one in closing:
        one.close()
