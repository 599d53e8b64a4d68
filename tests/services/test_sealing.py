"""Sealing: what is held back is drawn once, and every look at it is recorded."""

import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from core.errors import Refused
from core.services import adjudicating, deciding, enrolling, prompting, revising, trying
from core.services.adjudicating import Decision
from core.services.agreeing import cases_of
from core.services.enrolling import Enrolment
from core.services.importing_questions import QuestionImport, import_questions
from core.services.reviewing import expose
from core.services.sealing import (
    check_may_revise,
    closed_to,
    draw,
    ensure_seals,
    open_question,
    open_response,
    openings_of,
    seals_of,
)
from core.services.trying import Wish
from core.store import criteria, judges, seals
from core.store.database import Store, opened
from tests.openai_server import OpenAIServer
from tests.workbench import Workbench, plain_questions, revise_checklist

TEN = plain_questions("MK", 10)


@pytest.fixture
def ten(empty: Workbench) -> Workbench:
    """Ten conversations, of which three are held out, with the responses of two models."""
    empty.imports(TEN)
    for model in ("cedar", "willow"):
        empty.model_answers(model, dict.fromkeys(TEN, "An answer."), questions=TEN)
    return empty


def _held_out(study: Workbench) -> list[str]:
    held_out = seals_of(study.store, study.study).held_out
    return [key for key in TEN if study.question(key).id in held_out]


def test_three_of_ten_are_held_out_and_stay_so(ten: Workbench) -> None:
    first = _held_out(ten)
    before = ten.counts()

    ensure_seals(ten.store, ten.study, salt="another", held_out=0.5)

    assert len(first) == 3
    assert _held_out(ten) == first
    assert ten.counts() == before
    with pytest.raises(Refused, match="seals_drawn"):
        draw(ten.store, ten.study, salt="s", held_out=0.5, by="Dr Lead")


def test_questions_that_arrive_later_are_drawn_too(ten: Workbench) -> None:
    first = _held_out(ten)
    more = plain_questions("MK", 20)

    ten.imports(more)

    assert set(first) <= {key for key in more if key in _held_out(ten)}
    parts = seals.parts(ten.store, ten.study.id)
    assert sorted(parts.values()) == ["dev"] * 14 + ["held_out"] * 6


def test_a_conversation_stays_whole(study: Workbench) -> None:
    parts = seals.parts_of_questions(study.store, study.study.id)

    assert parts[study.question("MK:1:1").id] == parts[study.question("MK:1:2").id]


def test_of_two_scored_responses_one_is_held_back(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 5)
    assert seals_of(study.store, study.study).check == frozenset()  # one alone is for revising

    study.scores(lin, "MK:1:1", "willow", 1)

    seen, held = study.response("MK:1:1", "cedar").id, study.response("MK:1:1", "willow").id
    found = seals_of(study.store, study.study)
    question = study.question("MK:1:1").id
    assert found.check == {held}
    assert (found.place_of(question, seen), found.place_of(question, held)) == ("revise", "check")


def test_scored_responses_are_placed_by_what_revisers_see(ten: Workbench) -> None:
    ten.baseline_judges()
    lin = ten.physician()
    for key in TEN:
        for model in ("cedar", "willow"):
            ten.scores(lin, key, model, 4)

    found = seals_of(ten.store, ten.study)
    cases = cases_of(ten.store, ten.study, ten.judge(), 1)

    assert {place: len(found.among(cases, place)) for place in ("revise", "check", "held_out")} == {
        "revise": 7, "check": 7, "held_out": 6,
    }  # fmt: skip
    assert sum(found.is_sealed(case) for case in cases) == 13


def test_a_held_out_question_is_not_revised_until_somebody_opens_it(ten: Workbench) -> None:
    question = ten.question(_held_out(ten)[0])

    def revises() -> None:
        revise_checklist(
            ten.store, ten.study, question, "Core requirements:\n1. Says so",
            reason="too lenient", by="Dr Weber",
        )  # fmt: skip

    with pytest.raises(Refused, match="held_out_question"):
        revises()
    open_question(ten.store, ten.study, question, reason="the dose is wrong", by="Dr Weber")
    revises()

    (opening,) = openings_of(ten.store, ten.study)
    assert (opening.subject, opening.model, opening.reason, opening.created_by) == (
        question.key.rsplit(":", 1)[0], "", "the dose is wrong", "Dr Weber",
    )  # fmt: skip
    assert question.id not in seals_of(ten.store, ten.study).held_out
    assert seals.parts_of_questions(ten.store, ten.study.id)[question.id] == "held_out"


def test_an_opened_response_checks_nothing_any_more(study: Workbench) -> None:
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 5)
    ensure_seals(study.store, study.study)
    study.scores(lin, "MK:1:1", "willow", 1)
    (held,) = seals_of(study.store, study.study).check

    open_response(study.store, study.study, held, reason="asked at rounds", by="Dr Weber")

    assert seals_of(study.store, study.study).check == frozenset()
    (opening,) = openings_of(study.store, study.study)
    assert (opening.subject, opening.model) == ("MK:1:1", "willow")


@pytest.mark.parametrize(("reason", "code"), [(" ", "needs_reason"), ("r", "not_sealed")])
def test_an_opening_needs_a_reason_and_something_closed(study, reason, code) -> None:
    before = study.counts()

    with pytest.raises(Refused, match=code):
        open_question(study.store, study.study, study.question("MK:1:1"), reason=reason, by="W")
    with pytest.raises(Refused, match=code):
        open_response(study.store, study.study, study.response("MK:1:1").id, reason=reason, by="W")
    assert study.counts() == before


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_is_none_is_refused(study: Workbench, share: float) -> None:
    with pytest.raises(Refused, match="bad_held_out"):
        ensure_seals(study.store, study.study, held_out=share)


