"""Commands about rubrics of points, files that bring scores, and answers in benchmarks' shapes."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from core.commands.data import export_group, import_group
from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, words
from core.formats.judged import JUDGED, JudgedFormat
from core.i18n import sentence
from core.services.exporting_answers import SHAPES, Shape, export_answers
from core.services.importing_judged import import_judged
from core.services.importing_questions import QuestionImport
from core.services.naming import study_of_dataset
from core.services.scoring_rubrics import rubric_agreement, rubric_scores


@main.group("rubric")
def rubric_group() -> None:
    """Criteria with points, which may be negative, as HealthBench has them."""


@command(rubric_group, "score")
@click.option("--dataset", required=True)
@click.option("--judge", help="[default: the newest judge]")
def score_command(terminal: Terminal, *, dataset: str, judge: str | None) -> None:
    """Points met over all positive points, by a judge's marks; their mean is cut to 0-1."""
    with terminal.store() as store:
        found = rubric_scores(store, study_of_dataset(store, dataset), judge)
    lines = [
        words(
            "rubric_line", model=one.model, score=_number(one.overall.value),
            low=_number(one.overall.low), high=_number(one.overall.high), n=one.overall.n,
            undefined=one.undefined, unmarked=one.unmarked,
        )
        for one in found
    ]  # fmt: skip
    terminal.show({"models": [asdict(one) for one in found]}, "\n".join(lines) or words("no_marks"))


@command(rubric_group, "agreement")
@click.option("--dataset", required=True)
@click.option("--judge", help="[default: the newest judge]")
def agreement_command(terminal: Terminal, *, dataset: str, judge: str | None) -> None:
    """Macro F1 of the judge against each physician, and of each physician against the others."""
    with terminal.store() as store:
        found = rubric_agreement(store, study_of_dataset(store, dataset), judge)
    lines = [
        words(
            "rubric_f1", who=one.who, against=one.against or words("rubric_others"),
            **{name: _number(getattr(one.f1, name)) for name in ("macro", "met", "not_met")},
            n=one.f1.n,
        )
        for one in found
    ]  # fmt: skip
    shown: dict[str, Any] = {"pairs": [asdict(one) for one in found]}
    terminal.show(shown, "\n".join(lines) or words("no_marks"))


def _register(format_: JudgedFormat) -> None:
    """Add the command that imports a format with scores."""

    @command(import_group, format_.name, writes=True)
    @click.argument("file", type=FILE)
    @click.option("--name", default=format_.name, show_default=True, help="Name of the dataset.")
    @click.option("--study", default="", help="A study that looks at it too.  [default: its own]")
    @click.option(
        "--phase", type=click.Choice(["blind", "informed", "unknown"]), default="unknown",
        show_default=True, help="Whether people scored blind.",
    )  # fmt: skip
    @click.option("--reason", default="", help="Why something changed, importing over a dataset.")
    @click.option("--may-leave", is_flag=True, help="The texts may be sent to any address.")
    def import_one(
        terminal: Terminal, *, file: Path, name: str, study: str,
        phase: Literal["blind", "informed", "unknown"], reason: str, may_leave: bool,
    ) -> None:  # fmt: skip
        options = QuestionImport(
            name, terminal.by, reason, may_leave, study=study, format=format_.name
        )
        with terminal.store() as store:
            done = import_judged(store, file, format_, options, phase=phase)
        terminal.show(asdict(done), words("imported_judged", **asdict(done)))

    about = sentence("en", f"format.{format_.name}")
    import_one.help = sentence("en", "cli.import_format", format=format_.name, about=about)


def _answers(shape: Shape) -> None:
    """The command that writes answers in one shape."""

    @command(export_group, shape)
    @click.option("--dataset", required=True)
    @click.option("--model", required=True)
    @click.option("--sample", default=1, show_default=True)
    @click.option("--out", type=FILE, required=True)
    def export_one(terminal: Terminal, *, dataset: str, model: str, sample: int, out: Path) -> None:
        with terminal.store() as store:
            done = export_answers(store, dataset, model, shape, out, sample=sample)
        terminal.show(
            {"file": str(out), **asdict(done)}, words("answers_exported", file=out, **asdict(done))
        )

    export_one.help = sentence("en", f"cli.export_{shape}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


for _format in JUDGED:
    _register(_format)
for _shape in SHAPES:
    _answers(_shape)
