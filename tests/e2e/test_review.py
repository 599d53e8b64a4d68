"""The scoring sheet: a score belongs to the response that was on the screen, and is blind."""

import csv
import json
import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from core.errors import Refused
from core.formats.llmeval_med import CATEGORY_CODES
from core.i18n import error_sentence, sentence
from core.services import reviewing
from core.services.reviewing import Scoring
from core.store import people, studies
from tests.e2e.conftest import Open
from tests.e2e.served import (
    ROOT,
    Served,
    Visit,
    copy_of,
    declines_texts,
    run_core,
    scores_by,
    until,
)
from tests.e2e.wire import Wire, wire_to

pytestmark = pytest.mark.browser

_MODELS = ("cedar-sample", "willow-sample")
_KEYS = "134251523415"

#: Notes which response stands on the sheet, and which stood there at every key.
_WATCH = """
    window.stood = [];
    window.pressed = [];
    const onSheet = () => {
        const bar = document.querySelector("[class*='-score-1']");
        const sheet = document.querySelector(".is-ahead .ahead-response")
            ?? document.querySelector(".sheet-response");
        return bar && sheet
            ? {id: Number(bar.className.match(/review-\\\\d+-(\\\\d+)-score-1/)[1]),
               text: sheet.textContent}
            : null;
    };
    new MutationObserver(() => {
        const found = onSheet();
        if (found && found.id !== window.stood.at(-1)) window.stood.push(found.id);
    }).observe(document, {subtree: true, childList: true, attributes: true});
    addEventListener("keydown", event => {
        if ("12345".includes(event.key)) window.pressed.push({key: event.key, ...onSheet()});
    }, true);
""".replace("\\\\", "\\")


@pytest.fixture(scope="module")
def ward(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The illustrative study, with the judge's verdict never shown."""
    database = copy_of(sample_database, tmp_path_factory.mktemp("ward"))
    run_core(database, "reveal", "--dataset", "sample", "--when", "never", "--reason", "test")
    app = Served(ROOT / "app.py", database)
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


@dataclass(frozen=True, slots=True)
class Physician:
    """Somebody with the scoring sheet in front of them."""

    name: str
    visit: Visit

    @property
    def scores(self) -> list[tuple[Any, ...]]:
        """Response, value and reason of their scores, oldest first."""
        with self.visit.served.store() as store:
            return scores_by(store, self.name)

    def presses(self, *keys: str, apart: float = 0) -> None:
        """Press keys so many milliseconds apart, and wait until the last has had its effect."""
        page = self.visit.page
        for key in keys:
            page.keyboard.press(key)
            if apart:
                page.wait_for_timeout(apart)
        self.flips_text()

    def flips_text(self) -> None:
        """Switch between rendered and plain text: done when all before it is done."""
        page = self.visit.page
        switch = page.locator(".raw-switch button")
        label = switch.text_content() or ""
        page.keyboard.press("t")
        expect(switch).not_to_have_text(label)
        self.visit.settles()


@pytest.fixture
def physician(ward: Served, open_browser: Open, request: pytest.FixtureRequest) -> Physician:
    """A physician of their own for every test, at the sheet, with everything still to score."""
    name = f"Dr {request.node.name[5:60]}"
    with ward.store() as store, store.writing():
        people.ensure_person(store, name)
    declines_texts(ward, name)
    visit = open_browser(ward)
    visit.page.add_init_script(_WATCH)
    visit.signs_in(name, "/review")
    visit.score_button(5).wait_for()
    visit.reads()
    return Physician(name, visit)


# --- a score belongs to what was on the screen ------------------------------------------------


def test_fast_presses_score_only_what_was_shown_and_skip_nothing(physician):
    physician.presses(*_KEYS, apart=40)

    scores, page = physician.scores, physician.visit.page
    stood, pressed = page.evaluate("stood"), page.evaluate("pressed")
    scored = [response_id for response_id, _, _ in scores]
    assert len(pressed) == len(_KEYS)
    assert len(set(scored)) == len(scored) <= len(_KEYS)
    assert scored == stood[:-1], "every response that went by has its score, in that order"
    assert physician.visit.shown() == stood[-1]
    for response_id, value, _ in scores:
        keys = [press["key"] for press in pressed if press.get("id") == response_id]
        assert str(value) in keys


def test_at_every_press_the_text_and_the_score_bar_are_of_one_response(physician):
    physician.presses(*_KEYS, apart=40)

    done: set[int] = set()
    with physician.visit.served.store() as store:
        texts = dict(map(tuple, store.rows("SELECT id, text FROM response")))
    for press in physician.visit.page.evaluate("pressed"):
        if "id" not in press:  # pressed while the sheet was being changed
            continue
        if press["id"] not in done:  # what is scored can't be scored again
            assert _is_rendering_of(press["text"], texts[press["id"]])
        done.add(press["id"])


def test_a_key_pressed_twice_is_one_score(physician):
    first = physician.visit.shown()
    page = physician.visit.page
    page.evaluate(
        """() => { for (const type of ["keydown", "keyup", "keydown", "keyup"])
            document.body.dispatchEvent(new KeyboardEvent(type,
                {key: "4", code: "Digit4", keyCode: 52, bubbles: true})) }"""
    )
    physician.flips_text()

    assert physician.scores == [(first, 4, None)]
    assert physician.visit.shown() != first


def test_tab_moves_as_fast_as_it_is_pressed_and_escape_closes_the_list_of_keys(physician):
    page = physician.visit.page
    page.evaluate(
        """() => { window.reached = new Set();
            addEventListener("focusin", (event) => window.reached.add(event.target)); }"""
    )
    for _ in range(6):
        page.keyboard.press("Tab")
    assert page.evaluate("() => window.reached.size") >= 6

    page.keyboard.press("h")
    page.locator(".keys").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator(".keys")).to_have_count(0)


