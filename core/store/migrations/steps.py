"""The schema, as the ordered steps that every database has gone through.

A released step is never edited; a change is a new step in a module of its own, imported here in
order. `docs/schema.md` is generated from the result by `python -m core schema`.
"""

from core.store.migrations import (
    m001_first_house,
    m002_generation,
    m003_job_notes,
    m004_verdicts,
    m005_money,
    m006_accounts,
    m007_scoring,
    m008_figures,
    m009_assigning,
    m010_batches,
    m011_exams,
    m012_seals,
    m013_trials,
    m014_exam_subsets,
    m015_workers,
    m016_statements,
    m017_exam_unread,
    m018_known_models,
)
from core.store.migrations.base import migrations

__all__ = ["APPEND_ONLY", "migrations"]

_STEPS = (
    m001_first_house,
    m002_generation,
    m003_job_notes,
    m004_verdicts,
    m005_money,
    m006_accounts,
    m007_scoring,
    m008_figures,
    m009_assigning,
    m010_batches,
    m011_exams,
    m012_seals,
    m013_trials,
    m014_exam_subsets,
    m015_workers,
    m016_statements,
    m017_exam_unread,
    m018_known_models,
)
#: Study facts: tables whose rows are written once. Everything else may change.
APPEND_ONLY: tuple[str, ...] = tuple(table for step in _STEPS for table in step.APPEND_ONLY)
