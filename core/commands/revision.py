"""Commands of the revision loop: revise, trial, activate, reject, compare."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from core.commands.foreground import follow_job
from core.commands.money import show_estimate
from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, words
from core.domain.criteria import Criteria
from core.domain.differences import differences
from core.domain.paired import Change
from core.domain.questions import question_key
from core.errors import BrokenFile, Refused, UnknownName
from core.formats.base import text_of_file
from core.services import deciding, prompting, revising, testing, trying
from core.services.agreeing import cases_of
from core.services.judging import judge_of_study
from core.services.naming import study_of_dataset
from core.services.pairing import Paired
from core.services.queueing import ensure_worker
from core.services.sealing import seals_of
from core.services.testing import Tested
from core.services.trying import Candidate, Wish
from core.services.weighing import History, TrialResult, history_of_criteria, result_of
from core.store import criteria, judges
from core.store.database import Store
from core.store.questions import Question
from core.store.studies import Study

_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


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


# --- revise -----------------------------------------------------------------------------------


@main.group("revise")
def revise_group() -> None:
    """Change criteria or prompts; a change is a new version with a reason."""


def _revision(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--draft", is_flag=True, help="Only store it, to be tried and decided on."),
        click.option("--reason", required=True),
        click.option("--file", type=FILE, required=True, help="The whole new text."),
        click.option("--question", "key", required=True),
        click.option("--dataset", required=True),
    ):
        function = option(function)
    return function


@command(revise_group, "checklist", writes=True)
@_revision
def revise_checklist_command(terminal: Terminal, **given: Any) -> None:
    """Replace a question's checklist; its responses become outstanding again."""
    _revise(terminal, "checklist", **given)


@command(revise_group, "reference", writes=True)
@_revision
def revise_reference_command(terminal: Terminal, **given: Any) -> None:
    """Replace a question's reference answer; its responses become outstanding again."""
    _revise(terminal, "reference_answer", **given)


@command(revise_group, "question", writes=True)
@_revision
def revise_question_command(terminal: Terminal, **given: Any) -> None:
    """Replace a question's own text; its responses answered the old one, and are stale."""
    _revise(terminal, "question_text", **given)


@command(revise_group, "prompt", writes=True)
@click.option("--category", required=True, help="MK, …, or one of your own.")
@click.option("--language", type=click.Choice(prompting.LANGUAGES), required=True)
@click.option("--file", type=FILE, required=True, help="The whole new prompt as text.")
@click.option("--reason", required=True)
def revise_prompt_command(
    terminal: Terminal, *, category: str, language: str, file: Path, reason: str
) -> None:
    """Store a prompt's new version; it serves nobody until it is activated."""
    with terminal.store() as store:
        found = prompting.add_prompt(
            store, category, language, text_of_file(file), reason=reason, by=terminal.by
        )
    identity = {"category": category, "language": language, "version": found.version}
    terminal.show(identity, words("prompt_added", **identity))


def _revise(
    terminal: Terminal, field: str, *, dataset: str, key: str, file: Path, reason: str, draft: bool
) -> None:
    text = text_of_file(file).rstrip("\r\n")  # editors end a file with a newline
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        question = _question(store, study, key)
        active = criteria.active_version(store, study.id, question.id)
        revised = replace(active.criteria, **{field: text})
        store_it = revising.propose if draft else revising.revise
        version = store_it(
            store, study, question, revised, based_on=active.id, reason=reason, by=terminal.by
        )
        left = {
            judge.name: revising.outstanding_for(store, study, judge, question)
            for judge, _ in judges.judges_of_study(store, study.id)
        }
        stale = deciding.stale_responses(store, version)
    counts = _requirement_counts(version.criteria)
    said = words("revised", key=key, version=version.version, count=sum(left.values()), **counts)
    if draft:
        said = words("drafted", key=key, version=version.version, **counts)
    if stale:
        said += "\n" + words("stale", n=stale)
    terminal.show(
        {"question": key, "version": version.version, "outstanding": left, "stale": stale}, said
    )


