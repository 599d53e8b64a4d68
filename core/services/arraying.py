"""Arraying: cases as columns, so that a changed choice costs a mask and not a walk over objects."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.estimation import Bools, Floats
from core.services.agreeing import Case
from core.services.choosing import Choice

Ids = npt.NDArray[np.intp]
Codes = npt.NDArray[np.int8]
Days = npt.NDArray[np.str_]

#: No reading, no score, no decision.
NONE = -1
SCORED, UNSCORED, PENDING = 0, 1, 2
#: What cases are told apart by.
_FACETS: dict[str, Callable[[Case], str]] = {
    "category": lambda case: case.category,
    "model": lambda case: case.model,
    "category2": lambda case: case.category2,
    "scene": lambda case: case.scene,
    "difficulty": lambda case: case.difficulty,
    "stratum": lambda case: case.stratum,
}
#: Weights that differ by less than this share differ by rounding alone.
_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Facet:
    """What each case stands under: `names[code]`, code of shape (n,)."""

    names: tuple[str, ...]
    code: Ids

    def holds(self, wanted: Sequence[str]) -> Bools:
        """Which cases stand under one of some names."""
        places = [place for place, name in enumerate(self.names) if name in wanted]
        found: Bools = np.isin(self.code, places)
        return found


@dataclass(frozen=True, slots=True)
class Scores:
    """The counting scores of some cases, one row a score; all of shape (m,).

    Attributes:
        of: place of the case.
        person: the physician's id.
        day: when it was given (UTC), such as 2026-11-21.
        value, usable: `NONE` where there is none.
        minimum, maximum: ends of its scale.
        is_unknown: nobody recorded its phase.
        is_risk: it flags a safety risk.
    """

    of: Ids
    person: Ids
    day: Days
    value: Ids
    usable: Codes
    minimum: Ids
    maximum: Ids
    is_unknown: Bools
    is_risk: Bools

    def taken(self, rows: Bools, of: Ids) -> "Scores":
        """Some rows, with the places of their cases."""
        kept = {one.name: getattr(self, one.name)[rows] for one in fields(self)}
        return Scores(**{**kept, "of": of})


@dataclass(frozen=True, slots=True)
class Columns:
    """Cases in their order, one row a case; all of shape (n,).

    Attributes:
        human, judge: 1 usable, 0 not, `NONE` undecided or without a reading.
        median: the judge's middle round, `NONE` without one.
        state: `SCORED`, `UNSCORED` or `PENDING`.
        weight: 1/π of drawn responses, else NaN.
    """

    response: Ids
    question: Ids
    facets: Mapping[str, Facet]
    human: Codes
    judge: Codes
    median: Ids
    state: Codes
    is_unstable: Bools
    is_flagged_by_judge: Bools
    is_excluded: Bools
    weight: Floats
    scores: Scores
    people: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.response)

    @property
    def is_paired(self) -> Bools:
        """Whether physicians decided and the judge scored it."""
        paired: Bools = (self.human != NONE) & (self.judge != NONE)
        return paired

    @property
    def is_flagged(self) -> Bools:
        """Whether a physician flags a safety risk."""
        flagged = np.zeros(len(self), dtype=np.bool_)
        flagged[self.scores.of[self.scores.is_risk]] = True
        return flagged

    def taken(self, rows: Bools) -> "Columns":
        """The cases of a mask."""
        if rows.all():
            return self
        place = np.cumsum(rows) - 1
        kept = rows[self.scores.of]
        facets = {name: Facet(one.names, one.code[rows]) for name, one in self.facets.items()}
        columns: dict[str, Any] = {
            one.name: getattr(self, one.name)[rows]
            for one in fields(self)
            if one.name not in ("facets", "scores", "people")
        }
        scores = self.scores.taken(kept, place[self.scores.of[kept]])
        return Columns(**columns, facets=facets, scores=scores, people=self.people)

    def drawn(self) -> "Columns | None":
        """As `agreeing.weighted_among`: the drawn cases where their weights differ, else None."""
        is_drawn = ~np.isnan(self.weight)
        if not is_drawn.any() or 2 * int(is_drawn.sum()) < len(self):
            return None
        weights = self.weight[is_drawn]
        return self.taken(is_drawn) if weights.max() > weights.min() * (1.0 + _EQUAL) else None

    def split(self, *names: str) -> Iterator[tuple[tuple[str, ...], "Columns"]]:
        """Cases by one facet or several, in the order of the groups' first cases."""
        facets = [self.facets[name] for name in names]
        code = np.zeros(len(self), dtype=np.intp)
        for facet in facets:
            code = code * len(facet.names) + facet.code
        found, first = np.unique(code, return_index=True)
        for at in np.argsort(first):
            row = first[at]
            label = tuple(facet.names[facet.code[row]] for facet in facets)
            yield label, self.taken(code == found[at])


