"""What a job had to tell while it went on."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("job_note",)


@migrations()
def m003_job_notes(db: Database) -> None:
    """Remember what a person should know of a job though it went on."""
    statements = (
        """
        CREATE TABLE job_note (
          -- Told by a job while it went on: where it runs, that memory was lowered.
          id INTEGER PRIMARY KEY,
          job_id INTEGER NOT NULL REFERENCES job,
          code TEXT NOT NULL,                -- key of the language catalogue: note.<code>
          details TEXT NOT NULL,             -- JSON object, keys sorted: what the sentence names
          created_at TEXT NOT NULL DEFAULT {now},
          UNIQUE (job_id, code, details)     -- a resumed job tells nothing twice
        ) STRICT
        """,
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
