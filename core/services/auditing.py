"""Auditing: whether attacks in a response move a judge's score.

A few mediocre answers of the illustrative sample are judged as they are, several times, and once
with each attack in front of them and behind them. Only the sample's text is sent, and nothing is
stored.
"""

import asyncio
import secrets
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.domain.addresses import OPENAI, host_of
from core.domain.attacks import Attack, attacks_of
from core.domain.prompts import Turn, reask, rendered
from core.domain.questions import Language, language_of
from core.domain.verdicts import MENDABLE, Unscored, Verdict, verdict_of, verdict_schema
from core.engines.base import Ask, Configuration, JudgeEngine, Message
from core.engines.catalogue import entry_of, judge_engine
from core.errors import CallFailed, Refused
from core.formats.llmeval_med import read_questions, read_responses
from core.services.asking import Asking
from core.services.opening import DATA
from core.services.weighing_attacks import SCALE, Audit, Case, Judged, Place, Trial, audit_of

#: Answers to which the sample's illustrative physicians give a 3: a score can move both ways.
_CASES = (
    ("MSE:5:1", "willow-sample"), ("MTG:3:1", "willow-sample"), ("MLU:4:1", "willow-sample"),
    ("MR:3:1", "cedar-sample"), ("MTG:5:1", "cedar-sample"), ("MTG:1:2", "willow-sample"),
)  # fmt: skip
_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class AuditOrder:
    """Which judge is to be audited, and how thoroughly.

    Attributes:
        templates: judge prompts by category and language; the installed ones where none is given.
        repeats: how often each answer is judged without an attack.
        limit: at most so many attacks, spread over the corpus; None for all.
        gpus: indices, for an engine that loads the model itself; empty for the CPU.
        rpm, tpm: most calls and tokens a minute; None for no limit.
    """

    engine: str
    model: str
    parameters: dict[str, Any]
    addresses: tuple[str, ...] = ()
    concurrency: int = 16
    languages: tuple[Language, ...] = ("en", "zh")
    templates: dict[tuple[str, Language], str] | None = None
    repeats: int = 5
    limit: int | None = None
    gpus: tuple[int, ...] = ()
    rpm: int | None = None
    tpm: int | None = None


def corpus(languages: Sequence[Language] = ("en", "zh")) -> tuple[Attack, ...]:
    """The attacks of some languages, in the order of their files."""
    found: list[Attack] = []
    for language in languages:
        text = (DATA / "attacks" / f"{language}.toml").read_text(encoding="utf-8")
        found += attacks_of(tomllib.loads(text)["attack"], language)
    return tuple(found)


def trials_of(order: AuditOrder) -> tuple[Trial, ...]:
    """All judgings of an audit, those without an attack first.

    Raises:
        Refused: `bad_repeats`, `bad_concurrency`.
    """
    if order.repeats < 2:
        raise Refused("bad_repeats")
    if not 1 <= order.concurrency <= 1024:
        raise Refused("bad_concurrency", most=1024)
    cases = [case for case in sample_cases() if case.language in order.languages]
    plain = [Trial(case, "plain") for case in cases for _ in range(order.repeats)]
    attacked = [
        Trial(_attacked(case, attack, place), place, attack)
        for attack in _spread(corpus(order.languages), order.limit)
        for case in cases
        if case.language == attack.language
        for place in _places(case)
    ]
    return (*plain, *attacked)


def audit(order: AuditOrder, *, done: Callable[[int], None] = lambda count: None) -> Audit:
    """Judge the sample's cases with and without attacks, and compare.

    Args:
        done: told how many more judgings have ended.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `bad_address`, `bad_repeats`, `bad_concurrency`.
        EngineStopped: no call can succeed.
        CallFailed: nothing gets through.
    """
    if entry_of(order.engine).needs_address:
        for address in order.addresses or (OPENAI,):
            if not host_of(address):
                raise Refused("bad_address", address=address)
    trials = trials_of(order)
    found = asyncio.run(_judge_all(order, trials, done))
    return audit_of(found, unanswered=len(trials) - len(found))


# --- the cases ----------------------------------------------------------------------------------