def test_the_next_response_is_read_at_once_and_scored_when_the_last_one_is_stored(physician):
    first, page = physician.visit.shown(), physician.visit.page
    seen = page.evaluate(
        """() => {
            const strike = key => document.body.dispatchEvent(
                new KeyboardEvent("keydown", {key, code: `Digit${key}`, bubbles: true}));
            const texts = () => [".sheet-response", ".ahead-response"].map(one =>
                document.querySelector(one).checkVisibility({visibilityProperty: true}));
            const before = texts();
            strike("4");
            strike("2");
            const next = document.querySelector(".sheet-ahead");
            return {before, after: texts(), next: Number(next.dataset.next),
                    text: next.querySelector(".ahead-response").innerText};
        }"""
    )
    physician.flips_text()

    assert (seen["before"], seen["after"]) == ([True, False], [False, True])
    assert (physician.scores, physician.visit.shown()) == ([(first, 4, None)], seen["next"])
    text = physician.visit.served.value("SELECT text FROM response WHERE id = ?", (seen["next"],))
    assert _is_rendering_of(seen["text"], text)
    expect(page.locator(".sheet-response")).to_be_visible()
    expect(page.locator(".ahead-response")).to_be_hidden()


def test_a_response_that_the_server_does_not_take_is_shown_again(physician):
    first, visit = physician.visit.shown(), physician.visit
    with visit.served.store() as store:
        person = people.person_named(store, physician.name)
        elsewhere = Scoring(1, claimed_phase="observed")
        reviewing.score(store, studies.studies(store)[0], person, first, elsewhere)
    visit.page.keyboard.press("5")

    expect(
        visit.page.get_by_text(error_sentence("en", Refused("already_scored", score=1)))
    ).to_be_visible()
    visit.settles()
    assert physician.scores == [(first, 1, None)]
    assert visit.shown() != first
    expect(visit.page.locator(".sheet-response")).to_be_visible()
    last = visit.shown()
    visit.page.keyboard.press("x")
    visit.page.locator("[data-do='cannot_judge']").wait_for()
    visit.reads()
    visit.page.keyboard.press("b")
    expect(visit.page.get_by_text(error_sentence("en", Refused("needs_comment")))).to_be_visible()
    expect(visit.page.locator(".sheet-response")).to_be_visible()
    assert visit.shown() == last


