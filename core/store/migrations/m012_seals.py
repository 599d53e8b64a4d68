"""Seals: which questions and responses those who revise may look at, and who opened what."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("seal", "conversation_seal", "response_seal", "seal_opening")


@migrations()
def m012_seals(db: Database) -> None:
    """Keep what is held back from revisers, and every opening."""
    statements = (
        """
        CREATE TABLE seal (
          -- How a study's conversations and scored responses are drawn into parts.
          study_id INTEGER PRIMARY KEY REFERENCES study,
          salt TEXT NOT NULL CHECK (salt <> ''),  -- orders the draw
          held_out REAL NOT NULL CHECK (held_out >= 0 AND held_out < 1),  -- share of each category
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE conversation_seal (
          -- Whether a conversation is for revising, or held out to test what was revised.
          study_id INTEGER NOT NULL REFERENCES seal,
          conversation_id INTEGER NOT NULL REFERENCES conversation,
          part TEXT NOT NULL CHECK (part IN ('dev', 'held_out')),
          created_at TEXT NOT NULL DEFAULT {now},
          PRIMARY KEY (study_id, conversation_id)
        ) STRICT
        """,
        """
        CREATE TABLE response_seal (
          -- Whether a scored response to a dev question is shown to those who revise its criteria,
          -- or held back to check them.
          study_id INTEGER NOT NULL REFERENCES seal,
          response_id INTEGER NOT NULL REFERENCES response,
          part TEXT NOT NULL CHECK (part IN ('revise', 'check')),
          created_at TEXT NOT NULL DEFAULT {now},
          PRIMARY KEY (study_id, response_id)
        ) STRICT
        """,
        """
        CREATE TABLE seal_opening (
          -- Somebody looked at what was held back; from then on it tests nothing any more.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES seal,
          conversation_id INTEGER REFERENCES conversation,  -- held out until then
          response_id INTEGER REFERENCES response,          -- 'check' until then
          reason TEXT NOT NULL CHECK (reason <> ''),
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          CHECK ((conversation_id IS NULL) = (response_id IS NOT NULL))
        ) STRICT
        """,
        "CREATE INDEX seal_opening_of_study ON seal_opening (study_id, id)",
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
