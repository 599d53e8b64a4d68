"""The schema, as the ordered steps that every database has gone through.

A released step is never edited; a change is a new step in a module of its own, imported here in
order. `docs/schema.md` is generated from the result by `python -m core schema`.
"""

from core.store.migrations import (
    m001_first_house,
    m002_generation,
    m004_verdicts,
    m005_money,
    m006_accounts,
)
from core.store.migrations.base import migrations

__all__ = ["APPEND_ONLY", "m004_verdicts", "migrations"]

#: Study facts: tables whose rows are written once. Everything else may change.
APPEND_ONLY = (
    *m001_first_house.APPEND_ONLY,
    *m002_generation.APPEND_ONLY,
    *m005_money.APPEND_ONLY,
    *m006_accounts.APPEND_ONLY,
)
