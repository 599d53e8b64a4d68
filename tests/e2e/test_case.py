"""The page of one case: a judge's marks with the words that are to show them, and what was said."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from core.i18n import sentence
from core.services.opening import ensure_workbench
from core.store.database import opened
from core.store.exchanges import conversation_of
from tests.e2e.served import ROOT, Served, Visit, run_core
from tests.openai_server import PROSE, OpenAIServer
from tests.workbench import CEDAR, QUESTIONS, Workbench

pytestmark = pytest.mark.browser

#: One for every visit: whoever has seen the verdict once is not asked again.
PHYSICIANS = ("Dr Lin", "Dr Weber", "Dr Wang")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str, list[str]]]:
    """The app on a study with one judged response; its address, and what the judge was sent."""
    folder = tmp_path_factory.mktemp("case")
    path = folder / "workbench.db"
    ensure_workbench(path)
    with opened(path) as store, OpenAIServer() as server:
        study = Workbench(store, folder)
        study.imports()
        study.model_answers("cedar", {"MK:1:1": CEDAR["MK:1:1"]})
        for name in PHYSICIANS:
            study.physician(name)
        server.fails(PROSE, times=1)
        # in a process of its own: playwright keeps this thread's event loop
        run_core(
            path, "judge", "--dataset", study.name, "--engine", "openai", "--model", "oak",
            "--base-url", server.url, "--rounds", "1",
        )  # fmt: skip
        sent = [text for one in server.received for text in one.said]
        address = f"/case?response={study.response('MK:1:1').id}"
        with store.writing():  # a quotation that the response does not have
            store.conn.execute("DROP TRIGGER assessment_part_no_update")
            store.change(
                "UPDATE assessment_part SET quote = ? WHERE position = 2", ("随餐**服用**~",)
            )
    served = Served(ROOT / "app.py", path)
    yield served, address, sent
    served.stop()


def opened_case(visit: Visit, address: str, language: str, *, by: str) -> Visit:
    visit.signs_in(by, address, ["physician", "lead"])
    visit.page.get_by_role("button", name=sentence(language, "case.show")).click()
    visit.settles()
    return visit


def expanded(visit: Visit, label: str) -> Locator:
    found = visit.page.get_by_test_id("stExpander").filter(has_text=label)
    found.locator("summary").click()
    return found


@pytest.mark.parametrize(
    ("language", "locale", "physician"),
    [("en", "en-US", PHYSICIANS[0]), ("zh", "zh-CN", PHYSICIANS[1])],
)
def test_every_requirement_stands_with_the_judges_mark_and_words(
    judged, open_browser, language, locale, physician
):
    served, address, _ = judged
    visit = opened_case(open_browser(served, locale=locale), address, language, by=physician)
    given = [mark for (mark,) in served.rows("SELECT value FROM assessment_part ORDER BY position")]
    label = sentence(
        language, "case.marks", n=3, met=given.count(2), partly=given.count(1),
        not_met=given.count(0),
    )  # fmt: skip

    sheet = expanded(visit, label)

    for number, (text, level) in enumerate(
        [
            ("写明 20 mg 每日 1 次", "core"),
            ("写明随餐服用", "core"),
            ("提到定期复查肾功能", "secondary"),
        ],
        1,
    ):
        mark = ("not_met", "partly", "met")[given[number - 1]]
        said = sentence(
            language, "case.mark", number=number, level=sentence(language, f"level.{level}"),
            mark=sentence(language, f"mark.{mark}"),
        )  # fmt: skip
        expect(sheet.get_by_text(said, exact=True)).to_be_visible()
        expect(sheet.get_by_text(text, exact=True)).to_be_visible()
    expect(sheet.get_by_text("随餐**服用**~", exact=True)).to_be_visible()
    expect(sheet.get_by_text(sentence(language, "case.quote_not_found"))).to_have_count(1)


def test_what_the_judge_was_sent_is_shown_to_the_character_both_times(judged, open_browser):
    served, address, sent = judged
    visit = opened_case(open_browser(served), address, "en", by=PHYSICIANS[2])

    sheet = expanded(visit, sentence("en", "case.exchange"))

    prompt, first_prompt, first_reply, asked_again = sent
    texts = sheet.locator(".clinical")
    expect(texts).to_have_count(4)
    shown = [texts.nth(number).evaluate("one => one.textContent") for number in range(4)]
    assert prompt == first_prompt
    assert shown[:3] == [prompt, first_reply, asked_again]
    [(exchange_id,)] = served.rows("SELECT exchange_id FROM assessment")
    with served.store() as store:
        assert shown[3] == conversation_of(store, exchange_id)[1].reply
    expect(sheet.get_by_text(sentence("en", "case.asked_again"))).to_be_visible()
    assert QUESTIONS["MK:1:1"]["problem"] in shown[0]
