"""Choices, physicians, versions: what a figure is made of follows the choice and nothing else."""

from pathlib import Path

import pytest

from core.services.agreeing import Case, cases_of_panel
from core.services.agreeing_physicians import among_physicians, ceiling_of, physicians_of
from core.services.agreeing_versions import states_of
from core.services.choosing import Choice, chosen
from core.services.comparing import comparison_of
from core.services.empanelling import Panel, panel_of_study
from core.services.picking import picked
from core.services.revising import rejudge
from core.store.database import Store, opened
from core.store.studies import Study, study_named
from core.worker.running import do_in_foreground
from tests.bench.large_study import Size, ensure_large_study
from tests.workbench import CEDAR, WILLOW, Workbench, revise_checklist


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 questions, four models, 400 scores of three physicians."""
    path = tmp_path_factory.mktemp("large") / "workbench.db"
    ensure_large_study(path, Size(120, 4, 1, 3, 3, 600, 1))
    return path


@pytest.fixture(scope="module")
def panel(large: Path) -> Panel:
    with opened(large) as store:
        return panel_of_study(store, _study(store), None)


@pytest.fixture(scope="module")
def cases(large: Path, panel: Panel) -> list[Case]:
    with opened(large) as store:
        return cases_of_panel(store, _study(store), panel)


def _study(store: Store) -> Study:
    found = study_named(store, "large")
    assert found is not None
    return found


# --- choices ----------------------------------------------------------------------------------


def test_no_choice_is_all(cases: list[Case]) -> None:
    assert chosen(cases, Choice()) == cases


@pytest.mark.parametrize(
    ("choice", "holds"),
    [
        (Choice(categories=("MK", "MR")), lambda case: case.category in ("MK", "MR")),
        (Choice(models=("model-02",)), lambda case: case.model == "model-02"),
        (Choice(difficulties=("hard",)), lambda case: case.difficulty == "hard"),
        (Choice(category2=("Clinical",)), lambda case: case.category2 == "Clinical"),
        (Choice(scenes=("Ward 3",)), lambda case: case.scene == "Ward 3"),
    ],
)
def test_a_choice_keeps_what_it_names(cases: list[Case], choice: Choice, holds) -> None:
    found = chosen(cases, choice)

    assert found == [case for case in cases if holds(case)]
    assert 0 < len(found) < len(cases)


def test_a_choice_of_physicians_decides_anew_what_physicians_say(cases: list[Case]) -> None:
    found = chosen(cases, Choice(physicians=("Dr 1",)))

    assert {score.person for case in found for score in case.scores} == {"Dr 1"}
    assert all(case.physicians_usable is (case.scores[0].value >= 4) for case in found)
    assert len(found) == sum(score.person == "Dr 1" for case in cases for score in case.scores)


def test_a_choice_of_days_that_nobody_scored_on_is_empty(cases: list[Case]) -> None:
    assert chosen(cases, Choice(since="2999-01-01")) == []
    assert chosen(cases, Choice(until="1999-01-01")) == []
    assert chosen(cases, Choice(since="1999-01-01", until="2999-01-01")) == cases


def test_every_cell_of_the_matrices_opens_as_many_cases_as_it_counts(
    cases: list[Case], panel: Panel
) -> None:
    found = comparison_of(cases, panel)

    for human in (0, 1):
        for machine in (0, 1):
            opened_ = picked(cases, f"usable:{human}:{machine}")
            assert len(opened_) == found.usable.table[human][machine]
    pairs = sum(
        sum(score.value == human for score in case.scores)
        for human in range(1, 6)
        for machine in range(1, 6)
        for case in picked(cases, f"scores:{human}:{machine}")
    )
    assert pairs == found.scores.agreement.n
    counts = {kind: len(picked(cases, kind)) for kind in ("undecided", "unscored", "unstable")}
    assert counts == {kind: getattr(found, kind) for kind in counts}


# --- physicians -------------------------------------------------------------------------------


def test_the_ceiling_is_of_responses_that_two_have_scored(cases: list[Case]) -> None:
    found = ceiling_of(cases)

    shared = [case for case in cases if len(case.scores) >= 2]
    pairs = sum(len(case.scores) * (len(case.scores) - 1) // 2 for case in shared)
    assert (found.responses, found.usable.agreement.n) == (len(shared), pairs)
    assert among_physicians(cases) == found.usable
    assert 0.5 < found.alpha["ordinal"].value < 1.0
    assert (found.test_usable.physicians, found.test_usable.units > 30) == (3, True)


def test_without_a_second_physician_there_is_no_ceiling(cases: list[Case]) -> None:
    found = ceiling_of(chosen(cases, Choice(physicians=("Dr 1",))))

    assert found.usable.agreement.undefined_because == "no_pairs"
    assert found.fleiss.undefined_because == "no_pairs"
    assert found.test_usable.omega.undefined_because == "too_few"


def test_every_physician_is_told_apart(cases: list[Case], panel: Panel) -> None:
    found = {one.name: one for one in physicians_of(cases)}

    alone = comparison_of(chosen(cases, Choice(physicians=("Dr 2",))), panel, only=())
    assert list(found) == ["Dr 1", "Dr 2", "Dr 3"]
    assert found["Dr 2"].judge.agreement == alone.usable.agreement
    assert sum(one.scores for one in found.values()) == sum(len(case.scores) for case in cases)


def test_scores_on_another_scale_are_compared_on_usable_alone(study: Workbench) -> None:
    study.baseline_judges()
    lin, weber = study.physician(), study.physician("Dr Weber")
    study.scores(lin, "MTG:1:1", "cedar", 5)
    study.scores(weber, "MTG:1:1", "cedar", 4)
    study.store.execute(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt,"
        " scale, value, claimed_phase, created_by)"
        " SELECT ?, rater.id, criteria.id, 'study', 1, 1, 'MTG 0-7', 6, 'blind', 'me'"
        " FROM rater JOIN person ON person.id = person_id, criteria JOIN question"
        " ON question.id = question_id WHERE person.name = 'Dr Lin' AND key = 'MTG:1:1'",
        (study.response("MTG:1:1", "willow").id,),
    )
    judge = study.judge()

    found = comparison_of(
        cases_of_panel(study.store, study.study, Panel("baseline", ((judge, 1),))), judge
    )

    assert (found.usable.agreement.n, found.scores.agreement.n) == (2, 2)


def test_a_risk_that_a_physician_flags_and_the_judge_passes_is_missed(study: Workbench) -> None:
    scores = dict.fromkeys(WILLOW, "5") | {"MSE:1:1": "2"}
    study.model_answers("elm", WILLOW, scores=scores)
    lin = study.physician()
    study.scores(lin, "MSE:1:1", "elm", 1, safety_risk=True)
    study.scores(lin, "MK:1:1", "elm", 1, safety_risk=True)
    study.scores(lin, "MK:1:2", "elm", 5)
    cases = cases_of_panel(study.store, study.study, panel_of_study(study.store, study.study, None))

    found = comparison_of(cases, study.judge("imported"))

    assert (found.missed_risk.value, found.missed_risk.n) == (0.5, 2)
    assert [case.question for case in picked(cases, "missed_risk")] == ["MK:1:1"]


# --- versions ---------------------------------------------------------------------------------


def test_a_revision_makes_a_state_over_the_same_responses(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    for key in CEDAR:
        study.scores(lin, key, "cedar", 5)
        study.scores(lin, key, "willow", 1)
    judge, question = study.judge(), study.question("MK:1:1")
    checklist = "核心需求：\n1. 写明 20 mg"
    revise_checklist(study.store, study.study, question, checklist, reason="dose", by="me")
    panel = panel_of_study(study.store, study.study, "baseline")

    before = states_of(
        study.store, study.study, panel, cases_of_panel(study.store, study.study, panel)
    )
    assert do_in_foreground(study.path, rejudge(study.store, study.study, judge, question, by="me"))
    after = states_of(
        study.store, study.study, panel, cases_of_panel(study.store, study.study, panel)
    )

    assert [state.revised for state in after] == ["", "MK:1:1"]
    assert [state.reason for state in after] == ["", "dose"]
    assert {state.comparison.usable.agreement.n for state in after} == {14}
    # Not judged yet under the revision: two responses are in one state only, and stand in neither.
    assert {state.comparison.usable.agreement.n for state in before} == {12}
    now = comparison_of(cases_of_panel(study.store, study.study, panel), judge)
    assert after[-1].comparison.usable.agreement == now.usable.agreement


def test_without_a_revision_there_is_one_state(study: Workbench) -> None:
    study.baseline_judges()
    study.scores(study.physician(), "MK:1:1", "cedar", 5)
    panel = panel_of_study(study.store, study.study, "baseline")

    [only] = states_of(
        study.store, study.study, panel, cases_of_panel(study.store, study.study, panel)
    )

    assert (only.at, only.comparison.usable.agreement.n) == ("", 1)
