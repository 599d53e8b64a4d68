"""Drifting: where a new requirement contradicts scores that physicians gave before it was there.

Who scores forms the yardstick while scoring. Such a score is never changed: its author may give
another one, which is informed, and the old one stays.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.services.agreeing import Case, cases_of
from core.services.permitting import require, require_own
from core.services.sealing import seals_of
from core.store import judges, marks, offers, trials
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.offers import Offer
from core.store.people import Person
from core.store.studies import Study
from core.store.trials import Trial


@dataclass(frozen=True, slots=True)
class Drift:
    """A physician passed a response that, as the judge sees it, lacks what is asked for now."""

    case: Case
    score: HumanScore
    requirement_id: int
    requirement: str


def drifts_of(store: Store, study: Study, trial: Trial) -> list[Drift]:
    """Scores that a trial's new core requirements contradict, on what revisers may see.

    A response lacks a requirement where most of its rounds mark it as not met.
    """
    require(store, "lead")
    if trial.criteria_id is None:
        return []
    known = {one.id for one in marks.requirements_of_version(store, trial.base_id)}
    fresh = {
        one.id: one.text
        for one in marks.requirements_of_version(store, trial.criteria_id)
        if one.level == "core" and one.id not in known
    }
    judge = judges.judge_by_id(store, trial.judge_id)
    cases = seals_of(store, study).among(cases_of(store, study, judge, trial.rounds), "revise")
    lacking = _lacking(store, trial, fresh)
    return [
        Drift(case, score, requirement, fresh[requirement])
        for case in cases
        for requirement in lacking.get(case.response_id, ())[:1]
        for score in case.scores
        if score.usable is True
    ]


def offer_again(
    store: Store, study: Study, trial: Trial, drifts: Sequence[Drift], *, by: str
) -> int:
    """Offer these scores to their authors to be given once more; how many were not before."""
    require(store, "lead")
    assert trial.criteria_id is not None
    with store.writing():
        return sum(
            offers.add_offer(
                store, study.id, one.score.id, trial.criteria_id, one.requirement_id, by=by
            )
            for one in drifts
        )


def offered_to(store: Store, study: Study, person: Person) -> list[Offer]:
    """What a physician may score once more, newest first."""
    require_own(store, person.id, "physician")
    return offers.offers_of(store, study.id, person.id)


def _lacking(store: Store, trial: Trial, fresh: dict[int, str]) -> dict[int, list[int]]:
    """New requirements that most rounds mark as not met, by response."""
    after = [one for one in trials.verdicts(store, trial.id) if one.side == "after"]
    given: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for mark in marks.parts_of(store, [one.assessment_id for one in after]):
        if mark.requirement_id is not None and mark.requirement_id in fresh:
            given[mark.response_id, mark.requirement_id].append(mark.value == 0)
    found: dict[int, list[int]] = defaultdict(list)
    for (response_id, requirement), votes in given.items():
        if 2 * sum(votes) > len(votes):
            found[response_id].append(requirement)
    return found
