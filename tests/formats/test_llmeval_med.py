"""LLMEval-Med's file with all its quirks, and files that must be refused with the exact reason."""

import json
import math
import os
from collections import Counter
from pathlib import Path

import pytest

from core.domain.criteria import Criteria
from core.domain.questions import CATEGORIES, QuestionKey
from core.errors import BrokenFile
from core.formats.base import LARGEST_FILE, BenchmarkQuestion, GivenResponse, GivenScore
from core.formats.llmeval_med import (
    CATEGORY_CODES,
    criteria_of_record,
    read_questions,
    read_responses,
    released_text,
)

KEYS = "医疗知识、医疗推理、医疗语言理解、医疗安全伦理、医疗文本生成"


def record(**fields: object) -> dict[str, object]:
    """A record of the released shape; `fields` replace, None stays null."""
    return {
        "category1": "医疗知识",
        "category2": "示例",
        "scene": "示例_一",
        "round": 1,
        "problem": "示例药每次用多少？",
        "groupCode": 1,
        "sanswer": "每次 0.5 mg。",
        "difficulty": "中",
        "checklist": "核心需求：\n1. 说明剂量。",
    } | fields


@pytest.fixture
def write(tmp_path: Path):
    """Write text, bytes or a list of MK records as a file; returns its path."""

    def written(content: object) -> Path:
        path = tmp_path / "dataset.json"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif isinstance(content, dict):
            path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        else:
            text = json.dumps({"医疗知识": content}, ensure_ascii=False)
            path.write_text(text, encoding="utf-8")
        return path

    return written


def refusal(path: Path, reader=read_questions) -> tuple[str, dict[str, object]]:
    """Code and values of the error by which a file is refused."""
    with pytest.raises(BrokenFile) as caught:
        reader(path)
    return caught.value.code, caught.value.values


# --- what the released file holds, in small ---------------------------------------------


def test_a_record_becomes_a_question_with_its_criteria(write):
    given = record()

    assert read_questions(write([given])) == [
        BenchmarkQuestion(
            QuestionKey("MK", "1", 1),
            Criteria("示例药每次用多少？", "每次 0.5 mg。", "核心需求：\n1. 说明剂量。"),
            "示例",
            "示例_一",
            "medium",
            json.dumps(given),
        )
    ]


def test_the_five_keys_become_five_codes_in_the_files_order(write):
    path = write({name: [record()] for name in CATEGORY_CODES})

    assert [str(q.key) for q in read_questions(path)] == [
        "MK:1:1", "MR:1:1", "MLU:1:1", "MSE:1:1", "MTG:1:1"
    ]  # fmt: skip


def test_the_key_is_the_category_whatever_category1_says(write):
    path = write({"医疗语言理解": [record(category1="一般语言理解")]})

    assert [str(q.key) for q in read_questions(path)] == ["MLU:1:1"]


def test_one_group_code_in_two_categories_is_two_conversations(write):
    path = write({"医疗知识": [record(groupCode=7)], "医疗推理": [record(groupCode=7)]})

    assert [str(q.key) for q in read_questions(path)] == ["MK:7:1", "MR:7:1"]


def test_turns_of_a_conversation_may_come_in_any_order(write):
    path = write([record(round=2), record(round=1), record(round=3)])

    assert [q.key.turn for q in read_questions(path)] == [2, 1, 3]


