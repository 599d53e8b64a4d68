"""Exchanges of several asks, with the marker and the ticket that each prompt was made with."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

_EXCHANGE = """
    CREATE TABLE exchange (
      -- What was sent to a judge and what came back, stored before it is read.
      id INTEGER PRIMARY KEY,
      response_id INTEGER NOT NULL REFERENCES response,
      rater_id INTEGER NOT NULL REFERENCES rater,
      criteria_id INTEGER NOT NULL REFERENCES criteria,
      purpose TEXT NOT NULL CHECK (purpose IN ('study', 'trial', 'noise')),
      round INTEGER NOT NULL CHECK (round >= 1),
      attempt INTEGER NOT NULL CHECK (attempt >= 1),
      ask INTEGER NOT NULL CHECK (ask >= 1),  -- 2: asked again in the same conversation
      reask_version INTEGER,             -- of the text that asks again; NULL where ask is 1
      marker TEXT NOT NULL,              -- of the fences; '' where no prompt was read
      ticket TEXT NOT NULL,              -- that the verdict must return; '' where none was asked
      packing INTEGER NOT NULL,          -- 1: zlib; 2: zlib with the key's own texts as dictionary
      prompt BLOB NOT NULL,              -- packed UTF-8: what this ask added to the conversation
      reply BLOB NOT NULL,               -- packed UTF-8
      finish_reason TEXT NOT NULL,
      prompt_tokens INTEGER,             -- NULL where the engine does not count
      reply_tokens INTEGER,
      seconds REAL NOT NULL,
      job_id INTEGER REFERENCES job,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (response_id, rater_id, criteria_id, purpose, round, attempt, ask),
      CHECK ((ask = 1) = (reask_version IS NULL))
    ) STRICT
"""
_INDEXES = (
    # what tells the outstanding keys, without a look at the texts
    "CREATE INDEX response_presence"
    " ON response (question_id, model_id, sample, attempt, absent_because)",
    # almost empty, which makes it cheap to know that there is no later attempt
    "CREATE INDEX assessment_again"
    " ON assessment (response_id, rater_id, criteria_id, purpose, round, attempt)"
    " WHERE attempt > 1",
)
_KEPT = (
    "id, response_id, rater_id, criteria_id, purpose, round, attempt, prompt, reply,"
    " finish_reason, prompt_tokens, reply_tokens, seconds, job_id, created_at"
)


#: No table of study facts is new here.
APPEND_ONLY: tuple[str, ...] = ()


@migrations()
def m004_verdicts(db: Database) -> None:
    """Let a key have several exchanges; those of before are the first asks of theirs.

    The table is made anew under its own name, which assessments go on referring to.
    """
    db.execute(f"CREATE TEMP TABLE exchange_before AS SELECT {_KEPT} FROM exchange")
    db.execute("DROP TABLE exchange")
    create(db, (_EXCHANGE, *_INDEXES))
    db.execute(
        f"INSERT INTO exchange ({_KEPT}, ask, marker, ticket, packing)"
        f" SELECT {_KEPT}, 1, '', '', 1 FROM exchange_before"
    )
    db.execute("DROP TABLE temp.exchange_before")
    make_append_only(db, ("exchange",))
