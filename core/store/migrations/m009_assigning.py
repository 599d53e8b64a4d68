"""What physicians are asked for, by which manual, and what their differing scores come to."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

_STATEMENTS = (
    """
    CREATE TABLE draw (
      -- A sample of a study's responses that physicians are asked to score.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      purpose TEXT NOT NULL CHECK (purpose IN ('work', 'calibration')),
      unit TEXT NOT NULL CHECK (unit IN ('response', 'question')),
      strata TEXT NOT NULL,              -- JSON list of what the draw was stratified by
      allocation TEXT NOT NULL CHECK (allocation IN ('proportional', 'equal')),
      choice TEXT NOT NULL,              -- JSON: models, categories, difficulties drawn from
      judge_id INTEGER REFERENCES judge, -- whose scores stratified; NULL: none's
      size INTEGER NOT NULL CHECK (size >= 1),       -- units asked for
      overlap INTEGER NOT NULL CHECK (overlap >= 1), -- physicians who score each response
      repeat_share REAL NOT NULL CHECK (repeat_share BETWEEN 0 AND 1), -- that come back
      seed INTEGER NOT NULL,
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE draw_response (
      -- A drawn response, and the probability with which it was drawn.
      draw_id INTEGER NOT NULL REFERENCES draw,
      response_id INTEGER NOT NULL REFERENCES response,
      stratum TEXT NOT NULL,             -- JSON list, in the order of the draw's strata
      probability REAL NOT NULL CHECK (probability > 0 AND probability <= 1),
      PRIMARY KEY (draw_id, response_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE draw_person (
      -- Somebody who is asked to score responses of a draw.
      draw_id INTEGER NOT NULL REFERENCES draw,
      person_id INTEGER NOT NULL REFERENCES person,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      PRIMARY KEY (draw_id, person_id)
    ) STRICT
    """,
    """
    CREATE TABLE draw_end (
      -- A draw from which nobody is asked any more; for a calibration, with its note.
      draw_id INTEGER PRIMARY KEY REFERENCES draw,
      note TEXT NOT NULL CHECK (note <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE field_of_work (
      -- The categories that a physician is asked for; the last row counts, none: all.
      id INTEGER PRIMARY KEY,
      person_id INTEGER NOT NULL REFERENCES person,
      categories TEXT NOT NULL,          -- JSON list of category codes; [] for all
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE reservation (
      -- The response that somebody has on the screen, so that not too many score the same.
      person_id INTEGER PRIMARY KEY REFERENCES person,
      response_id INTEGER NOT NULL REFERENCES response,
      until REAL NOT NULL                -- Unix seconds
    ) STRICT
    """,
    """
    CREATE TABLE manual (
      -- A study's scoring manual; the last version of a language counts.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      language TEXT NOT NULL CHECK (language IN ('en', 'zh')),
      version INTEGER NOT NULL CHECK (version >= 1),
      text TEXT NOT NULL CHECK (text <> ''),
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (study_id, language, version)
    ) STRICT
    """,
    """
    CREATE TABLE consensus (
      -- What physicians' differing scores of a response come to; the last row counts.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      response_id INTEGER NOT NULL REFERENCES response,
      criteria_id INTEGER NOT NULL REFERENCES criteria,
      person_id INTEGER NOT NULL REFERENCES person,  -- the adjudicator
      scale TEXT NOT NULL REFERENCES scale,
      value INTEGER,
      undecided_because TEXT,
      after_assessment INTEGER NOT NULL, -- the newest score that it decides on
      had_seen_judge INTEGER NOT NULL CHECK (had_seen_judge IN (0, 1)),
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      CHECK ((value IS NULL) = (undecided_because IS NOT NULL))
    ) STRICT
    """,
    """
    CREATE TABLE spot_check (
      -- A score that somebody else is asked to look at again.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      assessment_id INTEGER NOT NULL REFERENCES assessment,
      round INTEGER NOT NULL CHECK (round IN (1, 2)),
      share REAL NOT NULL CHECK (share > 0 AND share <= 1),  -- of the scores then there
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (assessment_id, round)
    ) STRICT
    """,
    """
    CREATE TABLE spot_check_result (
      -- What the second look found; the last row counts.
      id INTEGER PRIMARY KEY,
      spot_check_id INTEGER NOT NULL REFERENCES spot_check,
      person_id INTEGER NOT NULL REFERENCES person,
      is_sound INTEGER NOT NULL CHECK (is_sound IN (0, 1)),
      comment TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      CHECK (is_sound OR comment <> '')
    ) STRICT
    """,
    "DROP VIEW human_assessment",
    """
    CREATE VIEW human_assessment AS
      -- Every first score of a person with its phase: blind only if nothing had been shown before.
      SELECT assessment.*, rater.person_id, response.question_id,
        CASE
          WHEN assessment.claimed_phase IN ('informed', 'unknown') THEN assessment.claimed_phase
          WHEN EXISTS (
            SELECT 1 FROM exposure
            WHERE exposure.person_id = rater.person_id
              AND exposure.question_id = response.question_id
              AND exposure.after_assessment < assessment.id) THEN 'informed'
          ELSE 'blind'
        END AS phase
      FROM assessment
      JOIN rater ON rater.id = assessment.rater_id AND rater.person_id IS NOT NULL
      JOIN response ON response.id = assessment.response_id
      WHERE assessment.round = 1
    """,
    """
    CREATE VIEW human_repeat AS
      -- A person's score of a response that came back to them unannounced, beside their first one.
      SELECT repeated.response_id, rater.person_id, response.question_id,
             repeated.id AS repeated_id, repeated.scale, first.scale AS first_scale,
             first.id AS first_id, first.value AS first_value, repeated.value AS repeated_value
      FROM assessment AS repeated
      JOIN rater ON rater.id = repeated.rater_id AND rater.person_id IS NOT NULL
      JOIN response ON response.id = repeated.response_id
      JOIN assessment AS first ON first.id = (
        SELECT max(id) FROM assessment
        WHERE assessment.response_id = repeated.response_id AND assessment.round = 1
          AND assessment.rater_id = repeated.rater_id AND assessment.id < repeated.id)
      WHERE repeated.round = 2
    """,
    "CREATE INDEX consensus_last ON consensus (study_id, response_id, id)",
    "CREATE INDEX draw_response_drawn ON draw_response (response_id, draw_id)",
    "CREATE INDEX reservation_by_response ON reservation (response_id, until)",
)

APPEND_ONLY = (
    "draw", "draw_response", "draw_person", "draw_end", "field_of_work", "manual", "consensus",
    "spot_check", "spot_check_result",
)  # fmt: skip


@migrations()
def m009_assigning(db: Database) -> None:
    """Create draws, reservations, manuals, consensus and spot checks."""
    create(db, _STATEMENTS)
    make_append_only(db, APPEND_ONLY)
