"""Commands that try a revision, decide on it, and compare: trial, activate, reject, compare."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from core.commands.foreground import follow_job
from core.commands.money import show_estimate
from core.commands.revision import question_named
from core.commands.revision_numbers import (
    paired_lines,
    paired_numbers,
    show_versions,
    tested_line,
    trial_lines,
    trial_numbers,
)
from core.commands.root import main
from core.commands.terminal import Terminal, command, words
from core.errors import Refused, UnknownName
from core.services import deciding, prompting, testing, trying
from core.services.agreeing import cases_of
from core.services.judging import judge_of_study
from core.services.naming import study_of_dataset
from core.services.queueing import ensure_worker
from core.services.revising_effects import all_revisions
from core.services.sealing import seals_of
from core.services.trying import Candidate, Wish
from core.services.weighing import history_of_criteria, result_of
from core.store import criteria
from core.store.database import Store
from core.store.studies import Study


def _candidate(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a candidate: a question's criteria, or a prompt."""
    for option in (
        click.option("--version", type=click.IntRange(min=1), help="[default: the newest]"),
        click.option("--language", type=click.Choice(prompting.LANGUAGES)),
        click.option("--category", help="A prompt's."),
        click.option("--question", "key", help="The question whose criteria are meant."),
        click.option("--judge", help="[default: the newest judge]"),
        click.option("--dataset", required=True),
    ):
        function = option(function)
    return function


@command(main, "trial", writes=True)
@_candidate
@click.option(
    "--regression",
    default=trying.REGRESSION,
    show_default=True,
    type=click.IntRange(min=0),
    help="Agreeing responses to try a prompt on.",
)
@click.option("--noise", is_flag=True, help="Judge what is in use once more, to know chance.")
@click.option("--budget", type=float, help="End before it costs more, in the price's currency.")
@click.option("--dry-run", is_flag=True, help="Only say what it would take and cost.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave it to a worker.")
def trial_command(
    terminal: Terminal, *, dataset: str, judge: str | None, regression: int, noise: bool,
    budget: float | None, dry_run: bool, only_queue: bool, **which: Any,
) -> None:  # fmt: skip
    """Judge by a candidate what physicians scored, and compare; the same command resumes."""
    wish = Wish(regression, noise, budget)
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, _ = judge_of_study(store, study, judge)
        candidate = _found(store, study, **which)
        if dry_run:
            cost = trying.cost_of_trial(store, study, chosen, candidate, wish)
            if cost is None:
                raise Refused("nothing_to_try")
            show_estimate(terminal, chosen.name, "verdicts", cost.estimate)
            return
        trial = trying.newest_trial(store, study, chosen, candidate)
        if trial is not None and result_of(store, study, trial).missing:
            job_id = trying.resume_trial(store, study, trial, by=terminal.by, budget=budget)
        else:
            trial, job_id = trying.begin_trial(
                store, study, chosen, candidate, wish, by=terminal.by
            )
    if job_id is not None and only_queue:
        ensure_worker(terminal.path)
        terminal.show({"trial": trial.id, "job": job_id}, words("queued", job=job_id))
        return
    if job_id is not None:
        job = follow_job(terminal.path, job_id)
        if job.error:
            raise Refused(job.error, **job.error_values)
    with terminal.store() as store:
        found = result_of(store, study, trial)
    terminal.show(trial_numbers(found), "\n".join(trial_lines(found)))


