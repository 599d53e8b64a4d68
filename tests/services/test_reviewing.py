"""Reviewing: physicians score blind, what they were shown is written down, and history stays."""

import pytest

from core.errors import Refused, UnknownName
from core.services import drafting, offering, revealing, reviewing
from core.services.agreeing import cases_of
from core.services.drafting import Draft
from core.services.reviewing import Scoring
from core.store import human_scores, people
from core.store.people import Person
from tests.workbench import CEDAR, QUESTIONS, WILLOW, Workbench, changed

RESPONSES = len(CEDAR) + len(WILLOW)


def _scores(study: Workbench) -> list[tuple[str, int | None, str | None, str, str]]:
    return [
        (one.person, one.value, one.unscored_because, one.phase, one.reason)
        for one in human_scores.human_scores_of_study(study.store, study.study.id)
    ]


def _exposures(study: Workbench) -> list[tuple[str, str, str, str]]:
    return study.rows(
        "SELECT person.name, key, shown, page FROM exposure"
        " JOIN person ON person.id = person_id JOIN question ON question.id = question_id"
        " ORDER BY exposure.id"
    )  # type: ignore[return-value]


def _order_of(study: Workbench, person: Person) -> list[int]:
    """The responses in the order in which a physician gets them, scored one by one."""
    order = []
    while (response_id := study.next_for(person)) is not None:
        order.append(response_id)
        reviewing.score(study.store, study.study, person, response_id, Scoring(4))
    return order


# --- scoring ----------------------------------------------------------------------------------


def test_a_sheet_shows_the_response_and_its_criteria_and_nothing_of_the_judge(
    study: Workbench,
) -> None:
    study.baseline_judges()
    lin = study.physician()
    response = study.response("MK:1:2")

    sheet = reviewing.sheet_of(study.store, study.study, lin, response.id)

    assert (sheet.response_id, sheet.text) == (response.id, CEDAR["MK:1:2"])
    assert sheet.question == study.question("MK:1:2")
    assert sheet.criteria.checklist == QUESTIONS["MK:1:2"]["checklist"]
    assert [(turn.question, turn.response) for turn in sheet.earlier_turns] == [
        (QUESTIONS["MK:1:1"]["problem"], CEDAR["MK:1:1"])
    ]
    assert (sheet.is_exposed, sheet.draft) == (False, Draft())
    assert _exposures(study) == []


def test_a_score_saves_and_moves_on(study: Workbench) -> None:
    lin = study.physician()
    first = offering.queue_of(study.store, study.study, lin)
    assert first.next_response_id is not None

    reviewing.score(study.store, study.study, lin, first.next_response_id, Scoring(4, "好", False))

    second = offering.queue_of(study.store, study.study, lin)
    assert (first.total, first.scored, first.left) == (RESPONSES, 0, RESPONSES)
    assert (second.total, second.scored, second.left) == (RESPONSES, 1, RESPONSES - 1)
    assert second.next_response_id not in (None, first.next_response_id)
    [score] = human_scores.human_scores_of_response(study.store, first.next_response_id)
    assert (score.value, score.comment, score.safety_risk, score.phase, score.attempt) == (
        4, "好", False, "blind", 1,
    )  # fmt: skip


def test_every_response_comes_once_and_then_the_queue_is_empty(study: Workbench) -> None:
    order = _order_of(study, study.physician())

    assert len(order) == len(set(order)) == RESPONSES


def test_the_order_differs_between_physicians_and_is_fixed_for_each(study: Workbench) -> None:
    lin, weber = study.physician("Dr Lin"), study.physician("Dr Weber")
    assert study.next_for(lin) == study.next_for(lin)

    assert _order_of(study, lin) != _order_of(study, weber)


def test_the_same_press_twice_is_one_row(study: Workbench) -> None:
    lin = study.physician()

    pressed = [study.scores(lin, "MK:1:1", "cedar", 4, comment="好") for _ in range(2)]

    assert pressed == [True, False]
    assert _scores(study) == [("Dr Lin", 4, None, "blind", "")]


@pytest.mark.parametrize("again", [Scoring(2), Scoring(4, "now with a comment")])
def test_a_different_second_score_without_a_reason_is_refused(
    study: Workbench, again: Scoring
) -> None:
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4)
    before = study.counts()

    with pytest.raises(Refused) as caught:
        reviewing.score(study.store, study.study, lin, study.response("MK:1:1").id, again)

    assert (caught.value.code, caught.value.values) == ("already_scored", {"score": 4})
    assert study.counts() == before


