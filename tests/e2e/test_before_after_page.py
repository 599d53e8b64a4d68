"""What a revision did, on the page, is what anybody computes from the exported table."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sklearn.metrics import cohen_kappa_score

from core.i18n import sentence
from core.services.deciding import activate_candidate
from tests.e2e.served import ROOT, Served, run_core
from tests.known_truth import DOSE_RULE, experiment
from tests.workbench import worklist_of

pytestmark = pytest.mark.browser

_QUESTIONS, _MODELS = 24, 6
_NUMBER = re.compile(r"-?\d*\.?\d+")


@pytest.fixture(scope="module")
def revised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A study whose checklists were revised wherever judge and physicians differed."""
    folder = tmp_path_factory.mktemp("revised") / "study"
    # In a thread of its own: the browser's loop runs in this one, and judging starts another.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(_revise, folder).result()
    app = Served(ROOT / "app.py", folder / "workbench.db")
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def _revise(folder: Path) -> None:
    with experiment(folder, questions=_QUESTIONS, models=_MODELS) as one:
        store, study = one.study.store, one.study.study
        for entry in worklist_of(store, study, one.judge, 1):
            if entry.differ:
                text = f"Core requirements:\n1. Names the drug\n2. {DOSE_RULE}"
                version = one.proposes(entry.key, text)
                done = activate_candidate(
                    store, study, one.judge, version, reason="dose", by="Dr Lead"
                )
                one.does(done.job_id)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_before_and_after_are_what_the_export_says(revised, open_browser, tmp_path, language):
    visit = open_browser(revised, locale={"en": "en-US", "zh": "zh-CN"}[language])
    visit.signs_in("Dr Lead", "/checklists?view=all", ["lead"])
    grid = visit.page.locator("table.grid").first
    grid.wait_for()

    expected = _by_hand(revised, tmp_path / "assessments.csv")
    for place, column in (("revise", 0), ("check", 1)):
        found = expected[place]
        cells = {
            row.locator("th").inner_text(): row.locator("td").nth(column).inner_text()
            for row in grid.locator("tr").all()[1:]
        }
        agreements = cells[sentence(language, "words.agreement")].split("→")
        kappas = cells["κ"].split("→")
        assert int(cells["n"]) == len(found) > 20
        for side, agreement, kappa in zip((0, 1), agreements, kappas, strict=True):
            human = [one[2] for one in found]
            machine = [one[side] for one in found]
            share = sum(a == b for a, b in zip(human, machine, strict=True)) / len(found)
            assert _first(agreement) == pytest.approx(100 * share, abs=0.5)
            theirs = cohen_kappa_score(human, machine, labels=[False, True])
            assert _first(kappa) == pytest.approx(theirs, abs=0.005)
        passed = [sum(one[side] and not one[2] for one in found) for side in (0, 1)]
        assert cells[sentence(language, "words.false_usable")] == f"{passed[0]} → {passed[1]}"
        changed = _first(cells[sentence(language, "trial.kappa_change")])
        assert changed == pytest.approx(_first(kappas[1]) - _first(kappas[0]), abs=0.011)
    assert expected["revise"] != expected["check"]
    expect(grid).to_contain_text("→")


def _first(text: str) -> float:
    """The first number of a cell such as `88% [84, 91]` or `.71 [.63, .78]`."""
    found = _NUMBER.search(text.replace("+", ""))
    assert found, text
    return float(found[0])


def _by_hand(served: Served, file: Path) -> dict[str, list[tuple[bool, bool, bool]]]:
    """Usable before, after, and as physicians say, of each response to a revised question.

    From the exported table; only where a response was put (seen or held back) is asked of the
    database, since no export says it.
    """
    run_core(
        served.database, "export", "table", "--dataset", "ward", "--what", "assessments",
        "--out", str(file),
    )  # fmt: skip
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["purpose"] == "study"]
    verdicts: dict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
    votes: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in rows:
        key = row["question_id"], row["model"]
        usable = int(row["score"]) >= int(row["usable_from"])
        if row["judge"]:
            verdicts[key][int(row["criteria_version"])] = usable
        elif row["phase"] != "informed":
            votes[key].append(usable)
    places = {
        (question, model): part
        for question, model, part in served.rows(
            "SELECT key, label, part FROM response_seal JOIN response ON response.id = response_id"
            " JOIN question ON question.id = question_id JOIN model ON model.id = model_id"
        )
    }
    found: dict[str, list[tuple[bool, bool, bool]]] = {"revise": [], "check": []}
    for key, of_versions in verdicts.items():
        if len(of_versions) == 2:
            said = 2 * sum(votes[key]) > len(votes[key])
            found[places[key]].append((of_versions[1], of_versions[2], said))
    return found
