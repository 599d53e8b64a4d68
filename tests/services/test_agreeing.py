"""Agreeing: the paper's figure 6 to six digits, and everything that is left out of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from core.domain.usability import physicians_reading
from core.services.agreeing import Case, cases_of, grouped
from core.services.comparing import Comparison, comparison_of
from core.services.picking import picked
from core.services.reviewing import expose
from tests.openai_server import Fault, OpenAIServer, saying
from tests.workbench import CEDAR, Workbench, plain_questions, workbench_in

ROOT = Path(__file__).resolve().parents[2]

#: Zhang et al. 2025 (arXiv:2506.04078v3), figure 6: MTG responses by physicians and judge, as
#: usable/usable, usable/unusable, unusable/usable, unusable/unusable (physicians first).
FIGURE_6 = {
    "llama-3.1-8B": (16, 6, 40, 40),
    "Mistral-24B": (20, 9, 35, 38),
    "DISC-MedLLM": (1, 1, 9, 91),
}
#: Computed from these tables with statsmodels 0.14 (kappa) and by hand:
#: agreement (a+d)/n, PABAK 2·agreement−1, AC1 with chance 2π(1−π).
DERIVED = {
    "llama-3.1-8B": (0.549020, 0.145666, 0.145355, 0.098039),
    "Mistral-24B": (0.568627, 0.165489, 0.163311, 0.137255),
    "DISC-MedLLM": (0.901961, 0.138514, 0.889754, 0.803922),
    "pooled": (0.673203, 0.242912, 0.448947, 0.346405),
}


def _coefficients(found: Comparison) -> tuple[float | None, ...]:
    usable = found.usable
    names = ("cohen_kappa", "gwet_ac1", "pabak")
    values = [usable.agreement.value, *(usable.coefficients[name].value for name in names)]
    return tuple(None if value is None else round(value, 6) for value in values)


@pytest.fixture(scope="module")
def figure_6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """The 306 responses of figure 6: 102 questions of three models, a score of each side."""
    questions = plain_questions("MTG", 102)
    with workbench_in(tmp_path_factory.mktemp("figure")) as workbench:
        workbench.imports(questions)
        lines = []
        for model, cells in FIGURE_6.items():
            sides = [side for cell, side in zip(cells, _SIDES, strict=True) for _ in range(cell)]
            judge = {True: cycle("45"), False: cycle("123")}
            physician = {True: cycle("54"), False: cycle("321")}
            answers = {key: f"{model} on {key}" for key in questions}
            scores = {
                key: next(judge[machine])
                for key, (_, machine) in zip(questions, sides, strict=True)
            }
            workbench.model_answers(model, answers, questions=questions, scores=scores)
            lines += [
                f"{key},{model},Dr Lin,{next(physician[human])}"
                for key, (human, _) in zip(questions, sides, strict=True)
            ]
        workbench.scores_arrive(lines, header="question,model,physician,score")
        yield workbench


#: Physicians' and judge's side of the four cells.
_SIDES = ((True, True), (True, False), (False, True), (False, False))


@pytest.fixture(scope="module")
def figure_6_cases(figure_6: Workbench) -> list[Case]:
    return cases_of(figure_6.store, figure_6.study, figure_6.judge("imported"), 1)


@pytest.fixture(scope="module")
def imported(figure_6: Workbench) -> Any:
    return figure_6.judge("imported")


# --- figure 6 ---------------------------------------------------------------------------------


def test_figure_6_pooled_is_the_papers_67_32_percent(
    figure_6_cases: list[Case], imported: Any
) -> None:
    found = comparison_of(figure_6_cases, imported)

    assert found.usable.table == ((169, 84), (16, 37))  # unusable first
    assert _coefficients(found) == DERIVED["pooled"]
    assert (found.cases, found.physicians, found.usable.agreement.n) == (306, 1, 306)
    assert (found.undecided, found.unscored, found.pending, found.unknown_phase) == (0, 0, 0, 0)
    shares = (found.sensitivity, found.specificity, found.false_usable)
    assert [(share.value, share.n) for share in shares] == [
        (37 / 53, 53),
        (169 / 253, 253),
        (84 / 253, 253),
    ]


@pytest.mark.parametrize("model", FIGURE_6)
def test_figure_6_per_model(figure_6_cases: list[Case], imported: Any, model: str) -> None:
    of_model = grouped(figure_6_cases, lambda case: case.model)[model]

    found = comparison_of(of_model, imported)

    both, human, machine, neither = FIGURE_6[model]
    assert found.usable.table == ((neither, machine), (human, both))
    assert _coefficients(found) == DERIVED[model]


def test_figure_6_through_the_command_line(figure_6: Workbench) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core", "agreement", "--db", str(figure_6.path),
         "--dataset", "ward", "--json", "--by", "model"],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True,
    )  # fmt: skip

    [pairing] = json.loads(done.stdout)["pairings"]
    groups = {one["model"]: one for one in pairing["groups"]} | {"pooled": pairing}
    assert {
        name: tuple(
            round(one[number], 6) for number in ("agreement", "cohen_kappa", "gwet_ac1", "pabak")
        )
        for name, one in groups.items()
    } == DERIVED
    assert {name: one["n"] for name, one in groups.items()} == {
        **dict.fromkeys(FIGURE_6, 102),
        "pooled": 306,
    }
    assert (pairing["judge"], pairing["cases"], pairing["unknown_phase"]) == ("imported", 306, 0)
    low, high = pairing["intervals"]["agreement"]
    assert low < DERIVED["pooled"][0] < high
    assert done.stderr == ""


def test_every_disagreement_of_figure_6_is_listed_false_usable_first(
    figure_6_cases: list[Case],
) -> None:
    found = picked(figure_6_cases, "differ")

    assert len(found) == 84 + 16
    assert [case.is_false_usable for case in found] == [True] * 84 + [False] * 16


# --- what is left out -------------------------------------------------------------------------


def _compared(study: Workbench, judge: str, rounds: int = 1) -> Comparison:
    found = study.judge(judge)
    return comparison_of(cases_of(study.store, study.study, found, rounds), found)


def _left_out(found: Comparison) -> dict[str, int]:
    names = ("cases", "undecided", "unscored", "pending", "unknown_phase", "physicians")
    return {name: getattr(found, name) for name in names} | {"n": found.usable.agreement.n}


@pytest.fixture
def released(questions_only: Workbench) -> Workbench:
    """Cedar's responses with released scores: MR has none, all others are usable."""
    scores = dict.fromkeys(CEDAR, "4") | {"MR:1:1": "-1"}
    questions_only.model_answers("cedar", CEDAR, scores=scores)
    return questions_only


