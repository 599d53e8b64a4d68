"""The command that shows agreement of judges with physicians, whole or by group."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, get_args

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, words
from core.domain.agreement import Agreement
from core.domain.estimation import Estimate
from core.domain.many_raters import AnnotatorTest
from core.errors import Refused
from core.formats.latex import csv_table, latex_table, markdown_table
from core.services import agreeing_parts, agreeing_physicians, tabulating
from core.services.agreeing import Case, cases_of_panel, grouped
from core.services.choosing import Choice, chosen
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel, panel_of_study, panels_of_study
from core.services.exporting import write_whole
from core.services.naming import study_of_dataset
from core.store.database import Store
from core.store.studies import Study

Format = Literal["text", "csv", "markdown", "latex"]
_LEFT_OUT = (
    "undecided", "unscored", "pending", "unstable", "undrawn", "unknown_phase", "physicians",
    "cases",
)  # fmt: skip


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
        **_numbers(comparison_of(cases, panel)),
        **_physicians(cases, panel),
        "intra_rater": [
            {"physician": one.name or None, **_agreement(one.usable)}
            for one in agreeing_physicians.within_of(store, study)
        ],
        **_parts(store, study, panel, cases),
    }
    alpha = {"krippendorff_alpha": found.pop("alpha")}
    for name, part in _estimates(alpha).items():
        found = found | ({name: found[name] | part} if isinstance(part, dict) else {name: part})
    if group:
        found["groups"] = [
            {group: label, **_numbers(comparison_of(some, panel))}
            for label, some in grouped(cases, attrgetter(group)).items()
        ]
    return found


def _numbers(found: Comparison) -> dict[str, Any]:
    """One pairing for machines: numbers on usable at the top, on scores below."""
    shares = {
        "sensitivity": found.sensitivity,
        "specificity": found.specificity,
        "false_usable": found.false_usable,
        "missed_risk": found.missed_risk,
    }
    usable = {"agreement": found.usable.agreement, **found.usable.coefficients, **shares}
    scores = {"agreement": found.scores.agreement, **found.scores.coefficients}
    return {
        "n": found.usable.agreement.n,
        **_estimates(usable),
        "table": found.usable.table,
        "scores": {
            "n": found.scores.agreement.n,
            **_estimates(scores),
            "lowest": found.lowest,
            "table": found.scores.table,
        },
        **{name: getattr(found, name) for name in _LEFT_OUT},
        "weighted": found.raw is not None,
        "effective_n": found.effective_n,
        "raw": None if found.raw is None else _numbers(found.raw),
    }


def _physicians(cases: Sequence[Case], panel: Panel) -> dict[str, Any]:
    """Physicians among themselves, and the judge held against each."""
    ceiling = agreeing_physicians.ceiling_of(cases, panel)
    alphas = {f"krippendorff_alpha_{name}": one for name, one in ceiling.alpha.items()}
    among = {"agreement": ceiling.usable.agreement, **ceiling.usable.coefficients}
    return {
        "alpha": ceiling.alpha["nominal"],
        "alt_test": _test(ceiling.test_usable),
        "alt_test_scores": _test(ceiling.test_scores),
        "physicians_among": {
            "n": ceiling.usable.agreement.n,
            "responses": ceiling.responses,
            **_estimates({**among, **alphas, "fleiss_kappa": ceiling.fleiss}),
        },
        "pairs": [
            {"first": one.first, "second": one.second, **_agreement(one.usable)}
            for one in agreeing_physicians.pairs_of(cases)
        ],
    }


def _parts(store: Store, study: Study, panel: Panel, cases: Sequence[Case]) -> dict[str, Any]:
    """Agreement per requirement and per dimension."""
    found = agreeing_parts.requirements_of(store, study, panel, cases)
    return {
        "requirements": {
            **_agreement(found.all),
            "core": _agreement(found.core),
            "secondary": _agreement(found.secondary),
            "unpaired": found.unpaired,
            "each": [
                {**asdict(one), "agreement": one.agreement.value, "n": one.agreement.n}
                for one in found.each
            ],
        },
        "dimensions": [
            {
                "dimension": one.name,
                **_agreement(one.agreement),
                "physicians": asdict(one.physicians),
                "judge": asdict(one.judge),
            }
            for one in agreeing_parts.dimensions_of(store, study, panel, cases)
        ],
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "n": found.agreement.n,
        **_estimates({"agreement": found.agreement, **found.coefficients}),
    }


def _test(test: AnnotatorTest) -> dict[str, Any]:
    return {
        **_estimates({"omega": test.omega, "rho": test.rho}),
        "epsilon": test.epsilon,
        "physicians": test.physicians,
        "n": test.units,
        "may_stand_in": test.may_stand_in,
    }


def _estimates(found: dict[str, Estimate]) -> dict[str, Any]:
    return {
        **{name: one.value for name, one in found.items()},
        "intervals": {
            name: [one.low, one.high] for name, one in found.items() if one.low is not None
        },
        "undefined": {
            name: one.undefined_because for name, one in found.items() if one.value is None
        },
    }


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
        return f"– ({of['undefined'][name]})"
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
