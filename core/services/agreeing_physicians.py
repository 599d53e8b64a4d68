"""Agreeing among physicians: the ceiling that a judge is held against, and each physician apart."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from core.domain.agreement import Agreement, agreement_of
from core.domain.alternative_annotator import AnnotatorTest, annotator_test
from core.domain.estimation import Estimate, share_estimate
from core.domain.many_raters import (
    MISSING,
    Marks,
    among_raters,
    fleiss_kappa,
    krippendorff_alpha,
)
from core.domain.scales import ONE_TO_FIVE
from core.services.agreeing import Case
from core.services.arraying import Columns, columns_of
from core.services.empanelling import Panel
from core.services.permitting import require
from core.store import assessments, draws
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.people import people as people_of_store
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class _Steps:
    """The scale that most scores are on; of 0–5 the released 0 is no score."""

    lowest: int
    highest: int

    @classmethod
    def of(cls, cases: Sequence[Case]) -> "_Steps":
        """That of some cases."""
        scales = Counter((score.minimum, score.maximum) for case in cases for score in case.scores)
        highest = Counter[int]()
        for (_, maximum), count in scales.items():
            highest[maximum] += count
        most = highest.most_common(1)[0][0] if highest else ONE_TO_FIVE.maximum
        if most == ONE_TO_FIVE.maximum:
            return cls(ONE_TO_FIVE.minimum, most)
        return cls(min(low for low, maximum in scales if maximum == most), most)

    def place(self, value: int | None) -> int:
        """A score as a category from 0; `MISSING` where it is none of this scale."""
        if value is None or not self.lowest <= value <= self.highest:
            return MISSING
        return value - self.lowest


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Physicians against physicians on the same responses.

    Attributes:
        usable: usable / unusable over all pairs of physicians; n counts pairs.
        scores: over all pairs, on the scale that most scores are on.
        alpha: Krippendorff's α, nominal on usable, ordinal and interval on these scores.
        fleiss: Fleiss' κ on usable, where every response has as many scores.
        test_usable, test_scores: the alternative annotator test of the judge.
        responses: responses with the scores of two physicians or more.
    """

    usable: Agreement
    scores: Agreement
    alpha: dict[str, Estimate]
    fleiss: Estimate
    test_usable: AnnotatorTest
    test_scores: AnnotatorTest
    responses: int


