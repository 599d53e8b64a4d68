"""Agreement and leaderboard: every view in both languages, filters in the address, open cells."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from tests.bench.large_study import Size, ensure_large_study
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, ROOT, Served, Visit

pytestmark = pytest.mark.browser

_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_BROKEN = "[data-testid='stException'], [data-testid='stAlertContentError']"
AGREEMENT = (
    "danger", "groups", "matrices", "scores", "physicians", "versions", "fine_print", "cases",
)  # fmt: skip
LEADERBOARD = ("table", "compare", "ranks", "next", "cases")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory):
    """The app on a generated study of 667 questions and 13 models, scored by three physicians."""
    path = tmp_path_factory.mktemp("large") / "workbench.db"
    ensure_large_study(path, Size(667, 13, 1, 3, 3, 1_800, 1))
    app = Served(ROOT / "app.py", path)
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def visit_of(served: Served, open_browser: Open, language: str) -> Visit:
    return open_browser(served, locale=_LOCALES[language])


@pytest.mark.parametrize("language", _LOCALES)
def test_every_view_of_agreement_opens_by_its_address(served, open_browser, language):
    visit = visit_of(served, open_browser, language)
    visit.signs_in(LEAD, "/agreement")

    for view in AGREEMENT:
        visit.opens(f"/agreement?view={view}")
        visit.page.locator(".footer").wait_for()
        visit.settles()
        name = sentence(language, f"agreement.views.{view}")
        expect(visit.page.get_by_role("radio", name=name, exact=True)).to_be_checked()
        expect(visit.page.locator(_BROKEN)).to_have_count(0)


@pytest.mark.parametrize("language", _LOCALES)
def test_every_view_of_the_leaderboard_opens_by_its_address(large, open_browser, language):
    visit = visit_of(large, open_browser, language)
    visit.signs_in("Dr 1", "/leaderboard", ["physician", "lead"])

    for view in LEADERBOARD:
        visit.opens(f"/leaderboard?view={view}&of_model=model-01")
        visit.page.locator(".footer").wait_for()
        visit.settles()
        name = sentence(language, f"leaderboard.views.{view}")
        expect(visit.page.get_by_role("radio", name=name, exact=True)).to_be_checked()
        expect(visit.page.locator(_BROKEN)).to_have_count(0)


def test_a_filter_is_kept_in_the_address_and_moves_every_number(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 1", "/agreement?view=matrices", ["physician", "lead"])
    every = visit.page.locator(".sentence").inner_text()

    visit.page.get_by_label(sentence("en", "words.category")).click()
    visit.page.get_by_role("option", name="Medical reasoning").click()
    expect(visit.page).to_have_url(re.compile("category=MR"))
    visit.settles()
    narrowed = visit.page.locator(".sentence").inner_text()
    visit.reloads()

    assert narrowed != every
    expect(visit.page.locator(".sentence")).to_have_text(narrowed)


def test_a_cell_opens_as_many_cases_as_it_counts(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 1", "/agreement?view=matrices", ["physician", "lead"])
    cell = visit.page.locator("table.matrix").first.locator("td a").nth(1)
    count = int(cell.inner_text())

    cell.click()

    title = sentence("en", "agreement.of.usable", n=count, cell="0 · 1")
    expect(visit.page.get_by_role("heading", name=title)).to_be_visible()
    assert count > 0
    visit.page.get_by_role("button", name=sentence("en", "agreement.show")).click()
    expect(visit.page.get_by_text(sentence("en", "words.open_case")).first).to_be_visible()


def test_a_rate_opens_its_responses(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 1", "/leaderboard", ["physician", "lead"])
    cell = visit.page.locator("table.grid").first.locator("tr").nth(1).locator("td a").first
    responses = int(cell.inner_text().split("·")[1])

    cell.click()

    heading = visit.page.get_by_role("heading", level=3)
    expect(heading).to_contain_text("responses of model-")
    # Unscored responses stand in the list and not in the rate.
    assert int(heading.inner_text().split()[0]) >= responses > 600


def test_nothing_of_a_list_is_shown_before_it_is_asked_for(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 2", "/leaderboard?view=cases&of_model=model-01", ["physician", "lead"])

    expect(visit.page.get_by_text(sentence("en", "agreement.exposes"))).to_be_visible()
    expect(visit.page.get_by_text(sentence("en", "words.open_case"))).to_have_count(0)
    assert large.value("SELECT count(*) FROM exposure JOIN person ON person.id = person_id"
                       " WHERE person.name = 'Dr 2'") == 0  # fmt: skip


def test_a_chart_downloads_as_svg_with_chinese_labels(large, open_browser, tmp_path: Path):
    visit = visit_of(large, open_browser, "zh")
    visit.signs_in("Dr 1", "/agreement?view=groups", ["physician", "lead"])
    chart = visit.page.get_by_test_id("stPlotlyChart").first
    chart.hover()

    with visit.page.expect_download() as waiting:
        chart.locator(".modebar-btn").first.click()
    path = tmp_path / "chart.svg"
    waiting.value.save_as(path)

    written = path.read_text(encoding="utf-8")
    assert written.startswith("<svg")
    assert sentence("zh", "category.MR") in written
    assert "Noto Sans CJK SC" in written
