"""The physician's hand: dimensions, marks, no score, causes, audits and one's own work, by key."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from core.store import people
from tests.e2e.conftest import Open
from tests.e2e.served import ROOT, Served, Visit, copy_of, declines, until

pytestmark = pytest.mark.browser

_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_DIMENSIONS = {"instruction_following": 5, "correctness": 5, "effectiveness": 4, "readability": 4}


@pytest.fixture(scope="module")
def ward(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The illustrative study, which shows the verdict at once."""
    app = Served(ROOT / "app.py", copy_of(sample_database, tmp_path_factory.mktemp("scoring")))
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


@pytest.fixture
def arrive(ward: Served, open_browser: Open, request: pytest.FixtureRequest):
    """Come to a page as a physician of one's own."""

    def arrived(
        path: str = "/review", *, language: str = "en", leaving: str = "plain"
    ) -> tuple[Visit, str]:
        """Leave what one key scores to score, or the texts, or all."""
        name = f"Dr {request.node.name[5:60]}"
        with ward.store() as store, store.writing():
            people.ensure_person(store, name)
        if leaving != "all":
            declines(ward, name, f"category {'=' if leaving == 'plain' else '!='} 'MTG'")
        visit = open_browser(ward, locale=_LOCALES[language])
        visit.signs_in(name, path)
        if path == "/review":
            _takes_keys(visit)
        return visit, name

    return arrived


def _answers(served: Served, name: str) -> list[tuple[object, ...]]:
    return served.rows(
        "SELECT response_id, value, unscored_because, phase FROM human_assessment"
        " JOIN person ON person.id = person_id"
        " WHERE name = ? AND claimed_phase IN ('observed', 'informed')"
        " ORDER BY human_assessment.id",
        (name,),
    )


def _parts(served: Served, name: str) -> list[tuple[object, ...]]:
    return served.rows(
        "SELECT coalesce(dimension, requirement_id), assessment_part.value FROM assessment_part"
        " JOIN assessment ON assessment.id = assessment_id JOIN rater ON rater.id = rater_id"
        " JOIN person ON person.id = person_id WHERE name = ? ORDER BY assessment_id, position",
        (name,),
    )


def _takes_keys(visit: Visit) -> None:
    """Wait until the score bar has its buttons, and the response could be read."""
    bar = "[class*='-score-5'] button, [class*='-dimension-safety'] button"
    visit.page.locator(bar).first.wait_for()
    visit.reads()


@pytest.mark.parametrize(("language", "count"), [("zh", 30), ("en", 6)])
def test_response_after_response_is_scored_without_a_mouse(ward, arrive, language, count):
    visit, name = arrive(language=language, leaving="all")
    page, shown = visit.page, []
    for number in range(count):
        page.locator("[class*='-score-1'], [class*='-dimension-safety']").first.wait_for()
        response_id = visit.shown()
        shown.append(response_id)
        visit.reads()
        if page.locator("[class*='-dimension-safety']").count():
            for key in ("5", "4", "4", "3", "1"):
                page.keyboard.press(key)
            save = page.get_by_role("button", name=sentence(language, "scoring.save"))
            expect(save).to_be_enabled()
            page.keyboard.press("Enter")
        else:
            page.keyboard.press(str(1 + number % 5))
        expect(page.locator(f"[data-response='{response_id}']")).to_have_count(0)
        visit.settles()

    answers = _answers(ward, name)
    assert [response_id for response_id, *_ in answers] == shown
    assert len(set(shown)) == count
    assert all(value is not None and phase == "blind" for _, value, _, phase in answers)