def test_a_flag_leaves_the_texts_scrolled_as_they_are(physician):
    visit, page = physician.visit, physician.visit.page
    page.set_viewport_size({"width": 1366, "height": 420})
    box = page.locator(".sheet-response")
    box.evaluate("box => { box.scrollTop = 10; box.dataset.seen = 'yes'; }")
    assert box.evaluate("box => box.scrollTop") == 10

    page.keyboard.press("s")

    expect(
        visit.page.get_by_role("button", name=sentence("en", "review.safety_on"))
    ).to_be_visible()
    visit.settles()
    assert box.evaluate("box => [box.scrollTop, box.dataset.seen]") == [10, "yes"]


def test_a_button_clicked_twice_is_one_score(physician):
    first = physician.visit.shown()
    physician.visit.score_button(3).dblclick()
    physician.flips_text()

    assert physician.scores[0] == (first, 3, None)
    assert len(physician.scores) == 1


def test_a_key_that_is_held_down_scores_one_response(physician):
    first, keyboard = physician.visit.shown(), physician.visit.page.keyboard
    for _ in range(20):
        keyboard.down("2")
        physician.visit.page.wait_for_timeout(40)
    keyboard.up("2")
    physician.flips_text()

    assert physician.scores == [(first, 2, None)]


def test_while_the_page_starts_no_key_scores_and_none_that_opens_something_is_lost(physician):
    visit, page = physician.visit, physician.visit.page
    fields: list[Route] = []
    page.route("**/TextInput.*.js", lambda route: fields.append(route))
    page.reload()
    visit.score_button(5).wait_for()
    visit.reads()
    expect(visit.comment).to_have_count(0)

    page.keyboard.press("4")
    page.keyboard.press("h")
    page.keyboard.press("n")
    for field in fields:
        field.continue_()

    expect(page.get_by_text(sentence("en", "key_list.audit"))).to_be_visible()
    expect(visit.comment).to_be_focused()
    visit.settles()
    assert physician.scores == []


def test_a_press_on_what_this_session_was_not_shown_is_none(physician):
    page, first = physician.visit.page, physician.visit.shown()
    other = {"do": "score", "response": first % 60 + 1, "value": "5", "seconds": 1}
    own = other | {"response": first}
    for said in (
        [other], [own | {"do": "delete"}], [own | {"value": "9"}], [own | {"value": "x"}],
        [own | {"seconds": "x"}], [{"a": 1}], [1],
    ):  # fmt: skip
        page.evaluate(
            """said => {
                const field = document.querySelector("[class*='-presses'] input");
                Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set
                    .call(field, JSON.stringify(said.map(one => ({number: Date.now(), ...one}))));
                field.dispatchEvent(new Event("input", {bubbles: true}));
            }""",
            said,
        )
        physician.visit.reads()
        physician.flips_text()

    assert (physician.scores, physician.visit.shown()) == ([], first)


def test_undo_brings_the_response_back(physician):
    first = physician.visit.scores("5")

    physician.visit.page.keyboard.press("u")

    expect(physician.visit.page.locator(f"[class*='-{first}-score-1']")).to_be_visible()
    assert physician.scores == [(first, 5, None), (first, None, "withdrawn")]
    physician.visit.settles()
    physician.visit.scores("1")
    assert physician.scores[-1] == (first, 1, None)


# --- the comment ------------------------------------------------------------------------------


def test_digits_in_the_comment_do_not_score(physician):
    first = physician.visit.shown()
    physician.visit.comment.click()
    physician.visit.page.keyboard.type("5 mg, 2~3片, 12345 su")

    expect(physician.visit.comment).to_have_value("5 mg, 2~3片, 12345 su")
    physician.visit.page.keyboard.press("Tab")
    physician.visit.settles()
    assert (physician.scores, physician.visit.shown()) == ([], first)


def test_a_comment_survives_a_reload(physician):
    first = physician.visit.shown()
    physician.visit.comment.fill("剂量 2~3片 有误")
    physician.visit.comment.press("Tab")
    draft = "SELECT count(*) FROM draft WHERE text = '剂量 2~3片 有误'"
    until(lambda: physician.visit.served.value(draft) == 1, seconds=5)

    physician.visit.reloads()

    assert physician.visit.shown() == first
    expect(physician.visit.comment).to_have_value("剂量 2~3片 有误")


