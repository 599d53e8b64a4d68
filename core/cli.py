"""The command line: `main` with every command, each a thin face on a service."""

from core.commands import audit, data, figures, people, prompts, runs, users
from core.commands.root import main

#: Modules whose commands hang on `main` from their import on.
COMMANDS = (audit, data, figures, people, prompts, runs, users)

__all__ = ["COMMANDS", "main"]
