"""A newcomer goes round the loop: score, read the agreement, revise a checklist, judge it again."""

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from core.i18n import sentence
from tests.e2e.served import (
    LEAD,
    LIN,
    ROOT,
    WEBER,
    Served,
    Visit,
    declines_texts,
    run_core,
    until,
)  # fmt: skip

pytestmark = pytest.mark.browser

_EACH = 12
#: Usable votes of physicians by (question, model), by physician.
Votes = dict[tuple[str, str], dict[str, bool]]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app as it starts for the first time: no database, so it makes one and judges it."""
    app = Served(ROOT / "app.py", tmp_path_factory.mktemp("first start") / "workbench.db")
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def test_two_physicians_score_by_keyboard_and_the_agreement_grows(newcomer, open_browser):
    votes = _votes_of_the_file()
    for person in (LIN, WEBER):
        visit = open_browser(newcomer, apart=True)
        visit.opens("/review")
        visit.chooses(person)
        declines_texts(newcomer, person)
        visit.reloads()
        visit.score_button(5).wait_for()
        visit.settles()
        assert _agreement_n(newcomer) == _decided(votes), "before they begin"
        scored = set()
        for number in range(_EACH):
            key = str(1 + number % 5)
            response_id = visit.scores(key)
            scored.add(response_id)
            question, model = _identity(newcomer, response_id)
            votes.setdefault((question, model), {})[person] = int(key) >= 4
        assert len(scored) == _EACH

    found = _agreement_n(newcomer)
    assert found == _decided(votes)
    visit.signs_in(LEAD, "/agreement")
    below = visit.page.locator(".figures").get_by_text(sentence("en", "agreement.below", n=found))
    expect(below.first).to_be_visible()


def test_a_revised_checklist_is_judged_again_and_nothing_else(newcomer, open_browser):
    visit = open_browser(newcomer)
    visit.signs_in(LEAD, "/checklists")
    page, before = visit.page, _verdicts(newcomer)
    jobs = newcomer.rows("SELECT state FROM job")

    _revises(visit, "5. Names the dose with its unit", reason="units were missing")

    outstanding = page.get_by_text(
        re.compile(sentence("en", "checklists.outstanding", n=2, judge="baseline", key="(.+)"))
    )
    expect(outstanding).to_be_visible()
    revised = _responses_to_the_revised_question(newcomer)
    assert [len(revised), _verdicts(newcomer)] == [2, before]

    page.get_by_role("button", name=sentence("en", "checklists.rejudge", n=2)).click()
    until(lambda: newcomer.rows("SELECT state FROM job") == [*jobs, ("done",)])

    assert _verdicts(newcomer) == before + revised


def test_the_page_compares_before_and_after(newcomer, open_browser):
    visit = open_browser(newcomer)
    visit.signs_in(LEAD, "/checklists")
    _revises(visit, "6. Names the route", reason="routes were missing")
    visit.page.get_by_role("button", name=sentence("en", "checklists.rejudge", n=2)).click()

    title = re.compile(r"^Version \d → version \d: same responses")
    expect(visit.page.get_by_text(title)).to_be_visible()
    expect(visit.page.get_by_text(re.compile(r"under the active version: 0$"))).to_be_visible()
    expect(visit.page.get_by_test_id("stDataFrame")).to_be_visible()


def test_without_a_reason_nothing_is_changed_and_nothing_typed_is_lost(newcomer, open_browser):
    visit = open_browser(newcomer)
    visit.signs_in(LEAD, "/checklists")
    before = newcomer.value("SELECT count(*) FROM criteria"), _verdicts(newcomer)

    _revises(visit, "9. A requirement without a reason", reason="")

    expect(visit.page.get_by_text(sentence("en", "error.needs_reason"))).to_be_visible()
    expect(_checklist(visit)).to_have_value(re.compile("9. A requirement without a reason$"))
    after = newcomer.value("SELECT count(*) FROM criteria"), _verdicts(newcomer)
    assert after == before


# --- agreement --------------------------------------------------------------------------------


def _votes_of_the_file() -> Votes:
    votes: Votes = {}
    with (ROOT / "data/sample/scores.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            votes.setdefault((row["question"], row["model"]), {})[row["physician"]] = (
                int(row["score"]) >= 4
            )
    return votes


def _decided(votes: Votes) -> int:
    """On how many responses more physicians say one thing than the other."""
    return sum(2 * sum(given.values()) != len(given) for given in votes.values())


def _agreement_n(served: Served) -> int:
    found = json.loads(run_core(served.database, "agreement", "--dataset", "sample", "--json"))
    (baseline,) = found["pairings"]
    return baseline["n"]


def _identity(served: Served, response_id: int) -> tuple[str, str]:
    """Question key and model of a response."""
    ((question, model),) = served.rows(
        "SELECT question.key, model.label FROM response JOIN model ON model.id = model_id"
        " JOIN question ON question.id = question_id WHERE response.id = ?",
        (response_id,),
    )
    return question, model


# --- checklists -------------------------------------------------------------------------------


def _revises(visit: Visit, requirement: str, *, reason: str) -> None:
    """Add a requirement to the question on the page and save it."""
    old = _checklist(visit).input_value()
    _checklist(visit).fill(f"{old}\n{requirement}")
    visit.page.get_by_label(sentence("en", "checklists.reason")).fill(reason)
    visit.settles()
    visit.page.get_by_role("button", name=sentence("en", "checklists.save")).click()


def _checklist(visit: Visit) -> Locator:
    return visit.page.get_by_role("textbox", name=sentence("en", "words.checklist"), exact=True)


def _verdicts(served: Served) -> list[tuple[Any, ...]]:
    """Response and criteria version of every verdict of a judge, oldest first."""
    return served.rows(
        "SELECT response_id, criteria_id FROM assessment JOIN rater ON rater.id = rater_id"
        " WHERE person_id IS NULL ORDER BY assessment.id"
    )


def _responses_to_the_revised_question(served: Served) -> list[tuple[Any, ...]]:
    """The same for the responses to the question whose criteria were revised last."""
    return served.rows(
        "SELECT response.id, criteria.id FROM criteria"
        " JOIN response ON response.question_id = criteria.question_id"
        " WHERE criteria.id = (SELECT max(id) FROM criteria) ORDER BY response.model_id"
    )
