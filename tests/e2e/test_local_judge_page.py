"""A local checkpoint judges, ordered on the page Runs with the settings that are folded there."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from core.services import sealing
from core.store import people, studies
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, Served, Visit, until
from tests.tiny_model import save_tiny_model

pytestmark = pytest.mark.browser

ASKED = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model, which writes nonsense."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model", context=16_384)


def fills(visit: Visit, **fields: object) -> None:
    """Fill in fields of the order for a judge."""
    for name, text in fields.items():
        field = visit.page.locator(f'[class*="-judge-{name}"] input').first
        field.fill(str(text))
        field.press("Enter")
        visit.settles()


def chooses_engine(visit: Visit, name: str) -> None:
    visit.page.get_by_text(sentence("en", "runs.judge"), exact=True).click()
    engine = visit.page.locator('[class*="-judge-engine"]').get_by_role("combobox")
    choice = visit.page.get_by_role("option").filter(has_text=sentence("en", f"engine.{name}"))

    def is_open() -> bool:
        if choice.count() == 0:  # the page may be drawn anew between key and list
            engine.press("ArrowDown")
            visit.page.wait_for_timeout(300)
        return choice.count() > 0

    until(is_open)
    choice.click()
    visit.settles()


def test_a_local_judge_writes_nonsense_that_is_unscored_with_reasons_on_the_page(
    served: Served, open_browser: Open, model: Path
) -> None:
    visit = open_browser(served)
    visit.signs_in(LEAD, "/runs")
    chooses_engine(visit, "huggingface")
    fills(visit, model=model, rounds=1)
    visit.page.get_by_text(sentence("en", "runs.more"), exact=True).first.click()
    fills(visit, name="spruce", temperature=0, tokens=24, limit=ASKED, gpus="9")
    refusal = sentence("en", "error.bad_gpus", wish="9", known="none")
    expect(visit.page.get_by_text(refusal)).to_be_visible()
    fills(visit, gpus="none")

    visit.page.get_by_role("button", name=sentence("en", "runs.start_judge")).click()

    row = visit.page.locator("table.rows tr", has_text="spruce").first
    expect(row).to_contain_text(f"{ASKED} / {ASKED}", timeout=120_000)
    expect(row.locator("td").nth(4)).to_have_text(str(ASKED))
    expect(visit.page.get_by_text(sentence("en", "note.on_cpu"))).to_be_visible()
    assert served.rows(
        "SELECT engine, parameters FROM configuration JOIN judge"
        " ON configuration_id = configuration.id WHERE judge.name = 'spruce'"
    ) == [("huggingface", '{"max_tokens": 24, "temperature": 0.0}')]
    found = served.rows(
        "SELECT response_id, value, unscored_because FROM assessment"
        " JOIN judge ON judge.name = 'spruce' JOIN rater ON rater.id = rater_id"
        " WHERE rater.configuration_id = judge.configuration_id"
    )
    assert len(found) == ASKED
    assert {(value, because in ("no_verdict", "cut_off")) for _, value, because in found} == {
        (None, True)
    }
    with served.store() as store:
        lead = people.person_named(store, LEAD)
        assert lead is not None
        response_id, reason = next(
            (one, because)
            for one, _, because in found
            if sealing.closed_to(store, studies.studies(store)[0], lead, one) is None
        )
    visit.opens(f"/case?response={response_id}")
    visit.page.get_by_role("button", name=sentence("en", "case.show")).click()
    because = visit.page.get_by_text(sentence("en", f"unscored.{reason}"))
    expect(because.first).to_be_visible()