@dataclass(frozen=True, slots=True)
class Physician:
    """One physician beside the judge and beside the others.

    Attributes:
        judge: their own scores against the judge's, usable / unusable.
        others: share of their responses on which they side with the majority of the others.
        distance: mean of their score less the mean of the others', on the scale that most scores
            are on; None without others.
        usable_early, usable_late: share usable in the first and second half of their time.
        agree_early, agree_late: agreement with the judge in these halves.
        seconds: median active time on a response; None where none was measured.
    """

    name: str
    scores: int
    judge: Agreement
    others: Estimate
    distance: float | None
    usable_early: Estimate
    usable_late: Estimate
    agree_early: Estimate
    agree_late: Estimate
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two physicians on the responses that both have scored, usable / unusable."""

    first: str
    second: str
    usable: Agreement


@dataclass(frozen=True, slots=True)
class Within:
    """A physician against themself, on responses that came back to them unannounced.

    Attributes:
        name: '' for all physicians together.
    """

    name: str
    usable: Agreement


def among_physicians(cases: Sequence[Case] | Columns) -> Agreement:
    """Usable / unusable over all pairs of physicians, κ and AC1 alone; n counts pairs."""
    every = cases if isinstance(cases, Columns) else columns_of(cases)
    shared = every.taken(np.bincount(every.scores.of, minlength=len(every)) >= 2)
    people, column = np.unique(shared.scores.person, return_inverse=True)
    usable = np.full((len(shared), len(people)), MISSING, dtype=np.intp)
    usable[shared.scores.of, column] = shared.scores.usable == 1
    return among_raters(usable, shared.question, categories=2, only=("cohen_kappa", "gwet_ac1"))


def ceiling_of(cases: Sequence[Case], judge: Panel | None = None) -> Ceiling:
    """Compare physicians with each other, and hold the judge against each of them.

    Args:
        judge: whose scale must end as the physicians' does, for scores; None: it does.
    """
    usable, scores, clusters, shared = _shared(cases)
    steps = _Steps.of(cases)
    is_comparable = judge is None or judge.scale.maximum == steps.highest
    judge_usable = _column(
        None if case.judge.usable is None else int(case.judge.usable) for case in shared
    )
    judge_scores = _column(
        steps.place(case.judge.median) if is_comparable else MISSING for case in shared
    )
    k = steps.highest - steps.lowest + 1
    return Ceiling(
        among_raters(usable, clusters, categories=2, only=("cohen_kappa", "gwet_ac1")),
        among_raters(scores, clusters, categories=k, only=("quadratic_kappa",)),
        {
            "nominal": krippendorff_alpha(usable, clusters, categories=2, distance="nominal"),
            "ordinal": krippendorff_alpha(scores, clusters, categories=k, distance="ordinal"),
            "interval": krippendorff_alpha(scores, clusters, categories=k, distance="interval"),
        },
        fleiss_kappa(usable, clusters, categories=2),
        annotator_test(usable, judge_usable, clusters, closeness="accuracy"),
        annotator_test(scores, judge_scores, clusters, closeness="negative_rmse"),
        len(shared),
    )


def pairs_of(cases: Sequence[Case]) -> list[Pair]:
    """Every two physicians who have scored a response in common, by name."""
    people = sorted({score.person_id for case in cases for score in case.scores})
    names = {score.person_id: score.person for case in cases for score in case.scores}
    usable, _, clusters, _ = _shared(cases)
    found = []
    for one, other in combinations(range(len(people)), 2):
        both = (usable[:, one] != MISSING) & (usable[:, other] != MISSING)
        if both.any():
            two = agreement_of(
                usable[both, one], usable[both, other], clusters[both], categories=2,
                only=("cohen_kappa",),
            )  # fmt: skip
            found.append(Pair(names[people[one]], names[people[other]], two))
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def within_of(store: Store, study: Study) -> list[Within]:
    """Agreement of physicians with themselves: all together, then each, where something came back.

    Not narrowed by what a reader chooses: few responses come back.
    """
    require(store, "lead")
    repeats = draws.repeats(store, study.id)
    scales = {name: assessments.scale_named(store, name) for name in {one.scale for one in repeats}}
    names = {person.id: person.name for person in people_of_store(store)}
    of_person: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for one in repeats:
        if one.first is not None and one.repeated is not None:
            least = scales[one.scale].usable_from
            row = (int(one.first >= least), int(one.repeated >= least), one.question_id)
            of_person[""].append(row)
            of_person[names[one.person_id]].append(row)
    return [Within(name, _within(rows)) for name, rows in sorted(of_person.items())]


def _within(rows: Sequence[tuple[int, int, int]]) -> Agreement:
    first, second, clusters = np.array(rows, dtype=np.intp).reshape(-1, 3).T
    return agreement_of(first, second, clusters, categories=2, only=("cohen_kappa", "gwet_ac1"))


def physicians_of(cases: Sequence[Case]) -> list[Physician]:
    """Every physician of some cases, by name."""
    own: dict[str, list[tuple[HumanScore, Case]]] = defaultdict(list)
    for case in cases:
        for score in case.scores:
            if score.value is not None:
                own[score.person].append((score, case))
    steps = _Steps.of(cases)
    return [_physician(name, own[name], steps) for name in sorted(own)]


def _physician(name: str, scores: Sequence[tuple[HumanScore, Case]], steps: _Steps) -> Physician:
    own = sorted(scores, key=lambda pair: pair[0].id)
    judged = [(score, case) for score, case in own if case.judge.usable is not None]
    half, judged_half = len(own) // 2, len(judged) // 2
    return Physician(
        name, len(own), _with_judge(judged, only=("cohen_kappa",)), _with_others(own),
        _distance(own, steps), _share_usable(own[:half]), _share_usable(own[half:]),
        _with_judge(judged[:judged_half]).agreement, _with_judge(judged[judged_half:]).agreement,
        _median_seconds(own),
    )  # fmt: skip


_Own = Sequence[tuple[HumanScore, Case]]


def _with_judge(own: _Own, *, only: tuple[str, ...] = ()) -> Agreement:
    return agreement_of(
        np.array([_is_usable(score) for score, _ in own], dtype=np.intp),
        np.array([case.judge.usable is True for _, case in own], dtype=np.intp),
        np.array([case.question_id for _, case in own], dtype=np.intp),
        categories=2,
        only=only,
    )


def _with_others(own: _Own) -> Estimate:
    """Share of responses on which a physician sides with the majority of the others."""
    hits, clusters = [], []
    for score, case in own:
        votes = [_is_usable(other) for other in case.scores if other.id != score.id]
        if 2 * sum(votes) != len(votes):
            hits.append(_is_usable(score) is (2 * sum(votes) > len(votes)))
            clusters.append(case.question_id)
    return share_estimate(np.array(hits, dtype=np.bool_), np.array(clusters, dtype=np.intp))


def _distance(own: _Own, steps: _Steps) -> float | None:
    found = []
    for score, case in own:
        others = [
            other.value
            for other in case.scores
            if other.id != score.id and other.value is not None and other.maximum == steps.highest
        ]
        if others and score.value is not None and score.maximum == steps.highest:
            found.append(score.value - statistics.fmean(others))
    return statistics.fmean(found) if found else None


def _median_seconds(own: _Own) -> float | None:
    measured = [score.seconds for score, _ in own if score.seconds is not None]
    return statistics.median(measured) if measured else None


def _share_usable(own: _Own) -> Estimate:
    return share_estimate(
        np.array([_is_usable(score) for score, _ in own], dtype=np.bool_),
        np.array([case.question_id for _, case in own], dtype=np.intp),
    )


def _is_usable(score: HumanScore) -> bool:
    return score.usable is True


def _shared(cases: Sequence[Case]) -> tuple[Marks, Marks, npt.NDArray[np.intp], list[Case]]:
    """Marks and questions of the cases that two physicians or more have scored."""
    people = sorted({score.person_id for case in cases for score in case.scores})
    shared = [case for case in cases if len(case.scores) >= 2]
    clusters = np.array([case.question_id for case in shared], dtype=np.intp)
    return *_marks(shared, people, _Steps.of(cases)), clusters, shared


def _marks(cases: Sequence[Case], people: Sequence[int], steps: _Steps) -> tuple[Marks, Marks]:
    """Usable marks and scores, shape (cases, people); −1 where there is none."""
    column = {person_id: place for place, person_id in enumerate(people)}
    usable = np.full((len(cases), len(people)), MISSING, dtype=np.intp)
    scores = usable.copy()
    for row, case in enumerate(cases):
        for score in case.scores:
            usable[row, column[score.person_id]] = int(_is_usable(score))
            if score.maximum == steps.highest:
                scores[row, column[score.person_id]] = steps.place(score.value)
    return usable, scores


def _column(values: Iterable[int | None]) -> npt.NDArray[np.intp]:
    return np.array([MISSING if one is None else one for one in values], dtype=np.intp)
