"""What is renewed after new facts is what reading everything would give."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.domain.scales import ONE_TO_FIVE
from core.services.agreeing import Case, cases_of_panel
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


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A study with a judge, whose figures somebody looks at while facts are added."""

    store: Store
    study: Study
    panel: Panel

    def cases(self) -> list[Case]:
        """All cases, read anew."""
        return cases_of_panel(self.store, self.study, self.panel)

    def renewed(self, before: KnownCases | None) -> KnownCases:
        """All cases, with what is known already."""
        return renewed_cases(self.store, self.study, self.panel, before)

    def lets(self, happens: "Happens") -> None:
        """Let something happen."""
        with self.store.writing():
            happens(self)


Happens = Callable[[Dashboard], None]


@pytest.fixture
def dashboard(generated: Path, tmp_path: Path) -> Iterator[Dashboard]:
    with opened(Path(shutil.copy(generated, tmp_path / "workbench.db"))) as store:
        study = study_named(store, "large")
        assert study is not None
        yield Dashboard(store, study, panel_of_study(store, study, None))


def _scores(one: Dashboard) -> None:
    """Somebody new scores a response that nobody had scored, and one that others had."""
    store = one.store
    rater = judges.ensure_person_rater(store, people.ensure_person(store, "Dr New").id)
    scored = {case.response_id for case in one.cases()}
    fresh = min(set(range(1, 181)) - scored)
    for response_id in (fresh, min(scored)):
        question_id = store.value("SELECT question_id FROM response WHERE id = ?", (response_id,))
        human_scores.add_human_assessment(
            store, response_id, rater, question_id, Given(ONE_TO_FIVE, 1, None, safety_risk=True),
            claimed_phase="observed", reason="", by="Dr New",
        )  # fmt: skip


def _is_shown(one: Dashboard) -> None:
    """A physician sees a verdict, and what they then say is informed."""
    case = one.cases()[0]
    person = case.scores[0].person_id
    human_scores.add_exposure(one.store, person, case.question_id, "machine_verdict", page="case")
    rater = judges.ensure_person_rater(one.store, person)
    human_scores.add_human_assessment(
        one.store, case.response_id, rater, case.question_id,
        Given(ONE_TO_FIVE, 3, None), claimed_phase="observed", reason="saw it", by="Dr 1",
    )  # fmt: skip


def _is_judged_again(one: Dashboard) -> None:
    """The judge scores a response once more, as its next attempt."""
    case = next(case for case in one.cases() if case.judge.usable)
    rater = one.store.value("SELECT id FROM rater WHERE configuration_id IS NOT NULL")
    given = Given(ONE_TO_FIVE, 1, None, safety_risk=True)
    again = [
        (Key(case.response_id, rater, case.question_id, round_number, attempt=2), given)
        for round_number in (1, 2, 3)
    ]
    assessments.add_machine_assessments(one.store, again, by="bench")


def _is_excluded(one: Dashboard) -> None:
    """A question is left out, which is no fact of one response."""
    key = one.cases()[0].question
    exclude(one.store, one.study, key, is_excluded=True, reason="wrong reference", by="Dr 1")


@pytest.mark.parametrize(
    ("happens", "is_seen"),
    [(_scores, True), (_is_shown, False), (_is_judged_again, True), (_is_excluded, True)],
)
def test_cases_renewed_are_the_cases_read(
    dashboard: Dashboard, happens: Happens, *, is_seen: bool
) -> None:
    before = dashboard.renewed(None)
    dashboard.lets(happens)

    after = dashboard.renewed(before)

    assert after.cases == dashboard.cases()
    assert (after.cases != before.cases) is is_seen
    assert after.facts == readings.stamp(dashboard.store)


def test_cases_that_no_new_fact_touches_are_not_read_again(dashboard: Dashboard) -> None:
    before = dashboard.renewed(None)
    dashboard.lets(_scores)

    after = dashboard.renewed(before)

    known = {id(case) for case in before.cases}
    fresh = [case for case in after.cases if id(case) not in known]
    assert 0 < len(fresh) < 10
    assert dashboard.renewed(after).cases is after.cases


def test_too_many_touched_questions_are_any(dashboard: Dashboard) -> None:
    store = dashboard.store
    before = readings.stamp(store)
    dashboard.lets(_scores)
    now = readings.stamp(store)

    assert readings.questions_touched(store, before, now, most=0) is None
    assert readings.questions_touched(store, before, now, most=1) == {1}


def test_verdicts_stay_while_only_people_score_and_are_renewed_when_a_judge_does(
    dashboard: Dashboard,
) -> None:
    place = dashboard.store, dashboard.study, dashboard.panel
    before = renewed_verdicts(*place, None)
    dashboard.lets(_scores)
    scored = renewed_verdicts(*place, before)
    dashboard.lets(_is_judged_again)
    judged = renewed_verdicts(*place, scored)

    assert scored.verdicts is before.verdicts
    for name in ("response", "question", "model", "code"):
        now = getattr(verdicts_of(*place), name)
        assert getattr(judged.verdicts, name).tolist() == now.tolist()
    assert judged.verdicts.code.tolist() != before.verdicts.code.tolist()


def _is_drawn(one: Dashboard) -> None:
    """A sample is drawn for physicians."""
    one.store.add(
        "INSERT INTO draw (study_id, purpose, unit, strata, allocation, choice, size, overlap,"
        " repeat_share, seed, reason, created_by)"
        " VALUES (?, 'work', 'response', '[]', 'equal', '{}', 1, 1, 0, 0, 'test', 'bench')",
        (one.study.id,),
    )


def test_drawn_samples_are_weighed_anew_after_a_judge_has_scored(dashboard: Dashboard) -> None:
    dashboard.lets(_is_drawn)
    before = KnownCases(readings.stamp(dashboard.store), [])
    dashboard.lets(_is_judged_again)

    assert dashboard.renewed(before).cases == dashboard.cases()
