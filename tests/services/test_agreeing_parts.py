"""Requirements and dimensions that both sides have marked, and physicians one by one."""

import json

import pytest

from core.domain.table_fields import read_mapping, read_scale
from core.domain.verdicts import Mark
from core.formats.tables import read_table
from core.services.agreeing import Case, cases_of_panel
from core.services.agreeing_parts import dimensions_by_model, dimensions_of, requirements_of
from core.services.agreeing_physicians import ceiling_of, pairs_of, physicians_of, within_of
from core.services.empanelling import Panel, panel_of_study
from core.services.importing_table import TableImport, keep_table, read_for_import
from core.store import assessments, human_scores, marks
from core.store.assessments import Given, Key
from core.store.people import Person
from tests.workbench import Workbench

GOOD = {
    "instruction_following": 5, "correctness": 4, "effectiveness": 4, "readability": 5, "safety": 1,
}  # fmt: skip


@pytest.fixture
def panel(study: Workbench) -> Panel:
    """The baseline, which marks no requirement by itself."""
    study.baseline_judges(rounds=1)
    return panel_of_study(study.store, study.study, "baseline")


def _cases(study: Workbench, panel: Panel) -> list[Case]:
    return cases_of_panel(study.store, study.study, panel)


def _judge_marks(study: Workbench, key: str, model: str, *given: Mark) -> int:
    """A further attempt of the judge, with marks; its id."""
    response_id = study.response(key, model).id
    sql = f"SELECT rater_id, criteria_id FROM assessment WHERE response_id = {response_id}"
    rater_id, criteria_id = study.rows(f"{sql} ORDER BY id LIMIT 1")[0]
    scale = study.judge().scale
    with study.store.writing():
        assessments.add_machine_assessments(
            study.store,
            [(Key(response_id, rater_id, criteria_id, 1, 2), Given(scale, 4, None, marks=given))],
            by="test",
        )
    return int(study.value("SELECT max(id) FROM assessment"))


def _marked(study: Workbench, who: Person, key: str, model: str, *values: int) -> None:
    """A physician's score with marks of the first requirements."""
    listed = marks.requirements_of_version(
        study.store, study.value(f"SELECT criteria_id FROM active_criteria JOIN question"
                                 f" ON question.id = question_id WHERE key = '{key}'")
    )  # fmt: skip
    given = {one.id: value for one, value in zip(listed, values, strict=False)}
    study.scores(who, key, model, 4, marks=given)


def test_requirements_pair_the_marks_of_both_sides(study: Workbench, panel: Panel) -> None:
    lin = study.physician("Dr Lin")
    _marked(study, lin, "MK:1:1", "cedar", 2, 0, 1)
    _marked(study, lin, "MK:1:1", "willow", 2, 2, 2)
    _judge_marks(
        study, "MK:1:1", "cedar", Mark(1, "met", "20 mg"), Mark(2, "met", ""), Mark(3, "partly", "")
    )

    found = requirements_of(study.store, study.study, panel, _cases(study, panel))

    # Physician 2, 0, 1; judge 2, 2, 1: two of three alike; the willow's marks stand alone.
    assert found.all.table == ((0, 0, 1), (0, 1, 0), (0, 0, 1))
    assert found.all.agreement.value == pytest.approx(2 / 3)
    assert found.core.table == ((0, 0, 1), (0, 0, 0), (0, 0, 1))
    assert found.secondary.agreement.n == 1
    assert found.unpaired == 3
    assert [(one.text, one.passed, one.agreement.value) for one in found.each] == [
        ("写明随餐服用", 1, 0.0), ("写明 20 mg 每日 1 次", 0, 1.0), ("提到定期复查肾功能", 0, 1.0),
    ]  # fmt: skip


def test_without_marks_there_is_nothing_to_pair(study: Workbench, panel: Panel) -> None:
    study.scores(study.physician(), "MK:1:1", "cedar", 4)

    found = requirements_of(study.store, study.study, panel, _cases(study, panel))

    assert (found.all.agreement.undefined_because, found.each) == ("no_pairs", ())


