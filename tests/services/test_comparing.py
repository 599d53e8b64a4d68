"""Weights of an unequal sample, versions of the criteria, and questions that are left out."""

import numpy as np
import pytest

from core.domain.scales import ONE_TO_FIVE
from core.domain.usability import JudgeReading
from core.services import excluding
from core.services.agreeing import Case, cases_of_panel
from core.services.assigning import draw
from core.services.choosing import Choice, chosen, counted
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel, panel_of_study
from core.store.draws import Design
from core.store.human_scores import HumanScore
from core.store.judges import Judge
from tests.workbench import Workbench, revise_checklist

JUDGE = Judge(1, "oak", 1, "imported", "oak", {}, ONE_TO_FIVE)


def _case(number: int, human: int, machine: int, **fields: object) -> Case:
    score = HumanScore(
        number, number, 1, "Dr A", 1, 1, human, None, human >= 4, ONE_TO_FIVE.name, 4, 1, 5, "",
        None, "blind", "", None, "2026-11-01",
    )  # fmt: skip
    reading = JudgeReading(machine >= 4, machine, float(machine), None)
    known = {"weight": None, "stratum": "", **fields}
    return Case(
        number, number, f"MK:{number}:1", "MK", "cedar", 1, reading, (score,), human >= 4, **known
    )  # type: ignore[arg-type]  # fmt: skip


def _drawn_by_the_judge() -> list[Case]:
    """200 usable and 100 unusable drawn of 2,000, by the judge: 1,600 and 400 of them.

    Among the drawn the judge is right in 130 of 200 and 40 of 100.
    """
    sides = [(5, 5)] * 130 + [(1, 5)] * 70 + [(1, 1)] * 40 + [(5, 1)] * 60
    return [
        _case(number, human, machine, weight=8.0 if machine == 5 else 4.0)
        for number, (human, machine) in enumerate(sides, 1)
    ]


def test_a_sample_drawn_by_the_judges_score_is_weighted_and_the_raw_figures_stay() -> None:
    found = comparison_of(_drawn_by_the_judge(), JUDGE)

    # 8 × 130 + 4 × 40 of 2,000; usable 8 × 130 of 8 × 130 + 4 × 60; and so on.
    assert found.usable.agreement.value == pytest.approx(1200 / 2000)
    assert found.sensitivity.value == pytest.approx(1040 / 1280)
    assert found.false_usable.value == pytest.approx(560 / 720)
    assert found.raw is not None
    assert found.raw.usable.agreement.value == pytest.approx(170 / 300)
    assert found.raw.sensitivity.value == pytest.approx(130 / 190)
    assert found.raw.false_usable.value == pytest.approx(70 / 110)
    assert found.usable.table == found.raw.usable.table == ((40, 70), (60, 130))
    # Kish: (200 × 8 + 100 × 4)² / (200 × 64 + 100 × 16)
    assert found.effective_n == pytest.approx(2000**2 / 14400)
    assert found.undrawn == 0


def test_what_was_never_drawn_stands_in_the_raw_figures_alone() -> None:
    found = comparison_of([*_drawn_by_the_judge(), _case(999, 5, 5)], JUDGE)

    assert found.undrawn == 1
    assert found.usable.agreement.n == 300
    assert found.raw is not None
    assert found.raw.usable.agreement.n == 301


def test_where_most_were_never_drawn_nothing_is_weighted() -> None:
    others = [_case(1_000 + number, 5, 5) for number in range(301)]

    found = comparison_of([*_drawn_by_the_judge(), *others], JUDGE)

    assert (found.raw, found.usable.agreement.n) == (None, 601)


@pytest.mark.parametrize("weight", [None, 3.0])
def test_equal_chances_need_no_weights(weight: float | None) -> None:
    found = comparison_of([_case(n, 5, 5, weight=weight) for n in range(1, 9)], JUDGE)

    assert (found.raw, found.effective_n) == (None, None)


