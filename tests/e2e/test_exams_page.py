"""One study with an exam, clinic cases and LLMEval-Med's shape, in a browser, both languages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.formats.catalogue import FORMATS
from core.i18n import sentence
from core.services.examining import score_closed
from core.services.importing_questions import QuestionImport, import_benchmark
from core.services.importing_responses import ResponseImport, import_responses
from core.services.naming import study_of_dataset
from core.store.database import opened
from tests.e2e.served import LEAD, ROOT, Served, Visit, run_core

pytestmark = pytest.mark.browser
OPTIONS = {"A": "心电图", "B": "CT", "C": "B超"}
CASE = {
    "title": "胸痛", "description": "主诉：胸痛 40 分钟，每次2~3片。\n查体：BP 150/90 mmHg。",
    "QA_pairs": [{"question": "诊断与处理？", "solution": "急性心肌梗死；立即再灌注。"}],
}  # fmt: skip


def exam() -> list[dict[str, object]]:
    return [
        {
            "exam_type": "exam", "exam_class": "执业医师", "exam_subject": f"科室{n % 4}",
            "question": f"第{n}题：首选检查？", "question_type": ("A1", "A3")[n % 2],
            "option": OPTIONS, "answer": "ABC"[n % 3],
        }
        for n in range(24)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample study with an exam and a clinic case beside its questions."""
    folder = tmp_path_factory.mktemp("exams")
    database = folder / "workbench.db"
    run_core(database, "init", "--sample")
    with opened(database) as store:
        _import(store, folder, "cmb-exam", "exam", exam())
        _import(store, folder, "cmb-clin", "clinic", [CASE])
        rows = [{"question": f"exam:{n + 1}:1", "response": "答案：A"} for n in range(23)]
        rows.append({"question": "exam:24:1", "response": "不清楚"})
        path = folder / "answers.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        import_responses(store, path, ResponseImport("exam", "elm", LEAD))
        score_closed(store, study_of_dataset(store, "exam"), by=LEAD)
    server = Served(ROOT / "app.py", database)
    yield server
    server.stop()


def _import(store, folder: Path, format_: str, name: str, records) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    options = QuestionImport(name, LEAD, study="sample", is_illustrative=True)
    import_benchmark(store, path, FORMATS[format_], options)


@pytest.mark.parametrize(("language", "locale"), [("en", "en-US"), ("zh", "zh-CN")])
def test_exam_and_usability_stand_side_by_side_and_are_not_mixed(
    browser: Browser, served: Served, language: str, locale: str
) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale=locale)
    visit = Visit(context.new_page(), served)
    try:
        visit.signs_in(LEAD, "/exams?rows=department")
        expect(visit.page.locator("table.grid")).to_contain_text("科室1")
        expect(visit.page.get_by_text(sentence(language, "exams.about_exact"))).to_be_visible()
        visit.opens("/exams?view=unread")
        expect(visit.page.locator("table.grid").first).to_contain_text(
            sentence(language, "unscored.no_choice")
        )
        answered = served.value(
            "SELECT response.id FROM response JOIN question ON question.id = question_id"
            " WHERE category = 'exam' AND text = '答案：A'"
        )
        visit.opens(f"/case?response={answered}")
        expect(visit.page.get_by_text(sentence(language, "exams.by_key"))).to_be_visible()
        expect(visit.page.get_by_text(sentence(language, "review.no_checklist"))).to_have_count(0)
        visit.opens("/exams?view=overview")
        head = visit.page.locator("table.grid th")
        expect(head.filter(has_text=sentence(language, "exams.what_accuracy"))).to_have_count(1)
        expect(visit.page.get_by_text(sentence(language, "exams.never_averaged"))).to_be_visible()
    finally:
        context.close()
