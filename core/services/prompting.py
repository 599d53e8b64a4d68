"""Prompting: judge prompts get new versions, serve judges, and can be seen as a judge gets them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.pricing import guessed_tokens
from core.domain.prompts import PLACEHOLDERS, missing_placeholders, prompt_hash, rendered
from core.domain.questions import CATEGORIES, Language
from core.engines.catalogue import ENGINES
from core.errors import Refused, StaleRevision, UnknownName
from core.services.permitting import require
from core.store import criteria, judges, prompts, questions, responses
from core.store.database import Store
from core.store.judges import Judge
from core.store.prompts import PromptVersion
from core.store.responses import Response
from core.store.studies import Study

LANGUAGES: tuple[Language, ...] = ("en", "zh")
#: Bytes of a token that is drawn for one prompt.
_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt as a judge would get it for one response, with tokens drawn for the occasion."""

    question: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What an activation asks for.

    Attributes:
        responses: those of the prompt's category and language that have a text.
        judged: verdicts that this judge has given on them with this prompt already.
        outstanding: verdicts that it still has to give.
    """

    responses: int
    rounds: int
    judged: int
    outstanding: int


def categories(store: Store) -> list[str]:
    """The categories that have judge prompts: the benchmark's, then those of one's own."""
    require(store, "lead")
    own = {one.category for one in judges.prompts(store)} - set(CATEGORIES)
    return [*CATEGORIES, *sorted(own)]


def languages_of(store: Store, category: str) -> list[Language]:
    """The languages in which a category has judge prompts."""
    require(store, "lead")
    has = {one.language for one in judges.prompts(store) if one.category == category}
    return [language for language in LANGUAGES if language in has]


def prompt_version(
    store: Store, category: str, language: str, version: int | None = None
) -> PromptVersion:
    """A version of a category's prompt; the newest without a number.

    Raises:
        UnknownName: `unknown_prompt`, `unknown_prompt_version`.
    """
    require(store, "lead")
    found = prompts.versions(store, category, language)
    if not found:
        raise UnknownName(
            "unknown_prompt", category=category, language=language,
            categories=", ".join(categories(store)), languages=", ".join(LANGUAGES),
        )  # fmt: skip
    for one in found:
        if version in (None, one.version):
            return one
    raise UnknownName(
        "unknown_prompt_version", category=category, language=language, version=version,
        newest=found[0].version,
    )  # fmt: skip


def add_prompt(
    store: Store,
    category: str,
    language: str,
    text: str,
    *,
    reason: str,
    by: str,
    based_on: int | None = None,
) -> PromptVersion:
    """Store a text as the newest version of a category's prompt; it serves nobody yet.

    Args:
        based_on: number of the version that was edited; None where it does not matter.

    Raises:
        UnknownName: `unknown_prompt`.
        Refused: `needs_reason`; `prompt_lacks`, `prompt_repeats` with the placeholders' names;
            `prompt_exists` with the version that has this text.
        StaleRevision: `stale_prompt`: somebody has stored a newer version meanwhile.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    check_placeholders(text)
    with store.writing():
        newest = prompt_version(store, category, language)
        if based_on not in (None, newest.version):
            raise StaleRevision("stale_prompt", version=newest.version, by=newest.created_by)
        for known in prompts.versions(store, category, language):
            if prompt_hash(known.text) == prompt_hash(text):
                raise Refused("prompt_exists", version=known.version)
        judges.ensure_prompt(store, category, language, text, reason=reason, by=by)
    return prompt_version(store, category, language)


def check_placeholders(text: str) -> None:
    """Refuse a prompt in which a placeholder is missing, or stands more than once.

    Raises:
        Refused: `prompt_lacks`, `prompt_repeats`, each with the placeholders' names.
    """
    lacking = [name for name in missing_placeholders(text) if f"{{{name}}}" not in text]
    repeated = [name for name in missing_placeholders(text) if f"{{{name}}}" in text]
    if lacking:
        raise Refused("prompt_lacks", names=_in_braces(lacking))
    if repeated:
        raise Refused("prompt_repeats", names=_in_braces(repeated))


def placeholder_counts(text: str) -> dict[str, int]:
    """How often each placeholder stands in a prompt."""
    return {name: text.count(f"{{{name}}}") for name in PLACEHOLDERS}


def preview(store: Store, study: Study, template: str, response: Response) -> Preview:
    """Fill a prompt with a response of a study.

    Raises:
        Refused: `prompt_lacks`, `prompt_repeats`; `response_absent` where it has no text.
    """
    require(store, "lead")
    check_placeholders(template)
    if response.text is None:
        raise Refused("response_absent", id=response.id)
    question = questions.question_by_id(store, response.question_id)
    assert question is not None
    text = rendered(
        template,
        criteria.active_version(store, study.id, question.id).criteria,
        response.text,
        earlier_turns=responses.earlier_turns(store, response.id),
        language=question.language,
        marker=secrets.token_hex(_TOKEN_BYTES),
        ticket=secrets.token_hex(_TOKEN_BYTES),
    )
    return Preview(question.key, text, round(guessed_tokens([text])))


def judges_that_read(store: Store, study: Study) -> list[tuple[Judge, int]]:
    """The judges of a study that a prompt can serve, with their rounds."""
    require(store, "lead")
    return [
        (judge, rounds)
        for judge, rounds in judges.judges_of_study(store, study.id)
        if judge.engine in ENGINES and ENGINES[judge.engine].reads_prompt
    ]


def effect_of(
    store: Store, study: Study, judge: Judge, rounds: int, prompt: PromptVersion
) -> Effect:
    """What would be asked for if a prompt served a judge."""
    require(store, "lead")
    found = prompts.reach(store, study.id, judge, rounds, prompt)
    outstanding = found.responses * rounds - found.judged
    return Effect(found.responses, rounds, found.judged, outstanding)


def _in_braces(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
