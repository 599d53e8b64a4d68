"""Spot checking: a random share of submitted scores gets a second look, in two rounds."""

import numpy as np

from core.domain.estimation import Estimate, share_estimate
from core.domain.sampling import drawn
from core.errors import Refused, UnknownName
from core.services.permitting import require, require_own
from core.store import human_scores, spot_checks
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.people import Person
from core.store.spot_checks import SpotCheck
from core.store.studies import Study

ROUNDS = (1, 2)


def draw_checks(store: Store, study: Study, *, share: float, round: int, seed: int, by: str) -> int:
    """Draw a share of the scores that count and are not drawn for this round yet; how many.

    At least one is drawn where there is any.

    Raises:
        Refused: `bad_check_share`, `bad_check_round`, `nothing_to_check`.
    """
    require(store, "lead")
    if not 0 < share <= 1:
        raise Refused("bad_check_share")
    if round not in ROUNDS:
        raise Refused("bad_check_round")
    with store.writing():
        known = {
            one.assessment_id
            for one in spot_checks.spot_checks(store, study.id)
            if one.round == round
        }
        scores = human_scores.counting(human_scores.human_scores_of_study(store, study.id))
        units = {one.id: () for one in scores if one.value is not None and one.id not in known}
        if not units:
            raise Refused("nothing_to_check")
        number = max(1, int(share * len(units) + 0.5))
        sample = [one.unit for one in drawn(units, number, allocation="proportional", seed=seed)]
        spot_checks.add_spot_checks(store, study.id, sample, round, share, by=by)
    return len(sample)


def open_checks(store: Store, study: Study, person: Person) -> list[SpotCheck]:
    """Second looks that are still to be taken, at others' scores."""
    require_own(store, person.id, "adjudicator", "lead")
    return [
        one
        for one in spot_checks.spot_checks(store, study.id)
        if one.is_sound is None and one.scored_by != person.id
    ]


def score_of(store: Store, check: SpotCheck) -> HumanScore:
    """The score that is looked at."""
    require(store, "adjudicator", "lead")
    return next(
        one
        for one in human_scores.human_scores_of_response(store, check.response_id)
        if one.id == check.assessment_id
    )


def answer(
    store: Store, study: Study, person: Person, check_id: int, *, is_sound: bool, comment: str
) -> None:
    """Store what a second look found.

    Raises:
        UnknownName: `unknown_check`.
        Refused: `own_score`; `needs_reason` where the score is not sound and nothing says why.
    """
    require_own(store, person.id, "adjudicator", "lead")
    with store.writing():
        found = {one.id: one for one in spot_checks.spot_checks(store, study.id)}
        if check_id not in found:
            raise UnknownName("unknown_check", id=check_id)
        if found[check_id].scored_by == person.id:
            raise Refused("own_score")
        if not is_sound and not comment.strip():
            raise Refused("needs_reason")
        spot_checks.add_result(
            store, check_id, person.id, is_sound=is_sound, comment=comment.strip(), by=person.name
        )


def share_sound(store: Store, study: Study, round: int) -> Estimate:
    """Share of the scores looked at in a round that are sound; questions are the unit of chance."""
    require(store, "adjudicator", "lead")
    looked = [
        one
        for one in spot_checks.spot_checks(store, study.id)
        if one.round == round and one.is_sound is not None
    ]
    return share_estimate(
        np.array([bool(one.is_sound) for one in looked], dtype=np.bool_),
        np.array([one.question_id for one in looked], dtype=np.intp),
    )
