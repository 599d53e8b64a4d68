"""A physician's spreadsheet becomes a study on the page, and scores leave as a table."""

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from core.formats.tables import read_table
from core.i18n import catalogue, sentence
from tests.e2e.served import Visit

pytestmark = pytest.mark.browser

LEAD = "Dr Chief"
RIGHTS = ("lead", "physician")
_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_ROWS = [
    ["题号", "科室", "题目", "参考答案", "模型", "回答", "GPT评分", "王医生", "李医生", "备注"],
    ["1", "心内科", "胸痛首选检查？", "心电图", "cedar", "- 先做心电图。", 5, 4, 5, "x"],
    ["1", "心内科", None, None, "willow", "先拍片。", 4, 2, 1, None],
    ["2", "普外科", "阑尾炎如何处理？", "手术", "cedar", "手术。", None, 3, None, None],
    ["2", "普外科", "阑尾炎如何处理？", "手术", "willow", "=观察", 2, 1, 2, None],
]  # fmt: skip


def spreadsheet(path: Path, rows: list[list[object]] = _ROWS) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell in book.active["F"]:
        cell.data_type = "s"
    book.save(path)
    return path


def opens_import(visit: Visit, language: str) -> None:
    visit.signs_in(LEAD, "/data", RIGHTS)
    visit.page.get_by_text(sentence(language, "data.import"), exact=True).click()
    visit.page.get_by_text(sentence(language, "data.kind_table"), exact=True).click()
    expect(visit.page.get_by_text(sentence(language, "tables.file"))).to_be_visible()
    visit.settles()


def uploads(visit: Visit, path: Path) -> None:
    visit.page.locator("input[type=file]").set_input_files(str(path))


@pytest.mark.parametrize("language", _LOCALES)
def test_a_spreadsheet_is_previewed_and_imported(served, open_browser, tmp_path, language):
    visit = open_browser(served, locale=_LOCALES[language])
    name = f"mine {language}"
    opens_import(visit, language)

    uploads(visit, spreadsheet(tmp_path / f"{name}.xlsx"))

    found = sentence(
        language, "tables.finds", questions=2, responses=4, judge_scores=4, physician_scores=7,
        unscored=1, history=0,
    )  # fmt: skip
    expect(visit.page.get_by_text(found)).to_be_visible()
    expect(visit.page.get_by_text("- 先做心电图。", exact=False)).to_be_visible()
    assert served.value("SELECT count(*) FROM dataset WHERE name = ?", (name,)) == 0
    visit.page.get_by_role("button", name=sentence(language, "tables.do_import")).click()
    done = catalogue(language)["tables.outcome"].format(added=7, changed=0, unchanged=0)
    expect(visit.page.get_by_text(done, exact=False)).to_be_visible()
    sql = "SELECT id FROM study WHERE name = ?"
    assert served.value(sql, (name,)) is not None
    sql = "SELECT text FROM response JOIN question ON question.id = question_id"
    assert served.rows(f"{sql} WHERE key = '普外科:2:1' AND text LIKE '=%'")[0] == ("=观察",)


def test_a_study_with_categories_of_its_own_opens_on_every_page(served, open_browser):
    visit = open_browser(served)
    visit.signs_in(LEAD, "/data", RIGHTS)
    study = served.value("SELECT max(id) FROM study")
    person = served.value("SELECT id FROM person WHERE name = ?", (LEAD,))
    with served.store() as store, store.writing():
        store.change(
            "INSERT INTO preference (person_id, name, value) VALUES (?, 'study', ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            (person, str(study)),
        )
    response = served.value(
        "SELECT max(response.id) FROM response JOIN question ON question.id = question_id"
        " WHERE key = '普外科:2:1'"
    )

    for path in (
        "/review",
        "/agreement",
        "/checklists",
        "/runs",
        "/leaderboard",
        "/assign",
        f"/case?response={response}",
    ):
        visit.opens(path)
        visit.page.locator(".footer").wait_for()
        visit.settles()
        expect(visit.page.locator("[data-testid='stException']")).to_have_count(0)
        if path in ("/agreement", f"/case?response={response}"):
            expect(visit.page.get_by_text("普外科", exact=False).first).to_be_attached()


def test_rows_that_cannot_be_read_are_listed_and_nothing_is_imported(
    served, open_browser, tmp_path
):
    visit = open_browser(served)
    opens_import(visit, "en")

    broken = [_ROWS[0], [*_ROWS[1][:7], 9, 5, None]]
    uploads(visit, spreadsheet(tmp_path / "broken.xlsx", broken))

    expect(visit.page.get_by_text(sentence("en", "tables.problems", n=1))).to_be_visible()
    expect(
        visit.page.get_by_role("button", name=sentence("en", "tables.do_import"))
    ).to_be_disabled()


def test_scores_are_downloaded_without_names(served, open_browser, tmp_path):
    visit = open_browser(served)
    visit.signs_in(LEAD, "/data", RIGHTS)
    visit.page.get_by_text(sentence("en", "tables.export"), exact=True).click()
    visit.page.get_by_text(sentence("en", "tables.what_assessments"), exact=True).click()
    visit.page.get_by_text("XLSX", exact=True).click()
    visit.settles()
    visit.page.get_by_role("button", name=sentence("en", "data.prepare")).last.click()

    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name=sentence("en", "data.download"), exact=True).click()

    path = tmp_path / "scores.xlsx"
    download.value.save_as(path)
    table = read_table(path)
    place = table.columns.index("physician")
    assert {row[place] for _, row in table.rows} >= {"R1", "R2"}
    assert LEAD not in {row[place] for _, row in table.rows}
    shown = "SELECT count(DISTINCT shown), count(DISTINCT question_id) FROM exposure"
    person = "JOIN person ON person.id = person_id WHERE name = ? AND page = 'data'"
    assert served.rows(f"{shown} {person}", (LEAD,)) == [(2, 2)]
