"""A model answers the sample study, ordered on the page Runs and watched there."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, Served, until
from tests.tiny_model import save_tiny_model

pytestmark = pytest.mark.browser

QUESTIONS = 33
_PLACE = re.compile(sentence("en", "runs.place_answers", done="(\\d+)", total="(\\d+)", unscored=0))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model whose answers end one after the other."""
    folder = tmp_path_factory.mktemp("tiny") / "spruce"
    return save_tiny_model(folder, hidden=256, layers=4, ends_every=100)


def test_answers_are_ordered_on_the_page_and_their_number_is_seen_growing(
    served: Served, open_browser: Open, model: Path
) -> None:
    visit = open_browser(served)
    visit.signs_in(LEAD, "/runs")
    visit.page.get_by_text(sentence("en", "runs.generate")).click()
    visit.page.get_by_label(sentence("en", "runs.source")).fill(str(model))
    visit.page.get_by_label(sentence("en", "runs.tokens")).last.fill("128")
    visit.page.get_by_label(sentence("en", "runs.tokens")).last.press("Enter")
    visit.settles()

    visit.page.get_by_role("button", name=sentence("en", "runs.start_generate")).click()

    until(lambda: served.value("SELECT count(*) FROM job WHERE kind = 'generate'") == 1)
    seen = set()
    end = time.monotonic() + 90
    while (state := served.value("SELECT state FROM job WHERE kind = 'generate'")) != "done":
        assert state in ("queued", "running")
        assert time.monotonic() < end
        seen |= {int(done) for done, _ in _PLACE.findall(visit.text())}
        time.sleep(0.1)
    assert len([count for count in seen if 0 < count < QUESTIONS]) >= 2, seen
    row = visit.page.locator("table.rows tr", has_text="spruce").first
    expect(row).to_contain_text(f"{QUESTIONS} / {QUESTIONS}")
    expect(visit.page.get_by_role("cell", name=sentence("en", "note.on_cpu"))).to_be_visible()
    texts = served.value(
        "SELECT count(*) FROM response JOIN model ON model.id = model_id"
        " WHERE label = 'spruce' AND text IS NOT NULL"
    )
    assert texts > QUESTIONS // 2