def test_a_comment_is_kept_while_it_is_typed(physician):
    keyboard = physician.visit.page.keyboard
    draft = "SELECT count(*) FROM draft WHERE text = ?"
    physician.visit.comment.click()
    for typed, kept in (("dose w", "dose w"), ("ithout unit", "dose without unit")):
        keyboard.type(typed)
        until(lambda kept=kept: physician.visit.served.value(draft, (kept,)) == 1, seconds=5)

    physician.visit.reloads()

    expect(physician.visit.comment).to_have_value("dose without unit")


def test_a_comment_needs_no_mouse(physician):
    first, keyboard = physician.visit.shown(), physician.visit.page.keyboard
    keyboard.press("n")
    expect(physician.visit.comment).to_be_focused()
    keyboard.type("2 of 5 needs are met")
    keyboard.press("Escape")
    physician.visit.scores("3")

    assert physician.scores == [(first, 3, None)]
    comment = "SELECT rationale FROM assessment ORDER BY id DESC LIMIT 1"
    assert physician.visit.served.value(comment) == "2 of 5 needs are met"


def test_the_comment_is_stored_with_the_score_and_not_carried_over(physician):
    first = physician.visit.shown()
    physician.visit.comment.fill("omits the route")
    physician.visit.score_button(2).click()
    physician.visit.shows_another_than(first)

    assert physician.scores == [(first, 2, None)]
    comment = "SELECT rationale FROM assessment ORDER BY id DESC LIMIT 1"
    assert physician.visit.served.value(comment) == "omits the route"
    expect(physician.visit.comment).to_have_value("")


def test_another_language_keeps_what_was_typed(physician):
    first, page = physician.visit.shown(), physician.visit.page
    physician.visit.comment.click()
    page.keyboard.type("dose without unit")

    page.get_by_role("radio", name="中文").click()

    expect(page.get_by_role("button", name=sentence("zh", "review.undo"))).to_be_visible()
    expect(physician.visit.score_bar.first).to_contain_text(sentence("zh", "score.1"))
    physician.visit.settles()
    expect(physician.visit.comment).to_have_value("dose without unit")
    assert physician.visit.shown() == first


# --- blind ------------------------------------------------------------------------------------


def test_the_models_name_is_nowhere_on_the_sheet(physician):
    for key in "3142":
        content = physician.visit.page.content()
        assert [model for model in _MODELS if model in content] == []
        physician.visit.scores(key)


_MARKER = "MARKER-OF-THE-JUDGE"


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three responses whose imported verdicts hold a marker; shown when the batch is done."""
    folder = tmp_path_factory.mktemp("marked")
    database, name = folder / "workbench.db", next(iter(CATEGORY_CODES))
    questions = [
        {
            "category1": name, "category2": "", "scene": "", "round": 1, "groupCode": group,
            "problem": f"Question {group}?", "sanswer": f"Answer {group}.", "difficulty": "易",
            "checklist": f"Core requirements:\n1. Says {group}",
        }
        for group in (1, 2, 3)
    ]  # fmt: skip
    answers = [
        question | {
            "model_answer": f"It is {group}.", "model_answer_score": "4",
            "model_answer_judgement": f"{_MARKER} {group}",
        }
        for group, question in enumerate(questions, 1)
    ]  # fmt: skip
    for file, records in (("questions", questions), ("answers", answers)):
        text = json.dumps({name: records}, ensure_ascii=False)
        (folder / f"{file}.json").write_text(text, encoding="utf-8")
    run_core(database, "import", "llmeval-med", str(folder / "questions.json"), "--name", "ward")
    run_core(database, "import", "responses", str(folder / "answers.json"),
             "--dataset", "ward", "--model", "cedar", "--judge", "oak")  # fmt: skip
    with (folder / "scores.csv").open("w", encoding="utf-8", newline="") as scores:
        rows = [("question", "model", "physician", "score", "comment")]
        rows += [(f"MK:{group}:1", "cedar", "Dr Before", 2, f"{_MARKER}-2") for group in (1, 2, 3)]
        csv.writer(scores).writerows(rows)
    run_core(database, "import", "scores", str(folder / "scores.csv"), "--dataset", "ward")
    app = Served(ROOT / "app.py", database)
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


@pytest.fixture
def wire(marked: Served) -> Iterator[Wire]:
    """A wire to the ward's server."""
    with wire_to(marked.url) as wire:
        yield wire


