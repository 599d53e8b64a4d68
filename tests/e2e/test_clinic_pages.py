"""A benchmark's file on the page Data; a clinic case scored in three parts; both languages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from core.services.importing_responses import ResponseImport, import_responses
from core.services.naming import dataset_named
from core.store import questions
from core.store.database import Store, opened
from tests.e2e.served import ROOT, Served, Visit, run_core, until

pytestmark = pytest.mark.browser

RIGHTS = ("lead", "physician")
_LOCALES = {"en": "en-US", "zh": "zh-CN"}
CASES = [
    {
        "title": "胸痛",
        "description": "主诉：胸痛，每次2~3片。\n查体：BP 150/90 mmHg。\n辅助检查：ST 段抬高。",
        "QA_pairs": [{"question": f"第{n}问：诊断与处理？", "solution": "急性心肌梗死；再灌注。"}],
    }
    for n in (1, 2)
]
EXAM = [
    {
        "exam_type": "exam", "exam_class": "执业医师", "exam_subject": "内科",
        "question": f"第{n}题：首选检查？", "question_type": "A1",
        "option": {"A": "心电图", "B": "CT"}, "answer": "A",
    }
    for n in range(5)
]  # fmt: skip


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A study of two clinic cases, with one model's answer to each."""
    folder = tmp_path_factory.mktemp("clinic")
    database, file = folder / "workbench.db", folder / "clinic.json"
    file.write_text(json.dumps(CASES, ensure_ascii=False), encoding="utf-8")
    run_core(database, "import", "cmb-clin", str(file), "--name", "clinic")
    lines = [{"question": f"CLINIC:{n}:1", "response": "心肌梗死，立即 PCI。"} for n in (1, 2)]
    answers = folder / "answers.jsonl"
    answers.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    with opened(database) as store:
        import_responses(store, answers, ResponseImport("clinic", "elm", "Dr Chief"))
    server = Served(ROOT / "app.py", database)
    yield server
    server.stop()
    assert "Traceback" not in server.logged(), server.logged()


def questions_of(store: Store, dataset: str) -> list[str]:
    return list(questions.question_ids(store, dataset_named(store, dataset).id))


def uploads(visit: Visit, path: Path, records: object, language: str) -> None:
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    visit.page.get_by_text(sentence(language, "data.import"), exact=True).click()
    expect(visit.page.get_by_text(sentence(language, "data.new_name"), exact=True)).to_be_visible()
    visit.settles()
    visit.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(path))


@pytest.mark.parametrize("language", _LOCALES)
def test_a_file_is_told_by_its_fields_and_joins_the_study(
    clinic: Served, open_browser, tmp_path: Path, language: str
) -> None:
    visit, name = open_browser(clinic, locale=_LOCALES[language]), f"exam-{language}"
    visit.signs_in("Dr Chief", "/data", RIGHTS)
    uploads(visit, tmp_path / f"{name}.json", EXAM, language)

    because = sentence(language, "guess.fields", fields="…").split("…")[0]
    expect(visit.page.get_by_text("cmb-exam", exact=False).last).to_contain_text(because)
    visit.page.get_by_label(sentence(language, "data.new_name")).fill(name)
    this = sentence(language, "data.study_this", study="clinic")
    visit.page.get_by_text(this, exact=True).click()
    visit.settles()
    visit.page.get_by_role("button", name=sentence(language, "data.do_import"), exact=True).click()
    done = sentence(
        language, "data.imported", dataset=name, added=5, changed=0, unchanged=0, absent=0,
        personal=0,
    )  # fmt: skip
    expect(visit.page.get_by_text(done)).to_be_visible()

    visit.opens("/")
    title = sentence(language, "home.exam", name=name)
    expect(visit.page.get_by_role("heading", name=title)).to_be_visible()


def test_a_file_of_no_known_format_is_refused_with_its_reason(
    clinic: Served, open_browser, tmp_path: Path
) -> None:
    visit = open_browser(clinic)
    visit.signs_in("Dr Chief", "/data", RIGHTS)
    uploads(visit, tmp_path / "odd.json", [{"odd": 1}], "en")

    expect(visit.page.get_by_text("odd.json can't be imported here", exact=False)).to_be_visible()
    button = visit.page.get_by_role("button", name=sentence("en", "data.do_import"), exact=True)
    expect(button).to_be_disabled()


def test_a_folder_of_tasks_comes_in_with_its_names(
    clinic: Served, open_browser, tmp_path: Path
) -> None:
    for task, answers in {"MedDG": "A", "Health_exam": "AB"}.items():
        (tmp_path / "medbench" / task).mkdir(parents=True)
        (tmp_path / "medbench" / task / f"{task}.jsonl").write_text(
            "\n".join(
                json.dumps({"question": f"{task}?", "options": ["A: x", "B: y"], "answer": answer})
                for answer in answers
            )
        )
    visit = open_browser(clinic)
    visit.signs_in("Dr Chief", "/data", RIGHTS)
    page = visit.page
    page.get_by_text(sentence("en", "data.import"), exact=True).click()
    page.get_by_text(sentence("en", "data.study_this", study="clinic"), exact=True).click()
    page.get_by_text(sentence("en", "data.from_folder"), exact=True).click()
    expect(page.get_by_text(sentence("en", "data.folder_questions"), exact=True)).to_be_visible()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(tmp_path / "medbench"))

    expect(page.get_by_text("medbench looks like", exact=False)).to_contain_text(
        sentence("en", "guess.folder", fields="Health_exam, MedDG")
    )
    page.get_by_label(sentence("en", "data.new_name")).fill("tasks")
    page.get_by_role("button", name=sentence("en", "data.do_import"), exact=True).click()
    expect(page.get_by_text("tasks: 3 added", exact=False)).to_be_visible()
    with clinic.store() as store:
        keys = questions_of(store, "tasks")
    assert keys == ["Health_exam:1:1", "Health_exam:2:1", "MedDG:1:1"]


@pytest.mark.parametrize("language", _LOCALES)
def test_a_clinic_case_is_scored_in_three_parts_by_key(
    clinic: Served, open_browser, language: str
) -> None:
    visit, name = open_browser(clinic, locale=_LOCALES[language]), f"Dr {language}"
    visit.signs_in(name, "/review", ("physician",))
    page = visit.page

    def stands(text: str) -> None:  # the next response waits beside this one, out of sight
        expect(page.get_by_text(text, exact=True).filter(visible=True)).to_have_count(1)

    for part in ("examination_plan", "diagnosis", "treatment"):
        stands(sentence(language, f"part.{part}"))
    for section in ("history", "examination", "findings"):
        stands(sentence(language, f"section.{section}"))
    expect(page.get_by_text("每次2~3片").filter(visible=True).first).to_be_visible()
    response_id = visit.shown()
    visit.reads()

    for key in "452":
        page.keyboard.press(key)
    stands(sentence(language, "part.unusable", score=2))
    page.keyboard.press("Enter")
    visit.shows_another_than(response_id)

    sql = (
        "SELECT dimension, assessment_part.value, assessment.value FROM assessment_part"
        " JOIN assessment ON assessment.id = assessment_id JOIN rater ON rater.id = rater_id"
        " JOIN person ON person.id = person_id WHERE name = ? ORDER BY position"
    )
    until(lambda: len(clinic.rows(sql, (name,))) == 3)
    assert clinic.rows(sql, (name,)) == [
        ("examination_plan", 4, 2), ("diagnosis", 5, 2), ("treatment", 2, 2),
    ]  # fmt: skip
