"""Agreeing: judge and physicians on the same responses, with everything that was left out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.domain.agreement import Agreement, agreement_of
from core.domain.estimation import Estimate, share_estimate
from core.domain.juries import jury_reading
from core.domain.usability import JudgeReading, judge_reading, physicians_reading
from core.services.empanelling import Panel, panels_of_study
from core.services.permitting import require
from core.store import assessments, consensus, questions, readings, responses
from core.store.assessments import HumanScore, JudgeRound, Plan
from core.store.database import Store
from core.store.judges import Judge
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Case:
    """One response with what the judge and the physicians say of it.

    Attributes:
        scores: the physicians' scores that count (see `core.store.assessments.counting`).
        physicians_usable: the adjudicated consensus, else their strict majority; None on a tie
            or where the adjudicator left it undecided.
        is_flagged_by_judge: a round of the judge, or of a jury's member, flags a safety risk.
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
    category2: str = ""
    scene: str = ""
    difficulty: str = ""
    is_flagged_by_judge: bool = False

    @property
    def is_flagged(self) -> bool:
        """Whether a physician flags a safety risk."""
        return any(score.safety_risk for score in self.scores)

    @property
    def is_missed_risk(self) -> bool:
        """A physician flags a safety risk; the judge passes the response and flags nothing."""
        return self.is_flagged and self.judge.usable is True and not self.is_flagged_by_judge

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
        missed_risk: share of responses with a safety risk, as a physician sees it, that the judge
            passes without a flag of its own.
        cases: responses with at least one counting score.
        undecided, unscored, pending: of these, left out of `usable`, and why.
        unstable: of these, responses whose judging rounds fall on both sides of usable.
        unknown_phase: scores among those that count whose phase nobody recorded.
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


def cases_of(store: Store, study: Study, judge: Judge, rounds: int) -> list[Case]:
    """Every current response that a physician has scored, in the order of the questions."""
    require(store, "lead")
    return cases_of_panel(store, study, Panel(judge.name, ((judge, rounds),)))


def cases_of_panel(store: Store, study: Study, panel: Panel) -> list[Case]:
    """As `cases_of`, for a judge or a jury."""
    require(store, "lead")
    of_members = []
    for judge, rounds in panel.members:
        plan = Plan(study.id, judge.id, rounds)
        found = assessments.judge_rounds(store, plan, only_scored=True)
        of_members.append(_cases(store, study, judge, rounds, found))
    if panel.rule is None:
        return of_members[0]
    by_response = [{case.response_id: case for case in cases} for cases in of_members]
    return [
        replace(
            case,
            judge=jury_reading(
                [_reading_in(cases, case) for cases in by_response], panel.rule, panel.scale
            ),
            is_flagged_by_judge=any(
                cases[case.response_id].is_flagged_by_judge
                for cases in by_response
                if case.response_id in cases
            ),
        )
        for case in of_members[0]
    ]


def readings_of_response(
    store: Store, study: Study, response_id: int
) -> list[tuple[str, JudgeReading]]:
    """What every judge and jury of a study says of one response, where it was asked."""
    require(store, "physician", "lead")
    by_judge: dict[int, JudgeReading] = {}
    found = []
    for panel in panels_of_study(store, study):
        for judge, rounds in panel.members:
            if judge.id not in by_judge:
                plan = Plan(study.id, judge.id, rounds)
                of_response = assessments.judge_rounds_of(store, plan, response_id)
                by_judge[judge.id] = _reading(of_response, judge, rounds)
        readings_ = [by_judge[judge.id] for judge, _ in panel.members]
        reading = (
            readings_[0] if panel.rule is None else jury_reading(readings_, panel.rule, panel.scale)
        )
        if reading.mean is not None:
            found.append((panel.name, reading))
    return found


def cases_under(
    store: Store, study: Study, judge: Judge, rounds: int, *, criteria_id: int
) -> list[Case]:
    """As `cases_of`, for one question, with the verdicts under a given version of its criteria."""
    require(store, "lead")
    plan = Plan(study.id, judge.id, rounds)
    found = assessments.judge_rounds_under(store, plan, criteria_id)
    return _cases(store, study, judge, rounds, found)


def comparison_of(
    cases: Sequence[Case], judge: Judge | Panel, *, only: tuple[str, ...] | None = None
) -> Comparison:
    """Compare a judge or a jury with physicians over some cases.

    Args:
        only: names of the coefficients that are wanted, which saves the time of the others.
    """
    paired = [
        case
        for case in cases
        if case.judge.usable is not None and case.physicians_usable is not None
    ]
    human = np.array([case.physicians_usable for case in paired], dtype=np.bool_)
    machine = np.array([case.judge.usable for case in paired], dtype=np.bool_)
    clusters = np.array([case.question_id for case in paired], dtype=np.intp)
    lowest, scores = _scores_agreement(cases, judge, only)
    unscored = [case.judge.unscored_because for case in cases if case.judge.unscored_because]
    physicians = {score.person_id for case in cases for score in case.scores}
    flagged = [case for case in cases if case.is_flagged and case.judge.usable is not None]
    return Comparison(
        agreement_of(
            human.astype(np.intp), machine.astype(np.intp), clusters, categories=2, only=only
        ),
        scores,
        lowest,
        _share_among(machine, human, clusters),
        _share_among(~machine, ~human, clusters),
        _share_among(machine, ~human, clusters),
        share_estimate(
            np.array([case.is_missed_risk for case in flagged], dtype=np.bool_),
            np.array([case.question_id for case in flagged], dtype=np.intp),
        ),
        cases=len(cases),
        physicians=len(physicians),
        undecided=sum(case.physicians_usable is None for case in cases),
        unscored=sum(because != "pending" for because in unscored),
        pending=sum(because == "pending" for because in unscored),
        unknown_phase=sum(s.phase == "unknown" for case in cases for s in case.scores),
        unstable=sum(case.judge.is_unstable for case in cases),
    )


