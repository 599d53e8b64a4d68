"""Commands of physicians beside the score itself: audits, causes, own work, and the shift."""

from typing import Any

import click

from core.commands.people import response_named
from core.commands.root import main
from core.commands.terminal import Terminal, command, text_of, words
from core.domain.estimation import Estimate
from core.errors import UnknownName
from core.i18n import has_key
from core.services import correcting, revealing, vetting
from core.services.correcting import WHICH, Entry, Wanted, Which
from core.services.naming import question_of_study, study_of_dataset
from core.services.vetting import AuditShare
from core.store import people
from core.store.differences import CAUSES, Cause


@main.group("question-audit")
def audit_group() -> None:
    """Whether questions and their reference answers are factually right."""


@command(audit_group, "show")
@click.option("--dataset", required=True)
def audit_show_command(terminal: Terminal, *, dataset: str) -> None:
    """Share of right questions with its interval, by category, and what is wrong."""
    with terminal.store() as store:
        whole, *categories = vetting.audit_shares(store, study_of_dataset(store, dataset))
    lines = [_share_line(dataset, whole)]
    lines += [f"  {_share_line(one.category or '', one)}" for one in categories]
    lines += [
        words(
            "audit_wrong", key=one.question, version=one.criteria_version, person=one.person,
            comment=one.comment,
        )
        for one in whole.wrong
    ]  # fmt: skip
    found = {
        "dataset": dataset,
        **_share(whole),
        "categories": [{"category": one.category, **_share(one)} for one in categories],
        "wrong": [
            {"question": one.question, "version": one.criteria_version, "physician": one.person,
             "comment": one.comment, "at": one.created_at}
            for one in whole.wrong
        ],
    }  # fmt: skip
    terminal.show(found, "\n".join(lines))


@command(audit_group, "add", writes=True)
@click.option("--dataset", required=True)
@click.option("--question", "key", required=True, help="Question key, e.g. MK:5:1.")
@click.option("--right/--wrong", "is_right", required=True)
@click.option("--comment", default="", help="What is wrong.")
def audit_add_command(
    terminal: Terminal, *, dataset: str, key: str, is_right: bool, comment: str
) -> None:
    """Say whether a question and its reference answer are right (the physician is --as NAME)."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        question = question_of_study(store, study, key)
        with store.writing():
            person = people.ensure_person(store, terminal.by)
            vetting.audit(store, study, person, question.id, is_right=is_right, comment=comment)
    said = "right" if is_right else "wrong"
    terminal.show(
        {"question": key, "right": is_right, "comment": comment},
        words("audited", key=key, said=said, by=terminal.by),
    )


@command(main, "why", writes=True)
@click.option("--dataset", required=True)
@click.option("--question", "key", required=True)
@click.option("--model", required=True)
@click.option("--sample", default=1, show_default=True)
@click.option(
    "--cause", type=click.Choice([one for one in CAUSES if one != "reconsidered"]), required=True
)
@click.option("--comment", default="")
def why_command(
    terminal: Terminal, *, dataset: str, key: str, model: str, sample: int, cause: Cause,
    comment: str,
) -> None:  # fmt: skip
    """Say why a judge's verdict that was shown differs from one's own score."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        response = response_named(store, study, key, model, sample)
        with store.writing():
            person = people.ensure_person(store, terminal.by)
            revealing.say_why(store, study, person, response.id, cause, comment=comment)
    terminal.show(
        {"question": key, "model": model, "cause": cause},
        words("why_said", key=key, model=model, cause=cause, by=terminal.by),
    )


@command(main, "scores-of")
@click.option("--dataset", required=True)
@click.option("--physician", required=True)
@click.option("--which", type=click.Choice(WHICH), default="all", show_default=True)
@click.option("--category", default="")
@click.option("--containing", default="", help="In question, response, checklist or notes.")
def scores_of_command(
    terminal: Terminal, *, dataset: str, physician: str, which: Which, category: str,
    containing: str,
) -> None:  # fmt: skip
    """List a physician's answers, newest first."""
    wanted = Wanted(which, category, containing=containing)
    with terminal.store() as store:
        person = people.person_named(store, physician)
        study = study_of_dataset(store, dataset)
        if person is None:
            raise UnknownName("unknown_physician", name=physician)
        found = correcting.own_entries(store, study, person, wanted)
    terminal.show(
        {"dataset": dataset, "answers": [_entry(one) for one in found]},
        "\n".join(_entry_line(one) for one in found) or words("no_own_scores"),
    )


@command(main, "shift")
@click.option("--dataset", required=True)
def shift_command(terminal: Terminal, *, dataset: str) -> None:
    """How often physicians change their mind after they have seen the judge's verdict."""
    with terminal.store() as store:
        shift = revealing.shift_of(store, study_of_dataset(store, dataset))
    found = {
        "dataset": dataset, "n": shift.changed.n, "changed": _estimate(shift.changed),
        "crossed": _estimate(shift.crossed), "joined": shift.joined,
    }  # fmt: skip
    line = words(
        "shift", n=shift.changed.n, changed=_shown(shift.changed), crossed=_shown(shift.crossed),
        joined=shift.joined,
    )  # fmt: skip
    terminal.show(found, line)


def _share(share: AuditShare) -> dict[str, Any]:
    return {
        "n": share.right.n,
        "right": _estimate(share.right),
        "questions": share.questions,
        "physicians": share.physicians,
    }


def _share_line(label: str, share: AuditShare) -> str:
    return words(
        "audit_line", label=label, right=_shown(share.right), n=share.right.n,
        questions=share.questions, physicians=share.physicians,
    )  # fmt: skip


def _estimate(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "interval": None if found.low is None else [found.low, found.high],
        "undefined": found.undefined_because,
    }


def _shown(found: Estimate) -> str:
    if found.value is None:
        return f"– ({text_of(f'undefined.{found.undefined_because}')})"
    interval = "" if found.low is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.value:.3f}{interval}"


def _entry(entry: Entry) -> dict[str, Any]:
    counts = entry.counts
    return {
        "question": counts.question,
        "response": entry.response_id,
        "score": counts.value,
        "maximum": counts.maximum,
        "unscored_because": counts.unscored_because,
        "phase": counts.phase,
        "informed": entry.informed.value if entry.informed else None,
        "comment": counts.comment,
        "safety_risk": counts.safety_risk,
        "attempts": entry.attempts,
        "differs": entry.differs,
        "cause": entry.cause,
        "at": counts.created_at,
    }


def _entry_line(entry: Entry) -> str:
    counts = entry.counts
    said = f"{counts.value}/{counts.maximum}"
    if counts.value is None:
        said = _reason(counts.unscored_because)
    if counts.safety_risk:
        said += f" · {text_of('words.safety_risk')}"
    return words(
        "own_line", key=counts.question, said=said, phase=text_of(f"phase.{counts.phase}"),
        time=counts.created_at[:16], comment=counts.comment,
    )  # fmt: skip


def _reason(because: str | None) -> str:
    """Why there is no score: a physician's words, or those of what was imported."""
    keys = (f"no_score.{because}", f"unscored.{because}")
    return next((text_of(key) for key in keys if has_key(key)), because or "–")
