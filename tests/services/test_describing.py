"""The methods report: no names, nothing assumed, and every number from the rows that it names."""

import json
import re

import numpy as np
import pytest

from core.domain.agreement import agreement_of
from core.domain.questions import Language
from core.errors import Refused
from core.reports.methods import methods_html, methods_markdown
from core.services import describing
from core.services.assigning import draw
from core.services.empanelling import panel_of_study
from core.services.excluding import exclude
from core.services.exporting_tables import TableExport, export_table
from core.store.draws import Design
from tests.workbench import Workbench

NAMES = ("Dr Wang Fang", "Dr Li Na")


@pytest.fixture
def scored(study: Workbench) -> Workbench:
    """Two physicians who do not always agree with the baseline."""
    study.baseline_judges(rounds=3)
    for number, name in enumerate(NAMES):
        for place, key in enumerate(("MK:1:1", "MR:1:1", "MSE:1:1", "MLU:1:1", "MK:1:2")):
            study.scores(study.physician(name), key, "cedar", 5 if place != number else 2)
            study.scores(study.physician(name), key, "willow", 1 if place != 4 else 4)
    return study


def _report(study: Workbench, language: Language = "en") -> str:
    panel = panel_of_study(study.store, study.study, "baseline")
    return methods_markdown(describing.description_of(study.store, study.study, panel), language)


def _ids(text: str, label: str) -> set[int]:
    """The ids that a line of the report names."""
    [line] = re.findall(rf"^- {re.escape(label)}: (.*)$", text, re.MULTILINE)
    found: set[int] = set()
    for part in line.split(", "):
        first, _, last = part.partition("–")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_raters_are_codes_and_what_nobody_stated_is_not_stated(
    scored: Workbench, language: Language
) -> None:
    text = _report(scored, language)

    assert not any(name in text for name in NAMES)
    assert all(code in text for code in ("R1", "R2"))
    assert text.count({"en": ": not stated", "zh": "：未说明"}[language]) == 3
    research = {"en": "Not a medical device", "zh": "不得用于诊疗"}[language]
    assert research in text


def test_what_a_lead_states_stands_in_the_report(scored: Workbench) -> None:
    for value in ("IRB 2026-17", "IRB 2026-18, waiver"):
        describing.state(scored.store, scored.study, "ethics", value, by="Dr Lead")

    text = _report(scored)

    assert "Ethics approval or waiver: IRB 2026-18, waiver" in text
    assert text.count(": not stated") == 2
    assert scored.value("SELECT count(*) FROM study_statement") == 2


def test_a_study_that_nobody_scored_has_nothing_to_report(study: Workbench) -> None:
    study.baseline_judges(rounds=1)

    with pytest.raises(Refused, match="nothing_to_report"):
        _report(study)


def test_every_number_comes_from_the_rows_that_the_report_names(scored: Workbench) -> None:
    text = _report(scored)
    out = scored.folder / "assessments.jsonl"
    export_table(scored.store, TableExport(scored.name, "assessments"), out)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    human = _ids(text, "Physicians' scores that count")
    machine = _ids(text, "Assessments of baseline")

    judged: dict[tuple[str, str], list[int]] = {}
    votes: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        place = (row["question_id"], row["model"])
        if row["assessment_id"] in machine:
            judged.setdefault(place, []).append(row["score"])
        if row["assessment_id"] in human:
            votes.setdefault(place, []).append(row["score"] >= row["usable_from"])
    decided = {one: sum(some) * 2 > len(some) for one, some in votes.items()
               if sum(some) * 2 != len(some)}  # fmt: skip
    places = sorted(decided)
    keys = sorted({key for key, _ in places})
    found = agreement_of(
        np.array([decided[one] for one in places], dtype=int),
        np.array([sum(judged[one]) >= 12 for one in places], dtype=int),
        np.array([keys.index(key) for key, _ in places]), categories=2,
    )  # fmt: skip

    kappa = found.coefficients["cohen_kappa"]
    [value] = re.findall(r"^\| Cohen κ \| usable or not \| (\S+) \|", text, re.MULTILINE)
    [agreement, n] = re.findall(
        r"^\| Agreement \| usable or not \| (\S+) \| \[.*\] \| (\d+) \|", text, re.MULTILINE
    )[0]
    assert float(value) == pytest.approx(kappa.value, abs=5e-5)
    assert float(agreement) == pytest.approx(found.agreement.value, abs=5e-5)
    assert int(n) == len(places)


def test_draws_and_exclusions_are_told(scored: Workbench) -> None:
    draw(
        scored.store, scored.study, Design(6, overlap=1, strata=("model",), seed=4),
        [scored.physician(NAMES[0])], reason="pilot", by="Dr Lead",
    )  # fmt: skip
    exclude(scored.store, scored.study, "MR:1:1", is_excluded=True, reason="*moot*", by="Dr Lead")

    text = _report(scored)

    assert "6 responses" in text
    assert "seed 4" in text
    assert re.search(r"^- MR:1:1 \(\d{4}-\d\d-\d\d\): \\\*moot\\\*$", text, re.MULTILINE)
    assert "The same with excluded questions counted" in text


def test_the_html_is_one_file_that_asks_nothing_of_a_network(scored: Workbench) -> None:
    scored.model_answers("<script>alert(1)", {"MK:1:1": "Any."})
    panel = panel_of_study(scored.store, scored.study, "baseline")
    found = describing.description_of(scored.store, scored.study, panel)

    page = methods_html(found, "zh")

    assert page.count("<table>") > 10
    assert page.count('<img src="data:image/svg+xml;base64,') == 2
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)


@pytest.mark.parametrize(
    ("ids", "said"), [([], ""), ([4], "4"), ([1, 2, 3, 7, 9, 10], "1–3, 7, 9–10")]
)
def test_ids_are_told_as_ranges(ids: list[int], said: str) -> None:
    assert describing.ranges(ids) == said
