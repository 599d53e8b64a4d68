"""The command that finds words in a study's texts."""

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, text_of, words
from core.services.naming import study_of_dataset
from core.services.searching import search_everything


@command(main, "search")
@click.argument("text", nargs=-1, required=True)
@click.option("--dataset", required=True)
def search_command(terminal: Terminal, *, text: tuple[str, ...], dataset: str) -> None:
    """Where words stand in questions, checklists, responses and comments; all in one text."""
    with terminal.store() as store:
        found = search_everything(store, study_of_dataset(store, dataset), " ".join(text))
    said = [
        {"where": one.place.where, "question": one.place.question,
         "response": one.place.response_id, "text": one.place.text}
        for one in found
    ]  # fmt: skip
    lines = [
        words(
            "found", where=text_of(f"search.in.{one.place.where}"), key=one.place.question,
            text="".join(f"[{part}]" if at % 2 else part for at, part in enumerate(one.parts)),
        ).replace("\n", " ")
        for one in found
    ]  # fmt: skip
    terminal.show({"dataset": dataset, "places": said}, "\n".join(lines) or text_of("search.none"))
