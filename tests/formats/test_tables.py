"""Tables with any column names: every kind of file, and every way in which one can be unclear."""

import datetime
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from core.domain.scales import ONE_TO_FIVE, Scale
from core.errors import AttendingError, BrokenFile
from core.formats.table_files import write_table
from core.formats.table_rows import Content, Reading, content_of
from core.formats.tables import Table, read_table

HEADER = ["题号", "回答", "医生"]
ROWS: list[list[Any]] = [
    ["1", "每日 1 次，随餐；\r\n“必要时”停药 😀", 4],
    ["2", "- 0.5 mg\t\"once\"", None],
]  # fmt: skip
MAPPING = {"题号": "question_id", "回答": "response", "医生": "physician:Lin"}


def delimited(separator: str, encoding: str) -> Callable[[Path], None]:
    def quoted(cell: object) -> str:
        return '"' + ("" if cell is None else str(cell)).replace('"', '""') + '"'

    def write(path: Path) -> None:
        lines = [separator.join(map(quoted, row)) for row in [HEADER, *ROWS]]
        path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))

    return write


def jsonl(path: Path) -> None:
    records = (dict(zip(HEADER, row, strict=True)) for row in ROWS)
    path.write_text("\n".join(json.dumps(one) for one in records), encoding="utf-8")


def json_list(path: Path) -> None:
    records = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def parquet(path: Path) -> None:
    columns = zip(HEADER, zip(*ROWS, strict=True), strict=True)
    pyarrow.parquet.write_table(pyarrow.table({k: list(v) for k, v in columns}), path)


def workbook(path: Path, rows: Sequence[Sequence[Any]], **sheets: Sequence[Sequence[Any]]) -> None:
    book = openpyxl.Workbook()
    for title, lines in {"Sheet": rows, **sheets}.items():
        sheet = book[title] if title in book.sheetnames else book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path)


def reading(mapping: dict[str, str] = MAPPING, scale: Scale = ONE_TO_FIVE) -> Reading:
    return Reading(mapping, "cedar", scale, scale, "blind")


def refused(path: Path, **options: Any) -> AttendingError:
    with pytest.raises(AttendingError) as caught:
        read_table(path, **options)
    return caught.value


@pytest.mark.parametrize(
    ("name", "write", "read_as"),
    [
        ("a.csv", delimited(",", "utf-8"), "UTF-8, ,"),
        ("a.csv", delimited(";", "utf-8-sig"), "UTF-8, ;"),
        ("a.tsv", delimited("\t", "utf-16"), "UTF-16, Tab"),
        ("a.csv", delimited(",", "gb18030"), "GB18030, ,"),
        ("a.jsonl", jsonl, "UTF-8"),
        ("a.json", jsonl, "UTF-8"),
        ("a.json", json_list, "UTF-8"),
        ("a.parquet", parquet, "Parquet"),
    ],
)
def test_every_kind_of_file_gives_the_same_texts_to_the_character(
    tmp_path: Path, name: str, write: Callable[[Path], None], read_as: str
) -> None:
    write(tmp_path / name)

    table = read_table(tmp_path / name)
    content = content_of(table, reading())

    assert table.read_as == read_as
    assert table.columns == tuple(HEADER)
    assert [found.text for found in content.responses.values()] == [row[1] for row in ROWS]
    assert [(score.rater, score.value) for score in content.scores] == [("Lin", 4)]
    assert content.problems == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl", ".parquet"])
def test_a_table_that_was_written_is_read_back_to_the_character(
    tmp_path: Path, suffix: str
) -> None:
    texts = [
        "=1+1", "+", "-5 mg", "@x", "\tx", "\rx", "'=1", "''-", "'a'", "＝1", "  a \n", "_x000D_",
        "a\r\nb\x0bc", "#N/A", "00123", "1e5", "=HYPERLINK(\"http://x\")", "“引号”，；😀",
    ]  # fmt: skip
    path = tmp_path / f"out{suffix}"

    write_table(
        path, ["question_id", "response"], [[f"q{n}", t] for n, t in enumerate(texts)], name="a"
    )

    mapping = {"question_id": "question_id", "response": "response"}
    content = content_of(
        read_table(path), reading(mapping), has_apostrophes=suffix in (".csv", ".xlsx")
    )
    assert [found.text for found in content.responses.values()] == texts


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_no_cell_of_a_written_sheet_starts_like_a_formula(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"

    write_table(
        path, ["a", "n"], [[text, -5] for text in ("=1", "+1", "-1", "@a", "\ta", "\ra")], name="a"
    )

    rows = [row for _, row in read_table(path).rows]
    assert all(row[0].startswith("'") for row in rows)
    assert {str(row[1]) for row in rows} == {"-5"}
    if suffix == ".xlsx":
        cells = [cell for row in openpyxl.load_workbook(path).active.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} == {"s", "n"}


def test_a_text_longer_than_a_cell_of_a_workbook_is_refused_and_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"

    with pytest.raises(AttendingError, match="cell_too_long") as caught:
        write_table(path, ["a"], [["长" * 32_768]], name="a")

    assert caught.value.values["n"] == 32_768
    assert not path.exists()


def test_foreign_apostrophes_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("题号,回答\n1,'+' means positive\n", encoding="utf-8")

    content = content_of(read_table(path), reading({"题号": "question_id", "回答": "response"}))

    assert [found.text for found in content.responses.values()] == ["'+' means positive"]


# --- workbooks --------------------------------------------------------------------------------


def test_a_workbook_with_empty_rows_and_columns_is_read_by_its_own_row_numbers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [[], HEADER, [], ["1", "A", 9], [None, None, None, None]])

    content = content_of(read_table(path), reading())

    assert [(one.line, one.column, one.why) for one in content.problems] == [(4, "医生", "outside")]


