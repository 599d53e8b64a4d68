"""The command that copies the database."""

from pathlib import Path

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, words
from core.services import backing_up


@command(main, "backup")
@click.option("--to", "to", type=FILE, help="The new file.  [default: in backups/ there]")
def backup_command(terminal: Terminal, *, to: Path | None) -> None:
    """Copy the whole database while people go on working; the copy is checked.

    To go back, stop the app and put the copy in the database's place.
    """
    with terminal.store() as store:
        made = backing_up.back_up(store, to)
    megabytes = f"{made.bytes / 1_000_000:.1f}"
    terminal.show(
        {"path": str(made.path), "bytes": made.bytes},
        words("backup", path=made.path, megabytes=megabytes),
    )
