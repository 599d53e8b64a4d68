"""What every step is made with."""

from collections.abc import Sequence

from sqlite_utils import Database, Migrations

migrations = Migrations("attending")

NOW = "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"


def create(db: Database, statements: Sequence[str]) -> None:
    """Run statements in order; `{now}` in them is the present time in UTC."""
    for statement in statements:
        db.execute(statement.format(now=NOW))


def make_append_only(db: Database, tables: Sequence[str]) -> None:
    """Forbid changing and deleting the rows of tables that hold study facts."""
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