# --- try and decide ---------------------------------------------------------------------------


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
    terminal.show(_trial_numbers(found), "\n".join(_trial_lines(found)))


@command(main, "activate", writes=True)
@_candidate
@click.option("--reason", default="", help="Needed, unless --dry-run.")
@click.option("--budget", type=float, help="End the job before it costs more.")
@click.option("--dry-run", is_flag=True, help="Only say what it would adopt and ask for.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave what is missing to a worker.")
def activate_command(
    terminal: Terminal, *, dataset: str, judge: str | None, reason: str, budget: float | None,
    dry_run: bool, only_queue: bool, **which: Any,
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
            store, study, chosen, candidate, reason=reason, by=terminal.by, budget=budget
        )
    if done.job_id is not None and only_queue:
        ensure_worker(terminal.path)
    elif done.job_id is not None:
        follow_job(terminal.path, done.job_id)
    terminal.show({**identity, **asdict(done)}, words("activated", **identity, **asdict(done)))


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
    """What versions did to agreement: seen beside held back; without a name all revisions."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, rounds = judge_of_study(store, study, judge)
        if key is not None:
            question = _question(store, study, key)
            cases = cases_of(store, study, chosen, rounds)
            sealed = seals_of(store, study)
            versions = history_of_criteria(store, study, chosen, rounds, question, cases, sealed)
            _show_versions(terminal, versions, old, new)
        elif category and language:
            tested = testing.history_of(store, study, chosen, category, language, by=terminal.by)
            terminal.show(
                {"prompts": [asdict(one) for one in tested]},
                "\n".join(_tested_line(one) for one in tested),
            )
        else:
            found = revising.all_revisions(store, study, chosen, rounds)
            if found is None:
                raise Refused("nothing_revised", study=study.name)
            terminal.show(
                {
                    "questions": found.questions, "not_verifiable": found.not_verifiable,
                    "seen": paired_numbers(found.revise), "held_back": paired_numbers(found.check),
                },
                "\n".join(_paired_lines(found.revise, found.check)),
            )  # fmt: skip


# --- saying it --------------------------------------------------------------------------------


def paired_numbers(found: Paired) -> dict[str, Any]:
    """A paired comparison for machines."""
    return {
        "n": found.n, "left_out": found.left_out, "too_small": found.is_too_small,
        "false_usable": [found.false_usable_before, found.false_usable_after],
        "agreement": [found.agreement_before.value, found.agreement_after.value],
        "agreement_change": _change(found.agreement_change),
        "cohen_kappa": [found.kappa_before.value, found.kappa_after.value],
        "cohen_kappa_change": _change(found.kappa_change),
        "broken": [_case(one) for one in found.broken],
        "fixed": [_case(one) for one in found.fixed],
        "unchanged": found.unchanged,
    }  # fmt: skip


def _change(found: Change) -> dict[str, Any]:
    one = found.difference
    return {
        "value": one.value, "low": one.low, "high": one.high, "p": found.p,
        "undefined": one.undefined_because,
    }  # fmt: skip


def _case(case: Any) -> dict[str, Any]:
    return {"question": case.question, "model": case.model, "sample": case.sample}


def _trial_numbers(found: TrialResult) -> dict[str, Any]:
    """What is held back is told in counts: its cases stay closed."""
    held_back = paired_numbers(found.check)
    for name in ("broken", "fixed"):
        held_back[name] = len(held_back[name])
    noise = None
    if found.noise is not None:
        noise = {"n": found.noise.n, "changed": found.noise.changed}
    return {
        "trial": found.trial.id, "missing": found.missing, "seen": paired_numbers(found.revise),
        "held_back": held_back, "noise": noise,
        "requirements": [asdict(row) for row in found.requirements],
    }  # fmt: skip


def _trial_lines(found: TrialResult) -> list[str]:
    lines = _paired_lines(found.revise, found.check)
    lines += [
        words("trial_broken", question=case.question, model=case.model)
        for case in found.revise.broken
    ]
    if found.noise is not None:
        lines.append(words("trial_noise", n=found.noise.n, changed=found.noise.changed))
    if found.missing:
        lines.append(words("trial_missing", n=found.missing))
    return lines


def _paired_lines(seen: Paired, held_back: Paired) -> list[str]:
    lines = []
    for label, one in (("seen", seen), ("held back", held_back)):
        change = one.kappa_change.difference
        shown = "–" if change.value is None else f"{change.value:+.3f}"
        if change.low is not None and change.high is not None:
            shown += f" [{change.low:+.3f}, {change.high:+.3f}]"
        if one.kappa_change.p is not None:
            shown += f", p {one.kappa_change.p:.4f}"
        lines.append(
            words(
                "paired", where=label, n=one.n, broken=len(one.broken), fixed=len(one.fixed),
                before=one.false_usable_before, after=one.false_usable_after, change=shown,
            )
            + (words("paired_too_small") if one.is_too_small else "")
        )  # fmt: skip
    return lines


def _show_versions(
    terminal: Terminal, versions: list[History], old: int | None, new: int | None
) -> None:
    numbers = [
        {
            "version": one.version.version, "state": one.state, "by": one.version.created_by,
            "reason": one.version.reason, "decided": one.decided, "seen": asdict(one.revise),
            "held_back": asdict(one.check),
        }
        for one in versions
    ]  # fmt: skip
    lines = [
        words(
            "version", n=one.version.version, state=one.state.replace("_", " "),
            by=one.version.created_by, reason=one.version.reason, agree=one.revise.agree,
            of=one.revise.n, held=one.check.agree, held_of=one.check.n,
        )
        for one in versions
    ]  # fmt: skip
    if old is not None and new is not None:
        known = {one.version.version: one.version.criteria for one in versions}
        for number in (old, new):
            if number not in known:
                raise UnknownName("unknown_criteria_version", version=number)
        for field in ("checklist", "reference_answer", "question_text"):
            before, after = getattr(known[old], field), getattr(known[new], field)
            if before != after:
                pieces = differences(before, after)
                lines.append("".join(_MARKS[one.kind].format(one.text) for one in pieces))
    terminal.show({"versions": numbers}, "\n".join(lines))


def _tested_line(one: Tested) -> str:
    def shown(found: Any) -> str:
        return "–" if found is None or found.kappa is None else f"{found.kappa:.3f} (n {found.n})"

    return words(
        "tested", version=one.version, time=one.created_at[:16].replace("T", " "),
        by=one.created_by, reason=one.reason, dev=shown(one.dev), held_out=shown(one.held_out),
    )  # fmt: skip


# --- naming -----------------------------------------------------------------------------------


def _found(
    store: Store, study: Study, *, key: str | None, category: str | None, language: str | None,
    version: int | None,
) -> Candidate:  # fmt: skip
    """The candidate that the options name."""
    if key is None:
        if category is None or language is None:
            raise Refused("names_no_candidate")
        return prompting.prompt_version(store, category, language, version)
    question = _question(store, study, key)
    versions = criteria.versions(store, question.id)
    for one in versions:
        if one.version == (version or versions[-1].version):
            return one
    raise UnknownName("unknown_criteria_version", version=version)


def _question(store: Store, study: Study, text: str) -> Question:
    key = question_key(text)
    if key is None:
        raise BrokenFile("bad_key", key=text)
    return revising.question_of_study(store, study, str(key))


def _requirement_counts(criteria: Criteria) -> dict[str, int]:
    levels = [requirement.level for requirement in criteria.requirements]
    return {"core": levels.count("core"), "secondary": levels.count("secondary")}
