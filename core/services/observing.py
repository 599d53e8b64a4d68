"""Observing: how each physician works: their pace, whether it drifts, and whether they agree with
themselves on what came back to them unannounced.

For leads; colleagues never see it, and the scoring page says that time is recorded.
"""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Estimate, share_estimate
from core.services.permitting import require
from core.store import draws, human_scores, reviews
from core.store.database import Store
from core.store.draws import Repeat
from core.store.human_scores import HumanScore
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How far people agree with their own first score; intervals over questions.

    Attributes:
        side: on usable or not.
        score: on the very score.
    """

    side: Estimate
    score: Estimate


@dataclass(frozen=True, slots=True)
class Observed:
    """How one physician works.

    Attributes:
        answers: that count, those without a score included.
        seconds: median active seconds of an answer; None where none was measured.
        seconds_early, seconds_late: of the first and the second half, in the order of time.
        usable_early, usable_late: share of scores that say usable, likewise.
        with_themselves: on the responses that came back.
    """

    person: str
    answers: int
    seconds: float | None
    seconds_early: float | None
    seconds_late: float | None
    usable_early: Estimate
    usable_late: Estimate
    with_themselves: Steadiness


def observed(store: Store, study: Study) -> list[Observed]:
    """Every physician who has answered anything in a study, by name."""
    require(store, "lead")
    own: dict[tuple[str, int], list[HumanScore]] = defaultdict(list)
    for score in human_scores.counting(human_scores.human_scores_of_study(store, study.id)):
        if score.unscored_because != "withdrawn":
            own[score.person, score.person_id].append(score)
    again = draws.repeats(store, study.id)
    questions = reviews.answered_questions(store, study.id)
    return [
        _observed(name, some, [one for one in again if one.person_id == person_id], questions)
        for (name, person_id), some in sorted(own.items())
    ]


def with_themselves(store: Store, study: Study) -> Steadiness:
    """How far all physicians of a study agree with themselves."""
    require(store, "lead")
    return _steadiness(draws.repeats(store, study.id))


def _observed(
    name: str, own: list[HumanScore], again: list[Repeat], questions: dict[int, int]
) -> Observed:
    own = sorted(own, key=lambda one: one.id)
    half = len(own) // 2
    early, late = own[:half], own[half:]
    return Observed(
        name, len(own), _seconds(own), _seconds(early), _seconds(late),
        _usable(early, questions), _usable(late, questions), _steadiness(again),
    )  # fmt: skip


def _seconds(some: Sequence[HumanScore]) -> float | None:
    found = [one.seconds for one in some if one.seconds is not None]
    return statistics.median(found) if found else None


def _usable(some: Sequence[HumanScore], questions: dict[int, int]) -> Estimate:
    scored = [one for one in some if one.usable is not None]
    return share_estimate(
        np.array([one.usable for one in scored], dtype=np.bool_),
        np.array([questions[one.response_id] for one in scored], dtype=np.intp),
    )


def _steadiness(again: Sequence[Repeat]) -> Steadiness:
    """Only pairs in which both times a score was given say anything."""
    pairs = [one for one in again if one.first is not None and one.repeated is not None]
    clusters = np.array([one.question_id for one in pairs], dtype=np.intp)
    side = np.array([one.first_usable == one.repeated_usable for one in pairs], dtype=np.bool_)
    score = np.array([one.first == one.repeated for one in pairs], dtype=np.bool_)
    return Steadiness(share_estimate(side, clusters), share_estimate(score, clusters))