def test_one_of_several_sheets_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [HEADER, *[["1", "A", 4]]], Second=[HEADER, ["2", "B", 5]], Empty=[])

    assert refused(path).values["sheets"] == "Sheet, Second"
    assert refused(path, sheet="Third").code == "unknown_sheet"
    assert read_table(path, sheet="Second").rows == [(2, ["2", "B", 5])]


@pytest.mark.parametrize("merged", ["A1:B1", "A2:A3"])
def test_merged_cells_are_refused_by_their_names(tmp_path: Path, merged: str) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        book.active.append([str(cell).replace("\r", "") for cell in row])
    book.active.merge_cells(merged)
    book.save(path)

    error = refused(path)

    assert (error.code, error.values["cells"]) == ("merged_cells", merged)


def test_a_formula_that_nobody_calculated_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [HEADER, ["1", "A", "=2+2"]])

    error = refused(path)

    assert (error.code, error.values["cells"]) == ("uncalculated", "C2")


def test_an_error_of_a_formula_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [HEADER, ["1", "A", "#REF!"]])

    assert (refused(path).code, refused(path).values["cell"]) == ("error_cell", "C2")


def test_a_date_is_no_question_number(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [HEADER, [datetime.datetime(2026, 1, 5), "A", 4], ["2", "B", 4.0]])

    content = content_of(read_table(path), reading())

    assert [(one.line, one.column, one.why) for one in content.problems] == [
        (2, "题号", "wrong_cell")
    ]
    assert [score.value for score in content.scores] == [4]


# --- files that can't be read -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.xls", b"\xd0\xcf", "not_a_table"),
        ("a.csv", b"  \n", "empty_file"),
        ("a.csv", b"a,b\n", "no_rows"),
        ("a.csv", b"a,b,a\n1,2,3\n", "repeated_column"),
        ("a.csv", b"a, a\n1,2\n", "repeated_column"),
        ("a.csv", b"a,\n1,2\n", "nameless_column"),
        ("a.csv", b'a,b\n1,"2\n', "not_csv"),
        ("a.csv", "a,b\n1,Fièvre élevée\n".encode("latin-1"), "not_utf8"),
        ("a.xlsx", b"PK no workbook", "not_xlsx"),
        ("a.parquet", b"no parquet", "not_parquet"),
    ],
)
def test_an_unclear_file_is_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    assert refused(path).code == code


def test_a_stated_separator_and_a_column_of_nothing_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"sep=;\r\na;b;\r\n1;2,5;\r\n")

    table = read_table(path)

    assert (table.columns, table.rows) == (("a", "b"), [(3, ["1", "2,5"])])


# --- rows -------------------------------------------------------------------------------------


def content(lines: Sequence[str], mapping: dict[str, str], **options: Any) -> Content:
    columns, *rows = [tuple(line.split("|")) for line in lines]
    cells: list[tuple[int, Sequence[Any]]] = [(n, row) for n, row in enumerate(rows, 2)]
    return content_of(Table("a.csv", columns, cells, [], ""), reading(mapping, **options))


WIDE = {
    "id": "question_id", "q": "question", "m": "model", "a": "response",
    "g": "judge:gpt", "w": "physician:Wang",
}  # fmt: skip


