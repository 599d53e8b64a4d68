"""Commands about seals: what is held back from those who revise, and who opened it."""

from dataclasses import asdict

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, reason_of, words
from core.services import sealing
from core.services.naming import question_of_study, study_of_dataset
from core.store import questions
from core.store.database import Store
from core.store.seals import Opening
from core.store.studies import Study


@main.group("seal")
def seal_group() -> None:
    """What is held back from those who revise, so that it can test what they made."""


@command(seal_group, "draw", writes=True)
@click.option("--dataset", required=True)
@click.option("--salt", default="", help="Orders the draw.  [default: at random]")
@click.option(
    "--held-out", type=float, default=sealing.HELD_OUT, show_default=True,
    help="Share of the conversations of each category.",
)  # fmt: skip
def draw(terminal: Terminal, *, dataset: str, salt: str, held_out: float) -> None:
    """Draw what is held out, once. Without this it is drawn when it is first needed."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        sealing.draw(store, study, salt=salt, held_out=held_out, by=terminal.by)
        _show(terminal, store, study)


@command(seal_group, "show")
@click.option("--dataset", required=True)
def show(terminal: Terminal, *, dataset: str) -> None:
    """How much is held back, and every opening: what, by whom, when, why."""
    with terminal.store() as store:
        _show(terminal, store, study_of_dataset(store, dataset))


@command(seal_group, "open", writes=True)
@click.option("--dataset", required=True)
@click.option("--question", "key", required=True, help="Its whole conversation is opened.")
@click.option("--reason", required=True)
def open_(terminal: Terminal, *, dataset: str, key: str, reason: str) -> None:
    """Open a held-out conversation to those who revise, for good; the opening is recorded."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        question = question_of_study(store, study, key)
        sealing.open_question(store, study, question, reason=reason, by=terminal.by)
    terminal.show({"opened": key}, words("seal_opened", subject=key))


def _show(terminal: Terminal, store: Store, study: Study) -> None:
    seals = sealing.seals_of(store, study)
    openings = sealing.openings_of(store, study)
    known = questions.questions_of_study(store, study.id)
    held_out = [one.key for one in known if one.id in seals.held_out]
    counts = {
        "study": study.name, "dev": len(known) - len(held_out), "check": len(seals.check),
    }  # fmt: skip
    line = words("seals", held_out=len(held_out), opened=len(openings), **counts)
    terminal.show(
        {**counts, "held_out": held_out, "openings": [asdict(one) for one in openings]},
        "\n".join([line, *map(_opening, openings)]),
    )


def _opening(found: Opening) -> str:
    return words(
        "seal_opening", time=found.created_at[:16].replace("T", " "), by=found.created_by,
        subject=f"{found.subject} {found.model}".rstrip(), reason=reason_of(found.reason),
    )  # fmt: skip
