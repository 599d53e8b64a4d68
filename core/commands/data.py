"""Commands about what the database holds: set-up, import, release, export, schema."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, command_line, words
from core.errors import Refused
from core.services import exporting
from core.services.importing import Imported, personal_data
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.importing_scores import ScoreImport, import_scores
from core.services.opening import ensure_sample
from core.services.releasing import release
from core.store import schema
from core.worker.running import do_in_foreground


@command(main, "init", writes=True)
@click.option("--sample", is_flag=True, help="Import and judge the illustrative study.")
def init(terminal: Terminal, *, sample: bool) -> None:
    """Create the database."""
    with terminal.store() as store:
        job_id = ensure_sample(store.path) if sample else None
    if job_id is not None:
        do_in_foreground(terminal.path, job_id)
    terminal.show(
        {"database": str(terminal.path), "sample": job_id is not None},
        words("init", path=terminal.path),
    )


@main.group("import")
def import_group() -> None:
    """Read a file into the database: all of it, or nothing."""


@command(import_group, "llmeval-med", writes=True)
@click.argument("file", type=FILE)
@click.option("--name", default="llmeval-med", show_default=True, help="Name of the dataset.")
@click.option("--reason", default="", help="Why texts changed, when importing over a dataset.")
@click.option("--may-leave", is_flag=True, help="The texts may be sent to any judge's address.")
def import_llmeval_med(
    terminal: Terminal, *, file: Path, name: str, reason: str, may_leave: bool
) -> None:
    """Import a benchmark in LLMEval-Med's five-key shape."""
    with terminal.store() as store:
        done = import_questions(store, file, QuestionImport(name, terminal.by, reason, may_leave))
    terminal.show(asdict(done), imported_words("questions", done))


@command(import_group, "responses", writes=True)
@click.argument("file", type=FILE)
@click.option("--dataset", required=True)
@click.option("--model", required=True, help="Label of the model that answered.")
@click.option("--sample", default=1, show_default=True, help="Which sample, where none is given.")
@click.option("--judge", default="imported", show_default=True, help="Name for released scores.")
def import_responses_command(
    terminal: Terminal, *, file: Path, dataset: str, model: str, sample: int, judge: str
) -> None:
    """Import responses made elsewhere: the five-key shape, or rows (JSONL, CSV).

    Rows have the fields question (a key such as MK:5:1), response and optionally sample.
    """
    with terminal.store() as store:
        done = import_responses(
            store, file, ResponseImport(dataset, model, terminal.by, sample, judge)
        )
    terminal.show(asdict(done), imported_words("responses", done))


@command(import_group, "scores", writes=True)
@click.argument("file", type=FILE)
@click.option("--dataset", required=True)
@click.option(
    "--phase", type=click.Choice(["blind", "informed", "unknown"]), default="unknown",
    show_default=True, help="Whether the scores were given blind, where a row does not say.",
)  # fmt: skip
def import_scores_command(
    terminal: Terminal,
    *,
    file: Path,
    dataset: str,
    phase: Literal["blind", "informed", "unknown"],
) -> None:
    """Import physicians' 1-5 scores from rows (JSONL, CSV).

    Fields: question, model, physician, score; optionally sample, phase, safety_risk, comment.
    """
    with terminal.store() as store:
        done = import_scores(store, file, ScoreImport(dataset, phase, terminal.by))
    terminal.show(asdict(done), words("imported_scores", **asdict(done)))


@command(main, "personal-data")
@click.option("--dataset", required=True)
def personal_data_command(terminal: Terminal, *, dataset: str) -> None:
    """List what looked like personal data when it was imported."""
    with terminal.store() as store:
        found = personal_data(store, dataset)
    names = ("question", "field", "kind", "start", "length")
    terminal.show(
        {"dataset": dataset, "findings": [dict(zip(names, row, strict=True)) for row in found]},
        "\n".join(f"{key}\t{field}\t{kind}\t{start}+{length}"
                  for key, field, kind, start, length in found) or words("no_personal_data"),
    )  # fmt: skip


@command(main, "release", writes=True)
@click.option("--dataset", required=True)
@click.option("--host", required=True, help="Host name that the text may be sent to.")
@click.option("--purpose", required=True)
@click.option("--basis", required=True, help="Consent, approval, contract …")
def release_command(
    terminal: Terminal, *, dataset: str, host: str, purpose: str, basis: str
) -> None:
    """Record that a local dataset's text may be sent to one host."""
    with terminal.store() as store:
        release(store, dataset, host, purpose=purpose, basis=basis, by=terminal.by)
    terminal.show({"dataset": dataset, "host": host}, words("released", dataset=dataset, host=host))


@main.group("export")
def export_group() -> None:
    """Write results to a file."""


@command(export_group, "llmeval-med")
@click.option("--dataset", required=True)
@click.option("--model", required=True)
@click.option("--judge", help="[default: the newest judge]")
@click.option("--sample", default=1, show_default=True)
@click.option("--round", "round_", default="mean", show_default=True, help="A number, or mean.")
@click.option("--out", type=FILE, required=True)
def export_command(
    terminal: Terminal,
    *,
    dataset: str,
    model: str,
    judge: str | None,
    sample: int,
    round_: str,
    out: Path,
) -> None:
    """Write a model's responses and scores in the released five-key shape."""
    if round_ != "mean" and not round_.isdecimal():
        raise Refused("bad_round", round=round_)
    wanted = None if round_ == "mean" else int(round_)
    with terminal.store() as store:
        done = exporting.export_llmeval_med(
            store, exporting.Export(dataset, model, judge, sample, wanted), out
        )
    terminal.show({"file": str(out), **asdict(done)}, words("exported", file=out, **asdict(done)))


@main.command("schema")
def schema_command() -> None:
    """Print docs/schema.md."""
    click.echo(schema.document(), nl=False)


def imported_words(what: Literal["questions", "responses"], done: Imported) -> str:
    """What an import did, a line for each thing that there is something to say of."""
    lines = [words(f"imported_{what}", **asdict(done))]
    if done.absent:
        lines.append(words(f"imported_absent_{what}", n=done.absent))
    if done.kept_revised:
        lines.append(words("imported_kept_revised", n=done.kept_revised))
    if done.scored or done.unscored:
        lines.append(words("imported_released", scored=done.scored, unscored=done.unscored))
    if done.unrecognised:
        lines.append(words("imported_unrecognised", n=done.unrecognised))
    if personal := sum(done.personal.values()):
        listing = command_line("personal-data", "--dataset", done.dataset)
        lines.append(words("imported_personal", n=personal, command=listing))
    return "\n".join(lines)
