"""Revealing: nothing before one's own answer, all of it written down, and why it differs."""

import pytest

from core.errors import Refused
from core.services import revealing, reviewing
from core.services.agreeing import cases_of
from core.services.reviewing import Scoring
from core.services.sealing import open_question
from core.store import differences, human_scores
from core.store.people import Person
from tests.workbench import CEDAR, QUESTIONS, WILLOW, Workbench, worklist_of

RESPONSES = len(CEDAR) + len(WILLOW)
#: What the baseline says of cedar's answer to it, which has all of the checklist's words.
KEY, JUDGE_SAYS = "MLU:1:1", 5


def _exposures(study: Workbench) -> list[tuple[str, str, str]]:
    return study.rows(
        "SELECT person.name, key, shown FROM exposure"
        " JOIN person ON person.id = person_id JOIN question ON question.id = question_id"
        " ORDER BY exposure.id"
    )  # type: ignore[return-value]


def _scores_all(study: Workbench, person: Person, score: int) -> None:
    while (response_id := study.next_for(person)) is not None:
        reviewing.score(study.store, study.study, person, response_id, Scoring(score))


def _at_once(study: Workbench, person: Person, key: str = KEY) -> list[revealing.Revealed]:
    response_id = study.response(key).id
    return revealing.revealed_at_once(study.store, study.study, person, response_id)


def _shown(study: Workbench, person: Person, key: str = KEY) -> revealing.Revealed:
    found = revealing.reveal(study.store, study.study, person, study.response(key).id)
    assert found is not None
    return found


def test_at_once_the_verdict_waits_for_all_of_the_questions_responses(study: Workbench) -> None:
    study.baseline_judges()
    study.reveals("at_once")
    lin = study.physician()
    assert _at_once(study, lin) == []
    study.scores(lin, KEY, "cedar", 1)
    assert _at_once(study, lin) == []
    assert _exposures(study) == []

    study.scores(lin, KEY, "willow", 2)
    revealed = _at_once(study, lin)

    assert [(one.question.key, one.own.value) for one in revealed] == [(KEY, 1), (KEY, 2)]
    assert [(one.judge, one.value) for one in revealed[0].verdicts] == [("baseline", JUDGE_SAYS)]
    assert _exposures(study) == [("Dr Lin", KEY, "machine_verdict")]
    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [score.phase for score in scores] == ["blind", "blind"]


def test_a_verdict_shown_twice_is_one_exposure(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, KEY, "cedar", 5)

    for _ in range(2):
        _shown(study, lin)

    assert len(_exposures(study)) == 1


def test_without_a_verdict_nothing_was_shown(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, KEY, "cedar", 5)

    assert _shown(study, lin).verdicts == ()
    assert _exposures(study) == []


def test_nothing_is_shown_of_a_response_that_one_has_not_answered(study: Workbench) -> None:
    study.baseline_judges()
    lin, weber = study.physician("Dr Lin"), study.physician("Dr Weber")
    study.scores(weber, KEY, "cedar", 4)
    response_id = study.response(KEY).id

    assert revealing.reveal(study.store, study.study, lin, response_id) is None
    study.scores(lin, KEY, "cedar", 4)
    reviewing.undo(study.store, study.study, lin, response_id)
    assert revealing.reveal(study.store, study.study, lin, response_id) is None
    assert _exposures(study) == []


def test_a_batch_is_revealed_only_when_nothing_is_left_the_farthest_first(
    study: Workbench,
) -> None:
    study.baseline_judges()
    lin = study.physician()
    assert study.study.reveal == "batch_done"
    study.scores(lin, KEY, "cedar", 1)
    assert revealing.revealed_batch(study.store, study.study, lin) == []
    assert _at_once(study, lin) == []
    assert _exposures(study) == []

    _scores_all(study, lin, 4)
    shown = revealing.revealed_batch(study.store, study.study, lin)

    assert len(shown) == RESPONSES
    assert shown[0].response_id == study.response(KEY).id
    assert [one.distance for one in shown] == sorted((o.distance for o in shown), reverse=True)
    assert sorted(_exposures(study)) == [
        ("Dr Lin", key, "machine_verdict") for key in sorted(QUESTIONS)
    ]


def test_a_study_that_never_shows_never_shows(study: Workbench) -> None:
    study.baseline_judges()
    study.reveals("never")
    lin = study.physician()
    _scores_all(study, lin, 4)

    assert revealing.revealed_batch(study.store, study.study, lin) == []
    assert _at_once(study, lin) == []
    assert _exposures(study) == []


def test_others_are_shown_once_they_have_answered_and_that_is_an_exposure(
    study: Workbench,
) -> None:
    lin, weber = study.physician("Dr Lin"), study.physician("Dr Weber")
    study.scores(lin, KEY, "cedar", 4)
    assert _shown(study, lin).others == ()

    study.scores(weber, KEY, "cedar", None, no_score="cannot_judge", comment="no units")

    assert [(one.value, one.comment) for one in _shown(study, lin).others] == [(None, "no units")]
    assert _exposures(study) == [("Dr Lin", KEY, "other_person")]