def test_dimensions_fill_row_by_row_and_show_what_they_map_to(ward, arrive):
    visit, name = arrive(leaving="texts")
    page = visit.page
    before = len(_answers(ward, name))

    for key in "5544":
        page.keyboard.press(key)
    expect(page.get_by_text(sentence("en", "mtg.to_go", n=1))).to_be_visible()
    page.keyboard.press("0")
    expect(page.get_by_text(sentence("en", "mtg.mapped_unsafe", score=6))).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.get_by_text(sentence("en", "mtg.to_go", n=1))).to_be_visible()
    visit.reloads()
    _takes_keys(visit)
    expect(page.get_by_text(sentence("en", "mtg.to_go", n=1))).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text(sentence("en", "mtg.mapped_usable", score=6))).to_be_visible()
    page.keyboard.press("Enter")

    until(lambda: len(_answers(ward, name)) == before + 1)
    assert _answers(ward, name)[-1][1:] == (6, None, "blind")
    assert _parts(ward, name) == [*_DIMENSIONS.items(), ("safety", 1)]


def test_enter_on_a_clicked_choice_saves_it(ward, arrive):
    visit, name = arrive(leaving="texts")
    before = len(_answers(ward, name))
    for dimension, value in {**_DIMENSIONS, "safety": 1}.items():
        row = visit.page.locator(f"[class*='-dimension-{dimension}']")
        row.get_by_role("radio", name=str(value), exact=True).click()
    expect(visit.page.get_by_text(sentence("en", "mtg.mapped_usable", score=6))).to_be_visible()

    visit.page.keyboard.press("Enter")

    until(lambda: len(_answers(ward, name)) == before + 1)
    assert _parts(ward, name)[-1] == ("safety", 1)


def test_requirements_are_marked_by_key_and_stay_after_a_restart(ward, arrive, open_browser):
    visit, name = arrive()
    page = visit.page
    switch = page.locator(".marks-switch button")
    while not switch.count():
        visit.scores("4")
    page.keyboard.press("e")
    marks = page.locator("[class*='-mark-']")
    marks.first.wait_for()
    visit.settles()
    page.keyboard.press("o")
    page.keyboard.press("y")
    page.keyboard.press("s")
    page.keyboard.press("n")
    page.keyboard.type("2~3片 *")
    draft = "SELECT count(*) FROM draft WHERE text LIKE '%marks%' OR text = '2~3片 *'"
    until(lambda: ward.value(draft) == 2)
    visit.settles()
    response_id = visit.shown()

    again = Served(ROOT / "app.py", ward.database)
    try:
        other = open_browser(again, apart=True)
        other.signs_in(name, "/review")
        assert other.shown() == response_id
        expect(other.comment).to_have_value("2~3片 *")
        expect(other.page.locator("[class*='-mark-'] [data-selected]")).to_have_text(["✗", "✓"])
        flag = other.page.get_by_role("button", name=sentence("en", "review.safety_on"))
        expect(flag).to_be_visible()
        other.scores("2")
    finally:
        again.stop()

    risk = "SELECT safety_risk, rationale FROM assessment ORDER BY id DESC LIMIT 1"
    assert ward.rows(risk) == [(1, "2~3片 *")]
    assert [value for _, value in _parts(ward, name)] == [0, 2]


def test_no_score_is_given_by_two_keys_and_undone_by_one(ward, arrive):
    visit, name = arrive()
    page, first = visit.page, visit.shown()
    page.keyboard.press("x")
    cannot = page.get_by_role("button", name=sentence("en", "scoring.cannot_judge"))
    cannot.wait_for()
    visit.settles()
    text = page.locator(".sheet-response")
    place = text.bounding_box()
    page.keyboard.press("b")
    expect(page.get_by_text(sentence("en", "error.needs_comment"))).to_be_visible()
    visit.settles()
    assert text.bounding_box() == place  # nothing moves under the reader's eyes
    page.keyboard.press("f")
    visit.shows_another_than(first)
    assert _answers(ward, name) == [(first, None, "outside_field", "blind")]

    page.keyboard.press("u")

    expect(page.locator(f"[class*='-{first}-score-1']")).to_be_visible()
    until(lambda: _answers(ward, name)[-1][2] == "withdrawn")


