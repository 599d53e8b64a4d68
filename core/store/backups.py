"""Whole copies of the database."""

import contextlib
import sqlite3
from pathlib import Path

from core.errors import DatabaseRefused
from core.store.database import Store


def copy_into(store: Store, path: Path) -> None:
    """Write the database as it is at this moment into a new file; others go on writing meanwhile.

    Raises:
        DatabaseRefused: `cannot_back_up`; what was written of the copy is removed.
    """
    try:
        path.unlink(missing_ok=True)  # of a copy that was killed
        store.conn.execute("VACUUM INTO ?", (str(path),))
        path.chmod(0o600)  # it holds the hashes of passwords
        problem = _problem(path)
    except (sqlite3.Error, OSError) as error:
        problem = str(error)
    if problem:
        with contextlib.suppress(OSError):
            path.unlink()
        raise DatabaseRefused("cannot_back_up", path=str(path), problem=problem)


def _problem(path: Path) -> str:
    """What SQLite finds wrong with a file; '' for nothing."""
    copy = sqlite3.connect(path)
    try:
        said = str(copy.execute("PRAGMA quick_check(1)").fetchone()[0])
    finally:
        copy.close()
    return "" if said == "ok" else said
