"""A physician finds their own answers, whatever the language, and corrects them with a reason."""

import pytest

from core.errors import Refused
from core.services import correcting, revealing, reviewing
from core.services.correcting import Wanted
from core.services.reviewing import Scoring
from core.store.people import Person
from tests.workbench import Workbench


def _keys(study: Workbench, person: Person, **wanted: object) -> list[str]:
    found = correcting.own_entries(study.store, study.study, person, Wanted(**wanted))  # type: ignore[arg-type]
    return sorted(entry.counts.question for entry in found)


@pytest.fixture
def lin(study: Workbench) -> Person:
    """A physician with four answers, one of them noted, flagged, declined, corrected each."""
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4, comment="剂量无误, 100%")
    study.scores(lin, "MSE:1:1", "willow", 1, safety_risk=True)
    study.scores(lin, "MLU:2:1", "cedar", None, no_score="outside_field")
    study.scores(lin, "MR:1:1", "cedar", 5)
    study.scores(lin, "MR:1:1", "cedar", 4, reason="second thoughts")
    study.scores(study.physician("Dr Weber"), "MK:1:2", "cedar", 4, comment="剂量")
    return lin


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("利伐", ["MK:1:1"]),  # two characters, of question and response
        ("剂量", ["MK:1:1"]),  # one's own comment; Dr Weber's is not found
        ("致畸", ["MSE:1:1"]),  # of the reference answer alone
        ("aspirin", ["MR:1:1"]),
        ("ASPIRIN", ["MR:1:1"]),
        ("MLU:2", ["MLU:2:1"]),
        ("100%", ["MK:1:1"]),
        ("1_0", []),
        ("二甲双胍", []),
    ],
)
def test_search_finds_what_one_has_seen(
    study: Workbench, lin: Person, text: str, keys: list[str]
) -> None:
    assert _keys(study, lin, containing=text) == keys


def test_own_answers_are_filtered(study: Workbench, lin: Person) -> None:
    every = ["MK:1:1", "MLU:2:1", "MR:1:1", "MSE:1:1"]
    assert _keys(study, lin) == every
    assert _keys(study, lin, which="noted") == ["MK:1:1"]
    assert _keys(study, lin, which="flagged") == ["MSE:1:1"]
    assert _keys(study, lin, which="no_score") == ["MLU:2:1"]
    assert _keys(study, lin, which="corrected") == ["MR:1:1"]
    assert _keys(study, lin, category="MK") == ["MK:1:1"]
    assert _keys(study, lin, value=4) == ["MK:1:1", "MR:1:1"]
    assert _keys(study, lin, since="2020-01-01", until="2020-12-31") == []
    assert _keys(study, lin, since="2020-01-01") == every


def test_what_differs_is_known_only_where_the_verdict_was_shown(
    study: Workbench, lin: Person
) -> None:
    study.baseline_judges()
    study.scores(lin, "MLU:1:1", "cedar", 1)  # the baseline says 5
    assert _keys(study, lin, which="differs") == []
    response_id = study.response("MLU:1:1").id

    revealing.reveal(study.store, study.study, lin, response_id)
    assert _keys(study, lin, which="differs") == ["MLU:1:1"]
    assert _keys(study, lin, which="asks_why") == ["MLU:1:1"]

    revealing.say_why(study.store, study.study, lin, response_id, "judge_wrong")
    assert _keys(study, lin, which="asks_why") == []
    [entry] = correcting.own_entries(study.store, study.study, lin, Wanted(which="differs"))
    assert entry.cause == "judge_wrong"


def test_what_was_taken_back_is_not_listed(study: Workbench, lin: Person) -> None:
    reviewing.undo(study.store, study.study, lin, study.response("MK:1:1").id)

    assert "MK:1:1" not in _keys(study, lin)


def test_a_correction_needs_a_reason_and_keeps_the_old_answer(
    study: Workbench, lin: Person
) -> None:
    response_id = study.response("MK:1:1").id
    with pytest.raises(Refused, match="needs_reason"):
        correcting.correct(study.store, study.study, lin, response_id, Scoring(2), reason=" ")

    correcting.correct(study.store, study.study, lin, response_id, Scoring(2), reason="misread")

    [entry] = correcting.own_entries(study.store, study.study, lin, Wanted(category="MK"))
    assert (entry.counts.value, entry.counts.reason, entry.attempts) == (2, "misread", 2)
    assert entry.informed is None


def test_a_correction_after_the_verdict_is_informed_and_does_not_count(
    study: Workbench, lin: Person
) -> None:
    study.baseline_judges()
    response_id = study.response("MK:1:1").id
    revealing.reveal(study.store, study.study, lin, response_id)

    correcting.correct(study.store, study.study, lin, response_id, Scoring(2), reason="misread")

    [entry] = correcting.own_entries(study.store, study.study, lin, Wanted(category="MK"))
    assert entry.informed is not None
    assert (entry.counts.value, entry.informed.value) == (4, 2)


def test_only_what_one_has_answered_can_be_corrected(study: Workbench, lin: Person) -> None:
    with pytest.raises(Refused, match="nothing_to_correct"):
        correcting.correct(
            study.store, study.study, lin, study.response("MK:1:2").id, Scoring(2), reason="why"
        )
