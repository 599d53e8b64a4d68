"""Weighing: both sides of a trial, on the same responses and the same physicians' scores."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.domain.usability import JudgeReading, judge_reading
from core.services.agreeing import Case, cases_of
from core.services.pairing import Pair, Paired, paired
from core.services.permitting import require
from core.services.sealing import Place, Seals, seals_of
from core.store import criteria, judge_rounds, judges, marks, rejections, trials
from core.store.criteria import CriteriaVersion
from core.store.database import Store
from core.store.judges import Judge
from core.store.questions import Question
from core.store.studies import Study
from core.store.trials import SideVerdict, Trial

Fate = Literal["kept", "added", "removed"]
State = Literal["in_use", "used_before", "rejected", "candidate"]
_PENDING = JudgeReading(None, None, None, "pending")


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement: how often it was marked met, of how many marks.

    Attributes:
        physicians: by physicians, whose marks on a requirement worded alike carry over.
    """

    text: str
    fate: Fate
    before: tuple[int, int]
    after: tuple[int, int]
    physicians: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Noise:
    """What in use was judged twice: responses whose verdict changed by chance alone."""

    n: int
    changed: int
    paired: Paired


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial has found so far.

    Attributes:
        revise: on what revisers see; `check`: on what was held back from them in the same
            questions, to be looked at as numbers only.
        missing: verdicts that are still to come.
    """

    trial: Trial
    revise: Paired
    check: Paired
    requirements: tuple[RequirementRow, ...]
    noise: Noise | None
    missing: int


def result_of(store: Store, study: Study, trial: Trial) -> TrialResult:
    """Both sides of a trial, on the responses that were judged on both so far."""
    require(store, "lead")
    judge = judges.judge_by_id(store, trial.judge_id)
    chosen = {one.response_id: one for one in trials.responses_of(store, trial.id)}
    known = {
        case.response_id: case
        for case in cases_of(store, study, judge, trial.rounds)
        if case.response_id in chosen
    }
    found = trials.verdicts(store, trial.id)
    readings = _readings(found, judge, trial)
    seals = seals_of(store, study)

    def pairs(case: Case, other: str) -> Pair:
        before = readings["before"].get(case.response_id, _PENDING)
        after = readings[other].get(case.response_id, _PENDING)
        weight = 1.0 / chosen[case.response_id].probability
        return Pair(replace(case, judge=before), replace(case, judge=after), weight)

    seen, held = (seals.among(known.values(), place) for place in ("revise", "check"))
    noise = None
    if trial.has_noise:
        noisy = paired([pairs(case, "noise") for case in (*seen, *held)])
        noise = Noise(noisy.n, len(noisy.fixed) + len(noisy.broken), noisy)
    return TrialResult(
        trial,
        paired([pairs(case, "after") for case in seen]),
        paired([pairs(case, "after") for case in held]),
        _requirements(store, trial, found, {case.response_id: case for case in seen}),
        noise,
        len(trials.missing(store, trial.id)),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one version of a question's criteria does on the responses of one place.

    Attributes:
        agree, n: responses on which judge and physicians agree, of those that both decided.
    """

    agree: int
    n: int
    false_usable: int


@dataclass(frozen=True, slots=True)
class History:
    """One version of a question's criteria.

    Attributes:
        state: `in_use`, `used_before`, `rejected` or `candidate`.
        decided: why it was put to use last, or rejected; '' for a candidate.
        revise, check: on what revisers see, and on what is held back from them.
    """

    version: CriteriaVersion
    state: State
    decided: str
    revise: Standing
    check: Standing


