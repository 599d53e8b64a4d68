"""Commands about the methods report: write it, and state what it says of the study."""

from pathlib import Path

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, language, text_of, words
from core.domain.questions import Language
from core.errors import Refused
from core.reports.methods import methods_html, methods_markdown
from core.services import describing
from core.services.empanelling import panel_of_study
from core.services.exporting import write_whole
from core.services.naming import study_of_dataset
from core.store.statements import NAMES, Name

_WRITERS = {".md": methods_markdown, ".html": methods_html}


@command(main, "report")
@click.option("--dataset", required=True)
@click.option("--judge", help="This judge or jury.  [default: the newest judge]")
@click.option(
    "--language", "wanted", type=click.Choice(["en", "zh"]), help="[default: as commands answer]"
)
@click.option("--out", type=FILE, required=True, help="Its suffix says how: .md or .html.")
def report(
    terminal: Terminal, *, dataset: str, judge: str | None, wanted: Language | None, out: Path
) -> None:
    """Write the methods report: design, versions, agreement, leaderboard, formulas, rows."""
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise Refused("not_a_report_out", file=out.name, known=", ".join(_WRITERS))
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        panel = panel_of_study(store, study, judge)
        found = describing.description_of(store, study, panel)
    write_whole(out, write(found, wanted or language()))
    terminal.show({"file": str(out), "judge": panel.name}, words("report.written", file=out))


@command(main, "state", writes=True)
@click.argument("name", type=click.Choice(NAMES))
@click.argument("text")
@click.option("--dataset", required=True)
def state(
    terminal: Terminal,
    *,
    name: Name,
    text: str,
    dataset: str,
) -> None:
    """State ethics approval, data source or de-identification for the report; "" takes it back."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        describing.state(store, study, name, text, by=terminal.by)
        said = describing.stated(store, study)
    key = "stated" if text.strip() else "unstated"
    terminal.show(
        {"dataset": dataset, "stated": said},
        words(f"report.{key}", name=text_of(f"report.stated.{name}"), text=text.strip()),
    )