def test_a_tie_of_physicians_is_undecided_and_its_scores_still_count(released: Workbench) -> None:
    released.scores(released.physician("Dr Lin"), "MK:1:1", "cedar", 5)
    released.scores(released.physician("Dr Weber"), "MK:1:1", "cedar", 3)
    released.scores(released.physician("Dr Lin"), "MK:1:2", "cedar", 4)

    found = _compared(released, "imported")

    assert _left_out(found) == {
        "cases": 2, "undecided": 1, "unscored": 0, "pending": 0, "unknown_phase": 0,
        "physicians": 2, "n": 1,
    }  # fmt: skip
    assert found.usable.table == ((0, 0), (0, 1))
    assert found.scores.agreement.n == 3  # one pair per physician


def test_three_physicians_decide_by_majority(released: Workbench) -> None:
    for name, score in (("Dr Lin", 5), ("Dr Weber", 3), ("Dr Okoye", 2)):
        released.scores(released.physician(name), "MK:1:1", "cedar", score)

    found = _compared(released, "imported")

    assert found.usable.table == ((0, 1), (0, 0))  # two of three say unusable, the judge usable
    assert (found.false_usable.value, found.false_usable.n) == (1.0, 1)


@pytest.mark.parametrize(
    ("votes", "usable"),
    [((True,), True), ((True, False), None), ((True, False, True), True), ((), None)],
)
def test_a_majority_is_strict(votes: tuple[bool, ...], usable: bool | None) -> None:
    assert physicians_reading(votes) is usable


def test_a_response_that_the_judge_could_not_score_is_unscored(released: Workbench) -> None:
    lin = released.physician()
    released.scores(lin, "MR:1:1", "cedar", 4)
    released.scores(lin, "MK:1:1", "cedar", 4)

    assert _left_out(_compared(released, "imported")) == {
        "cases": 2, "undecided": 0, "unscored": 1, "pending": 0, "unknown_phase": 0,
        "physicians": 1, "n": 1,
    }  # fmt: skip


def test_a_response_that_was_not_judged_yet_is_pending(study: Workbench) -> None:
    study.baseline_judges(limit=1)
    lin = study.physician()
    for key in CEDAR:
        study.scores(lin, key, "cedar", 4)

    assert _left_out(_compared(study, "baseline")) == {
        "cases": 7, "undecided": 0, "unscored": 0, "pending": 6, "unknown_phase": 0,
        "physicians": 1, "n": 1,
    }  # fmt: skip


def test_a_score_of_unknown_phase_counts_and_is_told(released: Workbench) -> None:
    released.scores(released.physician(), "MK:1:1", "cedar", 4, claimed_phase="unknown")

    found = _left_out(_compared(released, "imported"))

    assert (found["n"], found["unknown_phase"]) == (1, 1)


