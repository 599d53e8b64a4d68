"""How long the agreement page and the leaderboard take in a real browser, on a large study."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

from core.i18n import sentence
from tests.bench.large_study import Size, ensure_large_study, one_more_score
from tests.e2e.conftest import FLAGS, executable
from tests.e2e.served import ROOT, Served, Visit

_VIEWS = ("danger", "groups", "matrices", "scores", "parts", "physicians", "fine_print")
#: A view that takes little, between two measurements of another.
_BETWEEN = "held_out"
_TIMES = 3
#: From the next click until the server has drawn what follows from it, in milliseconds.
_WATCH = """() => { window.drawn = new Promise(resolve => {
  const app = document.querySelector('[data-testid="stApp"]');
  let clicked = 0, hasRun = false;
  document.addEventListener('pointerdown', () => { clicked = performance.now(); },
                            {once: true, capture: true});
  const seen = new MutationObserver(changes => {
    const before = changes.some(one => one.oldValue === 'running');
    const state = app.getAttribute('data-test-script-state');
    if (clicked && (before || state === 'running')) hasRun = true;
    if (!hasRun || state !== 'notRunning') return;
    seen.disconnect();
    resolve(performance.now() - clicked);
  });
  seen.observe(app, {attributes: true, attributeOldValue: true});
  setTimeout(() => resolve(-1), 20000);  // nothing was drawn: told as -1
}); }"""


def dashboard(work: Path) -> str:
    """A section of the document."""
    path = work / "large.db"
    ensure_large_study(path, Size(2_996, 13, 3, 3, 6, 20_000, 1))
    served = Served(ROOT / "app.py", path)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)
            context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
            visit = Visit(context.new_page(), served)
            visit.signs_in("Dr 1", "/agreement", ["physician", "lead"])
            lines = [*_views(visit), *_filters(visit), *_board(visit), *_after_a_score(visit)]
            browser.close()
    finally:
        served.stop()
    rows = "\n".join(f"| {name} | {milliseconds:.0f} |" for name, milliseconds in lines)
    return f"""## The dashboard on 350,000 machine and 20,000 physicians' scores

Chromium, from the click to the page drawn and the server at rest; median of {_TIMES}, filters once
and each beside the one before. The first opening reads all cases, a later one those that new facts
touch; they stand apart.

| | milliseconds |
|---|---:|
{rows}
"""


def _views(visit: Visit) -> list[tuple[str, float]]:
    found = []
    for view in _VIEWS:
        times = []
        for _ in range(_TIMES):
            _chooses(visit, "agreement.views", _BETWEEN)
            times.append(_chooses(visit, "agreement.views", view))
        found.append((f"agreement, view {view}", median(times)))
    return found


def _filters(visit: Visit) -> list[tuple[str, float]]:
    _chooses(visit, "agreement.views", "danger")
    found = []
    for word in ("category", "model", "physicians"):
        visit.page.get_by_label(sentence("en", f"words.{word}")).click()
        # The first one stands for all; what narrows comes after it.
        option = visit.page.get_by_role("option").nth(1)
        option.wait_for()
        found.append((f"agreement, view danger, narrowed by {word}", _timed(visit, option.click)))
        visit.page.keyboard.press("Escape")
        visit.page.locator("h1").first.click()
    return found


def _board(visit: Visit) -> list[tuple[str, float]]:
    started = time.perf_counter()
    visit.opens("/leaderboard")
    visit.page.locator("table.grid").first.wait_for()
    visit.settles()
    found = [("leaderboard, first opening", 1000 * (time.perf_counter() - started))]
    for name in ("physicians", "corrected"):
        found.append((f"leaderboard, {name}", _chooses(visit, "leaderboard", name)))
    found.append(("leaderboard, unscored not usable", _chooses(visit, "leaderboard", "not_usable")))
    return found


def _after_a_score(visit: Visit) -> list[tuple[str, float]]:
    """Both pages while physicians score: each click comes after a score that nobody has read."""
    found = []
    for page, group, views in (
        ("agreement", "agreement.views", ("danger", "groups")),
        ("leaderboard", "leaderboard", ("judge", "physicians")),
    ):
        visit.opens(f"/{page}")
        visit.page.locator("table.grid").first.wait_for()
        visit.settles()
        times = []
        for number in range(_TIMES):
            with visit.served.store() as store:
                one_more_score(store)
            times.append(_chooses(visit, group, views[1 - number % 2]))
        found.append((f"{page}, the first click after a new score", median(times)))
    return found


def _chooses(visit: Visit, group: str, name: str) -> float:
    words = sentence("en", f"{group}.{name}")
    chosen = visit.page.get_by_role("radio", name=words, exact=True).first
    return _timed(visit, chosen.click)


def _timed(visit: Visit, act: Callable[[], None]) -> float:
    visit.page.evaluate(_WATCH)
    act()
    taken = float(visit.page.evaluate("() => window.drawn"))
    visit.settles()
    return taken
