"""What the figures of a study are made with: juries, groups of models, questions left out."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("jury", "jury_member", "model_group", "question_exclusion")


@migrations()
def m008_figures(db: Database) -> None:
    """Let judges form juries, models form groups, and a lead leave questions out."""
    statements = (
        """
        CREATE TABLE jury (
          -- A named set of judges that score together by a rule.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          name TEXT NOT NULL CHECK (name <> ''),
          rule TEXT NOT NULL CHECK (rule IN ('mean', 'median', 'majority')),
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now},
          UNIQUE (study_id, name)
        ) STRICT
        """,
        """
        CREATE TABLE jury_member (
          -- The judges of a jury.
          jury_id INTEGER NOT NULL REFERENCES jury,
          judge_id INTEGER NOT NULL REFERENCES judge,
          PRIMARY KEY (jury_id, judge_id)
        ) STRICT
        """,
        """
        CREATE TABLE model_group (
          -- Under which heading a study's tables show a model; the last row counts.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          model_id INTEGER NOT NULL REFERENCES model,
          kind TEXT NOT NULL CHECK (kind IN ('open', 'closed', 'specialised')),
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE question_exclusion (
          -- A question that a study's figures leave out from then on, or take back in; the last
          -- row of a question counts.
          id INTEGER PRIMARY KEY,
          study_id INTEGER NOT NULL REFERENCES study,
          question_id INTEGER NOT NULL REFERENCES question,
          is_excluded INTEGER NOT NULL CHECK (is_excluded IN (0, 1)),
          reason TEXT NOT NULL CHECK (reason <> ''),
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        "CREATE INDEX model_group_last ON model_group (study_id, model_id, id)",
        "CREATE INDEX question_exclusion_last ON question_exclusion (study_id, question_id, id)",
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