def test_dimensions_are_compared_where_the_judge_gives_them(study: Workbench, panel: Panel) -> None:
    study.scores(study.physician(), "MTG:1:1", "cedar", None, dimensions=GOOD)
    study.scores(study.physician(), "MTG:1:1", "willow", None, dimensions=GOOD | {"correctness": 2})
    assessment_id = _judge_marks(study, "MTG:1:1", "cedar")
    with study.store.writing():
        marks.add_marks(
            study.store, assessment_id,
            [marks.Mark(None, name, value) for name, value in (GOOD | {"readability": 3}).items()],
        )  # fmt: skip

    found = {
        one.name: one
        for one in dimensions_of(study.store, study.study, panel, _cases(study, panel))
    }
    by_model = dimensions_by_model(study.store, study.study, panel, _cases(study, panel))

    assert list(found) == list(GOOD)
    assert found["correctness"].physicians.value == 3.0
    assert found["correctness"].judge.value == 4.0
    assert found["correctness"].agreement.agreement.value == 1.0
    assert found["readability"].agreement.agreement.value == 0.0
    assert [(one.model, one.by, one.means["correctness"].value) for one in by_model] == [
        ("cedar", "physicians", 4.0), ("cedar", "judge", 4.0), ("willow", "physicians", 2.0),
    ]  # fmt: skip


def test_every_two_physicians_are_compared_on_what_both_scored(
    study: Workbench, panel: Panel
) -> None:
    for name, scores in {"Dr A": (5, 5, 1), "Dr B": (5, 1, 1), "Dr C": (5, None, None)}.items():
        for key, score in zip(("MK:1:1", "MR:1:1", "MSE:1:1"), scores, strict=True):
            if score is not None:
                study.scores(study.physician(name), key, "cedar", score, seconds=30.0 + score)

    found = pairs_of(_cases(study, panel))

    assert [(one.first, one.second, one.usable.table) for one in found] == [
        ("Dr A", "Dr B", ((1, 0), (1, 1))),
        ("Dr A", "Dr C", ((0, 0), (0, 1))),
        ("Dr B", "Dr C", ((0, 0), (0, 1))),
    ]
    assert [(one.name, one.seconds) for one in physicians_of(_cases(study, panel))] == [
        ("Dr A", 35.0), ("Dr B", 31.0), ("Dr C", 35.0),
    ]  # fmt: skip


def test_a_physician_is_compared_with_themself_on_what_came_back(
    study: Workbench, panel: Panel
) -> None:
    lin = study.physician("Dr Lin")
    for key, again in (("MK:1:1", 5), ("MR:1:1", 2)):
        study.scores(lin, key, "cedar", 4)
        first = study.rows("SELECT response_id, rater_id, criteria_id, scale FROM assessment"
                           " ORDER BY id DESC LIMIT 1")[0]  # fmt: skip
        with study.store.writing():
            human_scores.add_human_assessment(
                study.store, *first[:3], Given(assessments.scale_named(study.store, first[3]),
                                               again, None),
                claimed_phase="observed", reason="", by="Dr Lin", round=2,
            )  # fmt: skip

    found = within_of(study.store, study.study)

    assert [(one.name, one.usable.table) for one in found] == [
        ("", ((0, 0), (1, 1))), ("Dr Lin", ((0, 0), (1, 1))),
    ]  # fmt: skip


def test_scores_on_a_scale_of_ones_own_are_compared_on_it(empty: Workbench) -> None:
    # Three physicians and a judge on 0-3, usable from 3; they differ by at most one step.
    rows = [
        {"question_id": f"MK:{n}:1", "question": f"Question {n}?", "model": "cedar",
         "response": "Text.", "judge:oak": n % 4, "physician:A": n % 4,
         "physician:B": min(3, n % 4 + n % 2), "physician:C": n % 4}
        for n in range(1, 41)
    ]  # fmt: skip
    file = empty.file("".join(json.dumps(row) + "\n" for row in rows), "own.jsonl")
    table = read_table(file)
    mapping = read_mapping((), table.columns)
    options = TableImport("ward", "Dr Lead", mapping, scale=read_scale("0-3", 3), phase="blind")
    keep_table(empty.store, file, options, read_for_import(table, options))
    panel = panel_of_study(empty.store, empty.study, "oak")

    ceiling = ceiling_of(_cases(empty, panel), panel)

    assert len(ceiling.scores.table) == 4
    assert ceiling.scores.agreement.n == 120
    assert ceiling.alpha["ordinal"].value is not None
    assert ceiling.test_scores.rho.value is not None
    assert [one.distance for one in physicians_of(_cases(empty, panel))] == [
        pytest.approx(-0.125), pytest.approx(0.25), pytest.approx(-0.125),
    ]  # fmt: skip
