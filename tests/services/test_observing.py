"""Observing: pace and drift in the order of time, and agreement with oneself."""

from core.services import assigning, observing, reviewing
from core.services.reviewing import Scoring
from core.store.draws import Design
from core.store.people import Person
from tests.workbench import Workbench

KEYS = ("MK:1:1", "MK:1:2", "MR:1:1", "MLU:1:1")


def answers(study: Workbench, key: str, value: int, *, seconds: float | None = None) -> None:
    scoring = Scoring(value, seconds=seconds)
    response_id = study.response(key, "cedar").id
    reviewing.score(study.store, study.study, study.physician("Dr A"), response_id, scoring)


def test_pace_and_usable_are_told_for_the_first_and_the_second_half(study):
    for key, value, seconds in zip(KEYS, (4, 2, 4, 4), (10, 20, 30, 50), strict=True):
        answers(study, key, value, seconds=seconds)

    (one,) = observing.observed(study.store, study.study)

    assert (one.person, one.answers) == ("Dr A", 4)
    assert (one.seconds, one.seconds_early, one.seconds_late) == (25, 15, 40)
    assert (one.usable_early.value, one.usable_late.value) == (0.5, 1.0)
    assert one.with_themselves.side.n == 0


def test_a_time_that_nobody_measured_is_missing_and_not_nought(study):
    answers(study, "MK:1:1", 4)

    (one,) = observing.observed(study.store, study.study)

    assert (one.seconds, one.seconds_early, one.seconds_late) == (None, None, None)
    assert one.usable_early.undefined_because == "no_pairs"


def test_what_was_taken_back_is_no_answer(study):
    answers(study, "MK:1:1", 4, seconds=5)
    person, response_id = study.physician("Dr A"), study.response("MK:1:1", "cedar").id
    reviewing.undo(study.store, study.study, person, response_id)

    assert observing.observed(study.store, study.study) == []


def next_asked(study: Workbench, person: Person) -> int | None:
    return assigning.asked_and_next(study.store, study.study, person)[1]


def test_agreement_with_oneself_takes_side_and_score_apart(study):
    person = study.physician("Dr A")
    design = Design(14, overlap=1, repeat_share=0.5, strata=())
    assigning.draw(study.store, study.study, design, [person], reason="r", by="Dr Lead")
    seen: list[int] = []
    while (response_id := next_asked(study, person)) is not None:
        is_text = reviewing.sheet_of(study.store, study.study, person, response_id).dimensions
        again = response_id in seen
        scoring = Scoring(no_score="outside_field") if is_text else Scoring(5 if again else 4)
        reviewing.score(study.store, study.study, person, response_id, scoring)
        seen.append(response_id)
    came_back = len(seen) - len(set(seen))
    assert came_back >= 2

    (one,) = observing.observed(study.store, study.study)
    every = observing.with_themselves(study.store, study.study)

    # 4 and 5 are both usable: always the same side, never the same score
    assert one.with_themselves == every
    assert (every.side.value, every.score.value) == (1.0, 0.0)
    assert 0 < every.side.n <= came_back
