"""The command line: `main` with every command, each a thin face on a service."""

from core.commands import (
    agreement,
    assigning,
    audit,
    backups,
    cards,
    data,
    exams,
    figures,
    formats,
    juries,
    leaderboard,
    people,
    physicians,
    prompts,
    reports,
    revision,
    runs,
    scoring,
    seals,
    searches,
    suggestions,
    tables,
    trials,
    users,
)
from core.commands.root import main

#: Modules whose commands hang on `main` from their import on.
COMMANDS = (
    agreement,
    assigning,
    audit,
    backups,
    cards,
    data,
    exams,
    figures,
    formats,
    juries,
    leaderboard,
    people,
    physicians,
    prompts,
    reports,
    revision,
    runs,
    scoring,
    seals,
    searches,
    suggestions,
    tables,
    trials,
    users,
)

__all__ = ["COMMANDS", "main"]
