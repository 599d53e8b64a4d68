"""Assigned work from end to end: a draw, a calibration, an adjudication, second looks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.formats.llmeval_med import CATEGORY_CODES
from core.i18n import sentence
from core.services import assigning
from core.store import people, studies
from core.store.draws import Design
from tests.e2e.conftest import Open
from tests.e2e.served import ROOT, Served, Visit, copy_of, gives_account, run_core, until

pytestmark = pytest.mark.browser

_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_MARKER = "MARKER-OF-THE-JUDGE"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four responses with an imported verdict each, and an account for everybody; to be copied."""
    folder, name = tmp_path_factory.mktemp("assigned"), next(iter(CATEGORY_CODES))
    questions = [
        {
            "category1": name, "category2": "", "scene": "", "round": 1, "groupCode": group,
            "problem": f"Question {group}?", "sanswer": f"Answer {group}.", "difficulty": "易",
            "checklist": f"Core requirements:\n1. Says {group}",
        }
        for group in (1, 2, 3, 4)
    ]  # fmt: skip
    answers = [
        one | {"model_answer": f"It is {one['groupCode']}.", "model_answer_score": "4",
               "model_answer_judgement": f"{_MARKER} {one['groupCode']}"}
        for one in questions
    ]  # fmt: skip
    for file, records in (("questions", questions), ("answers", answers)):
        text = json.dumps({name: records}, ensure_ascii=False)
        (folder / f"{file}.json").write_text(text, encoding="utf-8")
    database = folder / "workbench.db"
    run_core(database, "import", "llmeval-med", str(folder / "questions.json"), "--name", "ward")
    run_core(database, "import", "responses", str(folder / "answers.json"),
             "--dataset", "ward", "--model", "cedar", "--judge", "oak")  # fmt: skip
    run_core(database, "reveal", "--dataset", "ward", "--when", "never", "--reason", "test")
    for person, right in (
        ("Dr Lead", "lead"), ("Dr Ma", "physician"), ("Dr Bo", "physician"),
        ("Dr Judge", "adjudicator"),
    ):  # fmt: skip
        gives_account(database, person, right)
    return database


@pytest.fixture
def ward(made: Path, tmp_path: Path) -> Iterator[Served]:
    """The app on a test's own copy of those responses."""
    app = Served(ROOT / "app.py", copy_of(made, tmp_path))
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def _draws_by_page(visit: Visit, language: str, *, size: int, purpose: str = "work") -> None:
    """Let a lead draw responses for both physicians on the page that is open."""
    page, sample = visit.page, visit.served.value("SELECT count(*) FROM draw")
    if purpose != "work":
        page.get_by_role("radio", name=sentence(language, f"assign.purpose_{purpose}")).click()
        visit.settles()
    field = page.get_by_label(sentence(language, "assign.size"), exact=True)
    field.fill(str(size))
    field.press("Tab")
    visit.settles()
    for name in ("Dr Ma", "Dr Bo"):
        page.locator("[class*='-new-people']").get_by_role("combobox").fill(name)
        page.get_by_role("option", name=name).click()
        page.locator("[class*='-new-people']").get_by_text(name).wait_for()
        visit.settles()
    page.locator("[class*='-draw-0-reason'] input").fill("first sample")
    page.locator("[class*='-draw-0-reason'] input").press("Tab")
    visit.settles()
    page.get_by_role("button", name=sentence(language, "assign.draw"), exact=True).click()
    until(lambda: visit.served.value("SELECT count(*) FROM draw") == sample + 1)


def _scores_all(visit: Visit, name: str, key: str, count: int) -> None:
    """Let a physician score so many responses by one key, from the sheet's opening on."""
    visit.signs_in(name, "/review")
    for _ in range(count):
        visit.score_button(5).wait_for()
        assert _MARKER not in visit.page.content()
        visit.scores(key)


@pytest.mark.parametrize("language", _LOCALES)
def test_what_two_physicians_differ_on_is_decided_namelessly_and_before_the_judge(
    ward: Served, open_browser: Open, language: str
) -> None:
    lead = open_browser(ward, locale=_LOCALES[language], apart=True)
    lead.signs_in("Dr Lead", "/assign", ("lead",))
    _draws_by_page(lead, language, size=2)
    for name, key in (("Dr Ma", "5"), ("Dr Bo", "1")):
        visit = open_browser(ward, locale=_LOCALES[language], apart=True)
        _scores_all(visit, name, key, 2)
        expect(visit.page.get_by_text(sentence(language, "review.done", n=2))).to_be_visible()
    lead.reloads()
    expect(lead.page.get_by_text("Dr Ma 2")).to_be_visible()

    judge = open_browser(ward, locale=_LOCALES[language], apart=True)
    judge.signs_in("Dr Judge", "/adjudicate", ("adjudicator",))
    reason = judge.page.locator("[class*='-reason'] input")
    for decided, key in enumerate("2x", 1):
        reason.wait_for()
        main = judge.page.locator("section, main").first.inner_text()
        assert not re.search(f"Dr Ma|Dr Bo|{_MARKER}|oak|cedar", main)
        judge.page.keyboard.press("n")
        expect(reason).to_be_focused()
        judge.page.keyboard.type("剂量写错")
        judge.page.keyboard.press("Escape")
        judge.settles()
        judge.page.keyboard.press(key)
        until(lambda decided=decided: ward.value("SELECT count(*) FROM consensus") == decided)
        judge.settles()

    expect(judge.page.get_by_text(sentence(language, "adjudicate.none"))).to_be_visible()
    assert ward.rows("SELECT value, reason, had_seen_judge FROM consensus ORDER BY id") == [
        (2, "剂量写错", 0), (None, "剂量写错", 0),
    ]  # fmt: skip
    phases = "SELECT DISTINCT phase FROM human_assessment"
    assert ward.rows(phases) == [("blind",)]


