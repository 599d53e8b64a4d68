"""Auditing: whether attacks in a response move a judge's score.

A few mediocre answers of the illustrative sample are judged as they are, several times, and once
with each attack in front of them and behind them. Only the sample's text is sent, and nothing is
stored.
"""

import asyncio
import secrets
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any, Literal

import numpy as np

from core.domain.addresses import OPENAI, host_of
from core.domain.attacks import Attack, attacks_of
from core.domain.criteria import Criteria
from core.domain.estimation import Estimate, share_estimate
from core.domain.prompts import Turn, reask, rendered
from core.domain.questions import Language, language_of
from core.domain.scales import ONE_TO_FIVE
from core.domain.verdicts import MENDABLE, Unscored, Verdict, verdict_of, verdict_schema
from core.engines.base import Ask, Configuration, JudgeEngine, Message
from core.engines.catalogue import entry_of, judge_engine
from core.errors import CallFailed, Refused
from core.formats.llmeval_med import read_questions, read_responses
from core.services.asking import Asking
from core.services.opening import DATA

Place = Literal["plain", "before", "after", "earlier_turn"]

#: Answers to which the sample's illustrative physicians give a 3: a score can move both ways.
_CASES = (
    ("MSE:5:1", "willow-sample"), ("MTG:3:1", "willow-sample"), ("MLU:4:1", "willow-sample"),
    ("MR:3:1", "cedar-sample"), ("MTG:5:1", "cedar-sample"), ("MTG:1:2", "willow-sample"),
)  # fmt: skip
_SCALE = ONE_TO_FIVE
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


@dataclass(frozen=True, slots=True)
class Case:
    """An answer of the sample, with what it is measured by."""

    question: str
    model: str
    category: str
    language: Language
    criteria: Criteria
    earlier_turns: tuple[Turn, ...]
    response: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One judging: a case as it is, or with an attack."""

    case: Case
    place: Place
    attack: Attack | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a trial: a score, or the reason why there is none."""

    trial: Trial
    score: int | None
    because: str | None


@dataclass(frozen=True, slots=True)
class Plain:
    """A case without an attack.

    Attributes:
        usual: the median of its scores, the lower one of two; None where it was never scored.
    """

    case: Case
    scores: tuple[int, ...]
    unscored: dict[str, int]
    usual: int | None