def test_weighted_figures_are_unbiased_where_raw_ones_are_not() -> None:
    weighted, raw, inside = [], [], []
    for seed in range(200):
        truth, found = _simulated(seed)
        assert found.raw is not None
        assert found.usable.agreement.value is not None
        assert found.raw.usable.agreement.value is not None
        weighted.append(found.usable.agreement.value - truth)
        raw.append(found.raw.usable.agreement.value - truth)
        low, high = found.usable.agreement.low, found.usable.agreement.high
        inside.append(low is not None and high is not None and low <= truth <= high)

    assert abs(np.mean(weighted)) < 2.5 * np.std(weighted) / np.sqrt(len(weighted))
    assert np.mean(raw) > 0.03
    assert 0.92 <= np.mean(inside) <= 1.0


def _simulated(seed: int) -> tuple[float, Comparison]:
    """2,000 judged responses, 200 of the usable and 100 of the unusable scored by a physician."""
    generator = np.random.default_rng(seed)
    human = generator.random(2_000) < 0.45
    machine = np.where(human, generator.random(2_000) < 0.9, generator.random(2_000) < 0.3)
    cases = []
    for side, size in ((True, 100), (False, 200)):
        among = np.flatnonzero(machine == side)
        cases += [
            _case(int(one) + 1, 5 if human[one] else 1, 5 if side else 1, weight=len(among) / size)
            for one in generator.choice(among, size, replace=False)
        ]
    return float((human == machine).mean()), comparison_of(cases, JUDGE, only=())


def test_a_draw_gives_its_responses_their_weights(study: Workbench) -> None:
    study.baseline_judges(rounds=1)
    panel = panel_of_study(study.store, study.study, "baseline")
    design = Design(8, overlap=1, strata=("category", "judge"), judge_id=panel.members[0][0].id)
    draw(study.store, study.study, design, [study.physician("Dr A")], reason="sample", by="Dr Lead")
    for key in ("MK:1:1", "MR:1:1"):
        for model in ("cedar", "willow"):
            study.scores(study.physician("Dr A"), key, model, 4)

    drawn = dict(study.rows("SELECT response_id, probability FROM draw_response"))
    cases = _cases(study, panel)

    assert {case.response_id: case.weight for case in cases} == {
        case.response_id: 1 / drawn[case.response_id] if case.response_id in drawn else None
        for case in cases
    }
    assert {case.stratum for case in cases if case.weight} <= {"MK", "MR"}


def test_an_earlier_version_of_the_criteria_can_be_chosen(study: Workbench) -> None:
    study.baseline_judges(rounds=1)
    for key in ("MK:1:1", "MR:1:1"):
        study.scores(study.physician("Dr A"), key, "cedar", 4)
    revise_checklist(
        study.store, study.study, study.question("MK:1:1"), "核心需求：\n1. 写明 20 mg",
        reason="shorter", by="Dr Lead",
    )  # fmt: skip
    panel = panel_of_study(study.store, study.study, "baseline")

    def readings(version: int | None) -> dict[str, str | None]:
        return {
            case.question: case.judge.unscored_because
            for case in cases_of_panel(study.store, study.study, panel, version=version)
        }

    assert readings(None) == {"MK:1:1": "pending", "MR:1:1": None}
    assert readings(1) == {"MK:1:1": None, "MR:1:1": None}
    assert readings(2) == {"MK:1:1": "pending"}


def test_an_excluded_question_is_counted_only_where_it_is_asked_for(study: Workbench) -> None:
    study.baseline_judges(rounds=1)
    for key in ("MK:1:1", "MR:1:1"):
        study.scores(study.physician("Dr A"), key, "cedar", 4)
    excluding.exclude(
        study.store, study.study, "MR:1:1", is_excluded=True, reason="wrong", by="Dr Lead"
    )
    cases = _cases(study, panel_of_study(study.store, study.study, "baseline"))

    assert [case.question for case in counted(cases)] == ["MK:1:1"]
    assert [case.question for case in chosen(cases, Choice())] == ["MK:1:1"]
    assert len(chosen(cases, Choice(with_excluded=True))) == 2


def _cases(study: Workbench, panel: Panel) -> list[Case]:
    return cases_of_panel(study.store, study.study, panel)
