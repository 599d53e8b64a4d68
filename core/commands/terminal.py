"""What every command shares: database, author, JSON, and one-sentence errors."""

import functools
import getpass
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from core.domain.questions import Language
from core.errors import AttendingError, DatabaseRefused
from core.i18n import error_sentence, sentence, written_reason
from core.services.opening import ensure_workbench
from core.store.database import Store, opened

#: A file given on the command line.
FILE = click.Path(path_type=Path)
DEFAULT_DATABASE = Path("data/workbench.db")


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command works, for whom, and how it speaks."""

    path: Path
    is_json: bool
    by: str
    may_create: bool

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The database, made ready; a command that only reads does not create one."""
        if not self.may_create and not self.path.exists():
            raise DatabaseRefused("no_database", path=str(self.path))
        ensure_workbench(self.path)
        with opened(self.path) as store:
            yield store

    def show(self, found: dict[str, Any], text: str) -> None:
        """Print an object for machines, or a text for people."""
        if self.is_json:
            click.echo(json.dumps(found, ensure_ascii=False))
        else:
            click.echo(text)

    def progress(self, text: str) -> Callable[[int, int], None]:
        """Shows how much is done of a total: on stderr, one line of a terminal, never in a file."""

        def show(done: int, total: int) -> None:
            if sys.stderr.isatty():
                end = "\n" if done == total else "\r"
                click.echo(words(text, done=done, total=total) + end, nl=False, err=True)

        return show


def command(group: click.Group, name: str, *, writes: bool = False) -> Callable[..., Any]:
    """Register a command that gets a `Terminal`, `--db` and `--json`, and `--as` if it writes."""

    def registered(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(*, db: Path, is_json: bool, by: str = "", **options: Any) -> None:
            with told_in_one_sentence():
                function(Terminal(db, is_json, by, writes), **options)

        found: Callable[..., None] = run
        if writes:
            found = click.option(
                "--as", "by", default=_system_user, envvar="ATTENDING_USER", show_envvar=True,
                metavar="NAME", help="Who does it.  [default: the system user]",
            )(found)  # fmt: skip
        found = click.option("--json", "is_json", is_flag=True, help="Print JSON.")(found)
        found = click.option(
            "--db", type=click.Path(dir_okay=False, path_type=Path), default=DEFAULT_DATABASE,
            envvar="ATTENDING_DB", show_default=True, show_envvar=True, help="The database.",
        )(found)  # fmt: skip
        return group.command(name)(found)

    return registered


@contextmanager
def told_in_one_sentence() -> Iterator[None]:
    """Turn an error of ours into a sentence on stderr and exit status 2."""
    try:
        yield
    except AttendingError as error:
        click.echo(f"attending: {error_sentence(language(), error)}", err=True)
        sys.exit(2)


def language() -> Language:
    """The language that the command line speaks: `--lang`, or that of the terminal."""
    context = click.get_current_context(silent=True)
    chosen: Language | None = None if context is None else context.find_root().params.get("lang")
    return chosen or _system_language()


def text_of(key: str, /, **values: object) -> str:
    """A text of the catalogue in the language of the command line."""
    return sentence(language(), key, **values)


def words(text: str, /, **values: object) -> str:
    """A text that only the command line has."""
    return text_of(f"cli.{text}", **values)


def command_line(*parts: str) -> str:
    """A command of this program as it can be typed, with names in quotes where they need them."""
    return shlex.join(["python", "-m", "core", *parts])


def listed(names: Iterable[object]) -> str:
    """Names one after another, as the language of the command line parts them."""
    return text_of("right.and").join(map(str, names)) or text_of("words.none")


def reason_of(reason: str) -> str:
    """A reason as it was given; one that the program wrote in the language of the command line."""
    return written_reason(language(), reason)


def _system_language() -> Language:
    """As POSIX names it: the first of these variables that is set."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    named = next((found for name in names if (found := os.environ.get(name))), "")
    return "zh" if named.startswith("zh") else "en"


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return os.environ.get("USER") or "unknown"
