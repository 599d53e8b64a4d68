"""The tables, views and triggers that the whole loop stands on."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

_TABLES = (
    # --- the benchmark ------------------------------------------------------------------
    """
    CREATE TABLE dataset (
      -- A benchmark as it was imported, under the name that commands call it by.
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      format TEXT NOT NULL,              -- reader in core/formats
      is_illustrative INTEGER NOT NULL CHECK (is_illustrative IN (0, 1)),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE dataset_marking (
      -- Whether a dataset's text may leave this machine; the last row counts.
      id INTEGER PRIMARY KEY,
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      marking TEXT NOT NULL CHECK (marking IN ('local', 'may_leave')),
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE release (
      -- A person's recorded permission to send a local dataset's text to one host.
      id INTEGER PRIMARY KEY,
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      host TEXT NOT NULL CHECK (host <> ''),
      purpose TEXT NOT NULL CHECK (purpose <> ''),
      basis TEXT NOT NULL CHECK (basis <> ''),   -- consent, approval, contract …
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE import_run (
      -- One file that was read into the database.
      id INTEGER PRIMARY KEY,
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      kind TEXT NOT NULL CHECK (kind IN ('questions', 'responses', 'scores')),
      file_name TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE personal_data_finding (
      -- A place in an imported text that looks like personal data; the text stays as it was.
      id INTEGER PRIMARY KEY,
      import_run_id INTEGER NOT NULL REFERENCES import_run,
      question_id INTEGER NOT NULL REFERENCES question,
      field TEXT NOT NULL,
      kind TEXT NOT NULL,
      start INTEGER NOT NULL,            -- characters from the start of the field
      length INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE conversation (
      -- Questions asked one after another; kept whole when a study is split.
      id INTEGER PRIMARY KEY,
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      category TEXT NOT NULL,            -- code: MK, MLU, MR, MSE, MTG …
      group_code TEXT NOT NULL,          -- the benchmark's own number, unique in its category
      UNIQUE (dataset_id, category, group_code)
    ) STRICT
    """,
    """
    CREATE TABLE question (
      -- One turn of a conversation. Its text is versioned in `criteria`.
      id INTEGER PRIMARY KEY,
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      conversation_id INTEGER NOT NULL REFERENCES conversation,
      turn INTEGER NOT NULL CHECK (turn >= 1),
      key TEXT NOT NULL,                 -- category:group:turn, e.g. MK:5:1
      category TEXT NOT NULL,
      language TEXT NOT NULL CHECK (language IN ('en', 'zh')),
      position INTEGER NOT NULL,         -- order of import: of the file, later additions last
      UNIQUE (dataset_id, key),
      UNIQUE (conversation_id, turn)
    ) STRICT
    """,
    """
    CREATE TABLE question_record (
      -- The imported record, to the letter, with the facets read from it; the last row counts.
      id INTEGER PRIMARY KEY,
      question_id INTEGER NOT NULL REFERENCES question,
      record TEXT NOT NULL,              -- JSON as imported (NaN included)
      category2 TEXT NOT NULL,           -- '' where the file gives none
      scene TEXT NOT NULL,
      difficulty TEXT NOT NULL CHECK (difficulty IN ('', 'easy', 'medium', 'hard')),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    # --- criteria -----------------------------------------------------------------------
    """
    CREATE TABLE criteria (
      -- What a response is measured by: question text, reference answer, checklist, as one version.
      id INTEGER PRIMARY KEY,
      question_id INTEGER NOT NULL REFERENCES question,
      version INTEGER NOT NULL CHECK (version >= 1),
      question_text TEXT NOT NULL,
      reference_answer TEXT NOT NULL,    -- '' where there is none
      checklist TEXT NOT NULL,           -- '' where there is none: an explicit empty one
      content_hash TEXT NOT NULL,        -- sha256 over the three texts
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (question_id, version),
      UNIQUE (question_id, content_hash)
    ) STRICT
    """,
    """
    CREATE TABLE requirement (
      -- A requirement's wording, shared by every version and question that has it.
      id INTEGER PRIMARY KEY,
      content_hash TEXT NOT NULL UNIQUE,
      text TEXT NOT NULL CHECK (text <> '')
    ) STRICT
    """,
    """
    CREATE TABLE criteria_requirement (
      -- The requirements of one criteria version, in order.
      criteria_id INTEGER NOT NULL REFERENCES criteria,
      position INTEGER NOT NULL CHECK (position >= 1),
      level TEXT NOT NULL CHECK (level IN ('core', 'secondary')),
      requirement_id INTEGER NOT NULL REFERENCES requirement,
      PRIMARY KEY (criteria_id, position)
    ) STRICT
    """,
    # --- studies ------------------------------------------------------------------------
    """
    CREATE TABLE study (
      -- Datasets, models, judges and settings that are looked at together.
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE study_dataset (
      -- The datasets of a study.
      study_id INTEGER NOT NULL REFERENCES study,
      dataset_id INTEGER NOT NULL REFERENCES dataset,
      PRIMARY KEY (study_id, dataset_id)
    ) STRICT
    """,
    """
    CREATE TABLE study_setting (
      -- Settings of a study; the last row of a name counts.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      name TEXT NOT NULL CHECK (name IN ('reveal')),
      value TEXT NOT NULL,
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      CHECK (name <> 'reveal' OR value IN ('never', 'batch_done', 'at_once'))
    ) STRICT
    """,
    """
    CREATE TABLE criteria_activation (
      -- Which criteria version a study uses for a question; the last row counts.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      question_id INTEGER NOT NULL REFERENCES question,
      criteria_id INTEGER NOT NULL REFERENCES criteria,
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    # --- raters -------------------------------------------------------------------------
    """
    CREATE TABLE person (
      -- Somebody who scores, revises or leads.
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      is_illustrative INTEGER NOT NULL CHECK (is_illustrative IN (0, 1)),
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE configuration (
      -- A judging model with its parameters.
      id INTEGER PRIMARY KEY,
      engine TEXT NOT NULL,              -- name in core/engines/catalogue, or 'imported'
      model TEXT NOT NULL,
      parameters TEXT NOT NULL,          -- JSON object, keys sorted
      UNIQUE (engine, model, parameters)
    ) STRICT
    """,
    """
    CREATE TABLE judge (
      -- A name for one configuration; its prompts are a log of activations.
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE CHECK (name <> ''),
      configuration_id INTEGER NOT NULL REFERENCES configuration,
      scale TEXT NOT NULL REFERENCES scale,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE judge_prompt (
      -- One version of a judge prompt. A judge that reads no prompt has the explicit empty one.
      id INTEGER PRIMARY KEY,
      category TEXT NOT NULL,            -- '*' with language '*': the empty prompt
      language TEXT NOT NULL,
      version INTEGER NOT NULL CHECK (version >= 1),
      text TEXT NOT NULL,
      content_hash TEXT NOT NULL,
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (category, language, version),
      UNIQUE (category, language, content_hash)
    ) STRICT
    """,
    """
    CREATE TABLE prompt_activation (
      -- Which prompt serves a judge in a study, per category and language; the last row counts.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      judge_id INTEGER NOT NULL REFERENCES judge,
      category TEXT NOT NULL,
      language TEXT NOT NULL,
      judge_prompt_id INTEGER NOT NULL REFERENCES judge_prompt,
      reason TEXT NOT NULL CHECK (reason <> ''),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE judging_plan (
      -- How often a judge scores each response of a study; the last row counts.
      id INTEGER PRIMARY KEY,
      study_id INTEGER NOT NULL REFERENCES study,
      judge_id INTEGER NOT NULL REFERENCES judge,
      rounds INTEGER NOT NULL CHECK (rounds >= 1),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE rater (
      -- Who gives an assessment: a person, or a configuration with one prompt version.
      id INTEGER PRIMARY KEY,
      person_id INTEGER UNIQUE REFERENCES person,
      configuration_id INTEGER REFERENCES configuration,
      judge_prompt_id INTEGER REFERENCES judge_prompt,
      UNIQUE (configuration_id, judge_prompt_id),
      CHECK ((person_id IS NULL) = (configuration_id IS NOT NULL)),
      CHECK ((configuration_id IS NULL) = (judge_prompt_id IS NULL))
    ) STRICT
    """,
    # --- responses and assessments ------------------------------------------------------
    """
    CREATE TABLE model (
      -- A model whose responses are judged, under the label that tables show.
      id INTEGER PRIMARY KEY,
      label TEXT NOT NULL UNIQUE CHECK (label <> '')
    ) STRICT
    """,
    """
    CREATE TABLE response (
      -- One model's answer to one question; the last attempt counts.
      id INTEGER PRIMARY KEY,
      question_id INTEGER NOT NULL REFERENCES question,
      model_id INTEGER NOT NULL REFERENCES model,
      sample INTEGER NOT NULL CHECK (sample >= 1),
      attempt INTEGER NOT NULL CHECK (attempt >= 1),
      criteria_id INTEGER NOT NULL REFERENCES criteria,  -- holds the question text that was asked
      text TEXT,
      absent_because TEXT,               -- 'empty', 'not_given' …
      origin TEXT NOT NULL CHECK (origin IN ('imported', 'generated')),
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (question_id, model_id, sample, attempt),
      CHECK ((text IS NULL) = (absent_because IS NOT NULL)),
      CHECK (text <> '')
    ) STRICT
    """,
    """
    CREATE TABLE scale (
      -- What a score's numbers mean.
      name TEXT PRIMARY KEY,
      minimum INTEGER NOT NULL,
      maximum INTEGER NOT NULL,
      usable_from INTEGER NOT NULL,
      CHECK (minimum < maximum AND usable_from BETWEEN minimum AND maximum)
    ) STRICT
    """,
    """
    CREATE TABLE exchange (
      -- What was sent to a judge and what came back, stored before it is read.
      id INTEGER PRIMARY KEY,
      response_id INTEGER NOT NULL REFERENCES response,
      rater_id INTEGER NOT NULL REFERENCES rater,
      criteria_id INTEGER NOT NULL REFERENCES criteria,
      purpose TEXT NOT NULL CHECK (purpose IN ('study', 'trial', 'noise')),
      round INTEGER NOT NULL CHECK (round >= 1),
      attempt INTEGER NOT NULL CHECK (attempt >= 1),
      prompt BLOB NOT NULL,              -- zlib-compressed UTF-8
      reply BLOB NOT NULL,               -- zlib-compressed UTF-8
      finish_reason TEXT NOT NULL,
      prompt_tokens INTEGER,             -- NULL where the engine does not count
      reply_tokens INTEGER,
      seconds REAL NOT NULL,
      job_id INTEGER REFERENCES job,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (response_id, rater_id, criteria_id, purpose, round, attempt)
    ) STRICT
    """,
    """
    CREATE TABLE assessment (
      -- A score on a named scale, or the reason why there is none.
      id INTEGER PRIMARY KEY,
      response_id INTEGER NOT NULL REFERENCES response,
      rater_id INTEGER NOT NULL REFERENCES rater,
      criteria_id INTEGER NOT NULL REFERENCES criteria,
      purpose TEXT NOT NULL CHECK (purpose IN ('study', 'trial', 'noise')),
      round INTEGER NOT NULL CHECK (round >= 1),     -- a judging repeat
      attempt INTEGER NOT NULL CHECK (attempt >= 1), -- the last one counts
      scale TEXT NOT NULL REFERENCES scale,
      value INTEGER,
      unscored_because TEXT,
      detail TEXT NOT NULL DEFAULT '',   -- what made it unreadable
      rationale TEXT NOT NULL DEFAULT '',
      safety_risk INTEGER CHECK (safety_risk IN (0, 1)),  -- NULL: not asked or not said
      claimed_phase TEXT NOT NULL
        CHECK (claimed_phase IN ('observed', 'blind', 'informed', 'unknown')),
      exchange_id INTEGER REFERENCES exchange,
      reason TEXT NOT NULL DEFAULT '',   -- why an earlier attempt was corrected
      seconds REAL,                      -- active time of a person
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (response_id, rater_id, criteria_id, purpose, round, attempt),
      CHECK ((value IS NULL) = (unscored_because IS NOT NULL)),
      CHECK (unscored_because <> '')
    ) STRICT
    """,
    """
    CREATE TABLE assessment_part (
      -- A mark within an assessment: per requirement, or per dimension.
      assessment_id INTEGER NOT NULL REFERENCES assessment,
      position INTEGER NOT NULL,
      requirement_id INTEGER REFERENCES requirement,
      dimension TEXT,
      value INTEGER NOT NULL,            -- requirement: 0 not met, 1 partly, 2 met
      quote TEXT NOT NULL DEFAULT '',
      PRIMARY KEY (assessment_id, position),
      CHECK ((requirement_id IS NULL) = (dimension IS NOT NULL))
    ) STRICT
    """,
    """
    CREATE TABLE exposure (
      -- Somebody was shown a judge's verdict or another person's score of a question.
      id INTEGER PRIMARY KEY,
      person_id INTEGER NOT NULL REFERENCES person,
      question_id INTEGER NOT NULL REFERENCES question,
      shown TEXT NOT NULL CHECK (shown IN ('machine_verdict', 'other_person')),
      page TEXT NOT NULL,
      after_assessment INTEGER NOT NULL, -- highest assessment id that existed by then
      created_at TEXT NOT NULL DEFAULT {now},
      UNIQUE (person_id, question_id, shown)
    ) STRICT
    """,
    # --- what may change ----------------------------------------------------------------
    """
    CREATE TABLE job (
      -- Long work: asked for by a page or a command, done by a worker.
      id INTEGER PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('judge', 'generate')),
      lane TEXT NOT NULL,                -- 'network', 'cpu', 'gpu:0' …
      subject TEXT NOT NULL,             -- two running jobs never share one
      study_id INTEGER NOT NULL REFERENCES study,
      plan TEXT NOT NULL,                -- JSON: what to do
      state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'failed')),
      is_cancel_asked INTEGER NOT NULL DEFAULT 0 CHECK (is_cancel_asked IN (0, 1)),
      total INTEGER,                     -- keys outstanding when it started
      done INTEGER NOT NULL DEFAULT 0,   -- keys committed, scored or unscored
      unscored INTEGER NOT NULL DEFAULT 0,
      error TEXT NOT NULL DEFAULT '',    -- code in the language catalogue
      error_values TEXT NOT NULL DEFAULT '{{}}',
      worker_id INTEGER REFERENCES worker,
      fence INTEGER NOT NULL DEFAULT 0,  -- grows with every claim
      lease_until REAL,                  -- Unix seconds
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT {now},
      started_at TEXT,
      finished_at TEXT
    ) STRICT
    """,
    """
    CREATE TABLE worker (
      -- A process that does jobs.
      id INTEGER PRIMARY KEY,
      pid INTEGER NOT NULL,
      process_started REAL NOT NULL,     -- Unix seconds; tells a reused pid apart
      seen_at REAL NOT NULL,             -- Unix seconds
      ended_at TEXT,
      created_at TEXT NOT NULL DEFAULT {now}
    ) STRICT
    """,
    """
    CREATE TABLE draft (
      -- What somebody has typed and not yet submitted.
      person_id INTEGER NOT NULL REFERENCES person,
      subject TEXT NOT NULL,             -- page, id and field
      text TEXT NOT NULL,
      updated_at TEXT NOT NULL DEFAULT {now},
      PRIMARY KEY (person_id, subject)
    ) STRICT
    """,
    """
    CREATE TABLE preference (
      -- How somebody likes the app: language, study.
      person_id INTEGER NOT NULL REFERENCES person,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (person_id, name)
    ) STRICT
    """,
)

_INDEXES = (
    "CREATE INDEX question_by_category ON question (dataset_id, category)",
    "CREATE INDEX question_record_last ON question_record (question_id, id)",
    "CREATE INDEX criteria_activation_last"
    " ON criteria_activation (study_id, question_id, id, criteria_id)",
    "CREATE INDEX prompt_activation_last"
    " ON prompt_activation (study_id, judge_id, category, language, id)",
    "CREATE INDEX response_by_model ON response (model_id, question_id)",
    "CREATE INDEX assessment_by_rater"
    " ON assessment (rater_id, purpose, response_id, criteria_id, round, attempt,"
    " value, unscored_because)",
    "CREATE UNIQUE INDEX job_one_running ON job (subject) WHERE state = 'running'",
    "CREATE INDEX finding_by_import ON personal_data_finding (import_run_id, kind)",
)

_VIEWS = (
    """
    CREATE VIEW current_response AS
      -- The last attempt of every response.
      SELECT * FROM response WHERE NOT EXISTS (
        SELECT 1 FROM response AS later
        WHERE later.question_id = response.question_id AND later.model_id = response.model_id
          AND later.sample = response.sample AND later.attempt > response.attempt)
    """,
    """
    CREATE VIEW current_record AS
      -- The facets of every question as last imported.
      SELECT * FROM question_record WHERE NOT EXISTS (
        SELECT 1 FROM question_record AS later
        WHERE later.question_id = question_record.question_id AND later.id > question_record.id)
    """,
    """
    CREATE VIEW active_criteria AS
      -- The criteria version that each study uses for each question.
      SELECT study_id, question_id, criteria_id FROM criteria_activation WHERE NOT EXISTS (
        SELECT 1 FROM criteria_activation AS later
        WHERE later.study_id = criteria_activation.study_id
          AND later.question_id = criteria_activation.question_id
          AND later.id > criteria_activation.id)
    """,
    """
    CREATE VIEW active_rater AS
      -- The rater (configuration and prompt) by which a judge scores, per category and language.
      SELECT activation.study_id, activation.judge_id, activation.category, activation.language,
             rater.id AS rater_id, rater.judge_prompt_id
      FROM prompt_activation AS activation
      JOIN judge ON judge.id = activation.judge_id
      JOIN rater ON rater.configuration_id = judge.configuration_id
                AND rater.judge_prompt_id = activation.judge_prompt_id
      WHERE NOT EXISTS (
        SELECT 1 FROM prompt_activation AS later
        WHERE later.study_id = activation.study_id AND later.judge_id = activation.judge_id
          AND later.category = activation.category AND later.language = activation.language
          AND later.id > activation.id)
    """,
    """
    CREATE VIEW active_plan AS
      -- The judges of a study with their number of rounds.
      SELECT study_id, judge_id, rounds FROM judging_plan WHERE NOT EXISTS (
        SELECT 1 FROM judging_plan AS later
        WHERE later.study_id = judging_plan.study_id AND later.judge_id = judging_plan.judge_id
          AND later.id > judging_plan.id)
    """,
    """
    CREATE VIEW human_assessment AS
      -- Every score of a person with its phase: blind only if nothing had been shown before.
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
    """,
)

#: Study facts: rows that are written once. Everything else may change.
APPEND_ONLY = (
    "dataset", "dataset_marking", "release", "import_run", "personal_data_finding",
    "conversation", "question", "question_record", "criteria", "requirement",
    "criteria_requirement", "study", "study_dataset", "study_setting", "criteria_activation",
    "configuration", "judge", "judge_prompt", "prompt_activation", "judging_plan", "rater",
    "model", "response", "scale", "exchange", "assessment", "assessment_part", "exposure",
)  # fmt: skip


@migrations()
def m001_first_house(db: Database) -> None:
    """Create the tables, views and triggers that the whole loop stands on."""
    create(db, (*_TABLES, *_INDEXES, *_VIEWS))
    make_append_only(db, APPEND_ONLY)
    db.execute(
        "INSERT INTO scale (name, minimum, maximum, usable_from) VALUES"
        " ('score 1-5', 1, 5, 4), ('released 0-5', 0, 5, 4), ('MTG 0-7', 0, 7, 5),"
        " ('right or wrong', 0, 1, 1)"
    )
    db.execute(
        "CREATE TRIGGER assessment_within_scale BEFORE INSERT ON assessment"
        " WHEN NEW.value IS NOT NULL AND NOT EXISTS (SELECT 1 FROM scale"
        "   WHERE name = NEW.scale AND NEW.value BETWEEN minimum AND maximum)"
        " BEGIN SELECT RAISE(ABORT, 'score outside its scale'); END"
    )
