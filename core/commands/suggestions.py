"""The command that asks a model for suggestions."""

from dataclasses import asdict

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, words
from core.errors import Refused
from core.services import prompting, suggesting
from core.services.judging import judge_of_study
from core.services.naming import question_of_study, study_of_dataset
from core.store import criteria


@command(main, "suggest", writes=True)
@click.option("--dataset", required=True)
@click.option("--judge", help="Whose disagreements.  [default: the newest judge]")
@click.option("--by-model-of", "asked", help="The judge whose model is asked.  [default: as above]")
@click.option("--question", "key", help="Whose checklist is to be changed.")
@click.option("--category", help="A prompt's.")
@click.option("--language", type=click.Choice(prompting.LANGUAGES))
def suggest_command(
    terminal: Terminal, *, dataset: str, judge: str | None, asked: str | None, key: str | None,
    category: str | None, language: str | None,
) -> None:  # fmt: skip
    """Let a model draft changes from what revisers may see; nothing is changed by itself."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, _ = judge_of_study(store, study, judge)
        model, _ = judge_of_study(store, study, asked or chosen.name)
        if key is not None:
            question = question_of_study(store, study, key)
            rows = criteria.active_version(store, study.id, question.id).criteria.requirements
            found = suggesting.suggest_rows(
                store, study, model, chosen, question, rows, by=terminal.by
            )
        elif category and language:
            prompt = prompting.prompt_version(store, category, language)
            found = suggesting.suggest_text(
                store, study, model, chosen, prompt, prompt.text, by=terminal.by
            )
        else:
            raise Refused("names_no_candidate")
    changes = [asdict(one) for one in found.rows] + [asdict(one) for one in found.texts]
    kind = "suggested_row" if key is not None else "suggested_text"
    terminal.show(
        {"changes": changes},
        "\n".join(words(kind, **one) for one in changes) or words("suggested_nothing"),
    )