def test_active_seconds_are_counted_and_stop_while_the_tab_is_hidden(ward, arrive):
    visit, name = arrive()
    page = visit.page
    page.wait_for_timeout(1500)
    page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, value: true})")
    page.wait_for_timeout(3000)
    page.evaluate("delete document.hidden")
    visit.scores("4")

    [(seconds,)] = ward.rows(
        "SELECT seconds FROM assessment JOIN rater ON rater.id = rater_id"
        " JOIN person ON person.id = person_id WHERE name = ? AND claimed_phase = 'observed'",
        (name,),
    )
    assert 0.5 <= seconds < 4
    expect(page.get_by_text(sentence("en", "scoring.timed"))).to_be_visible()


def _differs_from_the_judge(visit: Visit) -> tuple[int, int]:
    """Score a question's two responses by 1 and 1 until one of them asks why."""
    why = visit.page.locator("[class*='-cause-judge_wrong']")
    for _ in range(12):
        pair = visit.scores("1"), visit.scores("1")
        if why.count():
            return pair
    raise AssertionError("the judge never differs")


def test_one_key_says_why_and_the_next_response_stays(ward, arrive):
    visit, name = arrive()
    _differs_from_the_judge(visit)
    waiting = visit.shown()
    answers = _answers(ward, name)

    visit.page.keyboard.press("k")

    causes = (
        "SELECT cause FROM difference_cause JOIN person ON person.id = person_id WHERE name = ?"
    )
    until(lambda: ward.rows(causes, (name,)) == [("checklist_wrong",)])
    visit.settles()
    assert (visit.shown(), _answers(ward, name)) == (waiting, answers)


def test_who_reconsiders_gives_an_informed_score_by_key(ward, arrive):
    visit, name = arrive()
    _differs_from_the_judge(visit)
    blind, page = _answers(ward, name), visit.page

    page.keyboard.press("i")
    save = page.get_by_role("button", name=sentence("en", "work.do_reconsider"))
    save.wait_for()
    visit.settles()
    page.keyboard.press("Backspace")
    visit.settles()
    page.keyboard.press("5")
    visit.settles()
    page.keyboard.press("Enter")

    until(lambda: len(_answers(ward, name)) == len(blind) + 1)
    response_id, *said = _answers(ward, name)[-1]
    assert said == [5, None, "informed"]
    assert _answers(ward, name)[:-1] == blind
    causes = (
        "SELECT response_id, cause FROM difference_cause"
        " JOIN person ON person.id = person_id WHERE name = ?"
    )
    assert ward.rows(causes, (name,)) == [(response_id, "reconsidered")]


def test_a_question_is_audited_by_key(ward, arrive):
    visit, name = arrive()
    page, first = visit.page, visit.shown()
    page.keyboard.press("v")
    field = page.locator("[class*='-audit-comment'] input")
    field.wait_for()
    visit.settles()
    page.keyboard.press("w")
    expect(page.get_by_text(sentence("en", "error.audit_needs_comment"))).to_be_visible()
    field.fill("剂量有误")
    page.keyboard.press("Escape")
    visit.settles()
    page.wait_for_timeout(400)  # the same key sooner is a second strike, and ignored
    page.keyboard.press("w")

    audits = (
        "SELECT is_right, comment FROM question_audit JOIN person ON person.id = person_id"
        " WHERE name = ?"
    )
    until(lambda: ward.rows(audits, (name,)) == [(0, "剂量有误")])
    visit.settles()
    expect(page.get_by_text(sentence("en", "scoring.audit_said_wrong"))).to_be_visible()
    assert visit.shown() == first