def history_of_criteria(
    store: Store, study: Study, judge: Judge, rounds: int, question: Question,
    cases: Sequence[Case], sealed: Seals,
) -> list[History]:  # fmt: skip
    """Every version of a question's criteria, newest first, with what it did to agreement.

    Args:
        cases: the judge's, of which those of the question are looked at.
    """
    require(store, "lead")
    own = [case for case in cases if case.question_id == question.id]
    places: tuple[Place, Place] = ("revise", "check")
    seen, held = (sealed.among(own, place) for place in places)
    values: dict[int, dict[int, list[int | None]]] = defaultdict(lambda: defaultdict(list))
    for one in judge_rounds.verdicts_by_version(store, study.id, judge.id, question.id):
        if one.round <= rounds:
            values[one.criteria_id][one.response_id].append(one.value)
    decided = _decisions(store, study, question)
    found = []
    for version in reversed(criteria.versions(store, question.id)):
        readings = {
            response_id: judge_reading(of_rounds, judge.scale, rounds=rounds)
            for response_id, of_rounds in values[version.id].items()
        }
        state, reason = decided.get(version.id, ("candidate", ""))
        found.append(
            History(version, state, reason, _standing(seen, readings), _standing(held, readings))
        )
    return found


def _decisions(store: Store, study: Study, question: Question) -> dict[int, tuple[State, str]]:
    """What was decided of a question's versions and why, by version id; the last word counts."""
    used = {id_: reason for id_, reason, *_ in criteria.activations(store, study.id, question.id)}
    found: dict[int, tuple[State, str]] = {
        version: ("used_before", reason) for version, reason in used.items()
    }
    for one in rejections.rejections(store, study.id):
        if one.criteria_id is not None:
            found[one.criteria_id] = ("rejected", one.reason)
    active = criteria.active_version(store, study.id, question.id)
    found[active.id] = ("in_use", used.get(active.id, ""))
    return found


def _standing(cases: Sequence[Case], readings: Mapping[int, JudgeReading]) -> Standing:
    """How a version's readings agree with physicians on some cases."""
    judged = [replace(case, judge=readings.get(case.response_id, _PENDING)) for case in cases]
    both = [one for one in judged if None not in (one.judge.usable, one.physicians_usable)]
    return Standing(
        sum(not one.differs for one in both), len(both), sum(one.is_false_usable for one in both)
    )


def _readings(
    found: Sequence[SideVerdict], judge: Judge, trial: Trial
) -> dict[str, dict[int, JudgeReading]]:
    values: dict[str, dict[int, list[int | None]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(found, key=lambda verdict: verdict.round):
        values[one.side][one.response_id].append(one.value)
    return {
        side: {
            response_id: judge_reading(rounds, judge.scale, rounds=trial.rounds)
            for response_id, rounds in values[side].items()
        }
        for side in ("before", "after", "noise")
    }


def _requirements(
    store: Store, trial: Trial, found: Sequence[SideVerdict], seen: dict[int, Case]
) -> tuple[RequirementRow, ...]:
    """How each requirement of both criteria versions was marked, on what revisers see."""
    if trial.criteria_id is None:
        return ()
    versions = [
        {one.id: one.text for one in marks.requirements_of_version(store, version)}
        for version in (trial.base_id, trial.criteria_id)
    ]
    side_of = {one.assessment_id: one.side for one in found if one.response_id in seen}
    people = [score.id for case in seen.values() for score in case.scores]
    met: dict[tuple[str, int], list[int]] = defaultdict(list)
    for mark in marks.parts_of(store, [*side_of, *people]):
        side = side_of.get(mark.assessment_id, "physicians")
        if mark.requirement_id is not None:
            met[side, mark.requirement_id].append(mark.value)

    def count(side: str, requirement: int) -> tuple[int, int]:
        given = met[side, requirement]
        return sum(value == 2 for value in given), len(given)

    texts = versions[0] | versions[1]
    ordered = [*versions[1], *(one for one in versions[0] if one not in versions[1])]
    return tuple(
        RequirementRow(
            texts[one], _fate(one, versions), count("before", one), count("after", one),
            count("physicians", one),
        )
        for one in ordered
    )  # fmt: skip


def _fate(requirement: int, versions: Sequence[dict[int, str]]) -> Fate:
    if requirement in versions[0] and requirement in versions[1]:
        return "kept"
    return "added" if requirement in versions[1] else "removed"
