"""The page Runs: what an order would cost, and what it did."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from core.i18n import sentence
from tests.e2e.served import LEAD, ROOT, Served, Visit, copy_of, until
from tests.openai_server import PROSE, Fault, OpenAIServer

pytestmark = pytest.mark.browser
OAK = '[model.oak]\ncurrency = "USD"\nprompt = 2\nreply = 8\n'


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    """An endpoint on this machine."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="module")
def priced(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app with a price file that knows oak."""
    folder = tmp_path_factory.mktemp("priced")
    prices = folder / "prices.toml"
    prices.write_text(OAK, encoding="utf-8")
    database = copy_of(sample_database, folder)
    app = Served(ROOT / "app.py", database, {"ATTENDING_PRICES": str(prices)})
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def field(visit: Visit, name: str) -> Locator:
    """A field of the order for a judge."""
    return visit.page.locator(f'[class*="-judge-{name}"] input').first


def orders(visit: Visit, language: str, *, model: str, address: str) -> None:
    """Fill in an order for a judge at an endpoint."""
    visit.page.get_by_text(sentence(language, "runs.judge"), exact=True).click()
    engine = visit.page.locator('[class*="-judge-engine"]').get_by_role("combobox")
    choice = visit.page.get_by_role("option").filter(has_text="OpenAI")

    def is_open() -> bool:
        if choice.count() == 0:  # the page may be drawn anew between key and list
            engine.press("ArrowDown")
            visit.page.wait_for_timeout(300)
        return choice.count() > 0

    until(is_open)
    choice.click()
    visit.settles()
    for name, text in (("model", model), ("address", address)):
        field(visit, name).fill(text)
        field(visit, name).press("Enter")
        visit.settles()


@pytest.mark.parametrize(("language", "locale"), [("en", "en-US"), ("zh", "zh-CN")])
def test_an_order_says_what_it_would_cost_before_it_is_given(
    priced: Served, open_browser, server: OpenAIServer, language: str, locale: str
) -> None:
    visit: Visit = open_browser(priced, locale=locale, apart=True)
    visit.signs_in(LEAD, "/runs")

    orders(visit, language, model="oak", address=server.url)

    said = visit.page.get_by_text(re.compile(r"USD$")).first
    expect(said).to_be_visible()
    assert re.search(r"\b(66|198)\b", said.inner_text())
    how = sentence(language, "money.how", cjk=0.6, other=0.3, reply=500)
    expect(visit.page.get_by_text(how)).to_be_visible()
    assert server.received == []


def test_an_order_that_would_be_refused_says_so_before_it_is_given(
    priced: Served, open_browser, server: OpenAIServer
) -> None:
    visit: Visit = open_browser(priced, apart=True)
    visit.signs_in(LEAD, "/runs")

    orders(visit, "en", model="oak", address="elsewhere.example/v1")

    expect(visit.page.get_by_text("elsewhere.example/v1 is not an http")).to_be_visible()


def test_a_job_shows_its_cost_and_why_it_ended(
    priced: Served, open_browser, server: OpenAIServer
) -> None:
    visit: Visit = open_browser(priced, apart=True)
    visit.signs_in(LEAD, "/runs")
    orders(visit, "en", model="oak", address=server.url)
    field(visit, "budget").fill("0.02")
    field(visit, "budget").press("Enter")
    visit.settles()

    visit.page.get_by_role("button", name=sentence("en", "runs.start_judge")).click()

    expect(visit.page.get_by_text(re.compile(r"^Stopped at its budget: 0\.01"))).to_be_visible()
    spent = visit.page.locator("table.rows tr.sum", has_text="oak")
    expect(spent).to_contain_text(re.compile(r"0\.01\d USD"), timeout=30_000)
    expect(visit.page.locator("table.rows tr.sum", has_text="baseline")).to_contain_text(
        sentence("en", "money.not_billed")
    )


def test_a_running_job_can_be_stopped(priced: Served, open_browser, server: OpenAIServer) -> None:
    server.fails(Fault(seconds=0.5))
    visit: Visit = open_browser(priced, apart=True)
    visit.signs_in(LEAD, "/runs")
    orders(visit, "en", model="ash", address=server.url)
    visit.page.get_by_role("button", name=sentence("en", "runs.start_judge")).click()

    visit.page.get_by_role("button", name=sentence("en", "runs.cancel")).click()

    until(lambda: priced.value("SELECT state FROM job ORDER BY id DESC") == "cancelled")
    server.recovers()
    row = visit.page.locator("table.rows tr", has_text="Judge ash").first
    expect(row).to_contain_text(sentence("en", "state.cancelled"))
    expect(row).to_contain_text(sentence("en", "money.unknown"))


def test_a_job_whose_worker_was_killed_says_so_and_goes_on_at_a_press(
    priced: Served, open_browser, server: OpenAIServer
) -> None:
    server.fails(Fault(seconds=0.5))
    visit: Visit = open_browser(priced, apart=True)
    visit.signs_in(LEAD, "/runs")
    orders(visit, "en", model="yew", address=server.url)
    visit.page.get_by_role("button", name=sentence("en", "runs.start_judge")).click()
    running = "SELECT pid FROM worker JOIN job ON worker_id = worker.id WHERE state = 'running'"
    until(lambda: priced.value(running) is not None)
    told = visit.page.get_by_text(sentence("en", "runs.left_alone"))
    expect(visit.page.get_by_role("button", name=sentence("en", "runs.cancel"))).to_be_visible()
    expect(told).to_have_count(0)

    os.kill(priced.value(running), signal.SIGKILL)

    expect(told).to_be_visible()
    server.recovers()
    visit.page.get_by_role("button", name=sentence("en", "runs.go_on")).click()
    until(lambda: priced.value("SELECT state FROM job ORDER BY id DESC") == "done", seconds=60)
    row = visit.page.locator("table.rows tr", has_text="Judge yew").first
    expect(row).to_contain_text("198 / 198")


def test_what_is_unscored_can_be_asked_again(
    priced: Served, open_browser, server: OpenAIServer
) -> None:
    server.fails(PROSE)
    visit: Visit = open_browser(priced, apart=True)
    visit.signs_in(LEAD, "/runs")
    orders(visit, "en", model="elm", address=server.url)
    field(visit, "rounds").fill("1")
    field(visit, "rounds").press("Enter")
    visit.settles()
    visit.page.get_by_role("button", name=sentence("en", "runs.start_judge")).click()
    again = sentence("en", "runs.retry_these", n=66, judge="elm")
    expect(visit.page.get_by_role("button", name=again)).to_be_visible()
    server.recovers()

    visit.page.get_by_role("button", name=again).click()

    until(
        lambda: (
            priced.value(
                "SELECT done - unscored FROM job WHERE state = 'done' ORDER BY id DESC LIMIT 1"
            )
            == 66
        )
    )
    expect(visit.page.get_by_role("button", name=again)).to_have_count(0)
