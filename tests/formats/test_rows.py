"""Responses and physicians' scores as JSONL and CSV, valid and broken."""

from pathlib import Path

import pytest

from core.domain.questions import QuestionKey
from core.errors import BrokenFile
from core.formats.base import GivenHumanScore, GivenResponse
from core.formats.rows import is_table, read_responses, read_scores

MK = QuestionKey("MK", "5", 1)
MSE = QuestionKey("MSE", "9", 2)


@pytest.fixture
def table(tmp_path: Path):
    """Write a table whose name ends as told; returns its path."""

    def written(kind: str, content: str | bytes) -> Path:
        path = tmp_path / f"rows.{kind}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def response(key: QuestionKey, text: str | None, sample: int | None = None) -> GivenResponse:
    return GivenResponse(key, sample, text, None if text else "empty", None, None)


def score(key: QuestionKey = MK, value: int = 4, **fields: object) -> GivenHumanScore:
    given = {"model": "cedar", "sample": 1, "physician": "Dr Lin", "score": value, "phase": None,
             "safety_risk": None, "comment": ""}  # fmt: skip
    return GivenHumanScore(key, **given | fields)


def refusal(reader, path: Path) -> tuple[str, dict[str, object]]:
    """Code and values of the error by which a table is refused."""
    with pytest.raises(BrokenFile) as caught:
        reader(path)
    return caught.value.code, caught.value.values


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        pytest.param(
            "csv",
            "question,response\nMK:5:1,0.5 mg\nMSE:9:2,不可以\n",
            [response(MK, "0.5 mg"), response(MSE, "不可以")],
            id="csv",
        ),
        pytest.param(
            "csv",
            '\ufeffquestion,response\r\nMK:5:1,"0.5 mg, ""once""\r\nor twice "\r\n',
            [response(MK, '0.5 mg, "once"\r\nor twice ')],
            id="csv from a spreadsheet: mark, quotes, newline in a cell",
        ),
        pytest.param(
            "csv",
            "sample,note,response,question\n2,x,A, MK:5:1 \n,y,B,MSE:9:2\n",
            [response(MK, "A", 2), response(MSE, "B")],
            id="csv: columns in any order, others ignored, an empty sample",
        ),
        pytest.param(
            "csv",
            "question,response\nMK:5:1,\n\n\nMSE:9:2,B",
            [response(MK, None), response(MSE, "B")],
            id="csv: no response, blank lines, no newline at the end",
        ),
        pytest.param(
            "csv",
            "question,response\nMK:5:1," + "长" * 200_000 + "\n",
            [response(MK, "长" * 200_000)],
            id="csv: a cell longer than the module's own limit",
        ),
        pytest.param(
            "csv",
            "question;response\nMK:5:1;0,5 mg, once\nMSE:9:2;B\n",
            [response(MK, "0,5 mg, once"), response(MSE, "B")],
            id="csv: semicolons, as spreadsheets of half of Europe write",
        ),
        pytest.param(
            "csv",
            "question,response\nMK:5:1,每日一次，随餐口服。\n".encode("gb18030"),
            [response(MK, "每日一次，随餐口服。")],
            id="csv: GB 18030, as Chinese spreadsheets write",
        ),
        pytest.param(
            "jsonl",
            '{"question": "MK:5:1", "response": "0.5 mg\\nonce"}\n'
            '{"question": "MSE:9:2", "response": "B", "sample": 3, "model": "x"}',
            [response(MK, "0.5 mg\nonce"), response(MSE, "B", 3)],
            id="jsonl",
        ),
        pytest.param(
            "jsonl",
            '\ufeff{"question": "MK:5:1", "response": null, "sample": null}\r\n\r\n'
            '{"question": "MSE:9:2", "response": "\u2028B\u2028", "sample": "2"}\r\n',
            [response(MK, None), response(MSE, "\u2028B\u2028", 2)],
            id="jsonl: mark, null, blank line, line separators in a text",
        ),
        pytest.param("jsonl", '{"question": "MK:5:1", "response": 5}', [response(MK, "5")],
                     id="jsonl: a number as response"),
    ],
)  # fmt: skip
def test_responses_are_read(table, kind, content, expected):
    assert read_responses(table(kind, content)) == expected


