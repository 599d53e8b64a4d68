"""Experiments with a known truth, and how fast the pages of the revision loop read.

Writes docs/revision.md anew with what it found: `python -m tests.bench.revising`.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from core.domain.paired import Change
from core.services import agreeing, sealing, weighing
from core.services.deciding import activate_candidate
from core.services.pairing import Pair, Paired, paired
from core.services.prompting import add_prompt
from core.services.revising_effects import all_revisions
from core.services.sealing import seals_of
from core.services.testing import history_of
from core.store import criteria, judges, questions, studies
from core.store.database import opened
from tests.bench.large_study import Size, ensure_large_study
from tests.e2e.conftest import FLAGS, executable
from tests.e2e.served import ROOT, Served, Visit
from tests.known_truth import DOSE_RULE, HARM_RULE, LENGTH_RULE, Experiment, experiment
from tests.workbench import worklist_of

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "revision.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_QUESTIONS, _MODELS = 150, 6
#: Chooses a question of the worklist; resolves to the ms until its checklist is painted.
_CLICK = """
    place => new Promise(done => {
        const option = document.querySelectorAll(
            "[class*='-question'] [role='radiogroup'] label")[place];
        const title = option.innerText.split(" ")[0] + " · Checklist";
        const started = performance.now();
        const look = () => [...document.querySelectorAll(".label")].some(
            one => one.textContent.startsWith(title));
        new MutationObserver((_, observer) => {
            if (!look()) return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
        }).observe(document, {subtree: true, childList: true, characterData: true});
        option.click();
    })
