"""Answers of which no choice was read, counted when they are scored."""

from sqlite_utils import Database

from core.store.migrations.base import create, migrations

#: No table of study facts is new here.
APPEND_ONLY: tuple[str, ...] = ()


@migrations()
def m017_exam_unread(db: Database) -> None:
    """Count unread answers by reason, so that no page counts them among half a million."""
    statements = (
        """
        CREATE TABLE exam_unread (
          -- Answers of which no choice was read; counted anew whenever answers are scored.
          dataset_id INTEGER NOT NULL REFERENCES dataset,
          model_id INTEGER NOT NULL REFERENCES model,
          because TEXT NOT NULL,
          n INTEGER NOT NULL,
          PRIMARY KEY (dataset_id, model_id, because)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX assessment_unscored ON assessment (rater_id, id) WHERE value IS NULL",
    )
    create(db, statements)