@pytest.mark.parametrize(
    ("field", "written", "read"),
    [
        ("checklist", math.nan, ""),
        ("checklist", None, ""),
        ("checklist", "", ""),
        ("checklist", " 两端有空格 \n", " 两端有空格 \n"),
        ("reference_answer", math.nan, ""),
        ("reference_answer", 305, "305"),
        ("reference_answer", 0, "0"),
        ("reference_answer", 0.5, "0.5"),
        ("question_text", "第一行\r\n第二行\t{x}\u3000\u00a0", "第一行\r\n第二行\t{x}\u3000\u00a0"),
        ("question_text", "长" * 10_428, "长" * 10_428),
        ("question_text", "𠮷野家 😀 \u0000", "𠮷野家 😀 \u0000"),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_texts_are_kept_and_missing_ones_are_empty(write, field, written, read):
    name = {"question_text": "problem", "reference_answer": "sanswer"}.get(field, field)

    (question,) = read_questions(write([record(**{name: written})]))

    assert getattr(question.criteria, field) == read


def test_a_missing_field_is_an_empty_text(write):
    given = record()
    for field in ("checklist", "difficulty", "sanswer", "scene", "category2", "category1"):
        del given[field]

    (question,) = read_questions(write([given]))

    assert question == BenchmarkQuestion(
        QuestionKey("MK", "1", 1),
        Criteria("示例药每次用多少？", "", ""),
        "",
        "",
        "",
        json.dumps(given),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [("易", "easy"), ("中", "medium"), ("难", "hard"), ("", ""), (math.nan, ""), (None, "")],
)
def test_difficulties(write, written, read):
    assert [q.difficulty for q in read_questions(write([record(difficulty=written)]))] == [read]


def test_a_record_comes_back_with_every_field_and_nan(write):
    given = record(checklist=math.nan, extra={"a": [1, None, "\ud83d"]}, sanswer=305)
    path = write('{"医疗知识": [' + json.dumps(given) + "]}")

    (question,) = read_questions(path)

    assert repr(json.loads(question.record)) == repr(given)
    assert criteria_of_record(question.record) == question.criteria


def test_a_byte_order_mark_and_blanks_around_are_no_obstacle(write):
    text = json.dumps({"医疗知识": [record()]}, ensure_ascii=False)

    assert len(read_questions(write(b"\xef\xbb\xbf \n" + text.encode() + b"\n\n"))) == 1


def test_a_category_without_records_is_no_error(write):
    assert read_questions(write({"医疗知识": [], "医疗推理": [record()]}))[0].key.category == "MR"


# --- files that are refused -------------------------------------------------------------

WHERE = {"file": "dataset.json", "where": "医疗知识 1"}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"round": 0}, ("round", "whole_number", "0")),
        ({"round": -1}, ("round", "whole_number", "-1")),
        ({"round": "1"}, ("round", "whole_number", '"1"')),
        ({"round": 1.0}, ("round", "whole_number", "1.0")),
        ({"round": None}, ("round", "whole_number", "null")),
        ({"round": True}, ("round", "whole_number", "true")),
        ({"groupCode": True}, ("groupCode", "whole_number", "true")),
        ({"groupCode": "5"}, ("groupCode", "whole_number", '"5"')),
        ({"groupCode": [5]}, ("groupCode", "whole_number", "[5]")),
        ({"problem": ""}, ("problem", "text", '""')),
        ({"problem": " \n"}, ("problem", "text", '" \\n"')),
        ({"problem": math.nan}, ("problem", "text", "NaN")),
        ({"problem": ["问"]}, ("problem", "text", '["问"]')),
        ({"problem": True}, ("problem", "text", "true")),
        ({"sanswer": {"a": 1}}, ("sanswer", "text", '{"a": 1}')),
        ({"checklist": ["a" * 99]}, ("checklist", "text", '["' + "a" * 58)),
        ({"checklist": False}, ("checklist", "text", "false")),
        ({"difficulty": "很难"}, ("difficulty", "difficulty", '"很难"')),
        ({"difficulty": 3}, ("difficulty", "difficulty", '"3"')),
        ({"scene": []}, ("scene", "text", "[]")),
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_named(write, fields, wrong):
    field, expected, found = wrong

    assert refusal(write([record(**fields)])) == (
        "wrong_type",
        WHERE | {"field": field, "expected": expected, "found": found},
    )


def test_a_missing_round_is_named(write):
    given = record()
    del given["round"]

    assert refusal(write([given])) == (
        "missing_field",
        WHERE | {"field": "round"},
    )


