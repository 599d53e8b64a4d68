"""The command that shows where studies stand."""

from dataclasses import asdict
from typing import Any

import click

from core.commands.money import spent_lines, spent_numbers
from core.commands.root import main
from core.commands.terminal import Terminal, command, words
from core.services import surveying
from core.services.naming import study_of_dataset
from core.services.spending import spending_of_study
from core.store import studies


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
        "exams": [asdict(one) for one in survey.exams],
        "next": survey.next_step,
    }


def _survey_lines(survey: surveying.Survey) -> str:
    lines = [
        words(
            "study", name=survey.study.name, human=survey.human_scores,
            physicians=survey.physicians, **asdict(survey.counts),
        )
    ]  # fmt: skip
    if survey.exams and not survey.counts.questions:
        lines = [words("study_alone", name=survey.study.name)]
    lines += [
        words(
            "study_judge", judge=one.judge.name, rounds=one.rounds,
            false_usable=one.false_usable, **asdict(one.progress),
        )
        for one in survey.judges
    ]  # fmt: skip
    lines += [words("study_exam", **asdict(one)) for one in survey.exams]
    return "\n".join(lines)