def test_informed_scores_are_left_out(released: Workbench) -> None:
    lin = released.physician()
    released.scores(lin, "MK:1:1", "cedar", 4, claimed_phase="informed")
    question = released.question("MK:1:2")
    expose(released.store, lin, question.id, "machine_verdict", page="case")
    released.scores(lin, "MK:1:2", "cedar", 4)

    assert cases_of(released.store, released.study, released.judge("imported"), 1) == []
    nothing = _compared(released, "imported")
    assert nothing.usable.agreement.undefined_because == "no_pairs"
    assert {one.undefined_because for one in nothing.usable.coefficients.values()} == {"no_pairs"}


def test_a_score_of_a_replaced_response_is_left_out(released: Workbench) -> None:
    released.scores(released.physician(), "MK:1:1", "cedar", 4)

    released.model_answers("cedar", {"MK:1:1": "利伐沙班 15 mg。"})

    assert cases_of(released.store, released.study, released.judge("imported"), 1) == []


def test_one_answer_from_everybody_leaves_kappa_undefined(released: Workbench) -> None:
    lin = released.physician()
    for key in ("MK:1:1", "MK:1:2"):
        released.scores(lin, key, "cedar", 4)

    usable = _compared(released, "imported").usable

    assert (usable.agreement.value, usable.agreement.n) == (1.0, 2)
    kappa = usable.coefficients["cohen_kappa"]
    assert (kappa.value, kappa.undefined_because) == (None, "no_variation")


# --- rounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "usable", "median"),
    [
        ((4, 4, 4), True, 4),
        ((5, 4, 3), True, 4),  # 12 = 4·3: just usable
        ((5, 5, 1), False, 5),  # 11 < 12, though two of three rounds say usable
        ((3, 3, 5), False, 3),
    ],
)
def test_rounds_are_usable_when_their_sum_reaches_four_times_their_number(
    questions_only: Workbench,
    server: OpenAIServer,
    scores: tuple[int, ...],
    usable: bool,
    median: int,
) -> None:
    questions_only.model_answers("cedar", {"MR:1:1": CEDAR["MR:1:1"]})
    for score in scores:
        server.fails(saying(score), times=1)
    questions_only.scores(questions_only.physician(), "MR:1:1", "cedar", 4)

    questions_only.endpoint_judges(server, rounds=len(scores), concurrency=1)

    [case] = cases_of(
        questions_only.store, questions_only.study, questions_only.judge("oak"), len(scores)
    )
    assert (case.judge.usable, case.judge.median) == (usable, median)
    assert case.judge.mean == pytest.approx(sum(scores) / len(scores))
    assert case.differs is not usable


def test_a_missing_round_is_pending_and_an_unreadable_one_unscored(
    questions_only: Workbench, server: OpenAIServer
) -> None:
    questions_only.model_answers("cedar", {"MR:1:1": CEDAR["MR:1:1"]})
    questions_only.scores(questions_only.physician(), "MR:1:1", "cedar", 4)

    questions_only.endpoint_judges(server, rounds=3, limit=2, concurrency=1)
    pending = _left_out(_compared(questions_only, "oak", 3))
    server.fails(Fault(text="No idea."))
    questions_only.endpoint_judges(server, rounds=3, concurrency=1)
    unscored = _left_out(_compared(questions_only, "oak", 3))

    assert (pending["n"], pending["pending"], pending["unscored"]) == (0, 1, 0)
    assert (unscored["n"], unscored["pending"], unscored["unscored"]) == (0, 0, 1)


# --- properties -------------------------------------------------------------------------------


def test_an_unpaired_response_changes_nothing(figure_6_cases: list[Case], imported: Any) -> None:
    some, unpaired = figure_6_cases[:40], _without_verdict(figure_6_cases[40])

    alone, beside = (comparison_of(cases, imported) for cases in (some, [*some, unpaired]))

    assert alone.usable == beside.usable
    assert (beside.cases, beside.pending) == (41, 1)


def _without_verdict(case: Case) -> Case:
    reading = type(case.judge)(None, None, None, "pending")
    return Case(
        case.response_id, case.question_id, case.question, case.category, case.model, case.sample,
        reading, case.scores, case.physicians_usable,
    )  # fmt: skip


def test_agreement_grouped_by_category_keeps_every_case(sample: Workbench) -> None:
    cases = cases_of(sample.store, sample.study, sample.judge(), 1)
    groups = grouped(cases, lambda case: case.category)

    assert list(groups) == ["MK", "MR", "MLU", "MSE", "MTG"]  # in the order of the questions
    assert (
        sum(map(len, groups.values()))
        == len(cases)
        == sample.value("SELECT count(DISTINCT response_id) FROM human_assessment")
    )