@pytest.mark.parametrize(
    ("content", "where", "field", "expected", "found"),
    [
        ({"医疗知识": {"1": record()}}, "医疗知识", "医疗知识", "list", '{"1": {"category1": '),
        ({"医疗知识": "x"}, "医疗知识", "医疗知识", "list", '"x"'),
        ({"医疗知识": [record(), "x"]}, "医疗知识 2", "医疗知识", "object", '"x"'),
        ({"医疗知识": [None]}, "医疗知识 1", "医疗知识", "object", "null"),
    ],
    ids=["object for a list", "text for a list", "text for a record", "null for a record"],
)
def test_a_wrong_shape_is_named(write, content, where, field, expected, found):
    code, values = refusal(write(content))

    shown = values.pop("found")
    assert (code, values) == (
        "wrong_type",
        {"file": "dataset.json", "where": where, "field": field, "expected": expected},
    )
    assert shown.startswith(found)


@pytest.mark.parametrize(
    "content", ["[]", "{}", "null", "5", '"x"'],
)  # fmt: skip
def test_another_shape_is_refused(write, content):
    assert refusal(write(content)) == ("not_five_keys", {"file": "dataset.json", "keys": KEYS})


@pytest.mark.parametrize(
    ("content", "key"), [('{"MK": []}', "MK"), ('{"医疗知识": [], "说明": []}', "说明")]
)
def test_an_unknown_key_is_named(write, content, key):
    assert refusal(write(content)) == (
        "not_a_category",
        {"file": "dataset.json", "found": key, "keys": KEYS},
    )


def test_two_records_with_one_key_are_refused(write):
    path = write([record(), record(groupCode=2), record(problem="另一问？")])

    assert refusal(path) == (
        "repeated_key", {"file": "dataset.json", "where": "医疗知识 3", "key": "MK:1:1"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "key", "before"),
    [([2], "MK:1:2", "MK:1:1"), ([1, 3], "MK:1:3", "MK:1:2"), ([3, 2], "MK:1:2", "MK:1:1")],
)
def test_a_turn_without_the_one_before_it_is_refused(write, turns, key, before):
    path = write([record(round=turn) for turn in turns])

    code, values = refusal(path)

    assert values.pop("where") == f"医疗知识 {1 + turns.index(int(key[-1]))}"
    assert (code, values) == (
        "missing_turn", {"file": "dataset.json", "key": key, "before": before},
    )  # fmt: skip


@pytest.mark.parametrize("content", ["", " \n\t", b"\xef\xbb\xbf"], ids=["empty", "blank", "mark"])
def test_an_empty_file_is_refused(write, content):
    assert refusal(write(content)) == ("empty_file", {"file": "dataset.json"})


def test_a_missing_file_is_refused(tmp_path):
    path = tmp_path / "absent.json"

    assert refusal(path) == ("no_file", {"file": str(path)})
    assert refusal(tmp_path) == ("no_file", {"file": str(tmp_path)})


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "dataset.json"
    path.touch()
    os.truncate(path, 1 << 30)  # sparse: 1 GiB that takes no room on the disk

    assert refusal(path) == (
        "too_large",
        {"file": "dataset.json", "size": 1_073_741_824, "largest": LARGEST_FILE},
    )


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        # 医 is D2 BD in GB 18030, which happens to be UTF-8 for ҽ; 疗 (C1 C6) is not.
        pytest.param('{"医疗知识": []}'.encode("gb18030"), 4, id="GB 18030"),
        pytest.param('{"a": 1}'.encode("utf-16"), 0, id="UTF-16"),
        pytest.param(b'{"a": "\xed\xa0\xbd"}', 7, id="half a surrogate as bytes"),
    ],
)
def test_another_encoding_is_refused_with_the_place(write, content, byte):
    assert refusal(write(content)) == ("not_utf8", {"file": "dataset.json", "byte": byte})


@pytest.mark.parametrize("field", ["problem", "sanswer", "checklist", "scene"])
def test_half_a_surrogate_pair_is_refused_in_a_field_that_is_read(write, field):
    path = write('{"医疗知识": [' + json.dumps(record(**{field: "a\ud83d"})) + "]}")

    assert refusal(path) == ("not_text", WHERE | {"field": field})


NO_NAME = "Expecting property name enclosed in double quotes"


