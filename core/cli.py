"""The command line: `main` with every command, each a thin face on a service."""

from core.commands import (
    assigning,
    data,
    figures,
    people,
    runs,
    scoring,
)
from core.commands.root import main

#: Modules whose commands hang on `main` from their import on.
COMMANDS = (
    assigning,
    data,
    figures,
    people,
    runs,
    scoring,
)

__all__ = ["COMMANDS", "main"]
