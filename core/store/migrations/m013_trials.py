"""Trials: what a candidate is tried on, what became of it, and how it did on what was held out."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = (
    "trial", "trial_response", "rejection", "held_out_reading", "suggestion", "rescoring_offer",
)  # fmt: skip


@migrations()
def m013_trials(db: Database) -> None:
    """Keep trials, rejections, and the agreement of every activation on held-out questions."""
    statements = (
        """
        CREATE TABLE trial (
          -- A candidate, criteria of a question or a judge prompt, judged beside what is in use.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          judge_id INTEGER NOT NULL REFERENCES judge,
          criteria_id INTEGER REFERENCES criteria,
          judge_prompt_id INTEGER REFERENCES judge_prompt,
          base_id INTEGER NOT NULL,          -- criteria or prompt that was in use then
          rounds INTEGER NOT NULL CHECK (rounds >= 1),
          has_noise INTEGER NOT NULL CHECK (has_noise IN (0, 1)),  -- judge the old one once more
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          CHECK ((criteria_id IS NULL) = (judge_prompt_id IS NOT NULL))
        ) STRICT
        """,
        """
        CREATE TABLE trial_response (
          -- A scored response of a trial, with what judges it on either side.
          trial_id INTEGER NOT NULL REFERENCES trial,
          response_id INTEGER NOT NULL REFERENCES response,
          role TEXT NOT NULL CHECK (role IN ('affected', 'regression')),
          probability REAL NOT NULL CHECK (probability > 0 AND probability <= 1),
          before_rater_id INTEGER NOT NULL REFERENCES rater,
          before_criteria_id INTEGER NOT NULL REFERENCES criteria,
          after_rater_id INTEGER NOT NULL REFERENCES rater,
          after_criteria_id INTEGER NOT NULL REFERENCES criteria,
          PRIMARY KEY (trial_id, response_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE rejection (
          -- A candidate that somebody decided against; it stays in the history.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          criteria_id INTEGER REFERENCES criteria,
          judge_id INTEGER REFERENCES judge,  -- for whom the prompt was rejected
          judge_prompt_id INTEGER REFERENCES judge_prompt,
          reason TEXT NOT NULL CHECK (reason <> ''),
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          CHECK ((criteria_id IS NULL) = (judge_prompt_id IS NOT NULL)),
          CHECK ((judge_id IS NULL) = (judge_prompt_id IS NULL))
        ) STRICT
        """,
        """
        CREATE TABLE held_out_reading (
          -- How a judge agreed, read once for each activation of a prompt.
          prompt_activation_id INTEGER NOT NULL REFERENCES prompt_activation,
          part TEXT NOT NULL CHECK (part IN ('dev', 'held_out')),
          n INTEGER NOT NULL,                -- responses that both sides decided
          agreement REAL,                    -- NULL: undefined
          kappa REAL,                        -- NULL: undefined
          kappa_low REAL,
          kappa_high REAL,
          false_usable INTEGER NOT NULL,     -- responses
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          PRIMARY KEY (prompt_activation_id, part)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE suggestion (
          -- What a model was asked when it drafted a revision, and what it replied.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          judge_id INTEGER NOT NULL REFERENCES judge,   -- whose model was asked
          question_id INTEGER REFERENCES question,
          judge_prompt_id INTEGER REFERENCES judge_prompt,
          request TEXT NOT NULL,
          reply TEXT NOT NULL,
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          CHECK ((question_id IS NULL) = (judge_prompt_id IS NOT NULL))
        ) STRICT
        """,
        """
        CREATE TABLE rescoring_offer (
          -- A physician's score that a new requirement contradicts, offered to be given again.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          assessment_id INTEGER NOT NULL REFERENCES assessment,
          criteria_id INTEGER NOT NULL REFERENCES criteria,  -- with the new requirement
          requirement_id INTEGER NOT NULL REFERENCES requirement,
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          UNIQUE (assessment_id, criteria_id)
        ) STRICT
        """,
        "CREATE INDEX trial_of_criteria ON trial (criteria_id, study_id, judge_id, id)",
        "CREATE INDEX trial_of_prompt ON trial (judge_prompt_id, study_id, judge_id, id)",
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