@pytest.mark.parametrize(
    ("content", "line", "column", "problem"),
    [
        ("question,answer", 1, 1, "Expecting value"),
        ('{"医疗知识": [}', 1, 11, "Expecting value"),
        ('{"医疗知识":\n [{"round": 1,\n', 3, 1, NO_NAME),
        ('{"医疗知识": [{"problem": "没有写完', 1, 23, "Unterminated string starting at"),
        ('{"医疗知识": []} {}', 1, 14, "Extra data"),
        ("{'医疗知识': []}", 1, 2, NO_NAME),
        ('{"医疗知识": [{"problem": "两\n行"}]}', 1, 25, "Invalid control character at"),
    ],
    ids=["table", "not JSON", "cut off", "cut off in a text", "two values", "python", "bare line"],
)  # fmt: skip
def test_what_is_not_json_is_refused_with_the_place(write, content, line, column, problem):
    assert refusal(write(content)) == (
        "not_json",
        {"file": "dataset.json", "line": line, "column": column, "problem": problem},
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            '{"医疗知识": [{"round": 1, "round": 2}]}',
            "field 'round' appears twice in one object",
            id="a field twice",
        ),
        pytest.param(
            '{"医疗知识": [], "医疗知识": []}',
            "field '医疗知识' appears twice in one object",
            id="a category twice",
        ),
    ],
)
def test_a_field_twice_in_one_object_is_refused(write, content, problem):
    assert refusal(write(content)) == (
        "not_json",
        {"file": "dataset.json", "line": 1, "column": 1, "problem": problem},
    )


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused(write, opening):
    code, values = refusal(write(opening * 100_000))

    assert (code, values["file"], values["line"]) == ("not_json", "dataset.json", 1)


def test_a_number_of_ten_thousand_digits_is_refused(write):
    code, values = refusal(write('{"医疗知识": [{"round": ' + "1" * 10_000 + "}]}"))

    assert (code, values["file"], values["line"]) == ("not_json", "dataset.json", 1)


# --- responses with released scores -----------------------------------------------------


def answered(**fields: object) -> dict[str, object]:
    return record(model_answer="每次 0.5 mg。") | fields


@pytest.mark.parametrize(
    ("written", "score"),
    [
        ("4", GivenScore(4, None, "", "因为")),
        (" 5 ", GivenScore(5, None, "", "因为")),
        ("0", GivenScore(0, None, "", "因为")),
        (4, GivenScore(4, None, "", "因为")),
        ("-1", GivenScore(None, "score_not_found", "-1", "因为")),
        (-1, GivenScore(None, "score_not_found", "-1", "因为")),
        ("", GivenScore(None, "call_failed", "", "因为")),
        (None, GivenScore(None, "call_failed", "", "因为")),
        (math.nan, GivenScore(None, "call_failed", "", "因为")),
        ("6", GivenScore(None, "out_of_range", "6", "因为")),
        ("7", GivenScore(None, "out_of_range", "7", "因为")),
        ("1234567890" * 500, GivenScore(None, "out_of_range", "1234567890" * 500, "因为")),
        ("4.5", GivenScore(None, "not_an_integer", "4.5", "因为")),
        (4.5, GivenScore(None, "not_an_integer", "4.5", "因为")),
        ("[3]", GivenScore(None, "not_an_integer", "[3]", "因为")),
        ("-2", GivenScore(None, "not_an_integer", "-2", "因为")),
        ("四", GivenScore(None, "not_an_integer", "四", "因为")),
        ("４", GivenScore(None, "not_an_integer", "４", "因为")),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, GivenScore) else "",
)
def test_released_scores_are_values_or_reasons(write, written, score):
    path = write([answered(model_answer_score=written, model_answer_judgement="因为")])

    assert read_responses(path) == [
        GivenResponse(
            QuestionKey("MK", "1", 1), None, "每次 0.5 mg。", None, "示例药每次用多少？", score
        )
    ]


@pytest.mark.parametrize("written", ["", "-1"])
def test_a_reason_that_was_written_back_is_kept(write, written):
    path = write([answered(model_answer_score=written, model_answer_unscored="cut_off")])

    assert read_responses(path)[0].score == GivenScore(None, "cut_off", written, "")


