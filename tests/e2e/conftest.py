"""A browser for all tests, and servers on databases that are thrown away."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from tests.e2e.served import ROOT, Served, Visit, copy_of, run_core

_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--process-per-site",
)  # fmt: skip
_LAPTOP = {"width": 1366, "height": 768}
Open = Callable[..., Visit]


@pytest.fixture(autouse=True)
def patience() -> None:
    """How long an expectation waits for a slow machine."""
    expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser; without one, a failure in CI and a skip elsewhere."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)
        yield found
        found.close()


def executable(playwright: Playwright) -> str:
    """The system's browser, else playwright's own."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    missing = f"no browser: none of {', '.join(_NAMES)} on PATH, and playwright has none"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def sample_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The illustrative study, judged by the baseline; to be copied, not worked in."""
    path = tmp_path_factory.mktemp("sample") / "workbench.db"
    run_core(path, "init", "--sample")
    return path


@pytest.fixture(scope="module")
def served(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app on a module's own copy of the illustrative study; no page of it may break."""
    app = Served(ROOT / "app.py", copy_of(sample_database, tmp_path_factory.mktemp("served")))
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Iterator[dict[tuple[str, int], BrowserContext]]:
    """Windows by language and number, kept for what they have loaded of the app's scripts."""
    found: dict[tuple[str, int], BrowserContext] = {}
    yield found
    for context in found.values():
        context.close()


@pytest.fixture
def open_browser(
    browser: Browser, windows: dict[tuple[str, int], BrowserContext]
) -> Iterator[Open]:
    """Open an app in a browser that has no cookie yet; `apart` from those that are open."""
    aparts: Counter[str] = Counter()
    pages = []

    def opened(served: Served, *, locale: str = "en-US", apart: bool = False) -> Visit:
        aparts[locale] += apart
        key = (locale, aparts[locale] if apart else 0)
        if key not in windows:
            windows[key] = browser.new_context(
                locale=locale, viewport=_LAPTOP, reduced_motion="reduce"
            )
            windows[key].set_default_timeout(20_000)
            # With a page of its site always open, a window's process and its scripts stay.
            windows[key].new_page().goto(f"{served.url}/_stcore/health")
        windows[key].clear_cookies()
        pages.append(windows[key].new_page())
        return Visit(pages[-1], served)

    yield opened
    for page in pages:
        page.close()
