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


def test_from_a_false_usable_answer_to_a_checklist_in_use(newcomer, open_browser):
    """The lead opens the most harmful question, adds a requirement, tries it and activates it."""
    visit = open_browser(newcomer)
    visit.signs_in(LEAD, "/checklists")
    page, before = visit.page, _verdicts(newcomer)
    key = page.wait_for_function("new URL(location).searchParams.get('question')").json_value()
    counts = _by_hand(newcomer, key)

    _adds(visit, "core", "Names the dose with its unit and route")
    _saves(visit, reason="units were missing")
    tried = page.get_by_role("button", name=sentence("en", "trial.begin", n=2))
    tried.click()
    until(lambda: _purposes(newcomer, key) == {"study": 2, "trial": 2})
    page.get_by_text(sentence("en", "trial.kappa_change")).first.wait_for()
    visit.settles()

    seen = page.locator("table.grid", has_text=sentence("en", "trial.broken"))
    after = _by_hand(newcomer, key)
    row = seen.locator("tr", has_text=sentence("en", "words.false_usable"))
    expect(row.locator("td").first).to_have_text(f"{counts['revise']} → {after['revise']}")
    expect(row.locator("td").last).to_have_text(f"{counts['check']} → {after['check']}")
    assert _verdicts(newcomer, "study") == before

    _decides(visit, "trial.activate_only", reason="it helps")
    until(lambda: _purposes(newcomer, key) == {"study": 4, "trial": 2})
    assert newcomer.rows(
        "SELECT version FROM active_criteria JOIN criteria ON criteria.id = criteria_id"
        " JOIN question ON question.id = criteria.question_id WHERE key = ?", (key,)
    ) == [(2,)]  # fmt: skip
    adopted = _verdicts(newcomer, "study")[len(before) :]
    assert sorted(adopted) == sorted(_responses_to_the_revised_question(newcomer))
    told = json.loads(
        run_core(newcomer.database, "compare", "--dataset", "sample", "--question", key, "--json")
    )
    assert [one["state"] for one in told["versions"]] == ["in_use", "used_before"]


def test_without_a_reason_nothing_is_changed_and_nothing_typed_is_lost(newcomer, open_browser):
    visit = open_browser(newcomer)
    visit.signs_in(LEAD, "/checklists")
    before = newcomer.value("SELECT count(*) FROM criteria"), _verdicts(newcomer)

    _adds(visit, "core", "A requirement without a reason")
    _saves(visit, reason="")

    expect(visit.page.get_by_text(sentence("en", "error.needs_reason"))).to_be_visible()
    expect(_rows(visit).filter(has_text="A requirement without a reason")).to_have_count(1)
    after = newcomer.value("SELECT count(*) FROM criteria"), _verdicts(newcomer)
    assert after == before


def test_a_candidate_is_rejected_with_a_reason_and_stays_in_the_history(newcomer, open_browser):
    visit = open_browser(newcomer)
    visit.signs_in(LEAD, "/checklists")
    _adds(visit, "secondary", "Says when to come back")
    _saves(visit, reason="advice was missing")
    visit.page.get_by_role("button", name=sentence("en", "trial.reject")).wait_for()
    visit.settles()

    _decides(visit, "trial.reject", reason="asks too much")

    until(lambda: newcomer.value("SELECT count(*) FROM rejection") == 1)
    history = visit.page.locator("table.grid").first
    expect(history).to_contain_text(sentence("en", "checklists.state.rejected"))
    expect(history).to_contain_text("advice was missing — asks too much")


def test_of_two_leads_the_second_is_told_and_nothing_is_lost(newcomer, open_browser):
    first, second = (open_browser(newcomer, apart=True) for _ in range(2))
    first.signs_in("Dr First", "/checklists", ["lead"])
    key = first.page.wait_for_function("new URL(location).searchParams.get('question')")
    address = f"/checklists?question={key.json_value()}"
    second.signs_in("Dr Second", address, ["lead"])
    count = "SELECT count(*) FROM criteria WHERE created_by IN ('Dr First', 'Dr Second')"
    assert newcomer.value(count) == 0
    _adds(second, "core", "What the second lead asks for")

    _adds(first, "core", "What the first lead asks for")
    _saves(first, reason="first")
    until(lambda: newcomer.value(count) == 1)
    _saves(second, reason="second")

    told = second.page.get_by_text(re.compile("has stored version"))
    expect(told).to_be_visible()
    second.settles()
    assert "What the second lead asks for" in [
        _rows(second).nth(at).input_value() for at in range(_rows(second).count())
    ]
    assert newcomer.value(count) == 1
    second.page.get_by_role("button", name=sentence("en", "checklists.save")).click()
    until(lambda: newcomer.value(count) == 2)


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