@pytest.mark.parametrize(
    ("answer", "text", "absent_because"),
    [
        ("每次 0.5 mg。", "每次 0.5 mg。", None),
        (" \n", " \n", None),
        ("", None, "empty"),
        (None, None, "not_given"),
        (math.nan, None, "not_given"),
        (12, "12", None),
    ],
    ids=repr,
)
def test_an_absent_answer_has_a_reason(write, answer, text, absent_because):
    (found,) = read_responses(write([answered(model_answer=answer)]))

    assert (found.text, found.absent_because, found.score) == (text, absent_because, None)


def test_a_record_without_an_answer_among_others_is_absent(write):
    found = read_responses(write([answered(), record(groupCode=2)]))

    assert [(str(r.key), r.absent_because) for r in found] == [
        ("MK:1:1", None),
        ("MK:2:1", "not_given"),
    ]


def test_a_file_without_any_answer_is_refused(write):
    assert refusal(write([record()]), read_responses) == (
        "no_answers",
        {"file": "dataset.json", "field": "model_answer"},
    )


def test_a_score_that_is_no_text_is_refused(write):
    path = write([answered(model_answer_score=[3])])

    assert refusal(path, read_responses) == (
        "wrong_type",
        WHERE | {"field": "model_answer_score", "expected": "text", "found": "[3]"},
    )


def test_records_are_written_back_in_the_released_shape(write):
    records = [("MK", record()), ("MSE", record(checklist=math.nan)), ("MK", record(groupCode=2))]

    text = released_text(records)

    assert repr(json.loads(text)) == repr(
        {
            "医疗知识": [record(), record(groupCode=2)],
            "医疗安全伦理": [record(checklist=math.nan)],
        }
    )
    assert [str(q.key) for q in read_questions(write(text))] == ["MK:1:1", "MK:2:1", "MSE:1:1"]


# --- the real file ----------------------------------------------------------------------


def test_the_real_file_has_667_questions_in_571_conversations(real_questions):
    conversations = Counter((q.key.category, q.key.group) for q in real_questions)

    assert Counter(q.key.category for q in real_questions) == dict(
        zip(CATEGORIES, (141, 213, 102, 109, 102), strict=True)
    )
    assert len(real_questions) == 667
    assert len(conversations) == 571
    assert Counter(conversations.values()) == {1: 497, 2: 58, 3: 11, 4: 4, 5: 1}  # 74 with several


def test_every_text_of_the_real_file_is_kept_to_the_character(real_file, real_questions):
    content = json.loads(real_file.read_text(encoding="utf-8"))
    records = [record for name in CATEGORY_CODES for record in content[name]]
    in_file_order = [record for records in content.values() for record in records]
    assert len(records) == len(in_file_order) == 667

    for question, source in zip(real_questions, in_file_order, strict=True):
        texts = (source["problem"], source["sanswer"], source.get("checklist", math.nan))
        assert question.criteria == Criteria(*map(as_text, texts))
        assert repr(json.loads(question.record)) == repr(source)
        assert criteria_of_record(question.record) == question.criteria


def test_the_real_files_missing_texts_are_empty_ones(real_questions):
    references = Counter(q.key.category for q in real_questions if not q.criteria.reference_answer)

    assert sum(bool(q.criteria.checklist) for q in real_questions) == 205
    assert references == {"MTG": 24}
    assert max(len(q.criteria.question_text) for q in real_questions) == 10_428


def test_the_real_file_comes_back_as_it_was(real_file, real_questions, tmp_path):
    path = tmp_path / "written.json"
    records = [(q.key.category, json.loads(q.record)) for q in real_questions]

    path.write_text(released_text(records), encoding="utf-8")

    before, after = (json.loads(p.read_text(encoding="utf-8")) for p in (real_file, path))
    assert repr(after) == repr(before)
    assert read_questions(path) == real_questions


def as_text(value: object) -> str:
    """A value of the real file as text; NaN is the only float in it."""
    return "" if isinstance(value, float) and math.isnan(value) else str(value)
