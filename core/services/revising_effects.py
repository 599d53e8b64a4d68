"""What a study's revisions did to agreement, on what revisers saw and on what was held back."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.services.agreeing import Case, cases_of, cases_under
from core.services.pairing import Pair, Paired, paired
from core.services.permitting import require
from core.services.sealing import Place, Seals, seals_of
from core.store import criteria
from core.store.database import Store
from core.store.judges import Judge
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class AllRevisions:
    """Every revised dev question together, under its first version and under the active one.

    Attributes:
        questions: how many were revised.
        not_verifiable: of these, questions without a scored response that is held back.
    """

    questions: int
    not_verifiable: int
    revise: Paired
    check: Paired


def all_revisions(store: Store, study: Study, judge: Judge, rounds: int) -> AllRevisions | None:
    """Compare all revised questions at once: what was seen, and beside it what was held back.

    A checklist that was fitted to the answers seen looks better on them, and not on the others.
    """
    require(store, "lead")
    sealed = seals_of(store, study)
    first = {
        question_id: criteria_id
        for question_id, criteria_id in criteria.first_of_revised(store, study.id).items()
        if question_id not in sealed.held_out
    }
    if not first:
        return None
    now = [case for case in cases_of(store, study, judge, rounds) if case.question_id in first]
    old = cases_under(store, study, judge, rounds, criteria_ids=tuple(first.values()))
    held = {case.question_id for case in sealed.among(now, "check")}
    return AllRevisions(
        len(first),
        len(set(first) - held),
        _paired_at(sealed, "revise", old, now),
        _paired_at(sealed, "check", old, now),
    )


def _paired_at(sealed: Seals, place: Place, old: Sequence[Case], now: Sequence[Case]) -> Paired:
    before = {case.response_id: case for case in old}
    return paired(
        [
            Pair(before[case.response_id], case)
            for case in sealed.among(now, place)
            if case.response_id in before
        ]
    )
