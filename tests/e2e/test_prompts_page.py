"""The page of judge prompts: placeholders while typing, new versions, preview, comparison, use."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from core.i18n import sentence
from core.store import judges, studies
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, ROOT, Served, Visit, copy_of, until

pytestmark = pytest.mark.browser

_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_EDITED = {
    "en": ("Compare every number with its unit", "Compare every dose with its unit"),
    "zh": ("每个数值都要连同单位", "每个剂量都要连同单位"),
}


@pytest.fixture(scope="module")
def served(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app on the illustrative study, in which judge `oak` takes part with three rounds."""
    database = copy_of(sample_database, tmp_path_factory.mktemp("prompts"))
    app = Served(ROOT / "app.py", database)
    with app.store() as store, store.writing():
        study = studies.study_named(store, "sample")
        assert study is not None
        configuration = judges.ensure_configuration(store, "openai", "oak", {})
        judges.add_judge(store, "oak", configuration, "score 1-5", by="Dr Lead")
        oak = judges.judge_named(store, "oak")
        assert oak is not None
        for prompt in judges.prompts(store):
            judges.activate_prompt(store, study.id, oak, prompt, reason="first use", by="Dr Lead")
        judges.add_plan(store, study.id, oak.id, 3, by="Dr Lead")
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def _visit(served: Served, open_browser: Open, language: str) -> Visit:
    visit = open_browser(served, locale=_LOCALES[language])
    visit.signs_in(LEAD, "/prompts")
    return visit


def _text_field(visit: Visit) -> Locator:
    return visit.page.locator("[class*='st-key-prompts-'][class*='-text'] textarea")


def _opens_tab(visit: Visit, language: str, name: str) -> Locator:
    label = sentence(language, f"prompts.tab_{name}")
    visit.page.get_by_role("tab", name=label, exact=True).click()
    visit.settles()
    return visit.page.get_by_role("tabpanel").filter(visible=True)


def _newest(served: Served, language: str) -> tuple[int, str]:
    return served.rows(
        "SELECT version, text FROM judge_prompt WHERE category = 'MK' AND language = ?"
        " ORDER BY version DESC LIMIT 1",
        (language,),
    )[0]  # type: ignore[return-value]


def test_a_missing_placeholder_is_marked_while_typing(served, open_browser):
    visit = _visit(served, open_browser, "en")
    field, mark = _text_field(visit), visit.page.locator(".placeholders code")
    ticket = mark.filter(has_text="{ticket}")
    expect(mark).to_have_count(8)
    expect(ticket).to_have_attribute("data-state", "once")

    field.press("Control+End")
    field.press_sequentially(" {ticket}")
    expect(ticket).to_have_attribute("data-state", "repeated")
    field.fill(field.input_value().replace("{ticket}", "{tickets}"))

    expect(ticket).to_have_attribute("data-state", "missing")
    expect(mark.filter(has_text="{marker}")).to_have_attribute("data-state", "once")


def test_a_prompt_without_a_placeholder_is_neither_previewed_nor_stored(served, open_browser):
    visit = _visit(served, open_browser, "en")
    before = served.value("SELECT count(*) FROM judge_prompt")
    field = _text_field(visit)
    field.fill(field.input_value().replace("{requirements}", ""))
    visit.page.get_by_label(sentence("en", "prompts.reason")).fill("shorter")
    visit.page.get_by_role("button", name=sentence("en", "prompts.save")).click()

    expect(
        visit.page.get_by_text(sentence("en", "error.prompt_lacks", names="{requirements}"))
    ).to_be_visible()
    visit.settles()
    panel = _opens_tab(visit, "en", "preview")
    expect(panel.get_by_text(sentence("en", "prompts.incomplete"))).to_be_visible()
    assert served.value("SELECT count(*) FROM judge_prompt") == before


@pytest.mark.parametrize("language", _LOCALES)
def test_a_prompt_is_edited_previewed_saved_compared_and_put_to_use(served, open_browser, language):
    visit = _visit(served, open_browser, language)
    version, text = _newest(served, language)
    old, new = _EDITED[language]
    assert text.count(old) == 1
    edited = text.replace(old, new)

    field = _text_field(visit)
    field.fill(edited)
    field.press("Control+Enter")
    visit.settles()
    panel = _opens_tab(visit, language, "preview")
    filled = panel.locator(".clinical")
    expect(filled).to_contain_text(new)
    response = served.value(
        "SELECT response.text FROM response JOIN question ON question.id = question_id"
        " WHERE category = 'MK' AND language = ? ORDER BY position, response.id LIMIT 1",
        (language,),
    )
    assert response in (filled.text_content() or "").replace("\xa0", " ")

    _opens_tab(visit, language, "edit")
    visit.page.get_by_label(sentence(language, "prompts.reason")).fill("**doses** matter")
    visit.page.get_by_role("button", name=sentence(language, "prompts.save")).click()
    until(lambda: _newest(served, language)[0] == version + 1)
    visit.settles()
    assert _newest(served, language)[1] == edited
    expect(visit.page.locator(".versions")).to_contain_text("**doses** matter")

    panel = _opens_tab(visit, language, "compare")
    removed, added = panel.locator("del"), panel.locator("ins")
    assert "".join(removed.all_text_contents()) in old
    assert "".join(added.all_text_contents()) in new
    expect(removed.first).to_be_visible()
    expect(panel.locator("table.sides")).to_contain_text(new)

    panel = _opens_tab(visit, language, "use")
    count = served.value(
        "SELECT count(*) FROM response JOIN question ON question.id = question_id"
        " WHERE category = 'MK' AND language = ?",
        (language,),
    )
    said = sentence(
        language, "prompts.effect", responses=count, rounds=3, judged=0, outstanding=3 * count
    )
    expect(panel.get_by_text(said)).to_be_visible()
    panel.get_by_label(sentence(language, "trial.reason")).fill("trial")
    panel.get_by_role("button", name=sentence(language, "trial.activate_only")).click()
    until(lambda: _serving(served, language) == version + 1)
    visit.settles()
    served_line = visit.page.locator(".versions .serves")
    expect(served_line).to_contain_text("**doses** matter")
    expect(served_line).to_contain_text(sentence(language, "prompts.serves", judges="oak"))


def _serving(served: Served, language: str) -> int:
    return served.value(
        "SELECT version FROM active_rater JOIN judge_prompt ON judge_prompt.id = judge_prompt_id"
        " JOIN judge ON judge.id = judge_id WHERE judge.name = 'oak'"
        " AND active_rater.category = 'MK' AND active_rater.language = ?",
        (language,),
    )


def test_a_link_of_the_worklist_opens_its_prompt_in_either_language(served, open_browser):
    visit = _visit(served, open_browser, "zh")
    expect(_text_field(visit)).to_have_value(re.compile("你是"))

    visit.page.get_by_role("link", name="MSE English", exact=True).click()

    expect(visit.page).to_have_url(re.compile("category=MSE.*prompt-language=en"))
    expect(_text_field(visit)).to_have_value(re.compile("MSE"))
    expect(_text_field(visit)).not_to_have_value(re.compile("你是"))
