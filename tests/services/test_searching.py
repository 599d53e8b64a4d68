"""Searching: words are found in what one may see, to the character, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.domain.rights import Right
from core.services import enrolling, searching
from core.services.enrolling import Enrolment
from core.services.searching import Found
from core.store.database import Store, opened
from core.store.people import Person
from tests.workbench import Workbench, plain_questions, revise_checklist


@contextmanager
def as_(study: Workbench, name: str, *rights: Right) -> Iterator[tuple[Store, Person]]:
    """The database as it is open for a person with these rights."""
    wanted = Enrolment(name, rights, None, f"subject of {name}")
    person = enrolling.add_account(study.store, wanted, by="Dr Chief")
    with opened(study.path, actor=person.id) as store:
        yield store, person


def finds(study: Workbench, store: Store, person: Person, words: str) -> list[tuple[str, str]]:
    found = searching.search(store, study.study, person, words)
    return [(one.place.where, one.place.question) for one in found]


def test_a_lead_finds_chinese_words_in_every_kind_of_text(study):
    study.scores(study.physician("Dr Lin"), "MR:1:1", "cedar", 2, comment="未提到随餐")
    with as_(study, "Dr Tang", "lead") as (store, person):
        assert finds(study, store, person, "随餐") == [
            ("reference_answer", "MK:1:1"), ("checklist", "MK:1:1"), ("response", "MK:1:1"),
            ("reference_answer", "MK:1:2"), ("comment", "MR:1:1"),
        ]  # fmt: skip


def test_all_words_stand_in_one_text(study):
    with as_(study, "Dr Tang", "lead") as (store, person):
        assert finds(study, store, person, "aspirin ecg") == [
            ("reference_answer", "MR:1:1"), ("response", "MR:1:1"),
        ]  # fmt: skip
        assert finds(study, store, person, "aspirin metformin") == []
        assert finds(study, store, person, "  ") == []


@pytest.mark.parametrize("word", ["2~3片", "%", "_", "\\", "mg%"])
def test_a_sign_is_itself_and_no_pattern(study, word):
    with as_(study, "Dr Tang", "lead") as (store, person):
        found = searching.search(store, study.study, person, word)
    assert all(word in one.place.text for one in found)
    assert bool(found) is (word == "2~3片")


def test_what_stands_around_the_word_is_the_text_to_the_character(study):
    with as_(study, "Dr Tang", "lead") as (store, person):
        (found,) = searching.search(store, study.study, person, "troponin")
    expected = Found(found.place, ("Wait for ", "troponin", " before doing anything."))
    assert found == expected


def test_a_physician_finds_what_they_have_answered_and_only_their_own_comments(study):
    with as_(study, "Dr Lin", "physician") as (store, person):
        assert finds(study, store, person, "随餐") == []
        study.scores(person, "MK:1:1", "cedar", 4, comment="随餐 yes")
        study.scores(study.physician("Dr Other"), "MK:1:1", "cedar", 2, comment="随餐 no")

        found = searching.search(store, study.study, person, "随餐")

        assert [(one.place.where, one.place.text[:6]) for one in found][-1] == (
            "comment", "随餐 yes",
        )  # fmt: skip
        assert {one.place.question for one in found} == {"MK:1:1"}
        assert len([one for one in found if one.place.where == "comment"]) == 1


def test_an_adjudicator_finds_what_physicians_differ_on(study):
    with as_(study, "Dr Judge", "adjudicator") as (store, person):
        assert finds(study, store, person, "troponin") == []
        study.scores(study.physician("Dr A"), "MR:1:1", "willow", 1)
        study.scores(study.physician("Dr B"), "MR:1:1", "willow", 5)

        assert finds(study, store, person, "troponin") == [("response", "MR:1:1")]


def test_a_comment_that_a_lead_finds_was_shown_to_them(study):
    study.scores(study.physician("Dr Lin"), "MR:1:1", "cedar", 2, comment="omits morphine")
    with as_(study, "Dr Tang", "lead", "physician") as (store, person):
        finds(study, store, person, "crushing")
        assert study.value("SELECT count(*) FROM exposure") == 0
        finds(study, store, person, "morphine")
    shown = study.rows("SELECT person_id, shown, page FROM exposure")
    assert shown == [(person.id, "other_person", "search")]


def test_a_text_that_is_no_longer_in_use_is_not_found(study):
    question = study.question("MR:1:1")
    with as_(study, "Dr Tang", "lead") as (store, person):
        for checklist in ("Names warfarin", "Names clopidogrel"):
            revise_checklist(store, study.study, question, checklist, reason="why", by="Dr Tang")

        assert finds(study, store, person, "clopidogrel") == [("checklist", "MR:1:1")]
        assert finds(study, store, person, "warfarin") == []


def test_a_long_study_is_looked_through_to_its_last_question(empty):
    questions = plain_questions("MK", 800)
    for number in (3, 777):
        questions[f"MK:{number}:1"]["problem"] += " Warfarin?"
    empty.imports(questions)
    with as_(empty, "Dr Tang", "lead") as (store, person):
        rare, common = (finds(empty, store, person, word) for word in ("warfarin", "plain"))
    assert rare == [("question", "MK:3:1"), ("question", "MK:777:1")]
    assert common == [
        (where, f"MK:{number}:1")
        for number in range(1, 51)
        for where in ("question", "reference_answer")
    ]