@pytest.mark.parametrize("table", ["seal", "conversation_seal"])
def test_what_was_drawn_can_not_be_changed(study: Workbench, table: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        study.store.change(f"DELETE FROM {table}", ())


def test_the_real_files_shared_cases_stay_together(empty, real_file) -> None:
    import_questions(empty.store, real_file, QuestionImport("ward", "Dr Lead"))
    ensure_seals(empty.store, empty.study, salt="s")

    parts = seals.parts(empty.store, empty.study.id)
    assert 0.28 < list(parts.values()).count("held_out") / len(parts) < 0.32
    begin: dict[str, set[str]] = {}
    for talk in seals.talks(empty.store, empty.study.id):
        for text in talk.texts:
            begin.setdefault("".join(text.split())[:60], set()).add(parts[talk.id])
    assert [some for some in begin.values() if len(some) > 1] == []


def test_a_lead_does_not_see_judged_what_tests_revisions_but_a_physician_what_was_revealed(
    study: Workbench,
) -> None:
    study.baseline_judges()
    study.reveals("at_once")
    lin = study.physician()
    for model in ("cedar", "willow"):
        study.scores(lin, "MK:1:1", model, 4)
    lead = study.physician("Dr Lead")
    (held,) = seals_of(study.store, study.study).check
    seen = next(
        one.id
        for one in (study.response("MK:1:1", m) for m in ("cedar", "willow"))
        if one.id != held
    )

    assert closed_to(study.store, study.study, lead, held) == "check"
    assert closed_to(study.store, study.study, lead, seen) is None
    assert closed_to(study.store, study.study, lead, study.response("MLU:1:1").id) == "held_out"
    assert closed_to(study.store, study.study, lin, held) == "check"
    expose(study.store, lin, study.question("MK:1:1").id, "machine_verdict", page="review")
    assert closed_to(study.store, study.study, lin, held) is None


@pytest.fixture
def both(ten: Workbench) -> Workbench:
    """Dr Both leads, and has adjudicated a question that is held out and one that is not."""
    wanted = Enrolment("Dr Both", ("lead", "adjudicator"), None, "both")
    enrolling.add_account(ten.store, wanted, by="Dr Chief")
    for key in (_held_out(ten)[0], _open_key(ten)):
        ten.scores(ten.physician("Dr A"), key, "cedar", 1)
        ten.scores(ten.physician("Dr B"), key, "cedar", 5)
    return ten


def _open_key(study: Workbench) -> str:
    return next(key for key in TEN if key not in _held_out(study))


def _decides(store: Store, study: Workbench, key: str) -> None:
    disputed = {one.question_id: one for one in adjudicating.disputes(store, study.study)}
    decision = Decision(2, "the dose is wrong")
    adjudicating.decide(
        store, study.study, study.physician("Dr Both"), disputed[study.question(key).id], decision
    )


def test_who_adjudicates_what_is_held_out_may_not_revise_in_that_study(both: Workbench) -> None:
    question = both.question(_open_key(both))
    with opened(both.path, actor=both.physician("Dr Both").id) as store:
        _decides(store, both, question.key)
        check_may_revise(store, both.study, question)
        _decides(store, both, _held_out(both)[0])

        with pytest.raises(Refused, match="adjudicated_held_out"):
            check_may_revise(store, both.study, question)
    check_may_revise(both.store, both.study, question)  # anybody else may


def test_who_adjudicates_what_is_held_out_tries_and_activates_nothing_in_that_study(
    both: Workbench, server: OpenAIServer
) -> None:
    both.endpoint_judges(server)
    oak, question = both.judge("oak"), both.question(_open_key(both))
    active = criteria.active_version(both.store, both.study.id, question.id)
    stricter = replace(active.criteria, checklist="Core requirements:\n1. Says more")
    checklist = revising.propose(
        both.store, both.study, question, stricter, based_on=active.id, reason="why", by="Dr Lead"
    )
    old = next(
        one
        for one in judges.active_prompts(both.store, both.study.id, oak.id)
        if (one.category, one.language) == ("MK", question.language)
    )
    prompt = prompting.add_prompt(
        both.store, "MK", question.language, f"{old.text}\nBe strict.", reason="why", by="Dr Lead"
    )
    before = both.counts()
    why: dict[str, Any] = {"reason": "why", "by": "Dr Both"}
    with opened(both.path, actor=both.physician("Dr Both").id) as store:
        _decides(store, both, _held_out(both)[0])
        for act in (
            lambda: trying.begin_trial(store, both.study, oak, checklist, Wish(), by="Dr Both"),
            lambda: trying.begin_trial(store, both.study, oak, prompt, Wish(), by="Dr Both"),
            lambda: deciding.activate_candidate(store, both.study, oak, checklist, **why),
            lambda: deciding.activate_candidate(store, both.study, oak, prompt, **why),
            lambda: revise_checklist(store, both.study, question, "1. Says more", **why),
        ):
            with pytest.raises(Refused, match="adjudicated_held_out"):
                act()
    changed = {name for name, count in both.counts().items() if count != before[name]}
    assert changed == {"consensus"}

    trying.begin_trial(both.store, both.study, oak, checklist, Wish(), by="Dr Lead")
    for candidate in (checklist, prompt):  # anybody else may
        deciding.activate_candidate(both.store, both.study, oak, candidate, **why)
