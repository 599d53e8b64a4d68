"""Figures on the command line: agreement in every form, what to score next, the methods report."""

import json

import pytest
from sklearn.metrics import cohen_kappa_score

from tests.test_cli import Shell, shell

__all__ = ["shell"]

#: An integer scale of the spreadsheet's own; Dr C scored some, the judge has one gap.
ROWS = [
    {"question_id": f"MK:{n}:1", "question": f"Question {n}?", "model": model, "response": "Text.",
     "checklist": "", "judge:oak": None if n == 7 else (n + k) % 4, "physician:A": (n + k) % 4,
     "physician:B": min(3, (n + k) % 4 + n % 2), "physician:C": (n + k) % 4 if n % 3 else None}
    for n in range(1, 41) for k, model in enumerate(("cedar", "=willow"))
]  # fmt: skip


@pytest.fixture
def own(shell: Shell) -> Shell:
    """A spreadsheet with two models, a judge and three physicians on 0-3, usable from 3."""
    file = shell.file("".join(json.dumps(row) + "\n" for row in ROWS), "own.jsonl")
    said = shell(
        "import", "table", file, "--name", "own", "--scale", "0-3", "--usable", "3",
        "--phase", "blind",
    )  # fmt: skip
    assert (said.code, said.err) == (0, "")
    return shell


def test_a_pairing_holds_every_figure_with_its_interval(own: Shell) -> None:
    [pairing] = own("agreement", "--dataset", "own", "--json").json["pairings"]

    names = (
        "agreement", "cohen_kappa", "linear_kappa", "quadratic_kappa", "gwet_ac1", "pabak",
        "sensitivity", "specificity", "krippendorff_alpha",
    )  # fmt: skip
    assert (pairing["n"], pairing["undecided"]) == (75, 3)
    for name in names:
        low, high = pairing["intervals"][name]
        assert low <= pairing[name] <= high
    assert pairing["alt_test"]["omega"] is not None
    assert pairing["alt_test"]["intervals"]["rho"][0] <= pairing["alt_test"]["rho"]
    assert pairing["scores"]["lowest"] == 0
    assert pairing["physicians_among"]["krippendorff_alpha_ordinal"] is not None
    assert [(one["first"], one["second"]) for one in pairing["pairs"]] == [
        ("A", "B"), ("A", "C"), ("B", "C"),
    ]  # fmt: skip
    assert (pairing["weighted"], pairing["raw"], pairing["unscored"]) == (False, None, 2)


def test_weighted_kappa_stands_on_the_scores_and_plain_kappa_on_usable(own: Shell) -> None:
    [pairing] = own("agreement", "--dataset", "own", "--json").json["pairings"]

    scores = [
        (row[physician], row["judge:oak"])
        for row in ROWS
        for physician in ("physician:A", "physician:B", "physician:C")
        if row["judge:oak"] is not None and row[physician] is not None
    ]
    for name in ("linear", "quadratic"):
        theirs = cohen_kappa_score(*zip(*scores, strict=True), labels=range(4), weights=name)
        assert pairing[f"{name}_kappa"] == pytest.approx(theirs)
        assert pairing[f"{name}_kappa"] == pairing["scores"][f"{name}_kappa"]
        assert pairing["scale"][f"{name}_kappa"] == "scores"
    (rejected, passed), (missed, right) = pairing["table"]
    usable = [(0, 0)] * rejected + [(0, 1)] * passed + [(1, 0)] * missed + [(1, 1)] * right
    assert pairing["cohen_kappa"] == pytest.approx(
        cohen_kappa_score(*zip(*usable, strict=True), labels=range(2))
    )
    assert {
        name
        for name, scale in pairing["scale"].items()
        if scale == "usable"
    } == {
        "agreement", "cohen_kappa", "gwet_ac1", "pabak", "sensitivity", "specificity",
        "false_usable", "missed_risk", "krippendorff_alpha", "alt_test",
    }  # fmt: skip
    found = pairing["scores"]
    assert (found["n"], found["lowest"], found["highest"]) == (len(scores), 0, 3)


@pytest.mark.parametrize(
    ("form", "begins", "holds"),
    [
        ("csv", "judge,model,n,agreement", "oak,'=willow,36"),
        ("markdown", "| judge | model | n |", "| oak | =willow | 36 |"),
        ("latex", "\\begin{tabular}{l", "oak & =willow & 36 & "),
    ],
)
def test_agreement_is_written_as_a_table(own: Shell, form: str, begins: str, holds: str) -> None:
    out = own.folder / f"table.{form}"

    said = own("agreement", "--dataset", "own", "--by", "model", "--format", form, "--out", out)

    text = out.read_text(encoding="utf-8")
    assert (said.code, said.err) == (0, "")
    assert text.startswith(begins)
    assert holds in text


def test_a_version_that_no_question_has_leaves_nothing_to_compare(own: Shell) -> None:
    said = own("agreement", "--dataset", "own", "--criteria-version", "2", "--json").json

    assert (said["criteria_version"], said["pairings"][0]["n"]) == (2, 0)


def test_an_excluded_question_is_counted_where_it_is_asked_for(own: Shell) -> None:
    own("exclude", "MK:1:1", "--dataset", "own", "--reason", "wrong reference")

    without, with_ = (
        own("agreement", "--dataset", "own", "--json", *more).json["pairings"][0]
        for more in ((), ("--with-excluded",))
    )

    assert (with_["n"], without["excluded"]) == (75, 2)
    assert without["n"] < 75


def test_what_to_score_next_is_said_and_asked_for(own: Shell) -> None:
    said = own("assign", "next", "--dataset", "own", "--more", "10", "--json").json

    assert {one["model"] for one in said["proposals"]} == {"cedar", "=willow"}
    refused = own("assign", "next", "--dataset", "own", "--physician", "A")
    assert (refused.code, refused.out) == (2, "")
    assert "--model" in refused.err


def test_the_report_says_what_was_stated(own: Shell) -> None:
    assert own("state", "data_source", "Made for this test", "--dataset", "own").code == 0
    for language, suffix in (("en", "md"), ("zh", "html")):
        out = own.folder / f"report.{suffix}"
        said = own("report", "--dataset", "own", "--language", language, "--out", out)
        assert (said.code, said.err) == (0, "")
        assert "Made for this test" in out.read_text(encoding="utf-8")


def test_a_report_is_refused_where_nothing_can_be_written(own: Shell) -> None:
    said = own("report", "--dataset", "own", "--out", own.folder / "report.docx")

    assert (said.code, said.out) == (2, "")
    assert "report.docx is no report" in said.err
    assert not (own.folder / "report.docx").exists()
