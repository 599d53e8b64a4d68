"""Commands about juries, and about the cases that judges and physicians have both scored."""

from pathlib import Path

import click

from core.commands.data import export_group
from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, words
from core.domain.juries import RULES, JuryRule
from core.services import sealing
from core.services.agreeing import cases_of_panel
from core.services.describing import codes_of
from core.services.empanelling import Panel, add_jury, panel_of_study, panels_of_study
from core.services.exporting_cases import export_cases
from core.services.naming import study_of_dataset
from core.services.picking import picked

_KINDS = (
    "all", "paired", "differ", "false_usable", "missed_risk", "undecided", "unscored", "pending",
    "unstable",
)  # fmt: skip


@main.group("jury")
def jury_group() -> None:
    """Judges that score together by a rule; a jury scores only where all its judges have."""


@command(jury_group, "add", writes=True)
@click.argument("name")
@click.option("--dataset", required=True)
@click.option("--judge", "members", multiple=True, required=True, help="Repeat for each judge.")
@click.option("--rule", type=click.Choice(RULES), default="mean", show_default=True)
def add(
    terminal: Terminal, *, name: str, dataset: str, members: tuple[str, ...], rule: JuryRule
) -> None:
    """Form a jury. It can be chosen wherever a judge can, by its name."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        jury = add_jury(store, study, name, members, rule, by=terminal.by)
    terminal.show(_jury(jury), _line(jury))


@command(jury_group, "list")
@click.option("--dataset", required=True)
def list_(terminal: Terminal, *, dataset: str) -> None:
    """The juries of a study."""
    with terminal.store() as store:
        panels = panels_of_study(store, study_of_dataset(store, dataset))
    juries = [panel for panel in panels if panel.rule is not None]
    terminal.show(
        {"juries": [_jury(jury) for jury in juries]},
        "\n".join(map(_line, juries)) or words("jury.none"),
    )


def _jury(jury: Panel) -> dict[str, object]:
    judges = [judge.name for judge, _ in jury.members]
    return {"jury": jury.name, "rule": jury.rule, "judges": judges}


def _line(jury: Panel) -> str:
    members = ", ".join(judge.name for judge, _ in jury.members)
    return words("jury.added", name=jury.name, rule=jury.rule, members=members)


@command(export_group, "cases")
@click.option("--dataset", required=True)
@click.option("--judge", help="Of this judge or jury.  [default: the newest judge]")
@click.option("--of", "kind", default="all", show_default=True, type=click.Choice(_KINDS))
@click.option("--with-sealed", is_flag=True, help="Those too that test what revisers make.")
@click.option("--names", "with_names", is_flag=True, help="People by name, and not as R1, R2, …")
@click.option("--out", type=FILE, required=True)
def export_cases_command(
    terminal: Terminal,
    *,
    dataset: str,
    judge: str | None,
    kind: str,
    with_sealed: bool,
    with_names: bool,
    out: Path,
) -> None:
    """Write a CSV of the responses that physicians have scored, with what a judge says of them."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        cases = cases_of_panel(store, study, panel_of_study(store, study, judge))
        sealed = sealing.seals_of(store, study)
    chosen = cases if kind == "all" else picked(cases, kind)
    shown = [case for case in chosen if with_sealed or not sealed.is_sealed(case)]
    names = {score.person: score.person for case in cases for score in case.scores}
    count = export_cases(shown, out, codes=names if with_names else codes_of(cases))
    closed = len(chosen) - len(shown)
    terminal.show(
        {"file": str(out), "cases": count, "sealed": closed},
        words("cases.exported", file=out, n=count)
        + (words("cases.sealed", n=closed) if closed else ""),
    )
