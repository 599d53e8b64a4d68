"""From a physician's key to the next response on the screen, in real Chromium."""

import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from core.services import assigning
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.opening import ensure_workbench
from core.store import people, studies
from core.store.database import Store, opened
from core.store.draws import Design
from tests.bench.sockets import socket_times
from tests.e2e.served import ROOT, Served, Visit
from tests.workbench import five_keys, plain_questions

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)  # fmt: skip
_QUESTIONS = 667
_PRESSES, _PAUSE = 30, 500
#: Models, samples and judging rounds that make so many machine scores.
_SMALL, _LARGE = (1, 1, 1.5), (25, 3, 7)

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


@dataclass(frozen=True, slots=True)
class Times:
    """Times from the key on, in milliseconds; what never came is infinite."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle time."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """The time that 95 of 100 presses stay within."""
        return sorted(self.times)[math.ceil(0.95 * len(self.times)) - 1]

    def __str__(self) -> str:
        return f"{self.median:.0f} / {self.p95:.0f}"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What followed the presses of one setting.

    Attributes:
        painted: till the next response's text was on the screen.
        answered: till its row was stored and the next response took a score.
        served: the server's part of that, without a browser.
        wrong: how often another response had to come than the one that was painted.
    """

    painted: Times
    answered: Times
    served: Times
    wrong: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """What became of many presses.

    Attributes:
        early: keys that rightly did nothing.
        problems: every physician with a press that is not exactly its own row.
    """

    presses: int
    early: int
    problems: list[str]


def reviewing(work: Path) -> str:
    """Measure reaction times, and return the section of the document."""
    small, large = _database(work, "small", _SMALL), _database(work, "large", _LARGE)
    settings = [
        ("everything", small, 1), ("everything", small, 5), ("everything", large, 1),
        ("everything", large, 5), ("2,000 of them, drawn", _drawn(large), 5),
    ]  # fmt: skip
    with _browser() as browser:
        found = [_reaction(browser, path, physicians) for _, path, physicians in settings]
    rows = "\n".join(
        f"| {_scores(path):,} | {asked} | {physicians} | {one.painted} | {one.answered} |"
        f" {one.served} |"
        for (asked, path, physicians), one in zip(settings, found, strict=True)
    )
    growth = [
        [getattr(found[at + 2], what).median / getattr(found[at], what).median for at in (0, 1)]
        for what in ("painted", "answered", "served")
    ]
    grown = "; ".join(
        f"{what} {one:.2f}× and {five:.2f}×"
        for what, (one, five) in zip(("painted", "answered", "the server"), growth, strict=True)
    )
    presses = sum(len(one.painted.times) for one in found)
    return f"""## A physician's key to the next response on the screen

Real Chromium on the same machine as the server, {_PRESSES} presses by each physician, about one \
every {_PAUSE / 1000:.1f} s. Milliseconds, median / 95%, from the key on: till the next response's \
text is painted; till the last one's row is stored and the next takes a score; and the server's \
part of that, over its socket with no browser beside it.

| machine scores | asked for | physicians at once | painted | answered | the server |
|---:|---|---:|---:|---:|---:|
{rows}

From the small to the large study the medians grow with one and with five physicians: {grown}. \
Of {presses:,} responses that were painted ahead, {sum(one.wrong for one in found)} had to give \
way to another.
"""


def pressing(work: Path, *, sessions: int = 20, seconds: float = 300) -> str:
    """Let many press for minutes, and return the section that says what became of every press."""
    large = _database(work, "large", _LARGE)
    with _browser() as browser:
        pressed = _pressing(browser, large, sessions=sessions, seconds=seconds)
    said = "\n".join(f"- {one}" for one in pressed.problems)
    return f"""## Many physicians at once

{sessions} sessions in real Chromium press for {seconds:.0f} s on {_scores(large):,} machine \
scores, each the next key when the next response stands: {pressed.presses:,} presses, each compared \
with its row (response, score, order). Lost, doubled or on another response: \
{len(pressed.problems)}. {pressed.early:,} keys more were struck before the response had stood for \
0.3 s; they do nothing.
{said}
"""


