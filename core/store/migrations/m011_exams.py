"""Closed questions, what exercises are reported by, and how models answered them."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("exercise", "closed_question", "option_order")

_STATEMENTS = (
    "ALTER TABLE question ADD COLUMN kind TEXT NOT NULL DEFAULT 'open'"
    " CHECK (kind IN ('open', 'closed'))",
    "ALTER TABLE criteria ADD COLUMN given_turns TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE exercise (
      -- What a question is reported by, as its record gives it; '' where it says nothing.
      record_id INTEGER PRIMARY KEY REFERENCES question_record,
      stage TEXT NOT NULL,               -- of training: licensing, residency …
      department TEXT NOT NULL,
      question_type TEXT NOT NULL,       -- A1, A3/A4, case analysis …
      level INTEGER CHECK (level BETWEEN 1 AND 5),  -- difficulty, 1 easiest
      level_by TEXT NOT NULL CHECK (level_by IN ('', 'file', 'people')),
      stem TEXT NOT NULL,                -- one name for all questions of a shared case
      CHECK ((level_by = '') = (level IS NULL))
    ) STRICT
    """,
    """
    CREATE TABLE closed_question (
      -- The options of a closed question, as one version of its criteria holds them.
      criteria_id INTEGER PRIMARY KEY REFERENCES criteria,
      options TEXT NOT NULL,             -- JSON object: label to text, in the order of the file
      right_labels TEXT,                 -- such as AC; NULL where the file gives none
      takes_several INTEGER NOT NULL CHECK (takes_several IN (0, 1)),
      CHECK (right_labels <> '')
    ) STRICT
    """,
    """
    CREATE TABLE option_order (
      -- In which order a model was shown the options; where there is no row, in the file's.
      response_id INTEGER PRIMARY KEY REFERENCES response,
      labels TEXT NOT NULL               -- the file's label at each place, such as CABD
    ) STRICT
    """,
    """
    CREATE TABLE exam_tally (
      -- How a model answered the closed questions of a cell; made anew whenever they are scored.
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      measure TEXT NOT NULL CHECK (measure IN ('exact', 'exact_of_all', 'credit')),
      facets TEXT NOT NULL,              -- what the cell is cut by, such as stage+department
      cell TEXT NOT NULL,                -- JSON list: its value of each
      model_id INTEGER NOT NULL REFERENCES model,
      n INTEGER NOT NULL,                -- responses that count
      unscored INTEGER NOT NULL,
      absent INTEGER NOT NULL,
      total REAL NOT NULL,               -- sum of their scores, 0 to 1 each
      clusters INTEGER NOT NULL,         -- stems, and exercises without one
      squares REAL NOT NULL,             -- sum over clusters of total squared
      crossed REAL NOT NULL,             -- … of total times n
      sizes REAL NOT NULL,               -- … of n squared
      PRIMARY KEY (dataset_id, measure, facets, cell, model_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE position_tally (
      -- How often a model chose a place, and how often the right option stood there.
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      model_id INTEGER NOT NULL REFERENCES model,
      place INTEGER NOT NULL CHECK (place >= 1),
      shown INTEGER NOT NULL,            -- responses to questions that have an option there
      chosen INTEGER NOT NULL,
      is_right INTEGER NOT NULL,         -- of those shown, where the right option stood there
      right_chosen INTEGER NOT NULL,     -- of these, answered right
      PRIMARY KEY (dataset_id, model_id, place)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE VIEW open_question AS
      -- Questions that judges and physicians score.
      SELECT * FROM question WHERE kind = 'open'
    """,
    "CREATE INDEX question_open ON question (dataset_id, category) WHERE kind = 'open'",
    "CREATE INDEX question_closed ON question (dataset_id) WHERE kind = 'closed'",
)


@migrations()
def m011_exams(db: Database) -> None:
    """Keep closed questions, strata of exercises, and tallies of how models answered them."""
    create(db, _STATEMENTS)
    make_append_only(db, APPEND_ONLY)