def test_a_correction_with_a_reason_keeps_both_rows(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4)
    study.scores(lin, "MK:1:1", "cedar", 2, reason="overlooked the dose")

    assert _scores(study) == [
        ("Dr Lin", 4, None, "blind", ""),
        ("Dr Lin", 2, None, "blind", "overlooked the dose"),
    ]
    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [one.value for one in human_scores.counting(scores)] == [2]


def test_a_safety_risk_seen_later_is_a_correction_and_not_lost(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, "MK:1:1", "willow", 2, safety_risk=False)

    with pytest.raises(Refused, match="already_scored"):
        study.scores(lin, "MK:1:1", "willow", 2, safety_risk=True)
    assert study.scores(lin, "MK:1:1", "willow", 2, safety_risk=True, reason="the dose is doubled")

    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [one.safety_risk for one in scores] == [False, True]


def test_two_physicians_score_the_same_response_each_for_themselves(study: Workbench) -> None:
    study.scores(study.physician("Dr Lin"), "MK:1:1", "cedar", 4)
    study.scores(study.physician("Dr Weber"), "MK:1:1", "cedar", 2)

    assert [row[:2] for row in _scores(study)] == [("Dr Lin", 4), ("Dr Weber", 2)]


@pytest.mark.parametrize("value", [0, 6, -1])
def test_a_score_outside_the_scale_is_refused(study: Workbench, value: int) -> None:
    with pytest.raises(Refused) as caught:
        study.scores(study.physician(), "MK:1:1", "cedar", value)

    assert (caught.value.code, caught.value.values) == (
        "score_outside_scale",
        {"score": value, "minimum": 1, "maximum": 5},
    )
    assert study.counts()["assessment"] == 0


def test_an_unknown_or_absent_response_cannot_be_scored(study: Workbench) -> None:
    study.model_answers("elm", {"MR:1:1": ""})
    lin = study.physician()

    for response_id in (999, study.response("MR:1:1", "elm").id):
        with pytest.raises(UnknownName, match="unknown_response"):
            reviewing.score(study.store, study.study, lin, response_id, Scoring(4))
    assert offering.queue_of(study.store, study.study, lin).total == RESPONSES


def test_a_score_records_the_criteria_that_were_on_the_screen(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, "MR:1:1", "cedar", 4)
    study.imports(changed("MR:1:1", sanswer="An ECG first."))
    study.scores(lin, "MR:1:1", "willow", 2)

    scores = human_scores.human_scores_of_study(study.store, study.study.id)
    assert [one.criteria_version for one in scores] == [1, 2]


# --- dimensions, marks, and no score ----------------------------------------------------------

GOOD = {
    "instruction_following": 5, "correctness": 5, "effectiveness": 4, "readability": 4,
    "safety": 1,
}  # fmt: skip


def test_five_dimensions_are_stored_with_the_score_that_they_map_to(study: Workbench) -> None:
    lin = study.physician()

    study.scores(lin, "MTG:1:1", "cedar", None, dimensions=GOOD, seconds=41.5)

    [score] = human_scores.human_scores_of_response(study.store, study.response("MTG:1:1").id)
    assert (score.value, score.maximum, score.usable, score.seconds) == (6, 7, True, 41.5)
    assert study.rows(
        "SELECT dimension, assessment_part.value, scale FROM assessment_part"
        " JOIN assessment ON assessment.id = assessment_id ORDER BY position"
    ) == [(name, value, "MTG 0-7") for name, value in GOOD.items()]


def test_an_unsafe_text_is_not_usable_however_good_it_is(study: Workbench) -> None:
    lin = study.physician()
    study.baseline_judges()
    study.scores(lin, "MTG:1:1", "cedar", None, dimensions=dict.fromkeys(GOOD, 5) | {"safety": 0})

    [score] = human_scores.human_scores_of_response(study.store, study.response("MTG:1:1").id)
    assert (score.value, score.safety_risk, score.usable) == (7, True, False)
    [case] = cases_of(study.store, study.study, study.judge(), 1)
    assert case.physicians_usable is False


@pytest.mark.parametrize(
    "dimensions", [{"correctness": 5}, GOOD | {"safety": 2}, GOOD | {"readability": 6}], ids=str
)
def test_dimensions_are_all_or_nothing(study: Workbench, dimensions: dict[str, int]) -> None:
    with pytest.raises(Refused, match="dimensions_incomplete"):
        study.scores(study.physician(), "MTG:1:1", "cedar", None, dimensions=dimensions)

    assert study.counts()["assessment"] == 0


