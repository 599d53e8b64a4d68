"""How long a page takes in a real browser, while nothing runs and while a model answers on the CPU.

The model takes every core; the pages have a process of their own, and its turns come first.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import psutil
from playwright.sync_api import Browser, Locator, sync_playwright

from core.i18n import sentence
from tests.e2e.conftest import FLAGS, executable
from tests.e2e.served import LIN, ROOT, Served, Visit, run_core
from tests.openai_server import OpenAIServer
from tests.tiny_model import save_tiny_model

_LOADS, _PRESSES = 15, 40
_WARM_UP = 3
#: Milliseconds between presses: the same key sooner is a second strike, and ignored.
_STRIKE = 500
#: Seconds of computing after which a model is loaded and answers.
_LOADED = 20.0


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one kind of thing."""

    all: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.all)

    def cells(self) -> str:
        """Median and 90th percentile."""
        ordered = sorted(self.all)
        return f"{self.median:.0f} | {ordered[int(0.9 * (len(ordered) - 1))]:.0f}"


def pages_beside_generation(work: Path) -> str:
    """The part of docs/performance.md about pages while a model answers."""
    model = save_tiny_model(work / "beside", hidden=640, layers=16, vocabulary=6000)
    database = work / "beside.db"
    run_core(database, "init", "--sample")
    served = Served(ROOT / "app.py", database)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)
            idle = _measured(browser, served)
            judged_alone = _judged(database, "alone")
            with _generating(database, model) as process:
                busy = _measured(browser, served)
                load = _share_of_cores(process)
                judged_beside = _judged(database, "beside")
                assert process.poll() is None, "the generation ended before the pages did"
            browser.close()
    finally:
        served.stop()
    names = ("open the page Agreement by its address", "key `t` on the sheet, to the changed text")
    rows = [
        f"| {name} | {calm.cells()} | {other.cells()} | {other.median / calm.median:.2f} |"
        for name, calm, other in zip(names, idle, busy, strict=True)
    ]
    return f"""## Pages while a model answers

Chromium on the sample study; an 84M model answers it on the CPU in a process of lower priority, \
which takes {load:.0%} of the {os.cpu_count()} cores that browser and server share with it. \
Milliseconds, of {_LOADS} loads and {_PRESSES} presses.

| | idle: median | 90% | beside: median | 90% | ratio of medians |
|---|---:|---:|---:|---:|---:|
{chr(10).join(rows)}

A judge of 50 ms a call, {_responses(served)} responses, the whole command: {judged_alone:.1f} s \
alone, {judged_beside:.1f} s beside the generation.
"""


def _measured(browser: Browser, served: Served) -> tuple[Times, Times]:
    """Loads of a page, and presses of a key that draws the sheet anew."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    visit = Visit(context.new_page(), served)
    visit.signs_in(LIN, "/agreement")
    loads = []
    for _ in range(_WARM_UP + _LOADS):
        loads.append(_timed(partial(_load, visit)))
        visit.settles()
    visit.opens("/review")
    visit.page.locator("[class*='-score-1']").wait_for()
    visit.settles()
    presses = []
    plain, drawn = (
        visit.page.get_by_role("button", name=sentence("en", f"review.{key}"))
        for key in ("raw", "rendered")
    )
    for _ in range(_WARM_UP + _PRESSES):
        visit.page.wait_for_timeout(_STRIKE)
        changed = drawn if plain.is_visible() else plain
        presses.append(_timed(partial(_press, visit, changed)))
        visit.settles()
    context.close()
    return Times(loads[_WARM_UP:]), Times(presses[_WARM_UP:])


def _load(visit: Visit) -> None:
    visit.page.reload()
    visit.page.locator(".footer").wait_for()


def _press(visit: Visit, changed: Locator) -> None:
    visit.page.keyboard.press("t")
    changed.wait_for()


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - started)


@contextmanager
def _generating(database: Path, model: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command that lets a model answer, at work, until the block ends."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "core", "generate", "--db", str(database), "--dataset", "sample",
            "--model", str(model), "--label", "beside", "--gpus", "none",
            "--max-new-tokens", "2048", "--concurrency", "33", "--as", "bench",
        ],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while _taken(process) < _LOADED:
            assert process.poll() is None
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def _share_of_cores(process: subprocess.Popen[bytes]) -> float:
    """Of all cores, what a command's processes take over a second."""
    before = _taken(process)
    time.sleep(1)
    return (_taken(process) - before) / (os.cpu_count() or 1)


def _taken(process: subprocess.Popen[bytes]) -> float:
    """Seconds that the processes of a command have computed."""
    family = psutil.Process(process.pid).children(recursive=True)
    return float(sum(sum(one.cpu_times()[:2]) for one in family))


def _judged(database: Path, name: str) -> float:
    """Seconds that a judging command takes."""
    with OpenAIServer(delay=0.05) as server:
        started = time.perf_counter()
        run_core(
            database, "judge", "--dataset", "sample", "--engine", "openai", "--model", name,
            "--base-url", server.url, "--concurrency", "16",
        )  # fmt: skip
        return time.perf_counter() - started


def _responses(served: Served) -> int:
    return int(served.value("SELECT count(*) FROM response WHERE origin <> 'generated'"))
