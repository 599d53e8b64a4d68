"""After a calibration everybody sees where they differ, and not before; responses come back."""

import pytest

from core.services import assigning, calibrating, offering, reviewing
from core.store import draws
from core.store.draws import Design
from tests.services.test_assigning import answers, draw, next_for
from tests.workbench import Workbench


@pytest.fixture
def calibrated(study: Workbench) -> Workbench:
    """Two physicians are asked for the same three responses."""
    design = Design(3, "calibration", overlap=2, strata=(), repeat_share=0.0)
    draw(study, design, "Dr A", "Dr B")
    return study


def scores_all(study: Workbench, name: str, value: int) -> None:
    while (response_id := next_for(study, name)) is not None:
        answers(study, name, response_id, value)


def compared(study: Workbench, name: str):
    return calibrating.compared(study.store, study.study, study.physician(name))


def test_nobody_sees_others_before_the_last_answer_of_their_own(calibrated):
    scores_all(calibrated, "Dr B", 2)
    response_id = next_for(calibrated, "Dr A")
    answers(calibrated, "Dr A", response_id, 4)

    assert compared(calibrated, "Dr A") == []
    assert calibrated.value("SELECT count(*) FROM exposure") == 0


def test_who_has_answered_all_sees_where_they_differ_and_that_is_recorded(calibrated):
    scores_all(calibrated, "Dr A", 4)
    scores_all(calibrated, "Dr B", 2)

    found = compared(calibrated, "Dr A")

    assert [(one.own.value, [other.value for other in one.others]) for one in found] == [
        (4, [2])
    ] * 3
    assert all(one.is_split and one.spread == 2 for one in found)
    shown = calibrated.rows("SELECT DISTINCT shown, page FROM exposure")
    assert shown == [("other_person", "calibration")]
    assert {one.own.phase for one in compared(calibrated, "Dr A")} == {"blind"}


def test_the_page_is_told_that_a_calibration_waits_for_its_end(calibrated):
    scores_all(calibrated, "Dr A", 4)

    queue = offering.queue_of(calibrated.store, calibrated.study, calibrated.physician("Dr A"))

    assert (queue.next_response_id, queue.is_calibrating, queue.left) == (None, True, 0)


# --- responses that come back ------------------------------------------------------------------


def test_every_response_comes_back_once_where_all_are_chosen(study):
    draw(study, Design(14, overlap=1, repeat_share=0.5, strata=()), "Dr A")
    study.store.change("DROP TRIGGER draw_no_update", ())
    study.store.change("UPDATE draw SET repeat_share = 1.0", ())
    seen = []

    while (response_id := next_for(study, "Dr A")) is not None:
        answers(study, "Dr A", response_id, 4 if response_id not in seen else 2)
        seen.append(response_id)

    again = [one for one in set(seen) if seen.count(one) == 2]
    assert len(set(seen)) == 14
    assert len(again) >= 11  # the last three have too little between
    assert all(seen[seen.index(one) + 1 :].index(one) >= 2 for one in again)
    pairs = draws.repeats(study.store, study.study.id)
    assert {(one.first, one.repeated) for one in pairs} == {(4, 2)}
    assert len(pairs) == len(again)


def test_a_second_score_never_replaces_the_first(study):
    test_every_response_comes_back_once_where_all_are_chosen(study)

    values = {score for (score,) in study.rows("SELECT value FROM human_assessment")}
    assert values == {4}
    response_id = draws.repeats(study.store, study.study.id)[0].response_id
    assert not reviewing.can_undo(study.store, study.physician("Dr A"), response_id)


def test_nothing_comes_back_that_was_shown(study):
    draw(study, Design(14, overlap=1, repeat_share=0.5, strata=()), "Dr A")
    study.store.change("DROP TRIGGER draw_no_update", ())
    study.store.change("UPDATE draw SET repeat_share = 1.0", ())
    person = study.physician("Dr A")
    for key in ("MK:1:1", "MK:1:2", "MR:1:1", "MLU:1:1", "MLU:2:1", "MSE:1:1", "MTG:1:1"):
        reviewing.expose(
            study.store, person, study.question(key).id, "machine_verdict", page="case"
        )

    scores_all(study, "Dr A", 4)

    assert draws.repeats(study.store, study.study.id) == []
    assert assigning.asked(study.store, study.study, person).left == 0
