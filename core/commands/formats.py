"""Commands about file formats: import a benchmark in one of them, and guess which a file has."""

from dataclasses import asdict
from pathlib import Path

import click

from core.commands.data import import_group, imported_words
from core.commands.terminal import FILE, Terminal, command, text_of, words
from core.formats.catalogue import FORMATS, guessed
from core.formats.declaring import Format
from core.i18n import sentence
from core.services.importing_questions import QuestionImport, import_benchmark


@command(import_group, "guess")
@click.argument("file", type=FILE)
def guess_command(terminal: Terminal, *, file: Path) -> None:
    """Say which format a file seems to have, and why; nothing is imported."""
    found = guessed(file)
    because = text_of(f"guess.{found.because}", fields=", ".join(found.fields))
    text = "guess" if found.format else "guess_none"
    terminal.show(
        {"file": str(file), "format": found.format or None, "fields": found.fields},
        words(text, file=file.name, format=found.format, because=because),
    )


def _register(format_: Format) -> None:
    """Add the command that imports a format."""

    @command(import_group, format_.name, writes=True)
    @click.argument("file", type=FILE)
    @click.option("--name", default=format_.name, show_default=True, help="Name of the dataset.")
    @click.option("--study", default="", help="A study that looks at it too.  [default: its own]")
    @click.option("--reason", default="", help="Why texts changed, importing over a dataset.")
    @click.option("--may-leave", is_flag=True, help="The texts may be sent to any address.")
    def import_one(
        terminal: Terminal, *, file: Path, name: str, study: str, reason: str, may_leave: bool
    ) -> None:
        options = QuestionImport(
            name, terminal.by, reason, may_leave, study=study,
            progress=terminal.progress("import_progress"),
        )  # fmt: skip
        with terminal.store() as store:
            done = import_benchmark(store, file, format_, options)
        terminal.show(asdict(done), imported_words("questions", done))

    about = sentence("en", f"format.{format_.name}")
    import_one.help = sentence("en", "cli.import_format", format=format_.name, about=about)


for _format in FORMATS.values():
    _register(_format)
