"""Commands about exams: score closed questions exactly, report them, list what was not read."""

from dataclasses import asdict
from typing import Any

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, text_of, words
from core.domain.estimation import Estimate
from core.domain.tallies import FACETS
from core.i18n import has_key
from core.services import examining, examining_reports, subsetting
from core.services.examining_reports import MEASURES, ExamTable, Measure
from core.services.examining_tallies import ESTIMATED
from core.services.measuring_overlap import overlap_metrics
from core.services.naming import dataset_named, study_of_dataset


@main.group("exam")
def exam_group() -> None:
    """Closed questions: scored exactly, without a judge."""


@command(exam_group, "score", writes=True)
@click.option("--dataset", required=True)
def score_command(terminal: Terminal, *, dataset: str) -> None:
    """Read the chosen options of every response, and score those that can be read."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        progress = terminal.progress("exam_progress")
        done = examining.score_closed(store, study, by=terminal.by, progress=progress)
    terminal.show(asdict(done), words("exam_scored", **asdict(done)))


@command(exam_group, "report")
@click.option("--dataset", required=True)
@click.option(
    "--by", "cut", multiple=True, type=click.Choice(FACETS),
    help="What to cut by: nothing, one, two or all four.",
)  # fmt: skip
@click.option("--measure", type=click.Choice(MEASURES), default="exact", show_default=True)
def report_command(
    terminal: Terminal, *, dataset: str, cut: tuple[str, ...], measure: Measure
) -> None:
    """Accuracy with its interval, by model and cell. An estimated difficulty carries ~."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        found = examining_reports.exam_table(store, study, dataset, cut, measure)
    terminal.show(_table_for_machines(found), _table(found))


@command(exam_group, "places")
@click.option("--dataset", required=True)
def places_command(terminal: Terminal, *, dataset: str) -> None:
    """How much models lean on the place of an option."""
    with terminal.store() as store:
        found = examining_reports.places(store, study_of_dataset(store, dataset), dataset)
    lines = [
        words(
            "exam_place", model=one.model, place=one.place, chosen=_percent(one.chosen),
            is_right=f"{one.is_right:.0%}", accuracy=_percent(one.accuracy),
        )
        for one in found
    ]  # fmt: skip
    terminal.show(
        {"places": [asdict(one) for one in found]}, "\n".join(lines) or words("exam_none")
    )


@command(exam_group, "unread")
@click.option("--dataset", required=True)
@click.option("--limit", default=200, show_default=True)
def unread_command(terminal: Terminal, *, dataset: str, limit: int) -> None:
    """Responses of which no choice could be read, with the reason."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        counts, listed = examining_reports.unread(store, study, dataset, limit=limit)
    lines = [f"{model}\t{because_words(because)}\t{n}" for model, because, n in counts]
    lines += [
        f"{one.question}\t{one.model}\t{because_words(one.because)}\t{one.detail}" for one in listed
    ]
    found = {
        "counts": [dict(zip(("model", "because", "n"), row, strict=True)) for row in counts],
        "responses": [asdict(one) for one in listed],
    }
    terminal.show(found, "\n".join(lines) or words("exam_all_read"))


@command(exam_group, "subset", writes=True)
@click.option("--dataset", required=True)
@click.option("--name", default="rapid", show_default=True)
@click.option("--size", type=click.IntRange(min=1), required=True, help="How many exercises.")
@click.option("--seed", default=0, show_default=True)
def subset_command(terminal: Terminal, *, dataset: str, name: str, size: int, seed: int) -> None:
    """Draw a difficulty-stratified subset that estimates the full score."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        found = subsetting.add_subset(
            store, study, dataset, name, size=size, seed=seed, by=terminal.by
        )
    strata = ", ".join(
        f"{_value_words('level', level)}: {n}" for level, n in sorted(found.strata.items())
    )
    total = sum(found.strata.values())
    terminal.show(
        asdict(found),
        words("subset_drawn", name=name, size=found.size, total=total, strata=strata),
    )


@command(exam_group, "rapid")
@click.option("--dataset", required=True)
@click.option("--name", default="rapid", show_default=True, help="Of the subset.")
def rapid_command(terminal: Terminal, *, dataset: str, name: str) -> None:
    """Estimate every model's full score from its answers to a subset, with an interval."""
    with terminal.store() as store:
        found = subsetting.rapid_scores(store, study_of_dataset(store, dataset), dataset, name)
    lines = [
        words(
            "subset_line", model=one.model, estimate=_percent(one.estimate), n=one.estimate.n,
            unscored=one.unscored, full=_percent(one.full), full_n=one.full.n,
        )
        for one in found
    ]  # fmt: skip
    text = "\n".join(lines) or words("exam_none")
    terminal.show({"models": [asdict(one) for one in found]}, text)


@command(main, "metrics")
@click.option("--dataset", required=True)
def metrics_command(terminal: Terminal, *, dataset: str) -> None:
    """Secondary metrics of open responses, and how far physicians' scores go with them."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        found = overlap_metrics(store, study, dataset_named(store, dataset).id)
    lines = []
    for one in found:
        if not one.models:
            continue
        name = text_of(f"metric.{one.metric}")
        lines += [
            words("metric_line", metric=name, model=model, n=mean.n,
                  **_numbers(mean, value="mean"))
            for model, mean in one.models.items()
        ]  # fmt: skip
        higher = "–" if one.higher_for_usable is None else f"{one.higher_for_usable:.0%}"
        lines.append(
            words("metric_physicians", metric=name, higher=higher, n=one.physicians_scored,
                  **_numbers(one.spearman, value="value"))
        )  # fmt: skip
    terminal.show(
        {"metrics": [asdict(one) for one in found]}, "\n".join(lines) or words("exam_none")
    )


def _numbers(found: Estimate, *, value: str) -> dict[str, str]:
    numbers = {value: found.value, "low": found.low, "high": found.high}
    return {name: "–" if one is None else f"{one:.2f}" for name, one in numbers.items()}


def because_words(because: str) -> str:
    """Why no choice was read."""
    key = f"unscored.{because}"
    return text_of(key) if has_key(key) else because


def _table_for_machines(found: ExamTable) -> dict[str, Any]:
    return {
        "dataset": found.dataset, "by": found.cut, "measure": found.measure,
        "cells": [
            {
                "cell": one.cell, "model": one.model, "unscored": one.tally.unscored,
                "absent": one.tally.absent, **asdict(one.share),
            }
            for one in found.found
        ],
    }  # fmt: skip


def _table(found: ExamTable) -> str:
    lines = []
    for cell in found.cells:
        for model in found.models:
            one = found.at(cell, model)
            if one is not None:
                place = " · ".join(map(_value_words, found.cut, cell))
                lines.append(
                    words(
                        "exam_line", cell=place or words("exam_all"), model=model,
                        share=_percent(one.share), n=one.tally.n, unscored=one.tally.unscored,
                        absent=one.tally.absent,
                    )
                )  # fmt: skip
    return "\n".join(lines) or words("exam_none")


def _value_words(facet: str, value: str) -> str:
    """A stratum's name, as the page has it."""
    if facet != "level":
        return value or text_of("exams.not_said")
    if not value:
        return text_of("exams.no_level")
    name = text_of(f"exams.level_{value[0]}")
    if ESTIMATED in value:
        name = text_of("exams.level_estimated", name=name)
    return f"{text_of('exams.level')} {name}"


def _percent(found: Estimate) -> str:
    if found.value is None:
        return "–"
    return f"{100 * found.value:.1f}% [{100 * (found.low or 0):.1f}, {100 * (found.high or 0):.1f}]"
