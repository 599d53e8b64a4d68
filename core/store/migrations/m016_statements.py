"""What a study says of itself in a methods report."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("study_statement",)


@migrations()
def m016_statements(db: Database) -> None:
    """Keep ethics approval, data source and de-identification, as a lead states them."""
    statements = (
        """
        CREATE TABLE study_statement (
          -- A statement for the methods report; the last row of a name counts, '' takes it back.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          name TEXT NOT NULL CHECK (name IN ('ethics', 'data_source', 'de_identification')),
          value TEXT NOT NULL,
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
