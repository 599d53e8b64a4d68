"""Commands of physicians: score, reveal."""

from typing import Literal

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, text_of, words
from core.domain import mtg
from core.domain.questions import question_key
from core.errors import BrokenFile, Refused, UnknownName
from core.services import enrolling, reviewing
from core.services.naming import question_of_study, study_of_dataset
from core.services.reviewing import NoScore, Scoring
from core.store import criteria, responses, reviews
from core.store.database import Store
from core.store.marks import requirements_of_version
from core.store.responses import Response
from core.store.studies import Reveal, Study


@command(main, "score", writes=True)
@click.option("--dataset", required=True)
@click.option("--question", "key", required=True, help="Question key, e.g. MK:5:1.")
@click.option("--model", required=True)
@click.option("--sample", default=1, show_default=True)
@click.option("--score", "value", type=int, help="1 to 5.")
@click.option(
    "--dimension", "dimensions", multiple=True, metavar="NAME=VALUE",
    help="Instead of a score, for generated text: " + ", ".join(mtg.DIMENSIONS) + "; all of them.",
)  # fmt: skip
@click.option(
    "--no-score",
    type=click.Choice(["outside_field", "cannot_judge"]),
    help="Why there is none; cannot_judge says the rest in --comment.",
)
@click.option(
    "--mark",
    "marks",
    multiple=True,
    metavar="NUMBER=VALUE",
    help="A requirement by its place in the checklist: 0 not met, 1 partly, 2 met.",
)
@click.option(
    "--phase", type=click.Choice(["blind", "informed", "unknown"]), default="unknown",
    show_default=True, help="Whether the judge's verdict had been seen.",
)  # fmt: skip
@click.option("--comment", default="")
@click.option("--safety-risk/--no-safety-risk", default=None)
@click.option("--reason", default="", help="Why an earlier score is corrected.")
def score_command(
    terminal: Terminal,
    *,
    dataset: str,
    key: str,
    model: str,
    sample: int,
    value: int | None,
    dimensions: tuple[str, ...],
    no_score: NoScore | None,
    marks: tuple[str, ...],
    phase: Literal["blind", "informed", "unknown"],
    comment: str,
    safety_risk: bool | None,
    reason: str,
) -> None:
    """Record a physician's score (the physician is --as NAME)."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        found = response_named(store, study, key, model, sample)
        scoring = Scoring(
            value, comment, safety_risk, phase, reason, dict(map(_pair, dimensions)),
            _marks(store, study, found, key, marks), no_score,
        )  # fmt: skip
        with store.writing():
            person = enrolling.physician_named(store, terminal.by)
            is_new = reviewing.score(store, study, person, found.id, scoring)
            given = reviews.last_answer(store, person.id, found.id)
    assert given is not None
    said = "scored_no_score" if no_score else "scored" if is_new else "scored_already"
    terminal.show(
        {"question": key, "model": model, "score": given.value, "new": is_new}
        | ({"no_score": no_score} if no_score else {}),
        words(
            said, key=key, model=model, score=given.value, by=terminal.by,
            because=text_of(f"no_score.{no_score}") if no_score else "",
            phase=text_of(f"phase.{phase}"),
        ),
    )  # fmt: skip


def response_named(store: Store, study: Study, key: str, model: str, sample: int) -> Response:
    """The current response that a command names.

    Raises:
        BrokenFile: `bad_key`.
        UnknownName: `unknown_question_key`, `unknown_model`, `unknown_response_of`.
    """
    question = question_of_study(store, study, _key(key))
    model_id = responses.model_id_of(store, model)
    if model_id is None:
        known = ", ".join(label for _, label in responses.models_of_study(store, study.id))
        raise UnknownName("unknown_model", name=model, known=known or "–")
    found = responses.response_to(store, question.id, model_id, sample)
    if found is None:
        raise UnknownName("unknown_response_of", key=key, model=model, sample=sample)
    return found


def _marks(
    store: Store, study: Study, response: Response, key: str, given: tuple[str, ...]
) -> dict[int, int]:
    """Marks by requirement id, from their places in the active checklist."""
    version = criteria.active_version(store, study.id, response.question_id)
    known = requirements_of_version(store, version.id)
    found = {}
    for number, value in map(_pair, given):
        if not number.isdecimal() or not 1 <= int(number) <= len(known) or value not in (0, 1, 2):
            raise Refused("bad_mark", mark=f"{number}={value}", key=key, count=len(known))
        found[known[int(number) - 1].id] = value
    return found


def _pair(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), int(value)
    except ValueError as error:
        raise Refused("bad_pair", text=text) from error


@command(main, "reveal", writes=True)
@click.option("--dataset", required=True)
@click.option("--when", type=click.Choice(["never", "batch_done", "at_once"]), required=True)
@click.option("--reason", required=True)
def reveal_command(terminal: Terminal, *, dataset: str, when: Reveal, reason: str) -> None:
    """Set when physicians are shown what the judge said."""
    with terminal.store() as store:
        reviewing.set_reveal(
            store, study_of_dataset(store, dataset), when, reason=reason, by=terminal.by
        )
    terminal.show({"dataset": dataset, "reveal": when}, words("reveal_set", when=when))


def _key(text: str) -> str:
    key = question_key(text)
    if key is None:
        raise BrokenFile("bad_key", key=text)
    return str(key)
