"""Physicians say whether a question and its reference answer are right."""

from dataclasses import replace

import pytest

from core.errors import Refused
from core.services import vetting
from core.services.naming import question_of_study
from core.services.revising import revise
from core.store import criteria
from core.store.people import Person
from tests.workbench import Workbench, revise_checklist


def _audits(study: Workbench, person: Person, key: str, is_right: bool, comment: str = "") -> None:
    vetting.audit(
        study.store, study.study, person, study.question(key).id, is_right=is_right,
        comment=comment,
    )  # fmt: skip


def _whole(study: Workbench) -> vetting.AuditShare:
    return vetting.audit_shares(study.store, study.study)[0]


def test_shares_are_by_category_with_an_interval_and_name_what_is_wrong(study: Workbench) -> None:
    lin, weber = study.physician("Dr Lin"), study.physician("Dr Weber")
    _audits(study, lin, "MK:1:1", True)
    _audits(study, lin, "MK:1:2", False, "CrCl 35 needs 15 mg only in Europe")
    _audits(study, weber, "MK:1:1", True)
    _audits(study, weber, "MSE:1:1", True)

    whole, *categories = vetting.audit_shares(study.store, study.study)

    assert (whole.category, whole.right.value, whole.right.n) == (None, 0.75, 4)
    assert (whole.questions, whole.physicians) == (3, 2)
    assert [(one.category, one.right.value, one.right.n) for one in categories] == [
        ("MK", pytest.approx(2 / 3), 3), ("MSE", 1.0, 1),
    ]  # fmt: skip
    assert whole.right.low is not None
    assert [(one.question, one.comment) for one in whole.wrong] == [
        ("MK:1:2", "CrCl 35 needs 15 mg only in Europe")
    ]


def test_without_an_audit_there_is_no_share(study: Workbench) -> None:
    assert _whole(study).right.undefined_because == "no_pairs"


def test_what_is_wrong_is_said(study: Workbench) -> None:
    with pytest.raises(Refused, match="audit_needs_comment"):
        _audits(study, study.physician(), "MK:1:1", False)

    assert study.counts()["question_audit"] == 0


def test_the_last_word_of_a_person_counts_and_the_same_word_is_one_row(study: Workbench) -> None:
    lin = study.physician()
    for is_right, comment in ((False, "dose"), (False, "dose"), (True, "")):
        _audits(study, lin, "MK:1:1", is_right, comment)

    assert (_whole(study).right.value, _whole(study).right.n) == (1.0, 1)
    assert study.counts()["question_audit"] == 2


def test_an_audit_holds_until_question_or_reference_change(study: Workbench) -> None:
    _audits(study, study.physician(), "MK:1:1", True)
    question = question_of_study(study.store, study.study, "MK:1:1")
    revise_checklist(study.store, study.study, question, "", reason="shorter", by="Dr Lead")
    assert _whole(study).right.n == 1

    active = criteria.active_version(study.store, study.study.id, question.id)
    revised = replace(active.criteria, reference_answer="15 mg")
    revise(
        study.store, study.study, question, revised, based_on=active.id, reason="guideline",
        by="Dr Lead",
    )  # fmt: skip

    assert _whole(study).right.n == 0
