"""Asking: what a physician has on the screen, then what comes back, then what nobody has shown."""

from dataclasses import replace

from core.domain.asking import Asked, Given, Offer, Situation

WORK = [Offer(number, number, "MK", "work", 1, False, (number, number)) for number in (1, 2, 3)]
FREE = Situation(WORK, (), (), {}, {}, (), None)


def given(*response_ids: int, round: int = 1) -> list[Given]:
    return [Given(one, round, False) for one in response_ids]


def test_the_least_in_order_comes_first_and_what_was_shown_last():
    assert FREE.next_asked() == 1
    assert replace(FREE, exposed={1}).next_asked() == 2
    assert replace(FREE, reserved=3).next_asked() == 3


def test_what_enough_others_have_scored_or_hold_is_not_asked_for():
    assert replace(FREE, scores={1: 1}, held={2: 1}).next_asked() == 3
    assert replace(FREE, scores={1: 1}, held={2: 1}).asked_of() == Asked(0, 1, False)


def test_what_was_taken_back_waits_again():
    taken_back = [*given(1, 2, 3), Given(2, 1, True)]
    assert replace(FREE, given=taken_back).next_asked() == 2
    assert replace(FREE, given=taken_back).asked_of() == Asked(2, 1, False)


def test_a_calibration_comes_before_work_and_lies_in_everybodys_field():
    calibration = Offer(9, 9, "MSE", "calibration", 1, False, (9, 9))
    both = replace(FREE, offers=[*WORK, calibration], field={"MK"})
    assert (both.next_asked(), both.asked_of()) == (9, Asked(0, 1, True))
    assert replace(both, given=given(9)).next_asked() is None, "work waits for the lead"


def test_a_chosen_response_comes_back_after_three_others_at_the_end_and_once():
    back = [replace(one, comes_back=one.response_id == 1) for one in WORK]
    one_left = replace(FREE, offers=back, given=given(1, 2))
    assert one_left.next_asked() == 3
    assert one_left.asked_of() == Asked(2, 2, False)  # number 3, and number 1 again
    done = replace(one_left, given=given(1, 2, 3, 4))
    assert (done.next_asked(), done.is_due_again(1)) == (1, True)
    again = replace(done, given=[*given(1, 2, 3, 4), *given(1, round=2)])
    assert (again.next_asked(), again.asked_of()) == (None, Asked(4, 0, False))
    assert replace(done, exposed={1}).next_asked() is None
