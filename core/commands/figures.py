"""Commands that show numbers: agreement and status."""

from dataclasses import asdict
from operator import attrgetter
from typing import Any

import click

from core.commands.money import spent_lines, spent_numbers
from core.commands.root import main
from core.commands.terminal import Terminal, command, words
from core.domain.many_raters import AnnotatorTest
from core.errors import Refused
from core.services import agreeing, choosing, comparing, surveying
from core.services.agreeing import Case, cases_of_panel
from core.services.agreeing_physicians import ceiling_of
from core.services.choosing import Choice
from core.services.empanelling import Panel, panel_of_study, panels_of_study
from core.services.naming import study_of_dataset
from core.services.spending import spending_of_study
from core.store import studies


@command(main, "agreement")
@click.option("--dataset", required=True)
@click.option("--judge", help="Only this judge or jury.  [default: every judge and jury]")
@click.option("--by", "group", type=click.Choice(["category", "category2", "difficulty", "model"]))
@click.option("--category", "categories", multiple=True, help="Only these; repeat for more.")
@click.option("--model", "models", multiple=True, help="Only these; repeat for more.")
@click.option("--difficulty", "difficulties", multiple=True, help="easy, medium or hard.")
@click.option("--physician", "physicians", multiple=True, help="Only these physicians' scores.")
@click.option("--since", default="", help="Only scores given from this day on (UTC).")
@click.option("--until", default="", help="Only scores given up to this day (UTC).")
def agreement_command(
    terminal: Terminal, *, dataset: str, judge: str | None, group: str | None, **chosen_by: Any
) -> None:
    """Agreement of judges with physicians, with intervals and everything left out."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen = [panel_of_study(store, study, judge)] if judge else panels_of_study(store, study)
        pairings = []
        for panel in chosen:
            cases = choosing.chosen(cases_of_panel(store, study, panel), Choice(**chosen_by))
            pairing = {"judge": panel.name, **_pairing(cases, panel)}
            if group:
                pairing["groups"] = [
                    {group: label, **_numbers(comparing.comparison_of(some, panel))}
                    for label, some in agreeing.grouped(cases, attrgetter(group)).items()
                ]
            pairings.append(pairing)
    if not pairings:
        raise Refused("no_judge", study=dataset)
    terminal.show(
        {"dataset": dataset, "pairings": pairings},
        "\n".join(_agreement_lines(pairing, group) for pairing in pairings),
    )


@command(main, "status")
@click.option("--dataset", help="[default: every study]")
def status_command(terminal: Terminal, *, dataset: str | None) -> None:
    """Where the studies stand."""
    with terminal.store() as store:
        chosen = [study_of_dataset(store, dataset)] if dataset else studies.studies(store)
        surveys = [surveying.survey_of(store, study) for study in chosen]
        spent = [spending_of_study(store, study) for study in chosen]
    terminal.show(
        {
            "studies": [
                {**_survey(survey), "spending": spent_numbers(lines)}
                for survey, lines in zip(surveys, spent, strict=True)
            ]
        },
        "\n".join(
            "\n".join([_survey_lines(survey), *spent_lines(lines)])
            for survey, lines in zip(surveys, spent, strict=True)
        )
        or words("no_studies"),
    )


def _pairing(cases: list[Case], panel: Panel) -> dict[str, Any]:
    """A judge beside physicians, and physicians among themselves."""
    ceiling = ceiling_of(cases)
    alphas = {f"krippendorff_alpha_{name}": one for name, one in ceiling.alpha.items()}
    among = {"agreement": ceiling.usable.agreement, **ceiling.usable.coefficients}
    return {
        **_numbers(comparing.comparison_of(cases, panel)),
        "krippendorff_alpha": ceiling.alpha["nominal"].value,
        "alt_test": _test(ceiling.test_usable),
        "alt_test_scores": _test(ceiling.test_scores),
        "physicians_among": {
            "n": ceiling.usable.agreement.n,
            "responses": ceiling.responses,
            **_estimates({**among, **alphas, "fleiss_kappa": ceiling.fleiss}),
        },
    }


def _test(test: AnnotatorTest) -> dict[str, Any]:
    return {
        **_estimates({"omega": test.omega, "rho": test.rho}),
        "epsilon": test.epsilon,
        "physicians": test.physicians,
        "n": test.units,
        "may_stand_in": test.may_stand_in,
    }


def _numbers(found: comparing.Comparison) -> dict[str, Any]:
    """One pairing for machines: numbers on usable at the top, on scores below."""
    shares = {
        "sensitivity": found.sensitivity,
        "specificity": found.specificity,
        "false_usable": found.false_usable,
        "missed_risk": found.missed_risk,
    }
    usable = {"agreement": found.usable.agreement, **found.usable.coefficients, **shares}
    scores = {"agreement": found.scores.agreement, **found.scores.coefficients}
    left_out = (
        "undecided", "unscored", "pending", "unstable", "unknown_phase", "physicians", "cases",
    )  # fmt: skip
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
        **{name: getattr(found, name) for name in left_out},
    }


def _estimates(found: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: one.value for name, one in found.items()},
        "intervals": {
            name: [one.low, one.high] for name, one in found.items() if one.low is not None
        },
        "undefined": {
            name: one.undefined_because for name, one in found.items() if one.value is None
        },
    }


def _agreement_lines(pairing: dict[str, Any], group: str | None) -> str:
    lines = [_agreement_line(pairing["judge"], pairing)]
    lines += [f"  {_agreement_line(one[group], one)}" for one in pairing.get("groups", [])]
    return "\n".join(lines)


def _agreement_line(label: str, found: dict[str, Any]) -> str:
    def shown(name: str, of: dict[str, Any]) -> str:
        if of[name] is None:
            return f"– ({of['undefined'][name]})"
        low_high = of["intervals"].get(name)
        interval = f" [{low_high[0]:.3f}, {low_high[1]:.3f}]" if low_high else ""
        return f"{of[name]:.3f}{interval}"

    return words(
        "agreement", label=label, n=found["n"], agreement=shown("agreement", found),
        kappa=shown("cohen_kappa", found), quadratic=shown("quadratic_kappa", found["scores"]),
        pairs=found["scores"]["n"], false_usable=shown("false_usable", found),
        undecided=found["undecided"], unscored=found["unscored"], pending=found["pending"],
    )  # fmt: skip


def _survey(survey: surveying.Survey) -> dict[str, Any]:
    return {
        "study": survey.study.name,
        **asdict(survey.counts),
        "human_scores": survey.human_scores,
        "physicians": survey.physicians,
        "personal_data": survey.personal_data,
        "jobs": len(survey.running),
        "judges": [
            {
                "judge": one.judge.name,
                "engine": one.judge.engine,
                "rounds": one.rounds,
                **asdict(one.progress),
                "unscored_because": one.unscored_reasons,
                "false_usable": one.false_usable,
                "agreement": one.comparison.usable.agreement.value,
                "cohen_kappa": one.comparison.usable.coefficients["cohen_kappa"].value,
                "n": one.comparison.usable.agreement.n,
            }
            for one in survey.judges
        ],
        "next": survey.next_step,
    }


def _survey_lines(survey: surveying.Survey) -> str:
    lines = [
        words(
            "study", name=survey.study.name, human=survey.human_scores,
            physicians=survey.physicians, **asdict(survey.counts),
        )
    ]  # fmt: skip
    lines += [
        words(
            "study_judge", judge=one.judge.name, rounds=one.rounds,
            false_usable=one.false_usable, **asdict(one.progress),
        )
        for one in survey.judges
    ]  # fmt: skip
    return "\n".join(lines)
