"""Commands that carry a judge to another house: judge-card export and import."""

from dataclasses import asdict
from pathlib import Path

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, words
from core.services import carrying
from core.services.judging import judge_of_study
from core.services.naming import study_of_dataset


@main.group("judge-card")
def card_group() -> None:
    """A judge as one file: model, parameters, prompts, criteria, its hash and how it agreed."""


@command(card_group, "export")
@click.option("--dataset", required=True)
@click.option("--judge", help="[default: the newest judge]")
@click.option("--out", type=FILE, required=True)
def export_command(terminal: Terminal, *, dataset: str, judge: str | None, out: Path) -> None:
    """Write a judge card; it holds the study's questions and reference answers."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, _ = judge_of_study(store, study, judge)
        card = carrying.export_card(store, study, chosen, out)
    said = {"judge": card.name, "file": str(out), "sha256": card.content_hash}
    terminal.show(
        {**said, "prompts": len(card.prompts), "criteria": len(card.criteria)},
        words("card_exported", **said),
    )


@command(card_group, "import", writes=True)
@click.argument("file", type=FILE)
@click.option("--dataset", required=True)
@click.option("--name", default="", help="[default: the card's]")
def import_command(terminal: Terminal, *, file: Path, dataset: str, name: str) -> None:
    """Let a card's judge take part in a study; its criteria are proposed, and not used yet."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        done = carrying.import_card(store, study, file, name=name, by=terminal.by)
    said = asdict(done)
    del said["record"]
    terminal.show(asdict(done), words("card_imported", **said))
