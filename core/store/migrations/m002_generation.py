"""How each generated response came about."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("generator", "generation")


@migrations()
def m002_generation(db: Database) -> None:
    """Remember how each generated response came about."""
    statements = (
        """
        CREATE TABLE generator (
          -- The one way in which a model's responses are generated.
          id INTEGER PRIMARY KEY,
          model_id INTEGER NOT NULL UNIQUE REFERENCES model,
          engine TEXT NOT NULL,
          source TEXT NOT NULL,              -- path or name of the checkpoint, as given
          parameters TEXT NOT NULL,          -- JSON object, keys sorted; system prompt included
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE generation (
          -- What a model was asked for a response, and everything that it wrote.
          response_id INTEGER PRIMARY KEY REFERENCES response,
          generator_id INTEGER NOT NULL REFERENCES generator,
          revision TEXT NOT NULL,            -- of the weights; '' where the engine can't know
          messages BLOB NOT NULL,            -- zlib-compressed JSON: roles and contents, in order
          output BLOB NOT NULL,              -- zlib-compressed: all that came back, reasoning too
          reasoning TEXT NOT NULL,           -- '' where there was none
          finish_reason TEXT NOT NULL,
          prompt_tokens INTEGER,
          reply_tokens INTEGER,
          seconds REAL NOT NULL,
          job_id INTEGER NOT NULL REFERENCES job
        ) STRICT
        """,
        "CREATE INDEX generation_by_job ON generation (job_id, reply_tokens)",
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