def _adds(visit: Visit, level: str, requirement: str) -> None:
    """Add a requirement to the question on the page."""
    count = _rows(visit).count()
    number = 0 if level == "core" else 1
    visit.page.get_by_role("button", name=sentence("en", "checklists.add_row")).nth(number).click()
    expect(_rows(visit)).to_have_count(count + 1)
    empty = [at for at in range(count + 1) if not _rows(visit).nth(at).input_value()]
    _rows(visit).nth(empty[0]).fill(requirement)
    _rows(visit).nth(empty[0]).press("Control+Enter")
    visit.settles()


def _saves(visit: Visit, *, reason: str) -> None:
    visit.page.get_by_label(sentence("en", "checklists.reason")).fill(reason)
    visit.page.get_by_label(sentence("en", "checklists.reason")).press("Enter")
    visit.settles()
    visit.page.get_by_role("button", name=sentence("en", "checklists.save")).click()


def _decides(visit: Visit, button: str, *, reason: str) -> None:
    visit.page.get_by_label(sentence("en", "trial.reason")).fill(reason)
    visit.page.get_by_label(sentence("en", "trial.reason")).press("Enter")
    visit.settles()
    visit.page.get_by_role("button", name=sentence("en", button), exact=True).click()


def _rows(visit: Visit) -> Locator:
    return visit.page.locator("[class*='-table-row-'] textarea")


def _verdicts(served: Served, purpose: str = "study") -> list[tuple[Any, ...]]:
    """Response and criteria version of every verdict of a judge, oldest first."""
    return served.rows(
        "SELECT response_id, criteria_id FROM assessment JOIN rater ON rater.id = rater_id"
        " WHERE person_id IS NULL AND purpose = ? ORDER BY assessment.id",
        (purpose,),
    )


def _purposes(served: Served, key: str) -> dict[str, int]:
    """How many verdicts of each purpose a judge has given on a question."""
    return dict(
        served.rows(
            "SELECT purpose, count(*) FROM assessment JOIN rater ON rater.id = rater_id"
            " JOIN response ON response.id = response_id"
            " JOIN question ON question.id = response.question_id"
            " WHERE person_id IS NULL AND key = ? GROUP BY purpose",
            (key,),
        )
    )


def _by_hand(served: Served, key: str) -> dict[str, int]:
    """False usable answers to a question by its newest verdicts, counted from the tables alone."""
    newest = served.rows(
        "SELECT response_id, value FROM assessment JOIN rater ON rater.id = rater_id"
        " JOIN response ON response.id = response_id"
        " JOIN question ON question.id = response.question_id"
        " WHERE person_id IS NULL AND key = ? ORDER BY assessment.id",
        (key,),
    )
    passed = {response for response, value in dict(newest).items() if value >= 4}
    votes: dict[int, list[bool]] = {}
    for response, value in served.rows(
        "SELECT given.response_id, value FROM human_assessment AS given"
        " JOIN question ON question.id = given.question_id WHERE key = ? AND value NOT NULL",
        (key,),
    ):
        votes.setdefault(response, []).append(value >= 4)
    rejected = {one for one, said in votes.items() if 2 * sum(said) < len(said)}
    uses = dict(served.rows("SELECT response_id, part FROM response_seal"))
    return {
        use: len({one for one in passed & rejected if uses[one] == use})
        for use in ("revise", "check")
    }


def _responses_to_the_revised_question(served: Served) -> list[tuple[Any, ...]]:
    """The same for the responses to the question whose criteria were revised last."""
    return served.rows(
        "SELECT response.id, criteria.id FROM criteria"
        " JOIN response ON response.question_id = criteria.question_id"
        " WHERE criteria.id = (SELECT max(id) FROM criteria) ORDER BY response.model_id"
    )
