"""What jobs cost: the tokens that they took and the price that they were started with."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("job_price",)

#: A call's tokens, added to the sums of its job; NEW is an exchange or a generation.
_ADD = """
    INSERT INTO job_tokens (job_id, rater_id, model_id, dataset_id, category, calls, uncounted,
                            prompt_tokens, cached_tokens, reply_tokens)
    SELECT NEW.job_id, {rater}, response.model_id, question.dataset_id, question.category, 1,
           NEW.prompt_tokens IS NULL OR NEW.reply_tokens IS NULL,
           iif(NEW.reply_tokens IS NULL, 0, coalesce(NEW.prompt_tokens, 0)),
           NEW.cached_tokens,
           iif(NEW.prompt_tokens IS NULL, 0, coalesce(NEW.reply_tokens, 0))
    FROM response JOIN question ON question.id = response.question_id
    WHERE response.id = NEW.response_id
    ON CONFLICT DO UPDATE SET
      calls = calls + 1,
      uncounted = uncounted + excluded.uncounted,
      prompt_tokens = prompt_tokens + excluded.prompt_tokens,
      cached_tokens = iif(excluded.cached_tokens IS NULL, cached_tokens,
                          coalesce(cached_tokens, 0) + excluded.cached_tokens),
      reply_tokens = reply_tokens + excluded.reply_tokens;
"""


@migrations()
def m005_money(db: Database) -> None:
    """Count every job's tokens as they are stored, and keep the price that it was started with."""
    statements = (
        # prompt tokens that the endpoint had cached; NULL where it does not say
        "ALTER TABLE exchange ADD COLUMN cached_tokens INTEGER",
        "ALTER TABLE generation ADD COLUMN cached_tokens INTEGER",
        """
        CREATE TABLE job_price (
          -- What a million tokens cost when a job was queued; no row: nobody knew.
          job_id INTEGER PRIMARY KEY REFERENCES job,
          entry TEXT NOT NULL,               -- name or pattern in the price file
          currency TEXT NOT NULL,
          prompt REAL NOT NULL CHECK (prompt >= 0),
          cached_prompt REAL CHECK (cached_prompt >= 0),  -- NULL: as all prompt tokens
          reply REAL NOT NULL CHECK (reply >= 0),
          discount REAL NOT NULL CHECK (discount BETWEEN 0 AND 1),  -- share taken off
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE job_tokens (
          -- Sums over the exchanges and generations of a job, kept by triggers on both.
          job_id INTEGER NOT NULL REFERENCES job,
          rater_id INTEGER NOT NULL,         -- the judge's; 0 for generated responses
          model_id INTEGER NOT NULL REFERENCES model,  -- whose responses
          dataset_id INTEGER NOT NULL REFERENCES dataset,
          category TEXT NOT NULL,
          calls INTEGER NOT NULL,
          uncounted INTEGER NOT NULL,        -- calls whose tokens nobody counted
          prompt_tokens INTEGER NOT NULL,
          cached_tokens INTEGER,             -- of the prompt tokens; NULL: nobody said
          reply_tokens INTEGER NOT NULL,
          PRIMARY KEY (job_id, rater_id, model_id, dataset_id, category)
        ) STRICT, WITHOUT ROWID
        """,
        f"""
        CREATE TRIGGER exchange_counts AFTER INSERT ON exchange WHEN NEW.job_id IS NOT NULL
        BEGIN {_ADD.format(rater="NEW.rater_id")} END
        """,
        f"""
        CREATE TRIGGER generation_counts AFTER INSERT ON generation
        BEGIN {_ADD.format(rater="0")} END
        """,
        _sums_of("exchange", "exchange.rater_id"),
        _sums_of("generation", "0"),
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)


def _sums_of(table: str, rater: str) -> str:
    """What earlier versions have stored already."""
    counted = f"{table}.prompt_tokens IS NOT NULL AND {table}.reply_tokens IS NOT NULL"
    return f"""
        INSERT INTO job_tokens
        SELECT job_id, {rater}, model_id, dataset_id, category, count(*), sum(NOT ({counted})),
               sum(iif({counted}, prompt_tokens, 0)), NULL, sum(iif({counted}, reply_tokens, 0))
        FROM {table} JOIN response ON response.id = {table}.response_id
        JOIN question ON question.id = response.question_id
        WHERE job_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    """