@pytest.mark.parametrize("language", _LOCALES)
def test_ones_own_work_is_found_and_corrected_with_a_reason(ward, arrive, language):
    visit, name = arrive(language=language)
    page = visit.page
    for key in "234":
        visit.scores(key)
    last, *_ = _answers(ward, name)[-1]
    text = ward.value(
        "SELECT question_text FROM criteria JOIN response ON response.criteria_id = criteria.id"
        " WHERE response.id = ?", (last,)
    )  # fmt: skip
    visit.opens("/work")
    search = page.get_by_label(sentence(language, "work.search"))
    search.wait_for()
    visit.settles()

    search.fill(text[:40].splitlines()[0])
    page.locator("[class*='-all-search'] input").press("Enter")
    expect(page.get_by_text(sentence(language, "work.found", n=1), exact=True)).to_be_visible()
    visit.settles()
    expect(page.locator(".one-line")).to_have_text(text)  # CSS cuts it
    page.locator("[class*='-open'] button").click()
    expect(page.get_by_text(sentence(language, "work.correct"))).to_be_visible()
    visit.settles()
    page.keyboard.press("Enter")
    page.keyboard.press("e")
    row = page.locator("[class*='-dimension-score']")
    row.wait_for()
    visit.settles()
    page.keyboard.press("1")
    expect(row.get_by_role("radio", name="1", exact=True)).to_be_checked()
    visit.settles()
    page.keyboard.press("Enter")
    expect(page.get_by_text(sentence(language, "error.needs_reason"))).to_be_visible()
    page.get_by_label(sentence(language, "work.reason")).fill("看错剂量")
    page.get_by_label(sentence(language, "work.reason")).press("Enter")

    until(lambda: len(_answers(ward, name)) == 4)
    reason = "SELECT value, reason FROM assessment ORDER BY id DESC LIMIT 1"
    assert ward.rows(reason) == [(1, "看错剂量")]


def test_nobody_opens_anothers_answer(ward, arrive):
    visit, _ = arrive()
    visit.scores("4")
    others = ward.value(
        "SELECT response_id FROM human_assessment ORDER BY human_assessment.id LIMIT 1"
    )

    visit.opens(f"/work?response={others}")

    expect(visit.page.get_by_label(sentence("en", "work.search"))).to_be_visible()
    visit.settles()
    assert sentence("en", "work.history") not in visit.text()


@pytest.mark.parametrize("language", _LOCALES)
def test_keys_are_listed_and_the_text_grows(ward, arrive, language):
    visit, _ = arrive(language=language)
    page = visit.page
    page.keyboard.press("h")
    expect(page.get_by_text(sentence(language, "key_list.audit"))).to_be_visible()
    visit.settles()
    page.wait_for_timeout(400)  # the same key sooner is a second strike, and ignored
    page.keyboard.press("h")
    expect(page.get_by_text(sentence(language, "key_list.audit"))).to_have_count(0)
    size = "el => parseFloat(getComputedStyle(el).fontSize)"
    text = page.locator(".sheet-question .clinical").first
    before = text.evaluate(size)

    page.get_by_role("button", name=sentence(language, "scoring.larger"), exact=True).click()
    visit.settles()
    visit.reloads()

    assert text.evaluate(size) > before


@pytest.mark.parametrize("size", [(1366, 768), (1024, 768)], ids=str)
@pytest.mark.parametrize("language", _LOCALES)
def test_the_dimensions_fit_a_laptop_and_a_tablet(ward, arrive, language, size):
    visit, _ = arrive(language=language, leaving="texts")
    width, height = size
    visit.page.set_viewport_size({"width": width, "height": height})
    visit.settles()

    for box in (
        *visit.page.locator("[class*='-dimension-']").all(),
        visit.page.get_by_role("button", name=sentence(language, "scoring.save")),
        visit.comment,
        visit.page.locator(".sheet-response"),
    ):
        expect(box).to_be_in_viewport(ratio=1)


def test_scoring_and_ones_own_work_ask_nobody_outside(ward, arrive):
    visit, _ = arrive(leaving="all")
    asked: list[str] = []
    visit.page.context.on("request", lambda request: asked.append(request.url))
    visit.reloads()
    visit.page.keyboard.press("h")
    visit.page.keyboard.press("v")
    visit.settles()
    visit.opens("/work")
    visit.settles()

    assert asked
    assert [url for url in asked if not re.match(rf"(data:|blob:|{ward.url})", url)] == []