def test_a_generated_text_may_be_scored_from_1_to_5_too(study: Workbench) -> None:
    lin = study.physician()
    sheets = {
        key: reviewing.sheet_of(study.store, study.study, lin, study.response(key).id)
        for key in ("MK:1:1", "MTG:1:1")
    }
    assert {key: sheet.dimensions for key, sheet in sheets.items()} == {
        "MK:1:1": (), "MTG:1:1": tuple(GOOD),
    }  # fmt: skip

    assert study.scores(lin, "MTG:1:1", "cedar", 4)


def test_marks_are_kept_by_requirement_and_a_new_mark_is_a_correction(study: Workbench) -> None:
    lin = study.physician()
    response_id = study.response("MK:1:1").id
    first, second, third = reviewing.sheet_of(
        study.store, study.study, lin, response_id
    ).requirements
    assert [one.level for one in (first, second, third)] == ["core", "core", "secondary"]

    marks = {first.id: 2, third.id: 0}
    assert study.scores(lin, "MK:1:1", "cedar", 4, marks=marks)
    assert not study.scores(lin, "MK:1:1", "cedar", 4, marks=marks)
    with pytest.raises(Refused, match="already_scored"):
        study.scores(lin, "MK:1:1", "cedar", 4, marks=marks | {second.id: 1})

    assert study.rows("SELECT requirement_id, value FROM assessment_part ORDER BY position") == [
        *marks.items()
    ]


@pytest.mark.parametrize(
    ("no_score", "comment"), [("outside_field", ""), ("cannot_judge", "no units given")]
)
def test_no_score_is_an_answer_with_a_reason(study: Workbench, no_score: str, comment: str) -> None:
    study.baseline_judges()
    lin = study.physician()

    study.scores(lin, "MK:1:1", "cedar", None, no_score=no_score, comment=comment)

    assert _scores(study) == [("Dr Lin", None, no_score, "blind", "")]
    assert offering.queue_of(study.store, study.study, lin).scored == 1
    assert cases_of(study.store, study.study, study.judge(), 1) == []
    with pytest.raises(Refused, match="already_answered"):
        study.scores(lin, "MK:1:1", "cedar", 4)
    reviewing.undo(study.store, study.study, lin, study.response("MK:1:1").id)
    assert study.scores(lin, "MK:1:1", "cedar", 4)


def test_who_cannot_judge_says_why(study: Workbench) -> None:
    with pytest.raises(Refused, match="needs_comment"):
        study.scores(study.physician(), "MK:1:1", "cedar", None, no_score="cannot_judge")
    with pytest.raises(Refused, match="score_and_no_score"):
        study.scores(study.physician(), "MK:1:1", "cedar", 4, no_score="outside_field")


def test_all_that_is_entered_is_a_draft_until_it_is_given_and_again_after_undo(
    study: Workbench,
) -> None:
    lin, response_id = study.physician(), study.response("MK:1:1").id
    entered = Draft("好", True, {}, {1: 2, 3: 0})

    def draft() -> Draft:
        return reviewing.sheet_of(study.store, study.study, lin, response_id).draft

    drafting.save_draft(study.store, lin, response_id, "好")
    drafting.enter(study.store, lin, response_id, safety_risk=True, marks={1: 2, 2: 1})
    drafting.enter(study.store, lin, response_id, marks={2: None, 3: 0})
    assert draft() == entered

    study.scores(lin, "MK:1:1", "cedar", 2, comment="好", safety_risk=True, marks={1: 2, 3: 0})
    assert draft() == Draft()
    reviewing.undo(study.store, study.study, lin, response_id)
    assert draft() == entered


# --- the queue --------------------------------------------------------------------------------


def test_responses_to_one_question_come_apart(study: Workbench) -> None:
    order = _order_of(study, study.physician())
    asked = dict(study.rows("SELECT id, question_id FROM response"))

    assert {asked[one] for one in order[: len(QUESTIONS)]} == set(asked.values())


def test_where_verdicts_come_at_once_a_questions_responses_follow_each_other(
    study: Workbench,
) -> None:
    study.reveals("at_once")
    order = _order_of(study, study.physician())
    asked = dict(study.rows("SELECT id, question_id FROM response"))

    pairs = [(asked[one], asked[two]) for one, two in zip(order[::2], order[1::2], strict=True)]
    assert [one == two for one, two in pairs] == [True] * len(QUESTIONS)