@command(main, "activate", writes=True)
@_candidate
@click.option("--reason", default="", help="Needed, unless --dry-run.")
@click.option("--budget", type=float, help="End the job before it costs more.")
@click.option("--dry-run", is_flag=True, help="Only say what it would adopt and ask for.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave what is missing to a worker.")
@click.option(
    "--later", is_flag=True, help="Ask for nothing now; `judge` asks for what is missing."
)
def activate_command(
    terminal: Terminal, *, dataset: str, judge: str | None, reason: str, budget: float | None,
    dry_run: bool, only_queue: bool, later: bool, **which: Any,
) -> None:  # fmt: skip
    """Use a candidate: adopt what its trial judged, and ask for exactly what is missing."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, _ = judge_of_study(store, study, judge)
        candidate = _found(store, study, **which)
        identity = {"judge": chosen.name, "version": candidate.version}
        if dry_run:
            told = deciding.consequence_of(store, study, chosen, candidate)
            numbers = {"adopted": told.adopted, "missing": told.missing}
            cost = None if told.estimate is None else told.estimate.cost
            terminal.show(
                {**identity, **numbers, "others": told.others, "stale": told.stale, "cost": cost},
                words("would_activate", **identity, **numbers),
            )
            return
        done = deciding.activate_candidate(
            store, study, chosen, candidate, reason=reason, by=terminal.by, budget=budget,
            is_asked=not later,
        )  # fmt: skip
    if done.job_id is not None and only_queue:
        ensure_worker(terminal.path)
    elif done.job_id is not None:
        follow_job(terminal.path, done.job_id)
    said = "activated" if done.job_id is not None else "activated_later"
    if not done.missing:
        said = "activated_whole"
    terminal.show({**identity, **asdict(done)}, words(said, **identity, **asdict(done)))


@command(main, "reject", writes=True)
@_candidate
@click.option("--reason", required=True)
def reject_command(
    terminal: Terminal, *, dataset: str, judge: str | None, reason: str, **which: Any
) -> None:
    """Decide against a candidate; it stays in the history with the reason."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, _ = judge_of_study(store, study, judge)
        candidate = _found(store, study, **which)
        deciding.reject_candidate(store, study, chosen, candidate, reason=reason, by=terminal.by)
    terminal.show(
        {"judge": chosen.name, "version": candidate.version, "rejected": True},
        words("rejected", version=candidate.version),
    )


@command(main, "compare", writes=True)
@click.option("--dataset", required=True)
@click.option("--judge", help="[default: the newest judge]")
@click.option("--question", "key", help="Every version of this question's criteria.")
@click.option("--from", "old", type=click.IntRange(min=1), help="With --to: also word by word.")
@click.option("--to", "new", type=click.IntRange(min=1))
@click.option("--category", help="Every prompt in use since.")
@click.option("--language", type=click.Choice(prompting.LANGUAGES))
def compare_command(
    terminal: Terminal, *, dataset: str, judge: str | None, key: str | None, old: int | None,
    new: int | None, category: str | None, language: str | None,
) -> None:  # fmt: skip
    """What versions did to agreement: seen beside held back; without a name all questions."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, rounds = judge_of_study(store, study, judge)
        if key is not None:
            question = question_named(store, study, key)
            cases = cases_of(store, study, chosen, rounds)
            sealed = seals_of(store, study)
            versions = history_of_criteria(store, study, chosen, rounds, question, cases, sealed)
            show_versions(terminal, versions, old, new)
        elif category and language:
            tested = testing.history_of(store, study, chosen, category, language, by=terminal.by)
            terminal.show(
                {"prompts": [asdict(one) for one in tested]},
                "\n".join(tested_line(one) for one in tested),
            )
        else:
            found = all_revisions(store, study, chosen, rounds)
            if found is None:
                raise Refused("nothing_revised", study=study.name)
            terminal.show(
                {
                    "questions": found.questions, "not_verifiable": found.not_verifiable,
                    "seen": paired_numbers(found.revise), "held_back": paired_numbers(found.check),
                },
                "\n".join(paired_lines(found.revise, found.check)),
            )  # fmt: skip


def _found(
    store: Store, study: Study, *, key: str | None, category: str | None, language: str | None,
    version: int | None,
) -> Candidate:  # fmt: skip
    """The candidate that the options name."""
    if key is None:
        if category is None or language is None:
            raise Refused("names_no_candidate")
        return prompting.prompt_version(store, category, language, version)
    question = question_named(store, study, key)
    versions = criteria.versions(store, question.id)
    for one in versions:
        if one.version == (version or versions[-1].version):
            return one
    raise UnknownName("unknown_criteria_version", version=version)
