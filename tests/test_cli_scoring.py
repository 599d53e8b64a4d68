"""Commands of physicians: dimensions, no score, marks, causes, audits, one's own answers."""

from pathlib import Path

import pytest

from core.store.database import opened
from tests.test_cli import Shell
from tests.workbench import CEDAR, QUESTIONS, five_keys

_DIMENSIONS = ("instruction_following=5", "correctness=5", "effectiveness=3", "readability=3")


@pytest.fixture
def ward(tmp_path: Path) -> Shell:
    """The small study with one model's answers, judged by the baseline."""
    shell = Shell(tmp_path)
    answers = five_keys(QUESTIONS, {key: {"model_answer": text} for key, text in CEDAR.items()})
    for typed in (
        ("import", "llmeval-med", shell.file(five_keys(QUESTIONS), "q.json"), "--name", "ward"),
        ("import", "responses", shell.file(answers, "a.json"), "--dataset", "ward",
         "--model", "cedar"),
        ("judge", "--dataset", "ward", "--engine", "baseline"),
    ):  # fmt: skip
        assert shell(*typed).code == 0
    return shell


def _score(key: str, *options: object) -> tuple[object, ...]:
    return ("score", "--dataset", "ward", "--question", key, "--model", "cedar",
            "--as", "Dr Lin", *options)  # fmt: skip


def test_dimensions_make_the_score(ward: Shell) -> None:
    given = [part for one in (*_DIMENSIONS, "safety=1") for part in ("--dimension", one)]

    assert ward(*_score("MTG:1:1", *given, "--json")).json["score"] == 5
    part = ward(*_score("MTG:1:1", "--dimension", "correctness=5"))
    assert (part.code, part.err.count("\n")) == (2, 1)
    wrong = ward(*_score("MTG:1:1", "--dimension", "correctness"))
    assert (wrong.code, "NAME=VALUE" in wrong.err) == (2, True)


def test_no_score_and_marks(ward: Shell) -> None:
    said = ward(*_score("MK:1:1", "--no-score", "cannot_judge", "--comment", "no weight given"))
    marked = ward(*_score("MK:1:2", "--score", 4, "--mark", "1=2", "--json"))
    outside = ward(*_score("MK:1:2", "--score", 4, "--mark", "9=2"))

    assert said.out == "MK:1:1, cedar: no score by Dr Lin (can't judge; phase unknown).\n"
    assert marked.json["new"] is True
    assert (outside.code, "from 1 to 1" in outside.err) == (2, True)
    assert ward(*_score("MK:1:1")).code == 2
    with opened(ward.db) as store:
        assert store.value("SELECT value FROM assessment_part") == 2


def test_audits_are_given_and_shown(ward: Shell) -> None:
    add = ("question-audit", "add", "--dataset", "ward", "--as", "Dr Lin", "--question")
    assert ward(*add, "MK:1:1", "--right").code == 0
    assert ward(*add, "MSE:1:1", "--wrong").code == 2
    assert ward(*add, "MSE:1:1", "--wrong", "--comment", "too absolute").code == 0

    shown = ward("question-audit", "show", "--dataset", "ward", "--json").json
    assert (shown["n"], shown["right"]["value"]) == (2, 0.5)
    assert shown["right"]["interval"] is not None
    assert [one["category"] for one in shown["categories"]] == ["MK", "MSE"]
    assert shown["wrong"][0]["comment"] == "too absolute"
    assert "too absolute" in ward("question-audit", "show", "--dataset", "ward").out


def test_a_cause_waits_for_the_verdict(ward: Shell) -> None:
    ward(*_score("MK:1:1", "--score", 1, "--phase", "blind"))
    why = ("why", "--dataset", "ward", "--question", "MK:1:1", "--model", "cedar",
           "--cause", "judge_wrong", "--as", "Dr Lin")  # fmt: skip

    said = ward(*why)

    assert (said.code, "was not shown to you" in said.err) == (2, True)


def test_ones_answers_are_listed_and_searched(ward: Shell) -> None:
    ward(*_score("MK:1:1", "--score", 1, "--comment", "剂量"))
    ward(*_score("MR:1:1", "--score", 5))
    of = ("scores-of", "--dataset", "ward", "--physician", "Dr Lin")

    assert [one["score"] for one in ward(*of, "--json").json["answers"]] == [5, 1]
    assert ward(*of, "--containing", "剂量").out.startswith("MK:1:1  1/5")
    assert ward(*of, "--which", "no_score").out == "No answers fit.\n"
    assert ward("scores-of", "--dataset", "ward", "--physician", "Dr Wu").code == 2


def test_the_shift_is_shown_with_its_n(ward: Shell) -> None:
    shift = ward("shift", "--dataset", "ward", "--json").json

    assert (shift["n"], shift["changed"]["undefined"]) == (0, "no_pairs")
    assert "n 0" in ward("shift", "--dataset", "ward").out


def test_physicians_words_and_a_copy_of_all_are_had_by_command(ward: Shell, tmp_path: Path) -> None:
    ward(*_score("MK:1:1", "--score", 4, "--comment", "随餐 said"))

    (seen,) = ward("physicians", "--dataset", "ward", "--json").json["physicians"]
    places = ward("search", "随餐", "--dataset", "ward", "--json").json["places"]
    to = tmp_path / "copy.db"
    made, again = ward("backup", "--to", to, "--json").json, ward("backup", "--to", to)

    assert (seen["physician"], seen["answers"], seen["seconds"]) == ("Dr Lin", 1, None)
    assert ("comment", "随餐 said") in [(one["where"], one["text"]) for one in places]
    assert made == {
        "path": str(tmp_path / "copy.db"),
        "bytes": (tmp_path / "copy.db").stat().st_size,
    }
    assert (again.code, again.err.count("\n")) == (2, 1)
    with opened(to) as copy:
        assert copy.value("SELECT rationale FROM human_assessment") == "随餐 said"


def test_a_score_is_entered_for_a_physician_once_people_have_accounts(ward: Shell) -> None:
    score = ("score", "--dataset", "ward", "--question", "MK:1:1", "--model", "cedar",
             "--score", 4, "--phase", "blind")  # fmt: skip
    ward("user", "add", "Dr Lin", "--right", "physician", "--oidc-subject", "lin", "--no-password")
    ward("user", "add", "Dr Chief", "--right", "lead", "--oidc-subject", "chief", "--no-password")

    for name in ("Dr Typo", "Dr Chief"):
        refused = ward(*score, "--as", name)
        assert (refused.code, refused.out) == (2, "")
        assert f"{name} is no physician here; physicians: Dr Lin." in refused.err
    assert ward(*score, "--as", "Dr Lin").code == 0