def test_everything_that_cannot_be_read_is_listed_with_its_place() -> None:
    found = content(
        [
            "id|q|m|a|g|w",
            "1|Q?|x|A|4|5",
            "1|Q!|y|B|4|5",
            "1||x|C|3|",
            "1||x||2|",
            "|Q?|x|A||",
            "2|P?|x|A|7|four",
            "3||x|A||",
            "a b|S?|x|A||",
            "a_b|T?|x|A||",
        ],
        WIDE,
    )

    assert [(one.line, one.column, one.why) for one in found.problems] == [
        (3, "q", "differs"),
        (4, "a", "two_responses"),
        (5, "g", "two_scores"),
        (6, "id", "missing"),
        (7, "g", "outside"),
        (7, "w", "not_a_score"),
        (8, "q", "no_question"),
        (10, "id", "same_code"),
    ]
    assert found.problems[0].values == {"key": "general:1:1", "line": 2}


@pytest.mark.parametrize("nothing", ["", " ", "NaN", "N/A", "null", "无"])
def test_a_missing_cell_is_unscored_for_a_judge_and_nothing_for_a_physician(nothing: str) -> None:
    found = content(["id|q|m|a|g|w", f"1|Q?|x|A|{nothing}|{nothing}"], WIDE)

    assert found.problems == []
    assert [(s.kind, s.value, s.because) for s in found.scores] == [("judge", None, "not_given")]


def test_a_number_in_a_column_with_gaps_is_a_whole_number() -> None:
    found = content(["id|w", "1|4.0", "2|4.5", "3|"], {"id": "question_id", "w": "physician:W"})

    assert [score.value for score in found.scores] == [4]
    assert [(one.line, one.why) for one in found.problems] == [(3, "not_a_score")]


def test_scores_hold_to_the_scale_that_is_said() -> None:
    scale = Scale("", 0, 3, 3)
    found = content(["id|w", "1|0", "2|4"], {"id": "question_id", "w": "physician:W"}, scale=scale)

    assert [(score.value, score.scale) for score in found.scores] == [(0, scale)]
    assert [one.values["maximum"] for one in found.problems] == [3]


def test_a_turn_needs_the_turn_before_it() -> None:
    mapping = {"id": "question_id", "t": "turn", "c": "category"}
    found = content(
        ["id|t|c", "1|1|医疗知识", "1|2|MK", "2|2|MK", "MK:7:1||", "MK:7:1|2|"], mapping
    )

    assert [str(key) for key in found.questions] == ["MK:1:1", "MK:1:2", "MK:2:2", "MK:7:1"]
    assert [(one.line, one.why) for one in found.problems] == [
        (4, "missing_turn"),
        (6, "another_key"),
    ]


def test_questions_without_numbers_are_told_apart_by_their_texts() -> None:
    found = content(["q|a", "P?|A", "Q?|B", "P?|A"], {"q": "question", "a": "response"})

    assert len(found.questions) == len(found.responses) == 2
    assert list(found.questions) == list(
        content(["q|a", "P?|A", "Q?|B"], {"q": "question", "a": "response"}).questions
    )


def test_rows_that_are_history_are_counted_and_left_out() -> None:
    mapping = {name: name for name in ("question_id", "judge", "physician", "score", "is_current")}
    found = content(
        ["question_id|judge|physician|score|is_current", "1|g||4|1", "1|g||2|0", "1||w|5|"], mapping
    )

    assert [(s.kind, s.rater, s.value) for s in found.scores] == [
        ("judge", "g", 4),
        ("physician", "w", 5),
    ]
    assert found.history == 1


@pytest.mark.parametrize(
    ("text", "rows", "problems"),
    [
        ('{\n "a": 1,\n "b": "x"\n}', [(1, [1, "x"])], []),
        ('{"a": 1}\n{"a": \n', [(1, [1])], [2]),
    ],
)
def test_json_is_one_object_or_one_a_line(tmp_path: Path, text, rows, problems) -> None:
    (tmp_path / "a.json").write_text(text)

    table = read_table(tmp_path / "a.json")

    assert (table.rows, [one.line for one in table.problems]) == (rows, problems)


def test_a_list_that_is_cut_off_is_told_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1},\n{"a": ')

    with pytest.raises(BrokenFile, match="not_json") as refused:
        read_table(tmp_path / "a.json")

    assert refused.value.values["line"] == 2


def test_an_object_in_a_record_is_columns_of_its_own(tmp_path: Path) -> None:
    records = [
        {"uuid": 1, "human": {"accuracy": 3, "logic": 2}, "turns": ["a"]},
        {"uuid": 2, "human": None, "x": {"y": 1}, "x.y": 2},
        7,
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records))

    table = read_table(path)

    assert table.columns == ("uuid", "human.accuracy", "human.logic", "turns", "human", "x", "x.y")
    assert table.rows == [
        (1, [1, 3, 2, ["a"], None, None, None]), (2, [2, None, None, None, None, {"y": 1}, 2]),
    ]  # fmt: skip
    assert [(one.line, one.why) for one in table.problems] == [(3, "not_json")]
