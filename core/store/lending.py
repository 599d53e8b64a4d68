"""Lend connections that stay open, as each new one reads the whole schema before its first row."""

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
_idle: dict[_File, list[Store]] = defaultdict(list)
_lock = Lock()


@contextmanager
def lent(path: Path, *, actor: int | None) -> Iterator[Store]:
    """A connection for one unit of work, which nobody else has meanwhile.

    For a process that serves people; elsewhere `opened` leaves no connection behind.

    Args:
        actor: for whom (see `Store`).

    Raises:
        DatabaseRefused: as `opened`.
    """
    file = _file(path)
    with _lock:
        store = _idle[file].pop() if _idle[file] else None
    store = store or connected(path)
    store.actor = actor
    try:
        yield store
    finally:
        _take_back(file, store)


def _file(path: Path) -> _File:
    """Which file a path names now; a database that was put in its place is another one."""
    try:
        found = path.stat()
    except OSError as error:
        raise DatabaseRefused("no_database", path=str(path)) from error
    return path, found.st_dev, found.st_ino


def _take_back(file: _File, store: Store) -> None:
    with _lock:
        replaced = [one for one in _idle if one[0] == file[0] and one != file]
        closing = [store for one in replaced for store in _idle.pop(one)]
        is_welcome = not store.conn.in_transaction and len(_idle[file]) < _MOST_IDLE
        (_idle[file] if is_welcome else closing).append(store)
    for one in closing:
        one.close()