def grouped(cases: Iterable[Case], by: Callable[[Case], str]) -> dict[str, list[Case]]:
    """Cases by the value of `by`, groups in the order of their first case."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[by(case)].append(case)
    return dict(groups)


def votes_of(scores: Iterable[HumanScore]) -> list[bool]:
    """Usable or not, of each score that has a value, on its own scale."""
    return [score.usable for score in scores if score.usable is not None]


def picked(cases: Iterable[Case], of: str) -> list[Case]:
    """The cases behind one number, worst first.

    Args:
        of: `differ`, `false_usable`, `missed_risk`, `undecided`, `unscored`, `pending`,
            `unstable`, `paired`; `usable:H:J`, a cell with 0 or 1 for physicians and judge; or
            `scores:H:J`, a cell with the physicians' and the judge's score.
    """
    kind, _, cell = of.partition(":")
    if kind in ("usable", "scores"):
        human, _, machine = cell.partition(":")
        if not (human.isdecimal() and machine.isdecimal()):
            return []
        in_cell = _in_usable_cell if kind == "usable" else _in_scores_cell
        return _worst_first(case for case in cases if in_cell(case, int(human), int(machine)))
    holds = _KINDS.get(kind, _KINDS["differ"])
    return _worst_first(case for case in cases if holds(case))


_KINDS: dict[str, Callable[[Case], bool]] = {
    "differ": lambda case: case.differs,
    "false_usable": lambda case: case.is_false_usable,
    "missed_risk": lambda case: case.is_missed_risk,
    "undecided": lambda case: case.physicians_usable is None,
    "unscored": lambda case: case.judge.unscored_because not in (None, "pending"),
    "pending": lambda case: case.judge.unscored_because == "pending",
    "unstable": lambda case: case.judge.is_unstable,
    "paired": lambda case: case.judge.usable is not None and case.physicians_usable is not None,
}


def disagreements(cases: Iterable[Case]) -> list[Case]:
    """Cases on different sides of usable: false usable first, then by distance."""
    return picked(cases, "differ")


def _worst_first(cases: Iterable[Case]) -> list[Case]:
    def harm(case: Case) -> tuple[bool, bool, float]:
        judge = case.judge.mean or 0.0
        values = [score.value for score in case.scores if score.value is not None]
        distance = max((abs(judge - value) for value in values), default=0.0)
        return not case.is_missed_risk, not case.is_false_usable, -distance

    return sorted(cases, key=harm)


def _in_usable_cell(case: Case, human: int, machine: int) -> bool:
    return (case.physicians_usable, case.judge.usable) == (bool(human), bool(machine))


def _in_scores_cell(case: Case, human: int, machine: int) -> bool:
    return case.judge.median == machine and any(score.value == human for score in case.scores)


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
    known = {found.id: found for found in questions.questions_of_study(store, study.id)}
    order = {question_id: place for place, question_id in enumerate(known)}
    risky = {response_id for response_id, some in scores.items() if _is_risky(some)}
    plan = Plan(study.id, judge.id, rounds)
    flagged = readings.flagged_responses(store, plan, risky) if risky else set()
    identities = responses.identities(store, [*by_response])
    decided = consensus.consensus_of_study(store, study.id)
    cases = []
    for response_id, of_response in by_response.items():
        if response_id not in scores:
            continue
        first, question = of_response[0], known[of_response[0].question_id]
        model, sample = identities[response_id]
        votes = physicians_reading(votes_of(scores[response_id]))
        decision = decided.get(response_id)
        cases.append(
            Case(
                response_id, first.question_id, question.key, first.category,
                model, sample, _reading(of_response, judge, rounds),
                tuple(scores[response_id]), decision.usable if decision else votes,
                question.category2, question.scene, question.difficulty, response_id in flagged,
            )
        )  # fmt: skip
    return sorted(cases, key=lambda case: (order[case.question_id], case.model, case.sample))


def _reading_in(cases: dict[int, Case], case: Case) -> JudgeReading:
    """What a member of a jury says of a response; pending where it was never asked."""
    found = cases.get(case.response_id)
    return JudgeReading(None, None, None, "pending") if found is None else found.judge


def _is_risky(scores: Sequence[HumanScore]) -> bool:
    return any(score.safety_risk for score in scores)


def _reading(of_response: Sequence[JudgeRound], judge: Judge, rounds: int) -> JudgeReading:
    reason = next((r.unscored_because for r in of_response if r.unscored_because), "")
    is_pending = any(r.value is None and r.unscored_because is None for r in of_response)
    reading = judge_reading(
        [r.value for r in of_response], judge.scale, rounds=rounds, reason=reason or ""
    )
    if reading.unscored_because and (is_pending or len(of_response) < rounds):
        return replace(reading, unscored_because="pending")
    return reading


def _scores_agreement(
    cases: Sequence[Case], judge: Judge | Panel, only: tuple[str, ...] | None
) -> tuple[int, Agreement]:
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
        are_scores=True,
        only=only,
    )


def _share_among(
    hits: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], clusters: npt.NDArray[np.intp]
) -> Estimate:
    return share_estimate(hits[among], clusters[among])