def test_nothing_that_the_judge_said_reaches_the_browser_before_the_scores(
    marked, open_browser, wire
):
    wired = copy(marked)
    wired.url = wire.url
    visit = open_browser(wired, apart=True)
    with marked.store() as store, store.writing():
        people.ensure_person(store, "Dr Blind")

    visit.signs_in("Dr Blind")
    assert _MARKER not in wire.text()
    for path in ("/work", "/search", "/account", "/case?response=1", "/agreement", "/people"):
        visit.opens(path)
        visit.page.locator(".footer").wait_for()
        visit.settles()
        assert _MARKER not in wire.text() + visit.page.content()
    visit.opens("/review")
    visit.score_button(5).wait_for()
    visit.scores("3")
    visit.scores("3")

    for known in ("It is", "<title>Streamlit", "stHtml", "set-cookie: attending_session"):
        assert known in wire.text(), "sheet, documents, scripts and heads are heard"
    assert _MARKER not in wire.text() + visit.page.content()

    visit.scores("3")

    expect(visit.page.get_by_text(sentence("en", "review.done", n=3))).to_be_visible()
    expect(visit.page.get_by_text(re.compile(f"^{_MARKER} [123]$"))).to_be_visible()
    expect(visit.page.get_by_text(f"{_MARKER}-2").first).to_be_visible()
    assert _MARKER in wire.text()


def test_at_once_nothing_is_shown_before_the_questions_last_response(served, open_browser):
    visit = open_browser(served)
    heard = _socket_of(visit)
    with served.store() as store, store.writing():
        people.ensure_person(store, "Dr Held Back")
    declines_texts(served, "Dr Held Back")
    visit.signs_in("Dr Held Back", "/review")
    exposed = (
        "SELECT count(*) FROM response JOIN exposure USING (question_id)"
        " JOIN person ON person.id = person_id WHERE response.id = ? AND name = 'Dr Held Back'"
        " AND shown = 'machine_verdict'"
    )

    for first_key, second_key in ("24", "15"):
        heard.clear()
        first = visit.scores(first_key)
        assert served.value(exposed, (first,)) == 0
        assert b"baseline" not in b"".join(heard)
        second = visit.scores(second_key)
        assert served.value(exposed, (second,)) == 1
        assert b"baseline" in b"".join(heard)
        assert served.value(exposed, (visit.shown(),)) == 0
        questions = "SELECT count(DISTINCT question_id) FROM response WHERE id IN (?, ?)"
        assert served.value(questions, (first, second)) == 1


# --- the screen -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1366, 1024])
@pytest.mark.parametrize("language", ["English", "中文"])
def test_texts_score_bar_and_comment_fit_a_laptop_and_a_tablet(physician, language, width):
    page = physician.visit.page
    page.set_viewport_size({"width": width, "height": 768})
    page.get_by_role("radio", name=language).click()
    for key in "24135":
        physician.visit.settles()
        for box in (
            *physician.visit.score_bar.all(),
            physician.visit.comment,
            page.locator(".sheet-question"),
            page.locator(".sheet-response"),
            page.locator(".sheet-criteria"),
        ):
            expect(box).to_be_in_viewport(ratio=1)
        physician.visit.scores(key)


# --- helpers ----------------------------------------------------------------------------------


def _is_rendering_of(shown: str, text: str) -> bool:
    """Whether what stands on the sheet has all the letters and digits of a response, in order."""
    wanted = [character for character in text if character.isalpha()]
    rest = iter(shown)
    return all(character in rest for character in wanted)


def _socket_of(visit: Visit) -> list[bytes]:
    """What the server sends to a page by its socket from now on, as it comes."""
    heard: list[bytes] = []

    def hear(payload: str | bytes) -> None:
        heard.append(payload.encode() if isinstance(payload, str) else payload)

    visit.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    return heard
