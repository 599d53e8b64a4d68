"""Commands about judge prompts: list, show, compare, add, preview, activate."""

from dataclasses import asdict
from pathlib import Path

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, reason_of, words
from core.domain.differences import Kind, Passage, differences, passages
from core.errors import UnknownName
from core.formats.base import text_of_file
from core.services import prompting
from core.services.naming import question_of_study, study_of_dataset
from core.store import prompts, responses

_CATEGORY = click.option("--category", required=True, help="MK, …, or one of your own.")
_LANGUAGE = click.option("--language", type=click.Choice(prompting.LANGUAGES), required=True)
_VERSION = click.option("--version", type=click.IntRange(min=1), help="[default: the newest]")
#: Lines that both versions have in a row, up to which all are shown.
_NEAR = 2
_MARKS: dict[Kind, str] = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


@main.group("prompt")
def prompt_group() -> None:
    """Judge prompts: versions, what they look like filled, and which one serves a judge."""


@command(prompt_group, "list")
@click.option("--dataset", help="Say which judges of this study each version serves.")
def list_command(terminal: Terminal, *, dataset: str | None) -> None:
    """Every version of every judge prompt, with its author and reason."""
    with terminal.store() as store:
        serving = prompts.serving(store, study_of_dataset(store, dataset).id) if dataset else []
        found = [
            {
                **asdict(one),
                "serves": [other.judge for other in serving if other.prompt_id == one.id],
            }
            for one in prompts.all_versions(store)
        ]
    for one in found:
        del one["id"], one["text"]
    lines = [
        words("prompt", **one | {"reason": reason_of(one["reason"])})
        + (words("prompt_serves", judges=", ".join(one["serves"])) if one["serves"] else "")
        for one in found
    ]
    terminal.show({"prompts": found}, "\n".join(lines))


@command(prompt_group, "show")
@_CATEGORY
@_LANGUAGE
@_VERSION
def show_command(terminal: Terminal, *, category: str, language: str, version: int | None) -> None:
    """Print a prompt's text, to the character."""
    with terminal.store() as store:
        found = prompting.prompt_version(store, category, language, version)
    terminal.show(asdict(found), found.text)


@command(prompt_group, "diff")
@_CATEGORY
@_LANGUAGE
@click.option(
    "--from", "old", type=click.IntRange(min=1), help="[default: the one before the other]"
)
@click.option("--to", "new", type=click.IntRange(min=1), help="[default: the newest]")
def diff_command(
    terminal: Terminal, *, category: str, language: str, old: int | None, new: int | None
) -> None:
    """The lines that differ between two versions: [-removed-] and {+added+}; --json has all."""
    with terminal.store() as store:
        after = prompting.prompt_version(store, category, language, new)
        before = prompting.prompt_version(
            store, category, language, old or max(1, after.version - 1)
        )
    pieces = differences(before.text, after.text)
    terminal.show(
        {
            "from": before.version,
            "to": after.version,
            "pieces": [asdict(piece) for piece in pieces],
        },
        "".join(_shown(one) for one in passages(before.text, after.text)),
    )


def _shown(passage: Passage) -> str:
    """What differs with its marks; of what is the same, the lines next to it."""
    if not passage.is_same:
        return "".join(_MARKS[piece.kind].format(piece.text) for piece in passage.pieces)
    lines = "".join(piece.text for piece in passage.pieces).splitlines(keepends=True)
    return "".join(lines) if len(lines) <= _NEAR else f"{lines[0]}…\n{lines[-1]}"


@command(prompt_group, "add", writes=True)
@_CATEGORY
@_LANGUAGE
@click.option("--file", type=FILE, required=True, help="The whole new prompt as text.")
@click.option("--reason", required=True)
def add_command(
    terminal: Terminal, *, category: str, language: str, file: Path, reason: str
) -> None:
    """Store a text as a new version; it serves nobody until it is activated."""
    text = text_of_file(file)
    with terminal.store() as store:
        found = prompting.add_prompt(store, category, language, text, reason=reason, by=terminal.by)
    identity = {"category": category, "language": language, "version": found.version}
    terminal.show(identity, words("prompt_added", **identity))


@command(prompt_group, "preview")
@click.option("--dataset", required=True)
@click.option(
    "--question", "keys", multiple=True, required=True, metavar="KEY",
    help="Put in a response to this question, such as MK:5:1; repeat for several.",
)  # fmt: skip
@click.option("--model", help="Whose response.  [default: the first that answered]")
@click.option("--sample", default=1, show_default=True)
@click.option("--file", type=FILE, help="Preview this text.  [default: the stored version]")
@_VERSION
def preview_command(
    terminal: Terminal,
    *,
    dataset: str,
    keys: tuple[str, ...],
    model: str | None,
    sample: int,
    file: Path | None,
    version: int | None,
) -> None:
    """The prompt as a judge gets it for a response to a question, with about how many tokens."""
    typed = text_of_file(file) if file else None
    found = []
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        for key in keys:
            question = question_of_study(store, study, key)
            answers = [
                one
                for one in responses.responses_to_question(store, question.id)
                if one.sample == sample and model in (None, one.model) and one.text is not None
            ]
            if not answers:
                raise UnknownName("unknown_response_of", key=key, model=model or "–", sample=sample)
            text = typed if typed is not None else prompting.prompt_version(
                store, question.category, question.language, version
            ).text  # fmt: skip
            found.append((answers[0], prompting.preview(store, study, text, answers[0])))
    terminal.show(
        {"previews": [{**asdict(shown), "model": answer.model} for answer, shown in found]},
        "\n".join(
            words("prompt_preview", key=shown.question, model=answer.model, tokens=shown.tokens)
            + f"\n{shown.text}"
            for answer, shown in found
        ),
    )
