"""Batches: requests that an endpoint answers by the file, within a day."""

from sqlite_utils import Database

from core.store.migrations.base import create, migrations

#: No table of study facts is new here.
APPEND_ONLY: tuple[str, ...] = ()


@migrations()
def m010_batches(db: Database) -> None:
    """Remember what was handed over, before it is: so that nothing is handed over twice."""
    statements = (
        """
        CREATE TABLE batch (
          -- One file of requests, from before it is sent until its answers are stored.
          id INTEGER PRIMARY KEY,
          job_id INTEGER NOT NULL REFERENCES job,
          judge_id INTEGER NOT NULL REFERENCES judge,
          study_id INTEGER NOT NULL REFERENCES study,
          address TEXT NOT NULL,             -- base URL of the endpoint
          token TEXT NOT NULL UNIQUE,        -- in the remote batch's metadata, to find it by
          form TEXT NOT NULL,                -- of the verdict, as asked for: 'json_schema' …, ''
          limit_name TEXT NOT NULL,          -- the name that the limit of reply tokens goes by
          expected REAL NOT NULL DEFAULT 0,  -- what it may cost, where the job has a budget
          is_tried INTEGER NOT NULL DEFAULT 0 CHECK (is_tried IN (0, 1)),  -- may be there unknown
          file_id TEXT,                      -- of the uploaded file, at the endpoint
          remote_id TEXT,                    -- of the batch, at the endpoint; NULL: not known yet
          remote_state TEXT NOT NULL DEFAULT '',  -- in the endpoint's words
          total INTEGER NOT NULL DEFAULT 0,  -- requests in the file
          completed INTEGER NOT NULL DEFAULT 0,   -- as the endpoint counts
          failed INTEGER NOT NULL DEFAULT 0,
          is_ended INTEGER NOT NULL DEFAULT 0 CHECK (is_ended IN (0, 1)),
          created_at TEXT NOT NULL DEFAULT {now},
          ended_at TEXT
        ) STRICT
        """,
        """
        CREATE TABLE batch_request (
          -- One request of a batch that has no stored answer yet.
          batch_id INTEGER NOT NULL REFERENCES batch,
          number INTEGER NOT NULL,           -- from 1; with the token its custom_id
          response_id INTEGER NOT NULL REFERENCES response,
          rater_id INTEGER NOT NULL REFERENCES rater,
          criteria_id INTEGER NOT NULL REFERENCES criteria,
          purpose TEXT NOT NULL CHECK (purpose IN ('study', 'trial', 'noise')),
          round INTEGER NOT NULL,
          attempt INTEGER NOT NULL,
          ask INTEGER NOT NULL,
          reask_version INTEGER,             -- of the text that asks again; NULL where ask is 1
          marker TEXT NOT NULL,
          ticket TEXT NOT NULL,
          prompt BLOB NOT NULL,              -- packed as in exchange: what this ask adds
          PRIMARY KEY (batch_id, number)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX batch_open ON batch (study_id, judge_id) WHERE NOT is_ended",
        "CREATE INDEX batch_request_of_key"
        " ON batch_request (response_id, rater_id, criteria_id, purpose, round, attempt)",
    )
    create(db, statements)