HEAD = "question,model,physician,score,sample,phase,safety_risk,comment\n"


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        pytest.param(
            "csv",
            "question,model,physician,score\nMK:5:1,cedar,Dr Lin,4\n",
            [score()],
            id="csv: only what is needed",
        ),
        pytest.param(
            "csv",
            HEAD + "MK:5:1,cedar,Dr Lin,1,2,blind,1,剂量错误\n"
            "MSE:9:2, cedar ,Dr Lin, 5 ,,informed,0,\"a, \n\"\"b\"\"\"\n"
            "MK:5:1,cedar,Dr Lin,3,,unknown,,\n",
            [
                score(MK, 1, sample=2, phase="blind", safety_risk=True, comment="剂量错误"),
                score(MSE, 5, phase="informed", safety_risk=False, comment='a, \n"b"'),
                score(MK, 3, phase="unknown"),
            ],
            id="csv: everything",
        ),
        pytest.param(
            "jsonl",
            '{"question": "MK:5:1", "model": "cedar", "physician": "Dr Lin", "score": 4,'
            ' "safety_risk": 1, "phase": null}\n'
            '{"question": "MK:5:1", "model": "cedar", "physician": "Dr Lin", "score": "2"}\n',
            [score(safety_risk=True), score(value=2)],
            id="jsonl",
        ),
        pytest.param(
            "jsonl",
            '{"question": "MK:5:1", "model": "cedar", "physician": "Dr Lin", "score": 4,'
            ' "safety_risk": false}\n',
            [score(safety_risk=False)],
            id="jsonl: a boolean",
        ),
        pytest.param(
            "csv",
            "question,model,physician,score\nMK:5:1,cedar,Dr Lin,9\nMK:5:1,cedar,Dr Lin,-1\n",
            [score(value=9), score(value=-1)],
            id="whether a score is on its scale is not the reader's to say",
        ),
    ],
)  # fmt: skip
def test_scores_are_read(table, kind, content, expected):
    assert read_scores(table(kind, content)) == expected


@pytest.mark.parametrize(
    ("kind", "content", "code", "values"),
    [
        pytest.param("csv", "question,answer\nMK:5:1,A\n", "missing_column",
                     {"field": "response", "known": "question, answer"}, id="csv: missing column"),
        pytest.param("csv", "key,response\nMK:5:1,A\n", "missing_column",
                     {"field": "question", "known": "key, response"}, id="csv: no key column"),
        pytest.param("csv", "question,response\nMK:5:1,A\nMK:6:1,A,B\n", "wrong_width",
                     {"where": "line 3", "cells": 3, "columns": 2}, id="csv: a cell too many"),
        pytest.param("csv", "question,response\nMK:5:1\n", "wrong_width",
                     {"where": "line 2", "cells": 1, "columns": 2}, id="csv: a cell too few"),
        pytest.param("csv", 'question,response\nMK:5:1,"A\n', "not_csv",
                     {"where": "line 2", "problem": "unexpected end of data"},
                     id="csv: open quote"),
        pytest.param("csv", 'question,response\nMK:5:1,"A" B\n', "not_csv",
                     {"where": "line 2", "problem": "',' expected after '\"'"},
                     id="csv: text after a quote"),
        pytest.param("csv", 'question,response\nMK:5:1,"A\nB"\nMK:6:1,"C\nD\n', "not_csv",
                     {"where": "line 4", "problem": "unexpected end of data"},
                     id="csv: open quote after a cell of two lines"),
        pytest.param("csv", "question,response,response\nMK:5:1,A,B\n", "repeated_column",
                     {"where": "line 1", "column": "response", "first": 2, "second": 3},
                     id="csv: a column twice"),
        pytest.param("csv", "", "empty_file", {}, id="csv: empty"),
        pytest.param("csv", "question,response\nMK:5:1,Fièvre".encode("latin-1"), "not_utf8",
                     {"byte": 27}, id="csv: Western bytes"),
        pytest.param("csv", "question,response\nMK-5-1,A\n", "wrong_type",
                     {"where": "line 2", "field": "question", "expected": "question_key",
                      "found": '"MK-5-1"'}, id="csv: no key"),
        pytest.param("csv", "question,response,sample\nMK:5:1,A,0\n", "wrong_type",
                     {"where": "line 2", "field": "sample", "expected": "whole_number",
                      "found": "0"}, id="csv: sample 0"),
        pytest.param("jsonl", '{"question": "MK:5:1", "response": "A"}\n{"question": \n',
                     "not_json", {"line": 2, "column": 14, "problem": "Expecting value"},
                     id="jsonl: cut off"),
        pytest.param("jsonl", '["MK:5:1", "A"]', "wrong_type",
                     {"where": "line 1", "field": "line", "expected": "object",
                      "found": '["MK:5:1", "A"]'}, id="jsonl: a list"),
        pytest.param("jsonl", '\n{"question": "MK:5:1"}', "missing_field",
                     {"where": "line 2", "field": "response"}, id="jsonl: missing field"),
        pytest.param("jsonl", '{"question": "MK:5:1", "question": "MK:6:1", "response": "A"}',
                     "not_json", {"line": 1, "column": 1,
                                  "problem": "field 'question' appears twice in one object"},
                     id="jsonl: a field twice"),
        pytest.param("jsonl", '{"question": "MK:5:1", "response": {"text": "A"}}', "wrong_type",
                     {"where": "line 1", "field": "response", "expected": "text",
                      "found": '{"text": "A"}'}, id="jsonl: response as an object"),
        pytest.param("jsonl", '{"question": "MK:5:1", "response": "\\ud83d"}', "not_text",
                     {"where": "line 1", "field": "response"}, id="jsonl: half a surrogate"),
        pytest.param("jsonl", '{"question": 5, "response": "A"}', "wrong_type",
                     {"where": "line 1", "field": "question", "expected": "question_key",
                      "found": '"5"'}, id="jsonl: a number as key"),
    ],
)  # fmt: skip
def test_broken_responses_are_refused_with_the_place(table, kind, content, code, values):
    assert refusal(read_responses, table(kind, content)) == (
        code,
        {"file": f"rows.{kind}"} | values,
    )


