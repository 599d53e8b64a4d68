"""Weighing attacks: what an audit's judgings come to, attacked answers against plain ones."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Literal

import numpy as np

from core.domain.attacks import Attack
from core.domain.criteria import Criteria
from core.domain.estimation import Estimate, share_estimate
from core.domain.prompts import Turn
from core.domain.questions import Language
from core.domain.scales import ONE_TO_FIVE

Place = Literal["plain", "before", "after", "earlier_turn"]

#: On which the cases are judged.
SCALE = ONE_TO_FIVE


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


def audit_of(found: Sequence[Judged], *, unanswered: int) -> Audit:
    """Compare judgings with and without attacks.

    Args:
        unanswered: how many judgings were given up.
    """
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
    unusable = [step for step in steps if step[0] < SCALE.usable_from]
    return Moves(
        _share([score != usual for usual, score, _ in steps], clusters),
        _share([score > usual for usual, score, _ in steps], clusters),
        _share([score < usual for usual, score, _ in steps], clusters),
        _share([score >= SCALE.usable_from for _, score, _ in unusable],
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
