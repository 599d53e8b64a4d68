"""Pairing: the same responses and physicians' scores with what a judge said before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.domain.agreement import agreement_of, tables_per_cluster
from core.domain.coefficients import cohen_kappa, percent_agreement
from core.domain.estimation import Estimate, Indices, effective_n
from core.domain.paired import Change, change_of
from core.services.agreeing import Case, weighted_among

#: Responses below which a change can't be told from chance, whatever it is.
ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """One scored response under both versions.

    Attributes:
        weight: 1/π where a trial drew its responses with unequal probabilities π.
    """

    before: Case
    after: Case
    weight: float = 1.0

    @property
    def is_complete(self) -> bool:
        """Whether physicians decided, the judge scored it twice, and figures hold its question."""
        sides = (self.before.judge.usable, self.after.judge.usable, self.after.physicians_usable)
        return None not in sides and not self.after.is_excluded


@dataclass(frozen=True, slots=True)
class Paired:
    """What a change did to a judge's agreement with physicians on usable or not.

    Every figure but the counts is weighted: by how a trial drew its responses, and by how these
    were drawn for physicians, where that was with unequal probabilities (`weighted_among`).
    Intervals and tests take questions as the unit of chance; within one question, responses.

    Attributes:
        n: responses that physicians decided and the judge scored under both versions.
        left_out: the others.
        false_usable_before, false_usable_after: responses that the judge passes and physicians
            reject.
        fixed, broken: responses on which judge and physicians came together, or parted.
        unchanged: how many did neither.
        raw: the figures without the weights of the physicians' sample; None where it has none.
        effective_n: how many equally weighted responses carry as much; None where `raw` is.
    """

    n: int
    left_out: int
    agreement_before: Estimate
    agreement_after: Estimate
    agreement_change: Change
    kappa_before: Estimate
    kappa_after: Estimate
    kappa_change: Change
    false_usable_before: int
    false_usable_after: int
    fixed: tuple[Case, ...]
    broken: tuple[Case, ...]
    unchanged: int
    raw: "Paired | None" = None
    effective_n: float | None = None

    @property
    def is_too_small(self) -> bool:
        """Whether there is too little to tell a change from chance."""
        return self.n < ENOUGH


def paired(pairs: Sequence[Pair]) -> Paired:
    """Compare both versions on the responses that have a verdict under both.

    Where the physicians' sample has weights, only drawn responses stand in the weighted figures.
    """
    raw = _paired(pairs)
    full = [one for one in pairs if one.is_complete]
    if weighted_among([one.after for one in full]) is None:
        return raw
    drawn = [
        replace(one, weight=one.weight * one.after.weight)
        for one in full
        if one.after.weight is not None
    ]
    found = _paired(drawn)
    return replace(
        raw,
        agreement_before=found.agreement_before, agreement_after=found.agreement_after,
        agreement_change=found.agreement_change, kappa_before=found.kappa_before,
        kappa_after=found.kappa_after, kappa_change=found.kappa_change,
        raw=raw, effective_n=effective_n(np.array([one.weight for one in drawn])),
    )  # fmt: skip


def _paired(pairs: Sequence[Pair]) -> Paired:
    full = [one for one in pairs if one.is_complete]
    human = np.array([one.after.physicians_usable for one in full], dtype=np.intp)
    sides = [
        np.array([getattr(one, side).judge.usable for one in full], dtype=np.intp)
        for side in ("before", "after")
    ]
    weights = np.array([one.weight for one in full], dtype=float)
    clusters = _clusters(full)
    before, after = (
        agreement_of(
            human, side, clusters, categories=2, only=("cohen_kappa",), weights=weights
        )
        for side in sides
    )  # fmt: skip
    tables = [tables_per_cluster(human, side, clusters, 2, weights) for side in sides]
    fixed = [one.after for one in full if one.before.differs and not one.after.differs]
    broken = [one.after for one in full if one.after.differs and not one.before.differs]
    return Paired(
        len(full), len(pairs) - len(full),
        before.agreement, after.agreement,
        change_of(tables[0], tables[1], percent_agreement, pairs=len(full)),
        before.coefficients["cohen_kappa"], after.coefficients["cohen_kappa"],
        change_of(tables[0], tables[1], cohen_kappa, pairs=len(full)),
        sum(one.before.is_false_usable for one in full),
        sum(one.after.is_false_usable for one in full),
        tuple(_worst_first(fixed)), tuple(_worst_first(broken)),
        len(full) - len(fixed) - len(broken),
    )  # fmt: skip


def _clusters(pairs: Sequence[Pair]) -> Indices:
    """Questions; responses where there is one question only."""
    questions = [one.after.question_id for one in pairs]
    if len(set(questions)) > 1:
        return np.array(questions, dtype=np.intp)
    return np.array([one.after.response_id for one in pairs], dtype=np.intp)


def _worst_first(cases: Sequence[Case]) -> list[Case]:
    return sorted(cases, key=lambda one: (not one.is_flagged, one.physicians_usable is True))
