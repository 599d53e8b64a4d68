"""Agreeing: judge and physicians on the same responses, with everything that was left out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.agreement import Agreement, agreement_of
from core.domain.estimation import Estimate, share_estimate
from core.domain.usability import JudgeReading, judge_reading, physicians_reading
from core.store import assessments, questions, responses
from core.store.assessments import HumanScore, JudgeRound, Plan
from core.store.database import Store
from core.store.judges import Judge
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Case:
    """One response with what the judge and the physicians say of it.

    Attributes:
        scores: the physicians' scores that count (see `core.store.assessments.counting`).
        physicians_usable: their strict majority; None on a tie.
    """

    response_id: int
    question_id: int
    question: str
    category: str
    model: str
    sample: int
    judge: JudgeReading
    scores: tuple[HumanScore, ...]
    physicians_usable: bool | None

    @property
    def is_false_usable(self) -> bool:
        """The dangerous error: the judge passes what physicians reject."""
        return self.judge.usable is True and self.physicians_usable is False

    @property
    def differs(self) -> bool:
        """Whether judge and physicians fall on different sides of usable."""
        return (
            self.judge.usable is not None
            and self.physicians_usable is not None
            and self.judge.usable != self.physicians_usable
        )


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
        cases: responses with at least one counting score.
        undecided, unscored, pending: of these, left out of `usable`, and why.
        unknown_phase: scores among those that count whose phase nobody recorded.
    """

    usable: Agreement
    scores: Agreement
    lowest: int
    sensitivity: Estimate
    specificity: Estimate
    false_usable: Estimate
    cases: int
    physicians: int
    undecided: int
    unscored: int
    pending: int
    unknown_phase: int


def cases_of(store: Store, study: Study, judge: Judge, rounds: int) -> list[Case]:
    """Every current response that a physician has scored, in the order of the questions."""
    plan = Plan(study.id, judge.id, rounds)
    found = assessments.judge_rounds(store, plan, only_scored=True)
    return _cases(store, study, judge, rounds, found)


def cases_under(
    store: Store, study: Study, judge: Judge, rounds: int, *, criteria_id: int
) -> list[Case]:
    """As `cases_of`, for one question, with the verdicts under a given version of its criteria."""
    plan = Plan(study.id, judge.id, rounds)
    found = assessments.judge_rounds_under(store, plan, criteria_id)
    return _cases(store, study, judge, rounds, found)


def comparison_of(cases: Sequence[Case], judge: Judge) -> Comparison:
    """Compare judge and physicians over some cases."""
    paired = [
        case
        for case in cases
        if case.judge.usable is not None and case.physicians_usable is not None
    ]
    human = np.array([case.physicians_usable for case in paired], dtype=np.bool_)
    machine = np.array([case.judge.usable for case in paired], dtype=np.bool_)
    clusters = np.array([case.question_id for case in paired], dtype=np.intp)
    lowest, scores = _scores_agreement(cases, judge)
    unscored = [case.judge.unscored_because for case in cases if case.judge.unscored_because]
    physicians = {score.person_id for case in cases for score in case.scores}
    return Comparison(
        agreement_of(human.astype(np.intp), machine.astype(np.intp), clusters, categories=2),
        scores,
        lowest,
        _share_among(machine, human, clusters),
        _share_among(~machine, ~human, clusters),
        _share_among(machine, ~human, clusters),
        cases=len(cases),
        physicians=len(physicians),
        undecided=sum(case.physicians_usable is None for case in cases),
        unscored=sum(because != "pending" for because in unscored),
        pending=sum(because == "pending" for because in unscored),
        unknown_phase=sum(s.phase == "unknown" for case in cases for s in case.scores),
    )


def grouped(cases: Iterable[Case], by: Callable[[Case], str]) -> dict[str, list[Case]]:
    """Cases by the value of `by`, groups in the order of their first case."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[by(case)].append(case)
    return dict(groups)


def disagreements(cases: Iterable[Case]) -> list[Case]:
    """Cases on different sides of usable: false usable first, then by distance."""

    def harm(case: Case) -> tuple[bool, float]:
        judge = case.judge.mean or 0.0
        values = [score.value for score in case.scores if score.value is not None]
        distance = max((abs(judge - value) for value in values), default=0.0)
        return not case.is_false_usable, -distance

    return sorted((case for case in cases if case.differs), key=harm)


def _cases(
    store: Store, study: Study, judge: Judge, rounds: int, found: Sequence[JudgeRound]
) -> list[Case]:
    by_response: dict[int, list[JudgeRound]] = defaultdict(list)
    for one in found:
        by_response[one.response_id].append(one)
    scores: dict[int, list[HumanScore]] = defaultdict(list)
    for score in assessments.counting(assessments.human_scores_of_study(store, study.id)):
        if score.value is not None:
            scores[score.response_id].append(score)
    keys = {question.id: question.key for question in questions.questions_of_study(store, study.id)}
    order = {question_id: place for place, question_id in enumerate(keys)}
    identities = responses.identities(store, [*by_response])
    cases = []
    for response_id, of_response in by_response.items():
        if response_id not in scores:
            continue
        first = of_response[0]
        model, sample = identities[response_id]
        votes = [s.usable for s in scores[response_id] if s.usable is not None]
        cases.append(
            Case(
                response_id, first.question_id, keys[first.question_id], first.category,
                model, sample, _reading(of_response, judge, rounds),
                tuple(scores[response_id]), physicians_reading(votes),
            )
        )  # fmt: skip
    return sorted(cases, key=lambda case: (order[case.question_id], case.model, case.sample))


def _reading(of_response: Sequence[JudgeRound], judge: Judge, rounds: int) -> JudgeReading:
    reason = next((r.unscored_because for r in of_response if r.unscored_because), "")
    is_pending = any(r.value is None and r.unscored_because is None for r in of_response)
    reading = judge_reading(
        [r.value for r in of_response], judge.scale, rounds=rounds, reason=reason or ""
    )
    if reading.unscored_because and (is_pending or len(of_response) < rounds):
        return JudgeReading(None, None, reading.mean, "pending")
    return reading


def _scores_agreement(cases: Sequence[Case], judge: Judge) -> tuple[int, Agreement]:
    """Physicians' and judge's scores where both stand on scales that end alike."""
    pairs = [
        (score.value, case.judge.median, case.question_id, score.minimum)
        for case in cases
        for score in case.scores
        if score.value is not None
        and case.judge.median is not None
        and score.maximum == judge.scale.maximum
    ]
    lowest = min((low for *_, low in pairs), default=judge.scale.minimum)
    if any(median < lowest for _, median, _, _ in pairs):
        lowest = judge.scale.minimum
    table = np.array([pair[:3] for pair in pairs], dtype=np.intp).reshape(-1, 3)
    return lowest, agreement_of(
        table[:, 0] - lowest,
        table[:, 1] - lowest,
        table[:, 2],
        categories=judge.scale.maximum - lowest + 1,
    )


def _share_among(
    hits: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], clusters: npt.NDArray[np.intp]
) -> Estimate:
    return share_estimate(hits[among], clusters[among])
