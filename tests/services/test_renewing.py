"""What is renewed after new facts is what reading everything would give."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.domain.scales import ONE_TO_FIVE
from core.services.agreeing import cases_of_panel
from core.services.empanelling import Panel, panel_of_study
from core.services.excluding import exclude
from core.services.renewing import KnownCases, renewed_cases, renewed_verdicts
from core.services.tallying import verdicts_of
from core.store import assessments, human_scores, judges, people, readings
from core.store.assessments import Given, Key
from core.store.database import Store, opened
from core.store.studies import Study, study_named
from tests.bench.large_study import Size, ensure_large_study


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("renewing") / "workbench.db"
    ensure_large_study(path, Size(60, 3, 1, 3, 3, 150, 1))
    return path


@pytest.fixture
def store(generated: Path, tmp_path: Path) -> Iterator[Store]:
    with opened(Path(shutil.copy(generated, tmp_path / "workbench.db"))) as found:
        yield found


@pytest.fixture
def study(store: Store) -> Study:
    found = study_named(store, "large")
    assert found is not None
    return found


@pytest.fixture
def panel(store: Store, study: Study) -> Panel:
    return panel_of_study(store, study, None)


def _scores(store: Store, study: Study, panel: Panel) -> None:
    """Somebody new scores a response that nobody had scored, and one that others had."""
    rater = judges.ensure_person_rater(store, people.ensure_person(store, "Dr New").id)
    scored = {case.response_id for case in cases_of_panel(store, study, panel)}
    fresh = min(set(range(1, 181)) - scored)
    for response_id in (fresh, min(scored)):
        question_id = store.value("SELECT question_id FROM response WHERE id = ?", (response_id,))
        human_scores.add_human_assessment(
            store, response_id, rater, question_id, Given(ONE_TO_FIVE, 1, None, safety_risk=True),
            claimed_phase="observed", reason="", by="Dr New",
        )  # fmt: skip


def _is_shown(store: Store, study: Study, panel: Panel) -> None:
    """A physician sees a verdict, and what they then say is informed."""
    case = cases_of_panel(store, study, panel)[0]
    person = case.scores[0].person_id
    human_scores.add_exposure(store, person, case.question_id, "machine_verdict", page="case")
    human_scores.add_human_assessment(
        store, case.response_id, judges.ensure_person_rater(store, person), case.question_id,
        Given(ONE_TO_FIVE, 3, None), claimed_phase="observed", reason="saw it", by="Dr 1",
    )  # fmt: skip


def _is_judged_again(store: Store, study: Study, panel: Panel) -> None:
    """The judge scores a response once more, as its next attempt."""
    case = next(one for one in cases_of_panel(store, study, panel) if one.judge.usable)
    rater = store.value("SELECT id FROM rater WHERE configuration_id IS NOT NULL")
    keys = [
        Key(case.response_id, rater, case.question_id, round_number, attempt=2)
        for round_number in (1, 2, 3)
    ]
    assessments.add_machine_assessments(
        store, [(key, Given(ONE_TO_FIVE, 1, None, safety_risk=True)) for key in keys], by="bench"
    )


def _is_excluded(store: Store, study: Study, panel: Panel) -> None:
    """A question is left out, which is no fact of one response."""
    key = cases_of_panel(store, study, panel)[0].question
    exclude(store, study, key, is_excluded=True, reason="wrong reference", by="Dr 1")


@pytest.mark.parametrize(
    ("happens", "is_seen"),
    [(_scores, True), (_is_shown, False), (_is_judged_again, True), (_is_excluded, True)],
)
def test_cases_renewed_are_the_cases_read(
    store: Store, study: Study, panel: Panel, happens: Callable[[Store, Study, Panel], None],
    *, is_seen: bool,
) -> None:  # fmt: skip
    before = renewed_cases(store, study, panel, None)
    with store.writing():
        happens(store, study, panel)

    after = renewed_cases(store, study, panel, before)

    assert after.cases == cases_of_panel(store, study, panel)
    assert (after.cases != before.cases) is is_seen
    assert after.facts == readings.stamp(store)


def test_cases_that_no_new_fact_touches_are_not_read_again(
    store: Store, study: Study, panel: Panel
) -> None:
    before = renewed_cases(store, study, panel, None)
    with store.writing():
        _scores(store, study, panel)

    after = renewed_cases(store, study, panel, before)

    known = {id(case) for case in before.cases}
    fresh = [case for case in after.cases if id(case) not in known]
    assert 0 < len(fresh) < 10
    assert renewed_cases(store, study, panel, after).cases is after.cases


def test_too_many_touched_questions_are_any(store: Store, study: Study, panel: Panel) -> None:
    before = readings.stamp(store)
    with store.writing():
        _scores(store, study, panel)
    now = readings.stamp(store)

    assert readings.questions_touched(store, before, now, most=0) is None
    assert readings.questions_touched(store, before, now, most=1) == {1}


def test_verdicts_stay_while_only_people_score_and_are_renewed_when_a_judge_does(
    store: Store, study: Study, panel: Panel
) -> None:
    before = renewed_verdicts(store, study, panel, None)
    with store.writing():
        _scores(store, study, panel)
    scored = renewed_verdicts(store, study, panel, before)
    with store.writing():
        _is_judged_again(store, study, panel)
    judged = renewed_verdicts(store, study, panel, scored)

    assert scored.verdicts is before.verdicts
    for name in ("response", "question", "model", "code"):
        now = getattr(verdicts_of(store, study, panel), name)
        assert getattr(judged.verdicts, name).tolist() == now.tolist()
    assert judged.verdicts.code.tolist() != before.verdicts.code.tolist()


def test_drawn_samples_are_weighed_anew_after_a_judge_has_scored(
    store: Store, study: Study, panel: Panel
) -> None:
    with store.writing():
        store.add(
            "INSERT INTO draw (study_id, purpose, unit, strata, allocation, choice, size, overlap,"
            " repeat_share, seed, reason, created_by)"
            " VALUES (?, 'work', 'response', '[]', 'equal', '{}', 1, 1, 0, 0, 'test', 'bench')",
            (study.id,),
        )
    before = KnownCases(readings.stamp(store), [])
    with store.writing():
        _is_judged_again(store, study, panel)

    after = renewed_cases(store, study, panel, before)

    assert after.cases == cases_of_panel(store, study, panel)
