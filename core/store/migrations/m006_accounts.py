"""Who may sign in, with which rights, and what was changed about that."""

from sqlite_utils import Database

from core.store.migrations.base import create, make_append_only, migrations

APPEND_ONLY = ("account_event",)


@migrations()
def m006_accounts(db: Database) -> None:
    """Give people accounts with rights, and remember who is signed in."""
    statements = (
        """
        CREATE TABLE account (
          -- How a person signs in. A person without an account is an author of scores and texts.
          person_id INTEGER PRIMARY KEY REFERENCES person,
          password_hash TEXT,                -- argon2id, salted; NULL: no password opens it
          oidc_subject TEXT UNIQUE,          -- subject or verified e-mail address of single sign-on
          is_disabled INTEGER NOT NULL DEFAULT 0 CHECK (is_disabled IN (0, 1)),
          signed_out_at REAL NOT NULL DEFAULT 0,  -- Unix seconds; single sign-on must be newer
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE account_right (
          -- What an account may do; it may have several rights.
          person_id INTEGER NOT NULL REFERENCES account,
          name TEXT NOT NULL
            CHECK (name IN ('physician', 'adjudicator', 'lead', 'administrator')),
          PRIMARY KEY (person_id, name)
        ) STRICT
        """,
        """
        CREATE TABLE account_event (
          -- Every change of an account: what, by whom, when, and why.
          id INTEGER PRIMARY KEY,
          person_id INTEGER NOT NULL REFERENCES person,
          what TEXT NOT NULL CHECK (what IN ('added', 'rights', 'password', 'disabled', 'enabled')),
          rights TEXT NOT NULL,              -- those it has from then on, separated by blanks
          reason TEXT NOT NULL CHECK (reason <> ''),
          created_by TEXT NOT NULL,
          created_at TEXT NOT NULL DEFAULT {now}
        ) STRICT
        """,
        """
        CREATE TABLE auth_session (
          -- A browser that is signed in. The browser has the token; here is only its hash.
          token_hash TEXT PRIMARY KEY,
          person_id INTEGER NOT NULL REFERENCES account,
          is_ticket INTEGER NOT NULL CHECK (is_ticket IN (0, 1)),  -- opens nothing: to be exchanged
          seen_at REAL NOT NULL,             -- Unix seconds
          ends_at REAL NOT NULL              -- Unix seconds, however often it is seen
        ) STRICT
        """,
        """
        CREATE TABLE sign_in_failure (
          -- Failed sign-ins in a row, which slow the next one down.
          subject TEXT PRIMARY KEY,          -- hash of a name or of an address
          count INTEGER NOT NULL,
          last_at REAL NOT NULL              -- Unix seconds
        ) STRICT
        """,
        "CREATE INDEX auth_session_by_person ON auth_session (person_id)",
    )
    create(db, statements)
    make_append_only(db, APPEND_ONLY)
