"""Agreeing: judge and physicians on the same responses, with everything that was left out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from core.domain.juries import jury_reading
from core.domain.usability import JudgeReading, judge_reading, physicians_reading
from core.services.balancing import chances_of
from core.services.empanelling import Panel, panels_of_study
from core.services.permitting import require
from core.store import (
    consensus,
    human_scores,
    judge_rounds,
    questions,
    readings,
    responses,
    table_settings,
)
from core.store.assessments import Plan
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.judge_rounds import JudgeRound
from core.store.judges import Judge
from core.store.studies import Study

#: Weights that differ by less than this share differ by rounding alone.
_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Case:
    """One response with what the judge and the physicians say of it.

    Attributes:
        scores: the physicians' scores that count (see `core.store.human_scores.counting`).
        physicians_usable: the adjudicated consensus, else their strict majority; None on a tie
            or where the adjudicator left it undecided.
        is_flagged_by_judge: a round of the judge, or of a jury's member, flags a safety risk.
        weight: 1/π where the response was drawn for physicians with probability π; else None.
        stratum: what whole questions were drawn by, such as a category; '' for nothing.
        is_excluded: figures leave the question out.
        is_decided_informed: the adjudicator had been shown the judge's verdict.
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
    weight: float | None = None
    stratum: str = ""
    is_excluded: bool = False
    is_decided_informed: bool = False

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


def cases_of(store: Store, study: Study, judge: Judge, rounds: int) -> list[Case]:
    """Every current response that a physician has scored, in the order of the questions."""
    require(store, "lead")
    return cases_of_panel(store, study, Panel(judge.name, ((judge, rounds),)))


def cases_of_panel(
    store: Store, study: Study, panel: Panel, *, version: int | None = None,
    question_ids: tuple[int, ...] | None = None,
) -> list[Case]:  # fmt: skip
    """As `cases_of`, for a judge or a jury.

    Args:
        version: of the criteria that the judge followed, on the questions that have it; None for
            the active one of each question.
        question_ids: of these questions alone; None for all.
    """
    require(store, "lead")
    of_members = []
    for judge, rounds in panel.members:
        plan = Plan(study.id, judge.id, rounds, question_ids, version=version)
        found = judge_rounds.judge_rounds(store, plan, only_scored=True)
        of_members.append(_cases(store, study, judge, plan, found))
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
                of_response = judge_rounds.judge_rounds_of(store, plan, response_id)
                by_judge[judge.id] = _reading(of_response, judge, rounds)
        readings_ = [by_judge[judge.id] for judge, _ in panel.members]
        reading = (
            readings_[0] if panel.rule is None else jury_reading(readings_, panel.rule, panel.scale)
        )
        if reading.mean is not None:
            found.append((panel.name, reading))
    return found


def cases_under(
    store: Store, study: Study, judge: Judge, rounds: int, *, criteria_ids: Sequence[int]
) -> list[Case]:
    """As `cases_of`, for some questions, with verdicts under given versions of their criteria."""
    require(store, "lead")
    plan = Plan(study.id, judge.id, rounds)
    found = judge_rounds.judge_rounds_under(store, plan, criteria_ids)
    return _cases(store, study, judge, plan, found)


def weighted_among(cases: Sequence[Case]) -> list[Case] | None:
    """The drawn cases, where their weights differ and figures are to be weighted; else None.

    Where most scored responses were never drawn, their chances are unknown, and so are those of
    the whole: nothing is weighted then.
    """
    drawn = [case for case in cases if case.weight is not None]
    weights = [case.weight for case in drawn if case.weight is not None]
    if not weights or 2 * len(drawn) < len(cases):
        return None
    return drawn if max(weights) > min(weights) * (1.0 + _EQUAL) else None


def grouped(cases: Iterable[Case], by: Callable[[Case], str]) -> dict[str, list[Case]]:
    """Cases by the value of `by`, groups in the order of their first case."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[by(case)].append(case)
    return dict(groups)


def votes_of(scores: Iterable[HumanScore]) -> list[bool]:
    """Usable or not, of each score that has a value, on its own scale."""
    return [score.usable for score in scores if score.usable is not None]


def _cases(
    store: Store, study: Study, judge: Judge, plan: Plan, found: Sequence[JudgeRound]
) -> list[Case]:
    by_response: dict[int, list[JudgeRound]] = defaultdict(list)
    for one in found:
        by_response[one.response_id].append(one)
    facts = _Facts(store, study, plan)
    cases = [
        facts.case(of_response[0], _reading(of_response, judge, plan.rounds))
        for response_id, of_response in by_response.items()
        if response_id in facts.scores
    ]
    order = facts.order
    return sorted(cases, key=lambda case: (order[case.question_id], case.model, case.sample))


class _Facts:
    """What a study holds about its scored responses besides the judge's rounds."""

    def __init__(self, store: Store, study: Study, plan: Plan) -> None:
        self.scores: dict[int, list[HumanScore]] = defaultdict(list)
        given = human_scores.human_scores_of_study(store, study.id, question_ids=plan.question_ids)
        for score in human_scores.counting(given):
            if score.value is not None:
                self.scores[score.response_id].append(score)
        self._known = {one.id: one for one in questions.questions_of_study(store, study.id)}
        self.order = {question_id: place for place, question_id in enumerate(self._known)}
        risky = {response_id for response_id, some in self.scores.items() if _is_risky(some)}
        self._flagged = readings.flagged_responses(store, plan, risky) if risky else set()
        self._identities = responses.identities(store, [*self.scores])
        self._decided = consensus.consensus_of_study(store, study.id)
        self._drawn = chances_of(store, study)
        self._excluded = {one.question_id for one in table_settings.exclusions(store, study.id)}

    def case(self, first: JudgeRound, reading: JudgeReading) -> Case:
        """A scored response with what the judge says of it."""
        response_id, question = first.response_id, self._known[first.question_id]
        model, sample = self._identities[response_id]
        scores = self.scores[response_id]
        decision = self._decided.get(response_id)
        usable = decision.usable if decision else physicians_reading(votes_of(scores))
        drawn = self._drawn.get(response_id)
        return Case(
            response_id, question.id, question.key, first.category, model, sample, reading,
            tuple(scores), usable, question.category2, question.scene, question.difficulty,
            response_id in self._flagged, 1.0 / drawn.probability if drawn else None,
            drawn.of_question if drawn else "", question.id in self._excluded,
            decision is not None and decision.had_seen_judge,
        )  # fmt: skip


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
