"""Agreement and leaderboard: every view in both languages, filters in the address, open cells."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from tests.bench.large_study import Size, ensure_large_study
from tests.domain.test_coefficients import FIGURE_6
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, ROOT, Served, Visit, run_core, until

pytestmark = pytest.mark.browser

_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_BROKEN = "[data-testid='stException'], [data-testid='stAlertContentError']"
AGREEMENT = (
    "danger", "groups", "matrices", "scores", "parts", "physicians", "versions", "held_out",
    "fine_print", "cases",
)  # fmt: skip
LEADERBOARD = (
    "table", "compare", "ranks", "dimensions", "next", "exclusions", "groups", "report", "cases",
)  # fmt: skip


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


def test_a_lead_groups_models_and_the_table_stands_by_group(large, open_browser):
    visit = visit_of(large, open_browser, "zh")
    visit.signs_in("Dr 1", "/leaderboard?view=groups", ["physician", "lead"])
    groups = visit.page.get_by_role("radio", name=sentence("zh", "model_group.closed"))

    groups.nth(1).click()
    visit.page.get_by_text(re.compile(r"^Dr 1，.* UTC$")).wait_for()
    groups.nth(1).click()  # the same once more takes nothing back
    visit.settles()

    found = large.rows(
        "SELECT label, kind, model_group.created_by FROM model_group JOIN model"
        " ON model.id = model_id"
    )
    assert set(found) == {("model-02", "closed", "Dr 1")}
    visit.opens("/leaderboard")
    visit.page.locator(".footer").wait_for()
    visit.settles()
    heading = visit.page.locator(".label", has_text=sentence("zh", "model_group.closed"))
    expect(heading).to_be_visible()
    expect(visit.page.locator("table.grid")).to_have_count(2)


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


@pytest.fixture(scope="module")
def figure_6(tmp_path_factory: pytest.TempPathFactory):
    """The app on the four tables of LLMEval-Med's figure 6, a question for each response."""
    folder = tmp_path_factory.mktemp("figure-6")
    path = folder / "workbench.db"
    rows = [
        {"question_id": f"MTG:{1000 * place + number}:1", "question": "Write.", "model": model,
         "response": "Text.", "judge:o1": 5 if machine else 1, "physician:A": 5 if human else 1}
        for place, (model, table) in enumerate(_figure_6().items(), 1)
        for number, (human, machine) in enumerate(
            (human, machine)
            for human in (0, 1) for machine in (0, 1) for _ in range(table[human][machine])
        )
    ]  # fmt: skip
    file = folder / "figure-6.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run_core(path, "import", "table", str(file), "--name", "figure-6", "--phase", "blind")
    app = Served(ROOT / "app.py", path)
    yield app
    app.stop()


def _figure_6() -> dict[str, list[list[int]]]:
    """Physicians in rows, the judge in columns, 0 unusable: Zhang et al. 2025, figure 6."""
    return {
        model: [list(reversed(row)) for row in reversed(table)]
        for model, (table, *_) in FIGURE_6.items()
        if model != "pooled"
    }


def test_figure_6_stands_on_the_page_itself(figure_6, open_browser):
    visit = visit_of(figure_6, open_browser, "en")
    visit.signs_in("Dr 1", "/agreement?view=matrices", ["lead"])

    text = visit.page.locator(".sentence").inner_text()
    # 306 responses, 67.32% agreement, κ .2429 (Zhang et al. 2025).
    assert re.search(r"On 306 responses .* 67% \[\d+, \d+\] \(κ \.24 \[", text)
    for model, table in _figure_6().items():
        place = visit.page.locator("[data-testid='stColumn']").filter(has_text=f"{model} · n").last
        cells = place.locator("table.matrix td").all_inner_texts()
        assert cells == [str(one) for row in table for one in row], model


def test_what_was_proposed_is_asked_for_by_one_click(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 1", "/leaderboard?view=next", ["physician", "lead"])
    before = large.value("SELECT count(*) FROM draw")

    visit.page.get_by_role("button", name=sentence("en", "leaderboard.ask_now")).first.click()

    until(lambda: large.value("SELECT count(*) FROM draw") > before)
    visit.settles()
    expect(visit.page.locator(_BROKEN)).to_have_count(0)
    rows = large.rows("SELECT reason, created_by, overlap FROM draw ORDER BY id DESC LIMIT 1")
    assert rows[0][0].startswith("narrows the corrected rate of model-")
    assert rows[0][1:] == ("Dr 1", 1)


def test_a_question_is_excluded_with_a_reason_and_both_readings_stay(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 1", "/leaderboard?view=exclusions", ["physician", "lead"])
    scored = large.value(
        "SELECT question.key FROM assessment JOIN rater ON rater.id = rater_id"
        " JOIN response ON response.id = response_id JOIN question ON question.id = question_id"
        " WHERE person_id IS NOT NULL LIMIT 1"
    )
    chosen = visit.page.get_by_role("combobox", name=sentence("en", "agreement.question"))
    chosen.click()
    chosen.fill(scored)
    visit.page.get_by_role("option", name=scored, exact=True).click()
    visit.settles()
    visit.page.get_by_label(sentence("en", "agreement.because"), exact=True).fill("Wrong answer")
    visit.page.keyboard.press("Enter")
    visit.settles()

    visit.page.get_by_role("button", name=sentence("en", "leaderboard.exclude_now")).click()

    expect(visit.page.locator("table.grid")).to_contain_text("Wrong answer")
    visit.opens("/agreement")
    expect(visit.page.get_by_text("to excluded questions are left out. With them")).to_be_visible()


def test_the_methods_report_is_one_click_in_the_readers_language(large, open_browser, tmp_path):
    visit = visit_of(large, open_browser, "zh")
    visit.signs_in("Dr 1", "/leaderboard?view=report", ["physician", "lead"])
    visit.page.get_by_label(sentence("zh", "report.stated.ethics")).fill("伦审 2026-17")
    visit.page.keyboard.press("Enter")
    visit.settles()
    visit.page.get_by_role("button", name=sentence("zh", "leaderboard.state")).click()
    until(lambda: large.value("SELECT count(*) FROM study_statement") == 1)

    for suffix in ("md", "html"):
        with visit.page.expect_download() as waiting:
            visit.page.get_by_role(
                "button", name=sentence("zh", f"leaderboard.report_{suffix}")
            ).click()
        path = tmp_path / f"report.{suffix}"
        waiting.value.save_as(path)
        text = path.read_text(encoding="utf-8")
        assert "伦审 2026-17" in text
        assert "Dr 1" not in text
        assert sentence("zh", "shell.research_only") in text


def test_what_is_held_out_opens_only_by_a_confirmed_and_kept_act(large, open_browser):
    visit = visit_of(large, open_browser, "en")
    visit.signs_in("Dr 2", "/agreement?view=held_out", ["physician", "lead"])
    visit.page.get_by_text(sentence("en", "seals.open_more")).click()
    button = visit.page.locator("[class*='-held-out-open'] button").last
    expect(button).to_be_disabled()
    visit.page.get_by_label(sentence("en", "seals.reason")).fill("A physician asked")
    visit.page.keyboard.press("Enter")
    visit.settles()
    visit.page.get_by_text(sentence("en", "seals.confirm")).click()
    expect(button).to_be_enabled()

    button.click()

    expect(visit.page.locator("table.grid")).to_contain_text("A physician asked")
    assert large.rows("SELECT reason, created_by FROM seal_opening") == [
        ("A physician asked", "Dr 2")
    ]