def test_work_opens_when_everybody_has_calibrated_and_the_lead_has_written_what_was_agreed(
    ward: Served, open_browser: Open
) -> None:
    with ward.store() as store:
        persons = [one for one in people.people(store) if one.name in ("Dr Ma", "Dr Bo")]
        (study,) = studies.studies(store)
        work = Design(4, overlap=1, strata=(), repeat_share=0.0)
        assigning.draw(store, study, work, persons, reason="work", by="Dr Lead")
    lead = open_browser(ward, apart=True)
    lead.signs_in("Dr Lead", "/assign", ("lead",))
    lead.page.get_by_text(sentence("en", "assign.new"), exact=True).click()
    _draws_by_page(lead, "en", size=2, purpose="calibration")

    first, second = open_browser(ward, apart=True), open_browser(ward, apart=True)
    _scores_all(first, "Dr Ma", "5", 2)
    done = re.compile(re.escape(sentence("en", "calibration.done", n=2, differing=0)[:20]))
    expect(first.page.get_by_text(done)).to_be_visible()
    assert "1/5" not in first.text()
    _scores_all(second, "Dr Bo", "1", 2)
    expect(second.page.get_by_text("5/5").first).to_be_visible()
    first.reloads()
    expect(first.page.get_by_text("1/5").first).to_be_visible()
    assert "Dr Bo" not in first.text()

    lead.reloads()
    lead.page.get_by_role("button", name=sentence("en", "assign.end"), exact=True).last.click()
    note = lead.page.get_by_label(sentence("en", "assign.note"))
    note.fill("A dose without a unit is a 2.")
    note.press("Tab")
    lead.settles()
    lead.page.get_by_role("button", name=sentence("en", "assign.end_now")).click()
    until(lambda: ward.value("SELECT count(*) FROM draw_end") == 1)

    first.reloads()
    first.score_button(5).wait_for()
    first.page.keyboard.press("m")
    expect(first.page.get_by_text("A dose without a unit is a 2.")).to_be_visible()


def test_a_second_look_is_taken_in_two_rounds(ward: Served, open_browser: Open) -> None:
    for name, key in (("Dr Ma", "5"), ("Dr Bo", "4")):
        _scores_all(open_browser(ward, apart=True), name, key, 2)
    lead = open_browser(ward, apart=True)
    lead.signs_in("Dr Lead", "/adjudicate", ("lead",))
    judge = open_browser(ward, apart=True)
    for number in (1, 2):
        if number == 1:  # later it stands open
            lead.page.get_by_text(re.compile(sentence("en", "check.title", n=0)[:12])).first.click()
        lead.page.get_by_role("radio", name=str(number), exact=True).click()
        lead.settles()
        lead.page.get_by_label(sentence("en", "check.share")).fill("50")
        lead.page.get_by_label(sentence("en", "check.share")).press("Tab")
        lead.settles()
        lead.page.get_by_role("button", name=sentence("en", "check.draw")).click()
        until(lambda number=number: ward.value("SELECT count(*) FROM spot_check") == 2 * number)
        lead.reloads()

    judge.signs_in("Dr Judge", "/adjudicate", ("adjudicator",))
    comment = judge.page.locator("[class*='-comment'] input")
    results = "SELECT is_sound, comment FROM spot_check_result ORDER BY id"
    for done in range(4):
        expect(comment).to_have_count(1)  # of the next one, the last one's gone
        judge.settles()
        if done % 2:
            judge.page.keyboard.press("w")
            expect(judge.page.get_by_text(sentence("en", "error.needs_reason"))).to_be_visible()
            comment.fill("too kind")
            comment.press("Escape")
            judge.settles()
        judge.reads()
        judge.page.keyboard.press("w" if done % 2 else "g")
        until(lambda done=done: len(ward.rows(results)) == done + 1)
        judge.settles()

    assert ward.rows(results) == [(1, ""), (0, "too kind")] * 2
    expect(judge.page.get_by_text(re.compile("50%")).first).to_be_attached()
