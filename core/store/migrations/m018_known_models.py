"""What models had answered of an exam when a part of it was drawn."""

from sqlite_utils import Database

from core.store.migrations.base import create, migrations

#: No table is new here.
APPEND_ONLY: tuple[str, ...] = ()


@migrations()
def m018_known_models(db: Database) -> None:
    """Keep with a subset how models did on the whole exam, which its estimates are made by."""
    statement = """
        ALTER TABLE exam_subset ADD COLUMN
          /* JSON object: stratum to the shares that models answered right by then */
          known TEXT NOT NULL DEFAULT '{{}}'
    """
    create(db, (statement,))
