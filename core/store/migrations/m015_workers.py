"""Workers are known by what no clock changes, and told from commands that do their own job."""

from sqlite_utils import Database

from core.store.migrations.base import create, migrations

#: No table of study facts is new here.
APPEND_ONLY: tuple[str, ...] = ()


@migrations()
def m015_workers(db: Database) -> None:
    """Make the table of workers anew; one of before looks dead, and its job is taken over."""
    statements = (
        """
        CREATE TABLE new_worker (
          -- A process that does jobs.
          id INTEGER PRIMARY KEY,
          pid INTEGER NOT NULL,
          started_after REAL NOT NULL,       -- seconds after the machine; tells a reused pid apart
          seen_at REAL NOT NULL,             -- Unix seconds
          takes_any INTEGER NOT NULL DEFAULT 1 CHECK (takes_any IN (0, 1)),  -- 0: its own job only
          ended_at TEXT,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        "INSERT INTO new_worker (id, pid, started_after, seen_at, ended_at, created_at)"
        " SELECT id, pid, -1.0, seen_at, ended_at, created_at FROM worker",
        "DROP TABLE worker",
        "ALTER TABLE new_worker RENAME TO worker",
    )
    create(db, statements)
