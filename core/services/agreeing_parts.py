"""Agreeing on parts: per requirement of the checklists, and per dimension of a generated text."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.domain import mtg
from core.domain.agreement import Agreement, agreement_of
from core.domain.criteria import Level
from core.domain.estimation import Estimate, mean_estimate, share_estimate
from core.domain.verdicts import MARKS
from core.services.agreeing import Case
from core.services.empanelling import Panel
from core.services.permitting import require
from core.store import marks
from core.store.assessments import Plan
from core.store.database import Store
from core.store.marks import Part
from core.store.studies import Study

_MET = len(MARKS) - 1
_FIGURES = ("cohen_kappa", "quadratic_kappa", "gwet_ac1")


@dataclass(frozen=True, slots=True)
class OnRequirement:
    """One requirement of one question.

    Attributes:
        agreement: share of equal marks of physician and judge.
        passed: pairs in which the judge finds it met and the physician does not.
    """

    question: str
    level: Level
    text: str
    agreement: Estimate
    passed: int


@dataclass(frozen=True, slots=True)
class OnRequirements:
    """A judge and physicians on the requirements that both have marked.

    Attributes:
        all, core, secondary: on not met, partly, met; a pair for each mark of a physician.
        each: the requirements, the most wrongly passed first.
        unpaired: physicians' marks that the judge has none beside.
    """

    all: Agreement
    core: Agreement
    secondary: Agreement
    each: tuple[OnRequirement, ...]
    unpaired: int


@dataclass(frozen=True, slots=True)
class OnDimension:
    """One dimension of generated medical texts.

    Attributes:
        agreement: of physicians and judge on its scale; no pairs where the judge gives no
            dimensions.
        physicians, judge: mean mark.
    """

    name: str
    agreement: Agreement
    physicians: Estimate
    judge: Estimate


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Mean marks of one model by dimension, as in the paper's table 5."""

    model: str
    by: Literal["physicians", "judge"]
    means: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A physician's mark with the judge's on the same part; None where it has none."""

    case: Case
    requirement_id: int | None
    dimension: str | None
    human: int
    machine: int | None


def requirements_of(
    store: Store, study: Study, panel: Panel, cases: Sequence[Case]
) -> OnRequirements:
    """Agreement on the requirements of some cases; a jury's marks are its members' medians."""
    require(store, "lead")
    known = {(one.question_id, one.requirement_id): one for one in marks.wordings(store, study.id)}
    pairs = [one for one in _pairs(store, study, panel, cases) if one.requirement_id is not None]
    paired = [one for one in pairs if one.machine is not None]
    by_place: dict[tuple[int, int], list[_Pair]] = defaultdict(list)
    for one in paired:
        by_place[one.case.question_id, one.requirement_id or 0].append(one)
    each = [
        OnRequirement(
            some[0].case.question, known[place].level, known[place].text, _share(some),
            sum(one.machine == _MET and one.human < _MET for one in some),
        )
        for place, some in by_place.items()
    ]  # fmt: skip

    def of_level(*levels: Level) -> Agreement:
        return _agreement(
            [
                one
                for (question_id, requirement_id), some in by_place.items()
                if known[question_id, requirement_id].level in levels
                for one in some
            ],
            categories=len(MARKS),
        )

    return OnRequirements(
        of_level("core", "secondary"), of_level("core"), of_level("secondary"),
        tuple(sorted(each, key=lambda one: (-one.passed, one.agreement.value or 0.0))),
        len(pairs) - len(paired),
    )  # fmt: skip


def dimensions_of(
    store: Store, study: Study, panel: Panel, cases: Sequence[Case]
) -> list[OnDimension]:
    """Agreement and mean marks by dimension, in their order; nothing where nobody marked any."""
    require(store, "lead")
    pairs = [one for one in _pairs(store, study, panel, cases) if one.dimension is not None]
    found = []
    for name in mtg.DIMENSIONS:
        some = [one for one in pairs if one.dimension == name]
        both = [one for one in some if one.machine is not None]
        if some:
            steps = mtg.scale_of(name).maximum + 1
            found.append(
                OnDimension(
                    name, _agreement(both, categories=steps),
                    _mean((one.human, one.case) for one in some),
                    _mean((one.machine or 0, one.case) for one in both),
                )
            )  # fmt: skip
    return found


def dimensions_by_model(
    store: Store, study: Study, panel: Panel, cases: Sequence[Case]
) -> list[Dimensions]:
    """Physicians' mean marks of each model, then the judge's where it gives dimensions."""
    require(store, "lead")
    pairs = [one for one in _pairs(store, study, panel, cases) if one.dimension is not None]
    found = []
    for model in sorted({one.case.model for one in pairs}):
        of_model = [one for one in pairs if one.case.model == model]
        human = {
            name: _mean((one.human, one.case) for one in of_model if one.dimension == name)
            for name in mtg.DIMENSIONS
        }
        found.append(Dimensions(model, "physicians", human))
        machine = {
            name: _mean(
                (one.machine, one.case)
                for one in of_model
                if one.dimension == name and one.machine is not None
            )
            for name in mtg.DIMENSIONS
        }
        if any(one.n for one in machine.values()):
            found.append(Dimensions(model, "judge", machine))
    return found


def _pairs(store: Store, study: Study, panel: Panel, cases: Sequence[Case]) -> list[_Pair]:
    """Every mark of the physicians' scores that count, with the judge's beside it."""
    by_score = {score.id: case for case in cases for score in case.scores}
    given = marks.parts_of(store, list(by_score))
    of_judge: dict[tuple[int, int | None, str | None], list[int]] = defaultdict(list)
    for judge, rounds in panel.members:
        plan = Plan(study.id, judge.id, rounds)
        for part in marks.parts_of_judge(store, plan, sorted({one.response_id for one in given})):
            of_judge[_place(part)].append(part.value)
    return [
        _Pair(
            by_score[part.assessment_id], part.requirement_id, part.dimension, part.value,
            _median(of_judge.get(_place(part))),
        )
        for part in given
    ]  # fmt: skip


def _place(part: Part) -> tuple[int, int | None, str | None]:
    return part.response_id, part.requirement_id, part.dimension


def _median(values: Sequence[int] | None) -> int | None:
    """The middle mark; the lower of two middle ones."""
    return sorted(values)[(len(values) - 1) // 2] if values else None


def _agreement(pairs: Sequence[_Pair], *, categories: int) -> Agreement:
    rows = [(one.human, one.machine, one.case.question_id) for one in pairs]
    human, machine, clusters = np.array(rows, dtype=np.intp).reshape(-1, 3).T
    return agreement_of(human, machine, clusters, categories=categories, only=_FIGURES)


def _share(pairs: Sequence[_Pair]) -> Estimate:
    return share_estimate(
        np.array([one.human == one.machine for one in pairs], dtype=np.bool_),
        np.array([one.case.question_id for one in pairs], dtype=np.intp),
    )


def _mean(values: Iterable[tuple[int, Case]]) -> Estimate:
    rows = [(value, case.question_id) for value, case in values]
    found, clusters = np.array(rows, dtype=np.intp).reshape(-1, 2).T
    return mean_estimate(found.astype(float), clusters)