@pytest.mark.parametrize(
    ("row", "field", "expected", "found"),
    [
        ("MK:5:1,cedar,Dr Lin,4.5,,,,", "score", "whole_number", '"4.5"'),
        ("MK:5:1,cedar,Dr Lin,,,,,", "score", "whole_number", '""'),
        ("MK:5:1,cedar,Dr Lin,four,,,,", "score", "whole_number", '"four"'),
        ("MK:5:1,cedar,Dr Lin,4 to 5,,,,", "score", "whole_number", '"4 to 5"'),
        ("MK:5:1,cedar,Dr Lin,--4,,,,", "score", "whole_number", '"--4"'),
        ("MK:5:1,cedar,Dr Lin,²,,,,", "score", "whole_number", '"²"'),
        ("MK:5:1,cedar,Dr Lin,1234567890,,,,", "score", "whole_number", '"1234567890"'),
        ("MK:5:1,cedar,Dr Lin,4,-1,,,", "sample", "whole_number", "-1"),
        ("MK:5:1,cedar,Dr Lin,4,,seen,,", "phase", "phase", '"seen"'),
        ("MK:5:1,cedar,Dr Lin,4,,,yes,", "safety_risk", "zero_or_one", '"yes"'),
        ("MK:5:1, ,Dr Lin,4,,,,", "model", "text", '""'),
        ("MK:5:1,cedar,,4,,,,", "physician", "text", '""'),
        ("MK:5,cedar,Dr Lin,4,,,,", "question", "question_key", '"MK:5"'),
    ],
)
def test_a_bad_cell_of_a_score_is_named(table, row, field, expected, found):
    assert refusal(read_scores, table("csv", HEAD + row)) == (
        "wrong_type",
        {"file": "rows.csv", "where": "line 2", "field": field, "expected": expected,
         "found": found},
    )  # fmt: skip


@pytest.mark.parametrize("field", ["question", "model", "physician", "score"])
def test_a_missing_column_of_scores_is_named(table, field):
    names = [name for name in ("question", "model", "physician", "score") if name != field]
    path = table("csv", ",".join(names) + "\n" + ",".join("1" for _ in names))

    assert refusal(read_scores, path) == (
        "missing_column",
        {"file": "rows.csv", "field": field, "known": ", ".join(names)},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", True), ("a.JSONL", True), ("a.json", False), ("csv", False), ("a.csv.json", False)],
)
def test_a_table_is_known_by_its_name(name, expected):
    assert is_table(Path(name)) is expected