def _database(work: Path, name: str, size: tuple[int, int, float]) -> Path:
    """A study of plain questions with so many models, samples and judging rounds."""
    models, samples, rounds = size
    path = work / f"{name}.db"
    if path.exists():
        return path
    ensure_workbench(path)
    questions = {
        key: fields | {
            "problem": f"{fields['problem']} {'History, findings, drugs and doses. ' * 12}",
            "checklist": "Core requirements:\n1. Names the drug\n2. States the dose with its unit"
            "\n\nSecondary requirements:\n1. Gives the follow-up",
        }
        for code, count in (("MK", 200), ("MLU", 167), ("MR", 150), ("MSE", 150))
        for key, fields in plain_questions(code, count).items()
    }  # fmt: skip
    body = "**Dose** 5 mg, twice daily.\n\n- a\n- b\n" * 9
    answers = {
        key: {"model_answer": f"Answer to {key}. {body}",
              "model_answer_score": "4", "model_answer_judgement": "Meets the core."}
        for key in questions
    }  # fmt: skip
    files = {"q": five_keys(questions), "a": five_keys(questions, answers)}
    for file, content in files.items():
        (work / f"{file}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    with opened(path) as store:
        import_questions(store, work / "q.json", QuestionImport("bench", "bench"))
        options = ResponseImport("bench", "model-0", "bench", judge="imported")
        import_responses(store, work / "a.json", options)
        with store.writing():
            _multiply(store, models, samples, rounds)
            for number in range(40):
                people.ensure_person(store, f"Dr {number}")
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def _drawn(path: Path) -> Path:
    """A copy of a study of whose responses its physicians are asked for a sample."""
    copy = path.with_name(f"drawn-{path.name}")
    if copy.exists():
        return copy
    shutil.copy(path, copy)
    with opened(copy) as store:
        (study,) = [one for one in studies.studies(store) if one.name == "bench"]
        design = Design(2000, overlap=2, strata=("category", "model"))
        assigning.draw(store, study, design, people.people(store), reason="bench", by="bench")
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return copy


def _multiply(store: Store, models: int, samples: int, rounds: float) -> None:
    """Copy the first model's responses and scores to more models, samples and rounds."""
    for number in range(1, models):
        store.execute("INSERT INTO model (label) VALUES (?)", (f"model-{number}",))
    store.execute(
        "INSERT INTO response (question_id, model_id, sample, attempt, criteria_id, text, origin,"
        " created_by)"
        " WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"
        " SELECT question_id, model.id, n, 1, criteria_id, text, 'imported', 'bench'"
        " FROM response JOIN model JOIN number"
        " WHERE NOT (model.id = response.model_id AND n = 1)",
        (samples,),
    )
    store.execute(
        "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt,"
        " scale, value, rationale, claimed_phase, created_by)"
        " WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"
        " SELECT response.id, first.rater_id, response.criteria_id, 'study', n, 1, first.scale,"
        "  1 + (response.id + n) % 5, 'Meets the core.', 'observed', 'bench'"
        " FROM number JOIN response JOIN (SELECT * FROM assessment ORDER BY id LIMIT 1) AS first"
        " WHERE NOT EXISTS (SELECT 1 FROM assessment AS known"
        "  WHERE known.response_id = response.id AND known.round = n)"
        "  AND (n <= ? OR response.id % 2)",
        (math.ceil(rounds), int(rounds)),
    )


def _scores(path: Path) -> int:
    with opened(path) as store:
        return int(store.value("SELECT count(*) FROM assessment WHERE exchange_id IS NULL"
                               " AND created_by = 'bench'"))  # fmt: skip


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def _at_the_sheet(
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


def _reaction(browser: Browser, database: Path, physicians: int) -> Reaction:
    """What follows the presses of physicians who press at once."""
    with _served(database) as served, _at_the_sheet(browser, served, physicians) as present:
        _press(present, count=5, seconds=60, pause=_PAUSE)  # the first ones load and fill caches
        by_name = _press(present, count=_PRESSES, seconds=120, pause=_PAUSE)
    presses = [press for of_one in by_name.values() for press in of_one]
    painted, answered = (
        Times(tuple(press[what] or math.inf for press in presses)) for what in ("ms", "answered")
    )
    with _served(database) as served:
        names = [f"Dr {number}" for number in range(physicians)]
        times = socket_times(served, names, count=_PRESSES, pause=_PAUSE / 1000)
    return Reaction(painted, answered, Times(times), sum(not press["right"] for press in presses))


def _pressing(browser: Browser, database: Path, *, sessions: int, seconds: float) -> Pressed:
    """Let so many press, and compare every press with what is stored."""
    with _served(database) as served:
        with _at_the_sheet(browser, served, sessions) as present:
            presses = _press(present, count=100_000, seconds=seconds, pause=_PAUSE)
            early = sum(page.evaluate("window.early") for _, page in present)
        stored = {
            name: served.rows(
                "SELECT response_id, value FROM human_assessment JOIN person ON person.id ="
                " person_id WHERE name = ? ORDER BY human_assessment.id", (name,),
            )
            for name in presses
        }  # fmt: skip
    problems = [
        f"{name}: {len(of_one)} presses, {len(stored[name])} rows; {_first(of_one, stored[name])}"
        for name, of_one in presses.items()
        if _said(of_one) != stored[name]
    ]
    return Pressed(sum(map(len, presses.values())), early, problems)


def _said(presses: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Response and score of every press."""
    return [(press["id"], press["key"]) for press in presses]


def _first(presses: Sequence[dict[str, Any]], stored: Sequence[tuple[Any, ...]]) -> str:
    """The first press that is not its own row."""
    said = _said(presses)
    at = next(
        (at for at, one in enumerate(said) if at >= len(stored) or one != stored[at]), len(said)
    )
    return f"press {at} {presses[at : at + 1]}, row {list(stored[at : at + 1])}"


@contextmanager
def _served(database: Path) -> Iterator[Served]:
    """The app on a copy of a database."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(ROOT / "app.py", Path(shutil.copy(database, folder)))
        try:
            yield served
        finally:
            served.stop()


def _press(
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