"""
_LARGE, _VERSIONS, _TIMES = 2_996, 5, 7


def revision_loop(work: Path) -> str:
    """Run the experiments and measure the pages; the section for docs/performance.md."""
    table = _experiments(work / "truth")
    text = _DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    after = rest.split(_END)[1]
    _DOCUMENT.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}", encoding="utf-8")
    return _speed(work / "large.db")


def _experiments(folder: Path) -> str:
    rows = [
        _row("A prompt that mends the judge", "seen", "held out", *_mended_prompt(folder)),
        _row("Checklists that ask for the dose", "seen", "held back", *_mended_checklists(folder)),
        _row("A prompt fitted to what was seen", "development", "held out",
             *_fitted_prompt(folder)),
        _row("Checklists fitted to the answers seen", "seen", "held back",
             *_fitted_checklists(folder)),
    ]  # fmt: skip
    head = (
        f"{_QUESTIONS} questions, {_MODELS} models, three physicians who slip in 5% of scores, a "
        "judge that slips in 5% of verdicts besides what it does wrong.\n\n"
        "| | where it was made | n | change of κ | where it was not | n | change of κ |\n"
        "|---|---|---:|---:|---|---:|---:|"
    )
    return "\n".join([head, *rows])


def _row(name: str, seen: str, kept: str, made: Paired, tested: Paired) -> str:
    return (
        f"| {name} | {seen} | {made.n} | {_shown(made.kappa_change)} "
        f"| {kept} | {tested.n} | {_shown(tested.kappa_change)} |"
    )


def _shown(change: Change) -> str:
    found = change.difference
    if found.value is None:
        return str(found.undefined_because)
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _mended_prompt(folder: Path) -> tuple[Paired, Paired]:
    return _with(folder, lambda one: _changed(one, f"{LENGTH_RULE} {HARM_RULE}\n{DOSE_RULE}."))


def _fitted_prompt(folder: Path) -> tuple[Paired, Paired]:
    def run(one: Experiment) -> tuple[Paired, Paired]:
        numbers = ", ".join(key.split(":")[1] for key in one.sees("dev"))
        return _changed(one, f"Reject the answers to: {numbers}.")

    return _with(folder, run)


def _mended_checklists(folder: Path) -> tuple[Paired, Paired]:
    def run(one: Experiment) -> tuple[Paired, Paired]:
        _changed(one, f"{LENGTH_RULE} {HARM_RULE}")
        return _revised(one, lambda key: f"1. Names the drug\n2. {DOSE_RULE}")

    return _with(folder, run)


def _fitted_checklists(folder: Path) -> tuple[Paired, Paired]:
    def run(one: Experiment) -> tuple[Paired, Paired]:
        _changed(one, f"{LENGTH_RULE} {HARM_RULE}")
        store, study = one.study.store, one.study.study
        cases = seals_of(store, study).among(
            agreeing.cases_of(store, study, one.judge, 1), "revise"
        )
        wrong = {case.question: case.model for case in cases if case.is_false_usable}

        def fitted(key: str) -> str:
            seen = f"case {key.split(':')[1]} of {wrong.get(key, 'nobody')}"
            return f"1. Names the drug\n2. Does not say {seen}"

        return _revised(one, fitted)

    return _with(folder, run)


def _with(
    folder: Path, run: Callable[[Experiment], tuple[Paired, Paired]]
) -> tuple[Paired, Paired]:
    shutil.rmtree(folder, ignore_errors=True)
    with experiment(folder, questions=_QUESTIONS, models=_MODELS) as one:
        return run(one)


def _changed(one: Experiment, rule: str) -> tuple[Paired, Paired]:
    """Put a prompt with a rule to use; before and after on dev and on what was held out."""
    store, study = one.study.store, one.study.study
    serving = judges.active_prompts(store, study.id, one.judge.id)
    old = next(each for each in serving if (each.category, each.language) == ("MK", "en"))
    prompt = add_prompt(store, "MK", "en", f"{old.text}\n{rule}", reason="worklist", by="bench")
    held = seals_of(store, study).held_out
    before = {c.response_id: c for c in agreeing.cases_of(store, study, one.judge, 1)}
    done = activate_candidate(store, study, one.judge, prompt, reason="tried", by="bench")
    one.does(done.job_id)
    history_of(store, study, one.judge, "MK", "en", by="bench")
    now = agreeing.cases_of(store, study, one.judge, 1)
    sides = [
        paired([Pair(before[c.response_id], c) for c in now if (c.question_id in held) == is_held])
        for is_held in (False, True)
    ]
    return sides[0], sides[1]


def _revised(one: Experiment, checklist: Callable[[str], str]) -> tuple[Paired, Paired]:
    """Follow the worklist: a new checklist wherever judge and physicians differ."""
    store, study = one.study.store, one.study.study
    for entry in worklist_of(store, study, one.judge, 1):
        if entry.differ:
            version = one.proposes(entry.key, f"Core requirements:\n{checklist(entry.key)}")
            done = activate_candidate(store, study, one.judge, version, reason="tried", by="bench")
            one.does(done.job_id)
    found = all_revisions(store, study, one.judge, 1)
    assert found is not None
    return found.revise, found.check


def _speed(path: Path) -> str:
    """Milliseconds in which the page of checklists has read all that it shows."""
    ensure_large_study(
        path, Size(questions=_LARGE, models=3, samples=1, rounds=3, physicians=4, scores=3_000)
    )
    with opened(path) as store:
        study = studies.study_named(store, "large")
        assert study is not None
        with store.writing():
            for question in questions.questions_of_study(store, study.id):
                active = criteria.active_version(store, study.id, question.id)
                for number in range(2, _VERSIONS + 1):
                    text = f"{active.criteria.checklist}\nCore requirements:\n1. Version {number}"
                    criteria.ensure_version(
                        store, question.id, replace(active.criteria, checklist=text),
                        reason="generated", by="bench",
                    )  # fmt: skip
        judge, rounds = judges.judges_of_study(store, study.id)[0]
        times: dict[str, list[float]] = {"worklist": [], "editor": []}
        sealing.seals_of(store, study)
        for _ in range(_TIMES):
            started = time.perf_counter()
            sealed = sealing.seals_of(store, study)
            cases = agreeing.cases_of(store, study, judge, rounds)
            known = questions.questions_of_study(store, study.id)
            entries = worklist_of(store, study, cases, sealed, known)
            times["worklist"].append(time.perf_counter() - started)
            started = time.perf_counter()
            weighing.history_of_criteria(
                store, study, judge, rounds, entries[0].question, cases, sealed
            )
            times["editor"].append(time.perf_counter() - started)
    times["a click on another question, until its checklist is drawn"] = _clicks(path)
    rows = "\n".join(
        f"| {name} | {1000 * statistics.median(found):.0f} | {1000 * max(found):.0f} |"
        for name, found in times.items()
    )
    return f"""## Checklists

{_LARGE:,} questions with {_VERSIONS} versions each, 3,000 physicians' scores: what the page reads
for its worklist and for a question's versions, in {_TIMES} runs, and clicks in a real browser.

| | median ms | slowest ms |
|---|---:|---:|
{rows}

The experiments with a known truth are in [revision.md](revision.md).
"""


def _clicks(path: Path) -> list[float]:
    """Seconds from a click on the worklist until the question's rows are on the screen."""
    served = Served(ROOT / "app.py", path)
    found = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)
            page = browser.new_page(locale="en-US", viewport={"width": 1366, "height": 768})
            visit = Visit(page, served)
            visit.signs_in("Dr Bench", "/checklists", ["lead"])
            for number in range(1, _TIMES + 1):
                found.append(page.evaluate(_CLICK, number % 6) / 1000)
                visit.settles()
            browser.close()
    finally:
        served.stop()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.stdout.write(revision_loop(Path(temporary)))
