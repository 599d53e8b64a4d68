"""Comparing: a judge or a jury with physicians over some cases, as figures with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.domain.agreement import Agreement, agreement_of
from core.domain.estimation import Bools, Estimate, Floats, effective_n, share_estimate
from core.services.agreeing import Case
from core.services.arraying import NONE, PENDING, UNSCORED, Columns, Ids, columns_of
from core.services.empanelling import Panel
from core.store.judges import Judge


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
    cases: Sequence[Case] | Columns, judge: Judge | Panel, *, only: tuple[str, ...] | None = None
) -> Comparison:
    """Compare a judge or a jury with physicians over some cases.

    Args:
        only: names of the coefficients that are wanted, which saves the time of the others.
    """
    every = cases if isinstance(cases, Columns) else columns_of(cases)
    raw = _compared(every, judge, only, is_weighted=False)
    drawn = every.drawn()
    if drawn is None:
        return raw
    found = _compared(drawn, judge, only, is_weighted=True)
    return replace(
        raw,
        usable=replace(found.usable, table=raw.usable.table),
        scores=replace(found.scores, table=raw.scores.table),
        sensitivity=found.sensitivity, specificity=found.specificity,
        false_usable=found.false_usable, missed_risk=found.missed_risk,
        raw=raw, effective_n=effective_n(drawn.weight[drawn.is_paired]),
        undrawn=len(every) - len(drawn),
    )  # fmt: skip


def score_pairs(cases: Columns, judge: Judge | Panel) -> tuple[Ids, Ids]:
    """Physicians' scores and the judge's beside them, shape (m,) each; a pair for each score."""
    kept = _stand_beside(cases, judge)
    return cases.scores.value[kept], cases.median[cases.scores.of[kept]]


def _compared(
    cases: Columns, judge: Judge | Panel, only: tuple[str, ...] | None, *, is_weighted: bool
) -> Comparison:
    paired = cases.is_paired
    human, machine = cases.human[paired] == 1, cases.judge[paired] == 1
    clusters = cases.question[paired]
    strata = cases.facets["stratum"].code[paired] if is_weighted else None
    weights = cases.weight[paired] if is_weighted else None
    lowest, scores = _scores_agreement(cases, judge, only, is_weighted=is_weighted)
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
        physicians=len(np.unique(cases.scores.person)),
        undecided=int((cases.human == NONE).sum()),
        unscored=int((cases.state == UNSCORED).sum()),
        pending=int((cases.state == PENDING).sum()),
        unknown_phase=int(cases.scores.is_unknown.sum()),
        unstable=int(cases.is_unstable.sum()),
    )  # fmt: skip


def _scores_agreement(
    cases: Columns, judge: Judge | Panel, only: tuple[str, ...] | None, *, is_weighted: bool
) -> tuple[int, Agreement]:
    """Physicians' and judge's scores where both stand on scales that end alike."""
    maximum = judge.scale.maximum
    kept = _stand_beside(cases, judge)
    of = cases.scores.of[kept]
    human, machine = cases.scores.value[kept], cases.median[of]
    lowest = int(cases.scores.minimum[kept].min()) if len(of) else judge.scale.minimum
    if len(of) and int(machine.min()) < lowest:
        lowest = judge.scale.minimum
    return lowest, agreement_of(
        human - lowest,
        machine - lowest,
        cases.question[of],
        categories=maximum - lowest + 1,
        are_scores=True,
        only=only,
        weights=cases.weight[of] if is_weighted else None,
        strata=cases.facets["stratum"].code[of] if is_weighted else None,
    )


def _stand_beside(cases: Columns, judge: Judge | Panel) -> Bools:
    """Which scores the judge's middle round stands beside, on a scale that ends as its own."""
    given = cases.scores
    found: Bools = (
        (given.value != NONE)
        & (given.maximum == judge.scale.maximum)
        & (cases.median[given.of] != NONE)
    )
    return found


def _missed_risk(cases: Columns, *, is_weighted: bool) -> Estimate:
    """Of flagged responses that were judged, those that the judge passes without a flag."""
    flagged = cases.is_flagged & (cases.judge != NONE)
    missed = (cases.judge == 1) & ~cases.is_flagged_by_judge
    return share_estimate(
        missed[flagged], cases.question[flagged], cases.weight[flagged] if is_weighted else None
    )


def _share_among(hits: Bools, among: Bools, clusters: Ids, weights: Floats | None) -> Estimate:
    return share_estimate(hits[among], clusters[among], None if weights is None else weights[among])
