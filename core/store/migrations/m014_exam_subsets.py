"""Subsets of exams, which stand for the whole."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("exam_subset", "exam_subset_question")


@migrations()
def m014_exam_subsets(db: Database) -> None:
    """Keep which exercises stand for a whole exam, and with which probability."""
    statements = (
        """
        CREATE TABLE exam_subset (
          -- Closed questions of a dataset that stand for all of them, stratified by difficulty.
          id INTEGER PRIMARY KEY,
          dataset_id INTEGER NOT NULL REFERENCES dataset,
          name TEXT NOT NULL CHECK (name <> ''),
          size INTEGER NOT NULL CHECK (size >= 1),
          seed INTEGER NOT NULL,
          strata TEXT NOT NULL,              -- JSON object: how many exercises each stratum has
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          UNIQUE (dataset_id, name)
        ) STRICT
        """,
        """
        CREATE TABLE exam_subset_question (
          -- An exercise of a subset, and the share of its stratum that was drawn.
          subset_id INTEGER NOT NULL REFERENCES exam_subset,
          question_id INTEGER NOT NULL REFERENCES question,
          stratum TEXT NOT NULL,             -- level of difficulty; ~ where it is estimated
          probability REAL NOT NULL CHECK (probability > 0 AND probability <= 1),
          PRIMARY KEY (subset_id, question_id)
        ) STRICT
        """,
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