@pytest.mark.parametrize(("score", "is_different"), [(5, False), (4, False), (3, True), (1, True)])
def test_another_side_of_usable_or_two_points_ask_why(
    study: Workbench, score: int, is_different: bool
) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, KEY, "cedar", score)

    assert _shown(study, lin).is_different is is_different


def test_dimensions_and_one_score_are_compared_on_usable_alone(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    good = {
        "instruction_following": 5, "correctness": 5, "effectiveness": 5, "readability": 5,
    }  # fmt: skip
    study.scores(lin, "MTG:1:1", "cedar", None, dimensions=good | {"safety": 1})
    study.scores(lin, "MTG:1:1", "willow", None, dimensions=good | {"safety": 1})

    by_model = {
        model: revealing.reveal(study.store, study.study, lin, study.response("MTG:1:1", model).id)
        for model in ("cedar", "willow")
    }

    judged = [one.verdicts[0].usable for one in by_model.values() if one]
    assert judged == [True, False]
    assert [one.is_different for one in by_model.values() if one] == [False, True]


# --- why --------------------------------------------------------------------------------------


def test_a_cause_is_kept_the_last_counts_and_it_feeds_the_worklist(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, KEY, "cedar", 1)
    assert _shown(study, lin).asks_why
    response_id = study.response(KEY).id

    for cause in ("judge_wrong", "checklist_wrong"):
        revealing.say_why(study.store, study.study, lin, response_id, cause)  # type: ignore[arg-type]

    found = _shown(study, lin)
    assert (found.cause, found.asks_why) == ("checklist_wrong", False)
    kept = differences.causes_of_response(study.store, response_id)
    assert [(one.person, one.cause) for one in kept] == [
        ("Dr Lin", "judge_wrong"), ("Dr Lin", "checklist_wrong"),
    ]  # fmt: skip
    open_question(study.store, study.study, study.question(KEY), reason="a cause", by="Dr Lead")
    entries = {one.key: one for one in worklist_of(study.store, study.study, study.judge(), 1)}
    assert entries[KEY].causes == {"checklist_wrong": 1}
    assert entries["MK:1:1"].causes == {}


def test_there_is_no_cause_before_the_verdict_was_shown(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, KEY, "cedar", 1)
    response_id = study.response(KEY).id

    with pytest.raises(Refused, match="verdict_not_shown"):
        revealing.say_why(study.store, study.study, lin, response_id, "judge_wrong")
    with pytest.raises(Refused, match="needs_informed_score"):
        revealing.say_why(study.store, study.study, lin, response_id, "reconsidered")
    assert study.counts()["difference_cause"] == 0


def test_who_reconsiders_gives_an_informed_score_and_the_blind_one_counts(
    study: Workbench,
) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, KEY, "cedar", 1)
    _shown(study, lin)

    revealing.reconsider(study.store, study.study, lin, study.response(KEY).id, Scoring(5))

    found = _shown(study, lin)
    assert (found.own.value, found.own.phase, found.cause) == (1, "blind", "reconsidered")
    assert found.informed is not None
    assert (found.informed.value, found.informed.phase) == (5, "informed")
    [case] = cases_of(study.store, study.study, study.judge(), 1)
    assert [score.value for score in case.scores] == [1]


def test_a_refused_informed_score_leaves_no_cause(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, KEY, "cedar", 1)
    _shown(study, lin)

    with pytest.raises(Refused, match="score_outside_scale"):
        revealing.reconsider(study.store, study.study, lin, study.response(KEY).id, Scoring(9))

    assert study.counts()["difference_cause"] == 0


def test_the_shift_is_over_all_blind_scores_whose_verdict_was_shown(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    assert revealing.shift_of(study.store, study.study).changed.undefined_because == "no_pairs"
    for key, score in ((KEY, 1), ("MK:1:1", 4), ("MSE:1:1", 3), ("MR:1:1", 2)):
        study.scores(lin, key, "cedar", score)
    for key in (KEY, "MK:1:1", "MSE:1:1"):  # MR:1:1 is never shown
        _shown(study, lin, key)
    revealing.reconsider(study.store, study.study, lin, study.response(KEY).id, Scoring(5))
    revealing.reconsider(study.store, study.study, lin, study.response("MK:1:1").id, Scoring(5))

    shift = revealing.shift_of(study.store, study.study)

    assert (shift.changed.value, shift.changed.n) == (pytest.approx(2 / 3), 3)
    assert (shift.crossed.value, shift.joined) == (pytest.approx(1 / 3), 1)
    assert shift.crossed.low is not None
    assert shift.crossed.low < 1 / 3