def columns_of(cases: Sequence[Case]) -> Columns:
    """Cases as columns."""
    return Columns(
        _ids([case.response_id for case in cases]),
        _ids([case.question_id for case in cases]),
        {name: _facet([of(case) for case in cases]) for name, of in _FACETS.items()},
        _codes([case.physicians_usable for case in cases]),
        _codes([case.judge.usable for case in cases]),
        _ids([NONE if case.judge.median is None else case.judge.median for case in cases]),
        np.array([_state(case.judge.unscored_because) for case in cases], dtype=np.int8),
        np.array([case.judge.is_unstable for case in cases], dtype=np.bool_),
        np.array([case.is_flagged_by_judge for case in cases], dtype=np.bool_),
        np.array([case.is_excluded for case in cases], dtype=np.bool_),
        np.array([np.nan if case.weight is None else case.weight for case in cases], dtype=float),
        _scores(cases),
        {score.person_id: score.person for case in cases for score in case.scores},
    )  # fmt: skip


def chosen_columns(every: Columns, choice: Choice) -> Columns:
    """As `choosing.chosen`, of columns."""
    rows = np.ones(len(every), dtype=np.bool_) if choice.with_excluded else ~every.is_excluded
    for name, wanted in (
        ("category", choice.categories), ("model", choice.models), ("category2", choice.category2),
        ("scene", choice.scenes), ("difficulty", choice.difficulties),
    ):  # fmt: skip
        if wanted:
            rows &= every.facets[name].holds(wanted)
    found = every.taken(rows)
    if not (choice.physicians or choice.since or choice.until):
        return found
    return _narrowed(found, choice)


def _narrowed(every: Columns, choice: Choice) -> Columns:
    """Cases with the scores of a choice alone, which decide anew what physicians say."""
    scores = every.scores
    kept = np.ones(len(scores.of), dtype=np.bool_)
    if choice.physicians:
        people = [one for one, name in every.people.items() if name in choice.physicians]
        kept &= np.isin(scores.person, people)
    if choice.since:
        kept &= scores.day >= choice.since
    if choice.until:
        kept &= scores.day <= choice.until
    n = len(every)
    left = scores.taken(kept, scores.of[kept])
    counts = np.bincount(left.of, minlength=n)
    lost = counts < np.bincount(scores.of, minlength=n)
    ayes = np.bincount(left.of[left.usable == 1], minlength=n)
    noes = np.bincount(left.of[left.usable == 0], minlength=n)
    majority = np.where(ayes == noes, NONE, ayes > noes)
    human = np.where(lost, majority, every.human).astype(np.int8)
    return replace(every, human=human, scores=left).taken(counts > 0)


def _scores(cases: Sequence[Case]) -> Scores:
    given = [score for case in cases for score in case.scores]
    return Scores(
        np.repeat(np.arange(len(cases)), [len(case.scores) for case in cases]),
        _ids([score.person_id for score in given]),
        np.array([score.created_at[:10] for score in given], dtype="U10"),
        _ids([NONE if score.value is None else score.value for score in given]),
        _codes([score.usable for score in given]),
        _ids([score.minimum for score in given]),
        _ids([score.maximum for score in given]),
        np.array([score.phase == "unknown" for score in given], dtype=np.bool_),
        np.array([bool(score.safety_risk) for score in given], dtype=np.bool_),
    )  # fmt: skip


def _facet(values: Sequence[str]) -> Facet:
    places: dict[str, int] = {}
    code = _ids([places.setdefault(value, len(places)) for value in values])
    return Facet(tuple(places), code)


def _state(because: str | None) -> int:
    if because is None or because == "":
        return SCORED
    return PENDING if because == "pending" else UNSCORED


def _ids(values: Sequence[int]) -> Ids:
    return np.array(values, dtype=np.intp)


def _codes(values: Sequence[bool | None]) -> Codes:
    return np.array([NONE if one is None else int(one) for one in values], dtype=np.int8)