@dataclass(frozen=True, slots=True)
class Moves:
    """How often attacks moved a score away from the case's usual one, each as a share of its n.

    Attributes:
        moved, up, down: of the attacked answers that were scored and have a usual score.
        to_usable: of those whose usual score is not usable.
        unscored: of all attacked answers.
        because: why they were unscored.
    """

    moved: Estimate
    up: Estimate
    down: Estimate
    to_usable: Estimate
    unscored: Estimate
    because: dict[str, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """One attacked answer whose score is not the case's usual one.

    Attributes:
        is_beyond: no plain judging of the case gave that score or one further out.
    """

    judged: Judged
    plain: Plain
    is_beyond: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        noise: how often a plain score differs from the usual one of the case's other plain scores.
        unanswered: judgings that were given up because their calls failed in transport.
        without_usual: scores with an attack that can't be compared, for want of a usual one.
    """

    plain: tuple[Plain, ...]
    noise: Estimate
    attacks: int
    all: Moves
    by_kind: dict[str, Moves]
    by_language: dict[str, Moves]
    moved: tuple[Moved, ...]
    unanswered: int
    without_usual: int


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
    return _audit_of(found, unanswered=len(trials) - len(found))


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
        found = verdict_of(reply.text, _SCALE, finish_reason=reply.finish_reason, ticket=None)
        return _as_judged(trial, found)
    ticket, count = secrets.token_hex(_TOKEN_BYTES), len(case.criteria.requirements)
    prompt = rendered(
        _template(order, case), case.criteria, case.response, earlier_turns=case.earlier_turns,
        language=case.language, marker=secrets.token_hex(_TOKEN_BYTES), ticket=ticket,
    )  # fmt: skip
    messages: tuple[Message, ...] = (Message("user", prompt),)
    for _ in range(2):
        reply = await engine.ask(
            Ask(messages, case.criteria, case.response, verdict_schema(_SCALE))
        )
        found = verdict_of(
            reply.text, _SCALE, finish_reason=reply.finish_reason, ticket=ticket,
            requirements=count, response=case.response,
        )  # fmt: skip
        if not (isinstance(found, Unscored) and found.because in MENDABLE):
            break
        again = reask(found, _SCALE, language=case.language, ticket=ticket, requirements=count)
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


# --- comparing ----------------------------------------------------------------------------------


def _audit_of(found: Sequence[Judged], *, unanswered: int) -> Audit:
    plain = _plain_of([one for one in found if one.trial.attack is None])
    attacked = [one for one in found if one.trial.attack is not None]
    kinds = _grouped(attacked, lambda one: _attack(one).kind)
    languages = _grouped(attacked, lambda one: _attack(one).language)
    return Audit(
        tuple(plain.values()), _noise(plain.values()),
        len({_attack(one).id for one in attacked}),
        _moves(plain, attacked),
        {kind: _moves(plain, some) for kind, some in sorted(kinds.items())},
        {language: _moves(plain, some) for language, some in sorted(languages.items())},
        tuple(_all_moved(plain, attacked)), unanswered,
        sum(_usual(plain, one) is None for one in attacked if one.score is not None),
    )  # fmt: skip


def _plain_of(found: Sequence[Judged]) -> dict[tuple[str, str], Plain]:
    plain = {}
    for identity, some in _grouped(found, lambda one: _identity(one.trial.case)).items():
        scores = tuple(one.score for one in some if one.score is not None)
        unscored = Counter(one.because for one in some if one.because is not None)
        usual = median_low(scores) if scores else None
        plain[identity] = Plain(some[0].trial.case, scores, dict(unscored), usual)
    return plain


def _noise(plain: Iterable[Plain]) -> Estimate:
    """Each plain score against the usual one of the others, so that it does not vote on itself."""
    hits, clusters = [], []
    for number, one in enumerate(plain):
        for at, score in enumerate(one.scores):
            others = one.scores[:at] + one.scores[at + 1 :]
            if others:
                hits.append(score != median_low(others))
                clusters.append(number)
    return _share(hits, clusters)


def _moves(plain: dict[tuple[str, str], Plain], attacked: Sequence[Judged]) -> Moves:
    """Count moves; the attack is the unit of chance, as it is tried on several answers."""
    steps = [
        (usual, one.score, _attack(one).id)
        for one in attacked
        if one.score is not None and (usual := _usual(plain, one)) is not None
    ]
    clusters = [attack for *_, attack in steps]
    unusable = [step for step in steps if step[0] < _SCALE.usable_from]
    return Moves(
        _share([score != usual for usual, score, _ in steps], clusters),
        _share([score > usual for usual, score, _ in steps], clusters),
        _share([score < usual for usual, score, _ in steps], clusters),
        _share([score >= _SCALE.usable_from for _, score, _ in unusable],
               [attack for *_, attack in unusable]),
        _share([one.score is None for one in attacked], [_attack(one).id for one in attacked]),
        dict(Counter(one.because for one in attacked if one.because is not None)),
    )  # fmt: skip


def _all_moved(plain: dict[tuple[str, str], Plain], attacked: Sequence[Judged]) -> list[Moved]:
    """Every attacked answer with another score than usual, the furthest upward first."""
    moved = []
    for one in attacked:
        usual = _usual(plain, one)
        if one.score is not None and usual is not None and one.score != usual:
            case = plain[_identity(one.trial.case)]
            is_beyond = not min(case.scores) <= one.score <= max(case.scores)
            moved.append((one.score - usual, Moved(one, case, is_beyond)))
    return [one for _, one in sorted(moved, key=lambda pair: -pair[0])]


def _share(hits: Sequence[bool], clusters: Sequence[Hashable]) -> Estimate:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    return share_estimate(
        np.array(hits, dtype=bool), np.array([numbers[name] for name in clusters], dtype=np.intp)
    )


def _identity(case: Case) -> tuple[str, str]:
    return case.question, case.model


def _usual(plain: dict[tuple[str, str], Plain], judged: Judged) -> int | None:
    found = plain.get(_identity(judged.trial.case))
    return None if found is None else found.usual


def _attack(judged: Judged) -> Attack:
    assert judged.trial.attack is not None
    return judged.trial.attack


def _grouped(found: Iterable[Judged], label: Callable[[Judged], Any]) -> dict[Any, list[Judged]]:
    groups: dict[Any, list[Judged]] = defaultdict(list)
    for one in found:
        groups[label(one)].append(one)
    return groups
