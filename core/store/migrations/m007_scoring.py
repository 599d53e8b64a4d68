"""What physicians say besides a score: why they differ, and whether a question is right."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("difference_cause", "question_audit")


@migrations()
def m007_scoring(db: Database) -> None:
    """Keep causes of differences and audits of questions."""
    statements = (
        """
        CREATE TABLE difference_cause (
          -- Why a person's score and a judge's differ, as that person sees it; the last row counts.
          id INTEGER PRIMARY KEY,
          person_id INTEGER NOT NULL REFERENCES person,
          response_id INTEGER NOT NULL REFERENCES response,
          criteria_id INTEGER NOT NULL REFERENCES criteria,  -- under which the judge had scored
          cause TEXT NOT NULL CHECK (cause IN (
            'judge_wrong', 'checklist_wrong', 'reference_wrong', 'question_flawed',
            'reconsidered')),
          comment TEXT NOT NULL DEFAULT '',
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE question_audit (
          -- Whether a question and its reference answer are factually right, as a person sees it;
          -- the last row of a person and version counts.
          id INTEGER PRIMARY KEY,
          person_id INTEGER NOT NULL REFERENCES person,
          criteria_id INTEGER NOT NULL REFERENCES criteria,  -- holds the texts that were read
          is_right INTEGER NOT NULL CHECK (is_right IN (0, 1)),
          comment TEXT NOT NULL DEFAULT '',
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          CHECK (is_right = 1 OR comment <> '')  -- what is wrong is said
        ) STRICT
        """,
        "CREATE INDEX difference_cause_last ON difference_cause (response_id, person_id, id)",
        "CREATE INDEX question_audit_last ON question_audit (criteria_id, person_id, id)",
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