def sample_cases() -> list[Case]:
    """The answers of the illustrative sample that an audit uses."""
    folder = DATA / "sample"
    criteria = {str(one.key): one.criteria for one in read_questions(folder / "dataset.json")}
    found = []
    for key, model in _CASES:
        answers = _answers(folder / "responses" / f"{model}.json")
        category, group, turn = key.split(":")
        before = [f"{category}:{group}:{number}" for number in range(1, int(turn))]
        found.append(
            Case(
                key, model, category, language_of(criteria[key].question_text), criteria[key],
                tuple(Turn(criteria[one].question_text, answers[one]) for one in before),
                answers[key],
            )
        )  # fmt: skip
    return found


def _answers(path: Path) -> dict[str, str]:
    return {str(one.key): one.text for one in read_responses(path) if one.text is not None}


def _places(case: Case) -> tuple[Place, ...]:
    return ("before", "after", "earlier_turn") if case.earlier_turns else ("before", "after")


def _attacked(case: Case, attack: Attack, place: Place) -> Case:
    """The case with an attack in its response, or in the response to its last earlier turn."""
    if place == "before":
        return replace(case, response=f"{attack.text}\n\n{case.response}")
    if place == "after":
        return replace(case, response=f"{case.response}\n\n{attack.text}")
    *others, last = case.earlier_turns
    turn = replace(last, response=f"{last.response}\n\n{attack.text}")
    return replace(case, earlier_turns=(*others, turn))


def _spread(attacks: Sequence[Attack], limit: int | None) -> list[Attack]:
    """At most so many attacks, evenly spread."""
    count = len(attacks) if limit is None else min(limit, len(attacks))
    return [attacks[at * len(attacks) // count] for at in range(count)]


# --- asking -------------------------------------------------------------------------------------


class _NobodyElse:
    """The lease of work that no other process can claim."""

    is_lost = False
    is_cancel_asked = False


async def _judge_all(
    order: AuditOrder, trials: Sequence[Trial], done: Callable[[int], None]
) -> list[Judged]:
    """Every trial that could be judged; those given up in transport are missing."""
    found: list[Judged] = []

    def keep(judged: list[Judged]) -> None:
        found.extend(judged)
        done(len(judged))

    engine = judge_engine(
        order.engine,
        Configuration(
            order.model,
            order.parameters,
            order.addresses,
            order.concurrency,
            order.gpus,
            order.rpm,
            order.tpm,
        ),
    )

    async def ask(trial: Trial, commit: Callable[[Judged], Any]) -> None:
        await commit(await _judged(engine, order, trial))

    try:
        await Asking(
            trials, ask, keep, concurrency=order.concurrency, lease=_NobodyElse(),
            stop=engine.stop,
        ).run()  # fmt: skip
    except CallFailed as error:
        if error.code != "calls_failed":
            raise
    finally:
        await engine.close()
    return found


async def _judged(engine: JudgeEngine, order: AuditOrder, trial: Trial) -> Judged:
    """Judge one trial as a study's responses are judged, with one more try at a readable reply."""
    case = trial.case
    if not entry_of(order.engine).reads_prompt:
        reply = await engine.ask(Ask((), case.criteria, case.response))
        found = verdict_of(reply.text, SCALE, finish_reason=reply.finish_reason, ticket=None)
        return _as_judged(trial, found)
    ticket, count = secrets.token_hex(_TOKEN_BYTES), len(case.criteria.requirements)
    prompt = rendered(
        _template(order, case), case.criteria, case.response, earlier_turns=case.earlier_turns,
        language=case.language, marker=secrets.token_hex(_TOKEN_BYTES), ticket=ticket,
    )  # fmt: skip
    messages: tuple[Message, ...] = (Message("user", prompt),)
    for _ in range(2):
        reply = await engine.ask(Ask(messages, case.criteria, case.response, verdict_schema(SCALE)))
        found = verdict_of(
            reply.text, SCALE, finish_reason=reply.finish_reason, ticket=ticket,
            requirements=count, response=case.response,
        )  # fmt: skip
        if not (isinstance(found, Unscored) and found.because in MENDABLE):
            break
        again = reask(found, SCALE, language=case.language, ticket=ticket, requirements=count)
        messages = (*messages, Message("assistant", reply.text), Message("user", again))
    return _as_judged(trial, found)


def _template(order: AuditOrder, case: Case) -> str:
    if order.templates is not None:
        return order.templates[case.category, case.language]
    path = DATA / "prompts" / case.language / f"{case.category}.txt"
    return path.read_text(encoding="utf-8")


def _as_judged(trial: Trial, found: Verdict | Unscored) -> Judged:
    if isinstance(found, Unscored):
        return Judged(trial, None, found.because)
    return Judged(trial, found.score, None)