@pytest.mark.parametrize("reveal", ["never", "at_once"])
def test_what_is_read_ahead_is_what_comes(study: Workbench, reveal: str) -> None:
    study.baseline_judges()
    study.reveals(reveal)
    lin = study.physician()
    come, read = [study.next_for(lin)], []
    while come[-1] is not None:
        read.append(offering.read_ahead(study.store, study.study, lin, come[-1]))
        reviewing.score(study.store, study.study, lin, come[-1], Scoring(4))
        revealing.revealed_at_once(study.store, study.study, lin, come[-1])
        come.append(study.next_for(lin))

    assert len(come) == RESPONSES + 1
    assert [sheet.response_id if sheet else None for sheet in read] == come[1:]


def test_reading_ahead_shows_nothing_and_reserves_nothing(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    first = study.next_for(lin)
    assert first is not None

    sheet = offering.read_ahead(study.store, study.study, lin, first)

    assert sheet is not None
    assert sheet == reviewing.sheet_of(study.store, study.study, lin, sheet.response_id)
    assert (_exposures(study), study.rows("SELECT * FROM reservation")) == ([], [])
    assert study.next_for(lin) == first


def test_a_new_response_joins_the_queue_and_a_replaced_one_leaves_it(study: Workbench) -> None:
    lin = study.physician()
    _order_of(study, lin)

    study.model_answers("elm", {"MR:1:1": "ECG first."})
    study.model_answers("cedar", {"MR:1:1": "A 12-lead ECG."})

    queue = offering.queue_of(study.store, study.study, lin)
    assert (queue.total, queue.scored, queue.left) == (RESPONSES + 1, RESPONSES - 1, 2)
    assert len(_order_of(study, lin)) == 2


def test_the_time_that_is_left_follows_from_the_last_answers(study: Workbench) -> None:
    lin = study.physician()
    assert offering.queue_of(study.store, study.study, lin).seconds_each is None
    for key, seconds in (("MK:1:1", 20.0), ("MK:1:2", 300.0), ("MR:1:1", 40.0)):
        study.scores(lin, key, "cedar", 4, seconds=seconds)

    assert offering.queue_of(study.store, study.study, lin).seconds_each == 40.0


# --- drafts -----------------------------------------------------------------------------------


def test_a_draft_survives_until_the_score_is_saved(study: Workbench) -> None:
    lin, weber = study.physician("Dr Lin"), study.physician("Dr Weber")
    response_id = study.response("MK:1:1").id

    def draft(person: Person) -> str:
        return reviewing.sheet_of(study.store, study.study, person, response_id).draft.comment

    drafting.save_draft(study.store, lin, response_id, "每次2~3片 *")
    drafting.save_draft(study.store, lin, response_id, "每次2~3片 **")
    assert (draft(lin), draft(weber)) == ("每次2~3片 **", "")

    study.scores(lin, "MK:1:1", "cedar", 4, comment="每次2~3片 **")
    assert draft(lin) == ""


# --- undo -------------------------------------------------------------------------------------


def test_undo_puts_the_response_back_and_keeps_the_history(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4, comment="好")
    response_id = study.response("MK:1:1").id

    reviewing.undo(study.store, study.study, lin, response_id)

    assert _scores(study) == [
        ("Dr Lin", 4, None, "blind", ""),
        ("Dr Lin", None, "withdrawn", "blind", "undone"),
    ]
    assert offering.queue_of(study.store, study.study, lin).scored == 0
    assert reviewing.sheet_of(study.store, study.study, lin, response_id).draft.comment == "好"
    assert study.scores(lin, "MK:1:1", "cedar", 4, comment="好")  # a new score, without a reason
    assert offering.queue_of(study.store, study.study, lin).scored == 1


def test_a_withdrawn_score_does_not_count_in_agreement(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4)
    reviewing.undo(study.store, study.study, lin, study.response("MK:1:1").id)

    assert cases_of(study.store, study.study, study.judge(), 1) == []


def test_there_must_be_a_score_to_undo(study: Workbench) -> None:
    lin = study.physician()
    response_id = study.response("MK:1:1").id
    study.scores(study.physician("Dr Weber"), "MK:1:1", "cedar", 4)

    with pytest.raises(Refused, match="nothing_to_undo"):
        reviewing.undo(study.store, study.study, lin, response_id)
    study.scores(lin, "MK:1:1", "cedar", 4)
    reviewing.undo(study.store, study.study, lin, response_id)
    with pytest.raises(Refused, match="nothing_to_undo"):
        reviewing.undo(study.store, study.study, lin, response_id)


def test_undo_is_refused_once_the_verdict_was_shown(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4)
    response_id = study.response("MK:1:1").id
    assert revealing.reveal(study.store, study.study, lin, response_id) is not None

    with pytest.raises(Refused, match="already_revealed"):
        reviewing.undo(study.store, study.study, lin, response_id)


def test_when_verdicts_are_shown_is_changed_with_a_reason_and_kept(study: Workbench) -> None:
    with pytest.raises(Refused, match="needs_reason"):
        reviewing.set_reveal(study.store, study.study, "never", reason=" ", by="Dr Lead")
    study.reveals("never")

    assert study.study.reveal == "never"
    assert study.rows("SELECT value, reason, created_by FROM study_setting ORDER BY id") == [
        ("batch_done", "initial", "Dr Lead"),
        ("never", "by design", "Dr Lead"),
    ]


# --- blind is derived -------------------------------------------------------------------------


def test_after_the_verdict_on_one_response_the_other_models_is_informed(study: Workbench) -> None:
    study.baseline_judges()
    study.reveals("at_once")
    lin = study.physician()
    study.scores(lin, "MLU:1:1", "cedar", 5)
    revealing.reveal(study.store, study.study, lin, study.response("MLU:1:1").id)

    study.scores(lin, "MLU:1:1", "willow", 2)
    study.scores(lin, "MK:1:1", "willow", 2)  # nothing was shown of this question

    assert [(value, phase) for _, value, _, phase, _ in _scores(study)] == [
        (5, "blind"),
        (2, "informed"),
        (2, "blind"),
    ]
    cases = cases_of(study.store, study.study, study.judge(), 1)
    assert [(case.question, case.model) for case in cases] == [
        ("MK:1:1", "willow"),
        ("MLU:1:1", "cedar"),
    ]


def test_a_correction_after_the_verdict_does_not_replace_the_blind_score(study: Workbench) -> None:
    study.baseline_judges()
    study.reveals("at_once")
    lin = study.physician()
    study.scores(lin, "MLU:1:1", "cedar", 2)
    revealing.reveal(study.store, study.study, lin, study.response("MLU:1:1").id)
    study.scores(lin, "MLU:1:1", "cedar", 5, reason="the judge is right")

    assert [(value, phase) for _, value, _, phase, _ in _scores(study)] == [
        (2, "blind"),
        (5, "informed"),
    ]
    [case] = cases_of(study.store, study.study, study.judge(), 1)
    assert [score.value for score in case.scores] == [2]
    assert case.physicians_usable is False


def test_what_one_physician_saw_leaves_the_other_blind(study: Workbench) -> None:
    study.baseline_judges()
    study.reveals("at_once")
    lin, weber = study.physician("Dr Lin"), study.physician("Dr Weber")
    study.scores(lin, "MLU:1:1", "cedar", 5)
    revealing.reveal(study.store, study.study, lin, study.response("MLU:1:1").id)
    study.scores(weber, "MLU:1:1", "cedar", 5)

    assert [phase for _, _, _, phase, _ in _scores(study)] == ["blind", "blind"]


def test_another_persons_score_is_an_exposure_too(study: Workbench) -> None:
    lin = study.physician()
    question = study.question("MR:1:1")
    for _ in range(2):
        reviewing.expose(study.store, lin, question.id, "other_person", page="case")

    study.scores(lin, "MR:1:1", "cedar", 4)

    assert _exposures(study) == [("Dr Lin", "MR:1:1", "other_person", "case")]
    assert _scores(study) == [("Dr Lin", 4, None, "informed", "")]
    sheet = reviewing.sheet_of(study.store, study.study, lin, study.response("MR:1:1").id)
    assert sheet.is_exposed


def test_exposed_questions_come_last(study: Workbench) -> None:
    lin = study.physician()
    seen = {study.response("MK:1:1", model).id for model in ("cedar", "willow")}
    seen |= {study.response("MTG:1:1", model).id for model in ("cedar", "willow")}
    for key in ("MK:1:1", "MTG:1:1"):
        reviewing.expose(
            study.store, lin, study.question(key).id, "machine_verdict", page="agreement"
        )

    order = _order_of(study, lin)

    assert set(order[-4:]) == seen


def test_a_claim_of_blindness_does_not_stand_against_an_exposure(study: Workbench) -> None:
    lin = study.physician()
    reviewing.expose(
        study.store, lin, study.question("MR:1:1").id, "machine_verdict", page="agreement"
    )

    study.scores(lin, "MR:1:1", "cedar", 4, claimed_phase="blind")

    assert [phase for _, _, _, phase, _ in _scores(study)] == ["informed"]


def test_a_person_is_one_person_under_their_name(study: Workbench) -> None:
    assert study.physician("Dr Lin") == study.physician("Dr Lin")
    assert [person.name for person in people.people(study.store)] == ["Dr Lin"]
