"""Physicians at the keyboard: browsers at the scoring page, pressed and watched by a script."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.served import ROOT, Served, Visit

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)  # fmt: skip

#: Presses a digit as a keyboard does, and notes when the text of another response was painted, and
#: when the server had answered: its row is stored, and the next response takes a score.
_DRIVER = """
    window.presses = [];
    window.early = 0;
    const sheet = () => {
        const bar = document.querySelector("[class*='-score-5']:has(button)");
        return bar ? Number(bar.className.match(/review-\\d+-(\\d+)-score-5/)[1]) : null;
    };
    const read = () => {
        const ahead = document.querySelector(".is-ahead .sheet-ahead");
        const text = (ahead ?? document).querySelector(
            ":is(.sheet-response, .ahead-response) :is(.clinical-rendered, .clinical)");
        return text?.checkVisibility({visibilityProperty: true})
            ? Number(ahead?.dataset.next ?? sheet()) : null;
    };
    const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const rest = ms => new Promise(done => setTimeout(done, ms));
    const another = async (found, old, until) => {
        while (performance.now() < until) {
            if (found() && found() !== old) return true;
            await new Promise(done => {
                const observer = new MutationObserver(() => { observer.disconnect(); done(); });
                observer.observe(document, {subtree: true, childList: true, attributes: true});
                setTimeout(() => { observer.disconnect(); done(); }, 100);
            });
        }
        return false;
    };
    const field = () => document.querySelector("[class*='-presses'] input");
    window.press = async (count, seconds, pause) => {
        const end = performance.now() + 1000 * seconds;
        while (window.presses.length < count && performance.now() < end) {
            const id = sheet(), key = String(1 + window.presses.length % 5);
            const at = performance.now(), before = field().value;
            for (const type of ["keydown", "keyup"])
                document.body.dispatchEvent(new KeyboardEvent(type,
                    {key, code: `Digit${key}`, keyCode: 48 + Number(key), bubbles: true}));
            if (field().value === before) {  // so soon that nobody can have read: it does nothing
                window.early++;
                await rest(400);
                continue;
            }
            const since = async (found) => {
                const came = await another(found, id, at + 10000);
                await painted();
                return came ? performance.now() - at : null;
            };
            const press = {id, key: Number(key), ms: await since(read), next: read()};
            press.answered = await since(sheet);
            press.right = press.next === sheet();
            window.presses.push(press);
            await rest(pause * (0.75 + Math.random() / 2));
        }
        window.isDone = true;
    };
"""


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Real Chromium, for as long as a block lasts."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def at_the_sheet(
    browser: Browser, served: Served, physicians: int
) -> Iterator[Sequence[tuple[str, Page]]]:
    """So many physicians, each with a response in front of them."""
    found = []
    for number in range(physicians):
        context = browser.new_context(locale="en-US", viewport={"width": 1366, "height": 768})
        context.set_default_timeout(60_000)
        visit = Visit(context.new_page(), served)
        visit.page.add_init_script(_DRIVER)
        visit.signs_in(f"Dr {number}", "/review")
        visit.score_button(5).wait_for()
        found.append((f"Dr {number}", visit.page))
    yield found
    for _, page in found:
        page.context.close()


@contextmanager
def app_on(database: Path) -> Iterator[Served]:
    """The app on a copy of a database."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(ROOT / "app.py", Path(shutil.copy(database, folder)))
        try:
            yield served
        finally:
            served.stop()


def let_press(
    present: Sequence[tuple[str, Page]], *, count: int, seconds: float, pause: float
) -> dict[str, list[dict[str, Any]]]:
    """Let everybody press at once; what they pressed, and how long the next response took."""
    for _, page in present:
        page.evaluate("window.presses = []; window.early = 0; window.isDone = false")
        page.evaluate(f"void window.press({count}, {seconds}, {pause})")
    until = time.monotonic() + seconds + 60
    for _, page in present:
        page.wait_for_function("window.isDone", timeout=1000 * max(1, until - time.monotonic()))
    return {name: page.evaluate("window.presses") for name, page in present}
