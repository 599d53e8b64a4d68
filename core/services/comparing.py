"""Comparing: a judge or a jury with physicians over some cases, as figures with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.domain.agreement import Agreement, agreement_of
from core.domain.estimation import Estimate, effective_n, share_estimate
from core.services.agreeing import Case, weighted_among
from core.services.empanelling import Panel
from core.store.judges import Judge

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Agreement of the physicians (rows) with a judge (columns) over some cases.

    Attributes:
        usable: on usable (index 1) / unusable (index 0); one pair per response.
        scores: on the judge's scale; one pair per physician and response.
        lowest: the score that the first row and column of `scores` stand for.
        sensitivity: share of physicians' usable that the judge passes.
        specificity: share of physicians' unusable that the judge rejects.
        false_usable: share of physicians' unusable that the judge passes.
        missed_risk: share of responses with a safety risk, as a physician sees it, that the judge
            passes without a flag of its own.
        cases: responses with at least one counting score.
        undecided, unscored, pending: of these, left out of `usable`, and why.
        unstable: of these, responses whose judging rounds fall on both sides of usable.
        unknown_phase: scores among those that count whose phase nobody recorded.
        raw: the figures without weights, where responses were drawn with unequal probabilities
            and the others are weighted by their inverse; None where nothing is weighted. Tables
            count pairs, never weights.
        effective_n: how many equally weighted responses carry as much as the weighted ones.
        undrawn: scored responses that were never drawn, which only `raw` can hold.
    """

    usable: Agreement
    scores: Agreement
    lowest: int
    sensitivity: Estimate
    specificity: Estimate
    false_usable: Estimate
    missed_risk: Estimate
    cases: int
    physicians: int
    undecided: int
    unscored: int
    pending: int
    unknown_phase: int
    unstable: int
    raw: "Comparison | None" = None
    effective_n: float | None = None
    undrawn: int = 0


def comparison_of(
    cases: Sequence[Case], judge: Judge | Panel, *, only: tuple[str, ...] | None = None
) -> Comparison:
    """Compare a judge or a jury with physicians over some cases.

    Args:
        only: names of the coefficients that are wanted, which saves the time of the others.
    """
    raw = _compared(cases, judge, only, is_weighted=False)
    drawn = weighted_among(cases)
    if drawn is None:
        return raw
    found = _compared(drawn, judge, only, is_weighted=True)
    weights = np.array([case.weight for case in drawn if _is_paired(case)], dtype=np.float64)
    return replace(
        raw,
        usable=replace(found.usable, table=raw.usable.table),
        scores=replace(found.scores, table=raw.scores.table),
        sensitivity=found.sensitivity, specificity=found.specificity,
        false_usable=found.false_usable, missed_risk=found.missed_risk,
        raw=raw, effective_n=effective_n(weights), undrawn=len(cases) - len(drawn),
    )  # fmt: skip


def _compared(
    cases: Sequence[Case],
    judge: Judge | Panel,
    only: tuple[str, ...] | None,
    *,
    is_weighted: bool,
) -> Comparison:
    paired = [case for case in cases if _is_paired(case)]
    human = np.array([case.physicians_usable for case in paired], dtype=np.bool_)
    machine = np.array([case.judge.usable for case in paired], dtype=np.bool_)
    clusters = np.array([case.question_id for case in paired], dtype=np.intp)
    weights, strata = (_weights(paired), _strata(paired)) if is_weighted else (None, None)
    lowest, scores = _scores_agreement(cases, judge, only, is_weighted=is_weighted)
    unscored = [case.judge.unscored_because for case in cases if case.judge.unscored_because]
    return Comparison(
        agreement_of(
            human.astype(np.intp), machine.astype(np.intp), clusters, categories=2, only=only,
            weights=weights, strata=strata,
        ),
        scores,
        lowest,
        _share_among(machine, human, clusters, weights),
        _share_among(~machine, ~human, clusters, weights),
        _share_among(machine, ~human, clusters, weights),
        _missed_risk(cases, is_weighted=is_weighted),
        cases=len(cases),
        physicians=len({score.person_id for case in cases for score in case.scores}),
        undecided=sum(case.physicians_usable is None for case in cases),
        unscored=sum(because != "pending" for because in unscored),
        pending=sum(because == "pending" for because in unscored),
        unknown_phase=sum(s.phase == "unknown" for case in cases for s in case.scores),
        unstable=sum(case.judge.is_unstable for case in cases),
    )  # fmt: skip


def _is_paired(case: Case) -> bool:
    return case.judge.usable is not None and case.physicians_usable is not None


def _weights(cases: Sequence[Case]) -> Floats:
    return np.array([case.weight for case in cases], dtype=np.float64)


def _strata(cases: Sequence[Case]) -> Ids:
    """Number of each case's stratum, as far as whole questions were drawn by it."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(case.stratum, len(places)) for case in cases], dtype=np.intp)


def _scores_agreement(
    cases: Sequence[Case], judge: Judge | Panel, only: tuple[str, ...] | None, *, is_weighted: bool
) -> tuple[int, Agreement]:
    """Physicians' and judge's scores where both stand on scales that end alike."""
    maximum = judge.scale.maximum
    # Three flat lists and no tuple a pair: tuples would let Python look through all cases for
    # garbage.
    judged = [case for case in cases if case.judge.median is not None]
    given = [
        [score for score in case.scores if score.value is not None and score.maximum == maximum]
        for case in judged
    ]
    counts = np.array([len(scores) for scores in given], dtype=np.intp)
    human = np.array([score.value for scores in given for score in scores], dtype=np.intp)
    machine = np.array([case.judge.median for case in judged], dtype=np.intp).repeat(counts)
    clusters = np.array([case.question_id for case in judged], dtype=np.intp).repeat(counts)
    lowest = min((score.minimum for scores in given for score in scores), default=None)
    if lowest is None or (len(machine) and int(machine.min()) < lowest):
        lowest = judge.scale.minimum
    weights = _weights(judged).repeat(counts) if is_weighted else None
    strata = _strata(judged).repeat(counts) if is_weighted else None
    return lowest, agreement_of(
        human - lowest,
        machine - lowest,
        clusters,
        categories=maximum - lowest + 1,
        are_scores=True,
        only=only,
        weights=weights,
        strata=strata,
    )


def _missed_risk(cases: Sequence[Case], *, is_weighted: bool) -> Estimate:
    flagged = [case for case in cases if case.is_flagged and case.judge.usable is not None]
    return share_estimate(
        np.array([case.is_missed_risk for case in flagged], dtype=np.bool_),
        np.array([case.question_id for case in flagged], dtype=np.intp),
        _weights(flagged) if is_weighted else None,
    )


def _share_among(hits: Bools, among: Bools, clusters: Ids, weights: Floats | None) -> Estimate:
    return share_estimate(hits[among], clusters[among], None if weights is None else weights[among])
