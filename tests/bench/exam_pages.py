"""How long pages take in a real browser with an exam of MedBench's size beside the sample study."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from core.formats.catalogue import FORMATS
from core.services.examining import score_closed
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.naming import study_of_dataset
from core.store.database import opened
from tests.bench.exams import EXERCISES, MODELS, SMALL, add_answers, write_exam
from tests.e2e.conftest import FLAGS, executable
from tests.e2e.served import LEAD, ROOT, Served, Visit, run_core

_LOADS, _WARM_UP = 7, 1
_PAGES = {
    "home": "/", "data": "/data", "exams: accuracy": "/exams",
    "exams: department × difficulty": "/exams?rows=department&across=level",
    "exams: unread": "/exams?view=unread", "a closed case": "/case?response={closed}",
    "an open case": "/case?response={open}", "score": "/review", "work": "/work",
    "search: a common word": "/search?words=阿司匹林", "search: a rare word": "/search?words=随餐",
    "runs": "/runs", "agreement": "/agreement",
    "leaderboard": "/leaderboard", "checklists": "/checklists", "prompts": "/prompts",
    "assign": "/assign", "adjudicate": "/adjudicate", "people": "/people",
}  # fmt: skip


def exam_pages(work: Path) -> str:
    """The part of docs/performance.md about pages beside an exam."""
    with (
        _served(work / "small", SMALL) as small,
        _served(work / "large", EXERCISES) as large,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)
        found = _measured(browser, (small, large))
        browser.close()
    rows = []
    for name, (before, after) in found.items():
        quickest = min(after) / min(before)
        rows.append(
            f"| {name} | {median(before):.0f} | {median(after):.0f} "
            f"| {median(after) / median(before):.2f} | {quickest:.2f} |"
        )
    return f"""## Pages beside an exam

Chromium on the sample study with an exam beside it, which {MODELS} models answered; milliseconds \
from an address to the whole page, {_LOADS} loads in turn with the other size.

| | {SMALL} exercises: median | {EXERCISES:,}: median | growth | growth of the quickest |
|---|---:|---:|---:|---:|
{chr(10).join(rows)}
"""


@contextmanager
def _served(folder: Path, exercises: int) -> Iterator[Served]:
    folder.mkdir()
    database = folder / "workbench.db"
    run_core(database, "init", "--sample")
    write_exam(folder / "exam.json", exercises)
    options = QuestionImport("exam", LEAD, study="sample", is_illustrative=True)
    with opened(database) as store:
        import_benchmark(store, folder / "exam.json", FORMATS["cmb-exam"], options)
        with store.writing():
            add_answers(store, MODELS)
        score_closed(store, study_of_dataset(store, "exam"), by=LEAD)
    server = Served(ROOT / "app.py", database)
    try:
        yield server
    finally:
        server.stop()


def _measured(
    browser: Browser, sides: tuple[Served, Served]
) -> dict[str, tuple[list[float], list[float]]]:
    """Milliseconds of every page's loads on both sides."""
    visits = []
    for served in sides:
        context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
        visits.append(Visit(context.new_page(), served))
        visits[-1].signs_in(LEAD, "/")
    found: dict[str, tuple[list[float], list[float]]] = {}
    for name, address in _PAGES.items():
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(_WARM_UP + _LOADS):
            for side, (visit, served) in enumerate(zip(visits, sides, strict=True)):
                took = _load(visit, address.format(**_responses(served)))
                if number >= _WARM_UP:
                    times[side].append(took)
        found[name] = times
    return found


def _load(visit: Visit, address: str) -> float:
    started = time.perf_counter()
    visit.opens(address)
    visit.page.locator(".footer").wait_for()
    visit.settles()
    return 1000 * (time.perf_counter() - started)


def _responses(served: Served) -> dict[str, int]:
    """A response to an open question and one to a closed one."""
    sql = (
        "SELECT min(response.id) FROM response JOIN question ON question.id = question_id"
        " WHERE kind = ?"
    )
    return {kind: int(served.value(sql, (kind,))) for kind in ("open", "closed")}
