"""The command that shows agreement of judges with physicians, whole or by group."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, get_args

import click

from core.commands.agreement_numbers import compared_numbers, numbers_of
from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, text_of, words
from core.errors import Refused
from core.formats.latex import csv_table, latex_table, markdown_table
from core.services import tabulating
from core.services.agreeing import cases_of_panel, grouped
from core.services.choosing import Choice, chosen
from core.services.comparing import comparison_of
from core.services.empanelling import Panel, panel_of_study, panels_of_study
from core.services.exporting import write_whole
from core.services.naming import study_of_dataset
from core.store.database import Store
from core.store.studies import Study

Format = Literal["text", "csv", "markdown", "latex"]


@command(main, "agreement")
@click.option("--dataset", required=True)
@click.option("--judge", help="Only this judge or jury.  [default: every judge and jury]")
@click.option("--by", "group", type=click.Choice(tabulating.GROUPS), help="Figures by group too.")
@click.option("--category", "categories", multiple=True, help="Only these; repeat for more.")
@click.option("--category2", multiple=True, help="Only these subcategories.")
@click.option("--scene", "scenes", multiple=True, help="Only these scenes.")
@click.option("--model", "models", multiple=True, help="Only these; repeat for more.")
@click.option("--difficulty", "difficulties", multiple=True, help="easy, medium or hard.")
@click.option("--physician", "physicians", multiple=True, help="Only these physicians' scores.")
@click.option("--since", default="", help="Only scores given from this day on (UTC).")
@click.option("--until", default="", help="Only scores given up to this day (UTC).")
@click.option("--with-excluded", is_flag=True, help="Count excluded questions too.")
@click.option(
    "--criteria-version", "version", type=click.IntRange(1),
    help="Verdicts under this version, on the questions that have it.  [default: the active one]",
)  # fmt: skip
@click.option(
    "--format", "format_", type=click.Choice(get_args(Format)), default="text", show_default=True
)
@click.option("--out", type=FILE, help="Write it there instead of printing it.")
def agreement_command(
    terminal: Terminal, *, dataset: str, judge: str | None, group: str | None,
    version: int | None, format_: Format, out: Path | None, **chosen_by: Any,
) -> None:  # fmt: skip
    """Agreement of judges with physicians, with intervals and everything left out."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        panels = [panel_of_study(store, study, judge)] if judge else panels_of_study(store, study)
        if not panels:
            raise Refused("no_judge", study=dataset)
        pairings = [
            _of_panel(store, study, panel, Choice(**chosen_by), group=group, version=version)
            for panel in panels
        ]
    text = _WRITERS[format_](pairings, group)
    if out is not None:
        write_whole(out, text + "\n")
        text = words("leaderboard.written", file=out)
    terminal.show({"dataset": dataset, "criteria_version": version, "pairings": pairings}, text)


def _of_panel(
    store: Store, study: Study, panel: Panel, choice: Choice, *, group: str | None,
    version: int | None,
) -> dict[str, Any]:  # fmt: skip
    every = cases_of_panel(store, study, panel, version=version)
    cases = chosen(every, choice)
    found = {
        "judge": panel.name,
        "excluded": sum(case.is_excluded for case in every),
        **numbers_of(store, study, panel, cases),
    }
    if group:
        found["groups"] = [
            {group: label, **compared_numbers(comparison_of(some, panel), panel)}
            for label, some in grouped(cases, attrgetter(group)).items()
        ]
    return found


def _as_text(pairings: Sequence[dict[str, Any]], group: str | None) -> str:
    return "\n".join(
        line
        for pairing in pairings
        for line in (
            _line(pairing["judge"], pairing),
            *(f"  {_line(one[group], one)}" for one in pairing.get("groups", [])),
        )
    )


def _line(label: str, found: dict[str, Any]) -> str:
    line = words(
        "agreement", label=label, n=found["n"], agreement=_shown(found, "agreement"),
        kappa=_shown(found, "cohen_kappa"), quadratic=_shown(found["scores"], "quadratic_kappa"),
        pairs=found["scores"]["n"], false_usable=_shown(found, "false_usable"),
        undecided=found["undecided"], unscored=found["unscored"], pending=found["pending"],
    )  # fmt: skip
    if found["raw"] is None:
        return line
    raw = found["raw"]
    return line + words(
        "agreement_weighted", effective=f"{found['effective_n']:.0f}", n=raw["n"],
        agreement=_shown(raw, "agreement"), kappa=_shown(raw, "cohen_kappa"),
        undrawn=found["undrawn"],
    )  # fmt: skip


def _shown(of: dict[str, Any], name: str) -> str:
    if of[name] is None:
        return f"– ({text_of('undefined.' + of['undefined'][name])})"
    low_high = of["intervals"].get(name)
    interval = f" [{low_high[0]:.3f}, {low_high[1]:.3f}]" if low_high else ""
    return f"{of[name]:.3f}{interval}"


_FIGURES = (
    "agreement", "cohen_kappa", "gwet_ac1", "pabak", "sensitivity", "specificity", "false_usable",
    "missed_risk",
)  # fmt: skip
_SCORES = ("cohen_kappa", "linear_kappa", "quadratic_kappa", "spearman", "icc_a1", "bias")


def _table(
    pairings: Sequence[dict[str, Any]], group: str | None
) -> tuple[list[str], list[list[str]]]:
    head = ["judge", group or "group", "n", *_FIGURES, "pairs", *(f"scores: {n}" for n in _SCORES)]
    rows = [
        [
            pairing["judge"], str(label), str(one["n"]), *(_shown(one, name) for name in _FIGURES),
            str(one["scores"]["n"]), *(_shown(one["scores"], name) for name in _SCORES),
        ]
        for pairing in pairings
        for label, one in (
            ("", pairing), *((part[group], part) for part in pairing.get("groups", []))
        )
    ]  # fmt: skip
    return head, rows


_WRITERS: dict[str, Callable[[Sequence[dict[str, Any]], str | None], str]] = {
    "text": _as_text,
    "csv": lambda pairings, group: csv_table(*_table(pairings, group)).rstrip("\n"),
    "markdown": lambda pairings, group: markdown_table(*_table(pairings, group)).rstrip("\n"),
    "latex": lambda pairings, group: latex_table(*_table(pairings, group)).rstrip("\n"),
}
