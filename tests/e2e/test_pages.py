"""Every page opens by its address, in both languages, and speaks to nobody but this machine."""

from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from core.domain import rights
from core.i18n import catalogue, sentence
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, WEBER, Served, Visit

pytestmark = pytest.mark.browser

Language = Literal["en", "zh"]
_LOCALES = {"en": "en-US", "zh": "zh-CN"}
PAGES = {
    "home": "/",
    "review": "/review",
    "work": "/work",
    "search": "/search",
    "adjudicate": "/adjudicate",
    "agreement": "/agreement",
    "checklists": "/checklists",
    "prompts": "/prompts",
    "leaderboard": "/leaderboard",
    "exams": "/exams",
    "assign": "/assign",
    "runs": "/runs",
    "data": "/data",
    "people": "/people",
    "account": "/account",
    "case": "/case?response=1",
}
#: What Streamlit or a page says where something went wrong.
_BROKEN = "[data-testid='stException'], [data-testid='stAlertContentError']"


def every_page_in_both_languages():
    """Parametrize over pages and languages."""
    return pytest.mark.parametrize(
        ("name", "language"), [(name, language) for language in _LOCALES for name in PAGES]
    )


def visit_of(served: Served, open_browser: Open, language: Language) -> Visit:
    """A browser that speaks a language."""
    return open_browser(served, locale=_LOCALES[language])


def test_every_page_is_among_these():
    assert set(PAGES) == set(rights.PAGES)


@every_page_in_both_languages()
def test_a_page_opens_by_its_address(served, open_browser, name, language):
    visit = visit_of(served, open_browser, language)
    requests = _asked_by(visit)

    visit.signs_in(LEAD, PAGES[name])

    expect(visit.page).to_have_title(f"{sentence(language, f'nav.{name}')} · Attending")
    for key in (f"ask.{name}", "shell.illustrative", "shell.research_only"):
        expect(visit.page.get_by_text(sentence(language, key))).to_be_visible()
    expect(visit.page.locator(_BROKEN)).to_have_count(0)
    assert _hosts(requests) == {"127.0.0.1"}
    assert _left_over(visit.text(), language) == []


def test_no_page_asks_anybody_outside_for_a_physician(served, open_browser):
    visit = visit_of(served, open_browser, "zh")
    requests = _asked_by(visit)
    visit.signs_in(WEBER)

    for path in PAGES.values():
        visit.opens(path)
        visit.page.locator(".footer").wait_for()
        visit.settles()

    assert len(requests) > len(PAGES)
    assert _hosts(requests) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "address",
    [
        "/agreement",
        "/case?response=1",
    ],
)
def test_an_address_without_a_person_asks_and_comes_back(served, open_browser, address):
    visit = visit_of(served, open_browser, "en")
    visit.opens(address)
    expect(visit.page.get_by_text(sentence("en", "sign_in.title"))).to_be_visible()

    visit.chooses(LEAD)

    visit.settles()
    assert visit.page.url == served.url + address


def test_a_page_with_nothing_to_show_says_that_it_is_for_research_only(served, open_browser):
    visit = visit_of(served, open_browser, "en")

    visit.follows_the_choice(LEAD, "/case")

    expect(visit.page.get_by_text(sentence("en", "case.none"))).to_be_visible()
    visit.settles()
    expect(visit.page.get_by_text(sentence("en", "shell.research_only"))).to_be_visible(
        timeout=2000
    )


@pytest.mark.parametrize("language", _LOCALES)
def test_the_choice_of_persons_speaks_the_browsers_language(served, open_browser, language):
    visit = visit_of(served, open_browser, language)

    visit.opens("/agreement")

    expect(visit.page.get_by_text(sentence(language, "sign_in.title"))).to_be_visible()
    expect(visit.page.get_by_role("button", name=WEBER)).to_be_visible()
    assert _left_over(visit.text(), language) == []


def test_a_reload_keeps_the_person_and_a_second_tab_has_it_too(served, open_browser):
    visit = visit_of(served, open_browser, "en")
    visit.signs_in(LEAD, "/runs")

    visit.reloads()
    expect(visit.page.get_by_text(LEAD)).to_be_visible()

    second = Visit(visit.page.context.new_page(), served)
    second.opens("/data")
    expect(second.page.get_by_text(LEAD)).to_be_visible()
    second.page.close()


def test_a_persons_language_is_kept_for_the_next_visit_with_the_title(served, open_browser):
    visit = visit_of(served, open_browser, "en")
    visit.signs_in(WEBER, "/account")
    visit.page.get_by_role("radio", name="中文").click()
    expect(visit.page.get_by_text(sentence("zh", "ask.account"))).to_be_visible()
    visit.settles()

    visit.reloads()

    expect(visit.page.get_by_text(sentence("zh", "ask.account"))).to_be_visible()
    title = visit.page.title()
    visit.page.get_by_role("radio", name="English").click()
    expect(visit.page.get_by_text(sentence("en", "ask.account"))).to_be_visible()
    visit.settles()
    assert title == f"{sentence('zh', 'nav.account')} · Attending"


@pytest.mark.parametrize("language", _LOCALES)
def test_an_unknown_case_is_one_sentence(served, open_browser, language):
    visit = visit_of(served, open_browser, language)

    visit.follows_the_choice(LEAD, "/case?response=999999")

    alert = visit.page.get_by_test_id("stAlert")
    expect(alert).to_have_count(1)
    expect(alert).to_have_text(sentence(language, "error.unknown_response", id=999999))


@pytest.mark.parametrize("asked", ["", "?response=-1"])
def test_a_case_without_a_number_says_how_to_open_one(served, open_browser, asked):
    visit = visit_of(served, open_browser, "en")

    visit.follows_the_choice(LEAD, f"/case{asked}")

    expect(visit.page.get_by_text(sentence("en", "case.none"))).to_be_visible()


def test_links_lead_from_page_to_page(served, open_browser):
    visit = visit_of(served, open_browser, "zh")
    visit.signs_in(LEAD)
    sidebar = visit.page.get_by_test_id("stSidebar")

    for name in (
        "review", "agreement", "checklists", "prompts", "leaderboard", "runs", "data", "people",
        "home",
    ):  # fmt: skip
        sidebar.get_by_role("link", name=sentence("zh", f"nav.{name}"), exact=True).click()
        expect(visit.page).to_have_title(f"{sentence('zh', f'nav.{name}')} · Attending")
        heading = visit.page.get_by_role("heading", level=1)
        expect(heading).to_contain_text(sentence("zh", f"ask.{name}"))
        visit.settles()
        expect(visit.page.locator(_BROKEN)).to_have_count(0)


def _left_over(text: str, language: Language) -> list[str]:
    """Sentences of the other language on a page: all of two words or more, without a value."""
    other = "en" if language == "zh" else "zh"
    own = catalogue(language)
    return [
        key
        for key, words in catalogue(other).items()
        if words != own[key] and "{" not in words and words in text and _is_telling(words)
    ]


def _is_telling(words: str) -> bool:
    """Too long to stand in a clinical text by chance."""
    return " " in words.strip() if words.isascii() else len(words) >= 6


def _asked_by(visit: Visit) -> list[str]:
    """The addresses that a browser asks from now on, as it asks."""
    requests: list[str] = []
    visit.page.on("request", lambda request: requests.append(request.url))
    visit.page.on("websocket", lambda socket: requests.append(socket.url))
    return requests


def _hosts(addresses: list[str]) -> set[str]:
    """The machines that were asked; what stands in the page itself has none."""
    return {host for address in addresses if (host := urlsplit(address).hostname)}
