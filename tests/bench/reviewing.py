"""From a physician's key to the next response on the screen, in real Chromium."""

import json
import math
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from core.services import assigning
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.opening import ensure_workbench
from core.store import people, studies
from core.store.database import Store, opened
from core.store.draws import Design
from tests.bench.keyboard import a_browser, app_on, at_the_sheet, let_press
from tests.bench.sockets import socket_times
from tests.workbench import five_keys, plain_questions

_PRESSES, _PAUSE = 30, 500
#: Models, samples and judging rounds that make so many machine scores.
_SMALL, _LARGE = (1, 1, 1.5), (25, 3, 7)


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
        wrong: how often another response had to come than the one that was painted.
    """

    painted: Times
    answered: Times
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
    with a_browser() as browser:
        found = [_reaction(browser, path, physicians) for _, path, physicians in settings]
    served = [_served(path, physicians) for _, path, physicians in settings]  # no browser beside
    rows = "\n".join(
        f"| {_scores(path):,} | {asked} | {physicians} | {one.painted} | {one.answered} | {alone} |"
        for (asked, path, physicians), one, alone in zip(settings, found, served, strict=True)
    )
    columns = {
        "painted": [one.painted for one in found],
        "answered": [one.answered for one in found],
        "the server": served,
    }
    grown = "; ".join(
        f"{what} {some[2].median / some[0].median:.2f}× and {some[3].median / some[1].median:.2f}×"
        for what, some in columns.items()
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
    with a_browser() as browser:
        pressed = _pressing(browser, large, sessions=sessions, seconds=seconds)
    said = "\n".join(f"- {one}" for one in pressed.problems)
    return f"""## Many physicians at once

{sessions} sessions in real Chromium press for {seconds:.0f} s on {_scores(large):,} machine \
scores, each the next key when the next response stands: {pressed.presses:,} presses, each \
compared with its row (response, score, order). Lost, doubled or on another response: \
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


def _reaction(browser: Browser, database: Path, physicians: int) -> Reaction:
    """What follows the presses of physicians who press at once."""
    with app_on(database) as served, at_the_sheet(browser, served, physicians) as present:
        let_press(present, count=5, seconds=60, pause=_PAUSE)  # the first ones load and fill caches
        by_name = let_press(present, count=_PRESSES, seconds=120, pause=_PAUSE)
    presses = [press for of_one in by_name.values() for press in of_one]
    painted, answered = (
        Times(tuple(press[what] or math.inf for press in presses)) for what in ("ms", "answered")
    )
    return Reaction(painted, answered, sum(not press["right"] for press in presses))


def _served(database: Path, physicians: int) -> Times:
    """The server's part of the presses of physicians who press at once."""
    with app_on(database) as served:
        names = [f"Dr {number}" for number in range(physicians)]
        return Times(socket_times(served, names, count=_PRESSES, pause=_PAUSE / 1000))


def _pressing(browser: Browser, database: Path, *, sessions: int, seconds: float) -> Pressed:
    """Let so many press, and compare every press with what is stored."""
    with app_on(database) as served:
        with at_the_sheet(browser, served, sessions) as present:
            presses = let_press(present, count=100_000, seconds=seconds, pause=_PAUSE)
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
