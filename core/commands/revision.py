"""Commands that revise: a changed text is a new version, stored with a reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, command_line, text_of, words
from core.domain.criteria import Criteria
from core.domain.questions import question_key
from core.errors import BrokenFile
from core.formats.base import text_of_file
from core.services import deciding, revising
from core.services.naming import question_of_study, study_of_dataset
from core.store import criteria, judges
from core.store.database import Store
from core.store.questions import Question
from core.store.studies import Study


@main.group("revise")
def revise_group() -> None:
    """Change criteria; a change is a new version with a reason. Prompts: `prompt add`."""


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


def _revise(
    terminal: Terminal, field: str, *, dataset: str, key: str, file: Path, reason: str, draft: bool
) -> None:
    text = text_of_file(file).rstrip("\r\n")  # editors end a file with a newline
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        question = question_named(store, study, key)
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
        command = command_line("trial", "--dataset", dataset, "--question", key)
        said = words("drafted", key=key, version=version.version, command=command, **counts)
    if field == "checklist" and text.strip() and not sum(counts.values()):
        said += "\n" + text_of("checklists.none_recognised")
    if stale:
        said += "\n" + words("stale", n=stale)
    terminal.show(
        {"question": key, "version": version.version, "outstanding": left, "stale": stale}, said
    )


def question_named(store: Store, study: Study, text: str) -> Question:
    """The question that a key names, as somebody typed it."""
    key = question_key(text)
    if key is None:
        raise BrokenFile("bad_key", key=text)
    return question_of_study(store, study, str(key))


def _requirement_counts(criteria: Criteria) -> dict[str, int]:
    levels = [requirement.level for requirement in criteria.requirements]
    return {"core": levels.count("core"), "secondary": levels.count("secondary")}
