"""Where physicians differ one person decides, nameless scores in view and no judge."""

import pytest

from core.errors import Refused
from core.services import adjudicating, enrolling, reviewing
from core.services.adjudicating import Decision, Dispute
from core.services.drafting import Draft
from core.services.enrolling import Enrolment
from core.store import consensus
from core.store.database import opened
from tests.workbench import Workbench


def scored(study: Workbench, key: str, *values: int, model: str = "cedar") -> None:
    for name, value in zip(("Dr A", "Dr B", "Dr C"), values, strict=False):
        study.scores(study.physician(name), key, model, value, comment=f"says {value}")


def disputes(study: Workbench) -> list[Dispute]:
    return adjudicating.disputes(study.store, study.study)


def decides(study: Workbench, value: int | None, reason: str = "dose is right", **who) -> None:
    person = study.physician(who.get("name", "Dr Chair"))
    adjudicating.decide(
        study.store, study.study, person, disputes(study)[0], Decision(value, reason)
    )


def test_responses_on_which_physicians_differ_wait_split_ones_first(study):
    scored(study, "MK:1:1", 1, 3)  # two apart, both unusable
    scored(study, "MR:1:1", 4, 5)  # one apart, both usable
    scored(study, "MSE:1:1", 3, 4)  # on different sides
    scored(study, "MLU:1:1", 2)  # alone

    found = disputes(study)

    keys = [study.response("MSE:1:1").id, study.response("MK:1:1").id]
    assert [one.response_id for one in found] == keys
    assert [one.is_split for one in found] == [True, False]


def test_the_order_of_the_scores_tells_nothing_of_who_gave_them(study):
    study.scores(study.physician("Dr A"), "MSE:1:1", "cedar", 5)
    study.scores(study.physician("Dr B"), "MSE:1:1", "cedar", 2)

    assert [score.value for score in disputes(study)[0].scores] == [2, 5]


def test_a_decision_is_a_row_of_its_own_and_leaves_the_scores(study):
    scored(study, "MSE:1:1", 3, 4)

    decides(study, 4)

    assert disputes(study) == []
    (found,) = consensus.consensus_of_study(study.store, study.study.id).values()
    assert (found.value, found.usable, found.person, found.reason, found.had_seen_judge) == (
        4, True, "Dr Chair", "dose is right", False,
    )  # fmt: skip
    assert study.value("SELECT count(*) FROM human_assessment") == 2


def test_a_new_score_opens_the_case_again_and_the_last_decision_counts(study):
    scored(study, "MSE:1:1", 3, 4)
    decides(study, 4)

    study.scores(study.physician("Dr C"), "MSE:1:1", "cedar", 1)
    decides(study, 2, "risk overlooked")

    response_id = study.response("MSE:1:1").id
    decisions = study.store.rows("SELECT value FROM consensus ORDER BY id")
    assert [value for (value,) in decisions] == [4, 2]
    assert consensus.consensus_of_study(study.store, study.study.id)[response_id].value == 2


def test_a_case_may_stay_undecided_with_its_reason(study):
    scored(study, "MSE:1:1", 3, 4)

    decides(study, None, "the question allows both")

    (found,) = consensus.consensus_of_study(study.store, study.study.id).values()
    assert (found.value, found.usable, found.undecided_because) == (
        None, None, "the question allows both",
    )  # fmt: skip


def test_an_adjudicator_who_had_seen_the_judge_is_known(study):
    scored(study, "MSE:1:1", 3, 4)
    question_id = study.question("MSE:1:1").id
    reviewing.expose(
        study.store, study.physician("Dr Chair"), question_id, "machine_verdict", page="case"
    )

    decides(study, 4)

    (found,) = consensus.consensus_of_study(study.store, study.study.id).values()
    assert found.had_seen_judge


def test_what_an_adjudicator_is_shown_leaves_an_exposure(study):
    scored(study, "MSE:1:1", 3, 4)
    chair = study.physician("Dr Chair")

    adjudicating.dispute_of(study.store, chair, disputes(study)[0])

    assert study.rows("SELECT shown, page FROM exposure") == [("other_person", "adjudicate")]


def test_nobody_decides_on_their_own_score_without_a_reason_or_off_the_scale(study):
    scored(study, "MSE:1:1", 3, 4)

    for arguments, code in (
        ((4, "mine"), "own_score"),
        ((4, "  "), "needs_reason"),
        ((6, "high"), "score_outside_scale"),
    ):
        with pytest.raises(Refused, match=code):
            decides(study, *arguments, name="Dr A" if code == "own_score" else "Dr Chair")
    assert consensus.consensus_of_study(study.store, study.study.id) == {}


def test_a_decision_on_scores_that_have_changed_is_refused(study):
    scored(study, "MSE:1:1", 3, 4)
    stale = disputes(study)[0]
    study.scores(study.physician("Dr C"), "MSE:1:1", "cedar", 1)

    with pytest.raises(Refused, match="dispute_moved_on"):
        adjudicating.decide(
            study.store, study.study, study.physician("Dr Chair"), stale, Decision(4, "why")
        )


def test_who_adjudicates_and_does_not_score_sees_the_sheet(study):
    wanted = Enrolment("Dr Chair", ("adjudicator",), None, "chair")
    person = enrolling.add_account(study.store, wanted, by="Dr Chief")
    scored(study, "MK:1:1", 1, 5)
    with opened(study.path, actor=person.id) as store:
        (found,) = adjudicating.disputes(store, study.study)
        sheet = reviewing.sheet_of(store, study.study, person, found.response_id)
    assert (sheet.response_id, sheet.draft) == (found.response_id, Draft())
