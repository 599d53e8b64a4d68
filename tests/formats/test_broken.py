"""A file with several broken records: all are counted, the first are named with the reason."""

import json

import pytest

from core.errors import BrokenFile
from core.formats import llmeval_med, rows
from core.formats.catalogue import FORMATS, guessed
from core.formats.declaring import read_benchmark
from core.formats.judged import LLMEVAL_2, read_judged
from core.i18n import error_sentence
from tests.workbench import QUESTIONS, five_keys

OPTIONS = {"A": "阿司匹林", "B": "氯吡格雷", "C": "华法林"}


def exam(**fields):
    record = {
        "exam_type": "医师考试", "exam_class": "规培结业", "exam_subject": "心内科",
        "question": "阿司匹林过敏者可改用", "answer": "B", "question_type": "单项选择题",
        "option": OPTIONS,
    } | fields  # fmt: skip
    return {name: value for name, value in record.items() if value is not ...}


def refusal(read, *args) -> BrokenFile:
    with pytest.raises(BrokenFile) as caught:
        read(*args)
    return caught.value


EXAM = [
    exam(answer="F"),
    exam(),
    exam(answer="BC"),
    exam(option={"A": "x", "C": "y"}),
    exam(option=...),
    "no record",
    exam(question=" "),
    exam(answer=["D"]),
]


def test_an_exam_says_how_many_and_why_in_both_languages(tmp_path):
    (tmp_path / "exam.json").write_text(json.dumps(EXAM))

    error = refusal(read_benchmark, tmp_path / "exam.json", FORMATS["cmb-exam"])

    assert error_sentence("en", error) == (
        "exam.json: 7 records can't be read; nothing was imported:\n"
        "  record 1, field answer: F is none of the options ABC\n"
        "  record 3, field answer: BC names several options, and a question of the type 单项选择题"
        " has one right option\n"
        "  record 4: options must be labelled A, B, C … without a gap, at least two; found: A, C\n"
        "  record 5, field option: it is not there\n"
        '  record 6: expected an object, found "no record"\n'
        "  … and 2 more"
    )
    assert error_sentence("zh", error) == (
        "exam.json：有 7 条记录无法读取；未导入任何内容：\n"
        "  第 1 条记录，字段 answer：F 不在选项 ABC 之中\n"
        "  第 3 条记录，字段 answer：BC 含多个选项，而题型“单项选择题”只有一个正确选项\n"
        "  第 4 条记录：选项须依次标为 A、B、C……，至少两项；实为：A, C\n"
        "  第 5 条记录，字段 option：缺少该字段\n"
        '  第 6 条记录：应为对象，实为 "no record"\n'
        "  ……另有 2 条"
    )


def test_a_folder_names_the_file_of_each_record(tmp_path):
    good = {"question": "首选？", "options": ["A: 心电图", "B: CT"], "answer": "A"}
    for task, lines in {
        "DDx": [good, good | {"answer": "C"}],
        "MedDG": ['{"question"', json.dumps(good), "[1]"],
    }.items():
        (tmp_path / "medbench" / task).mkdir(parents=True)
        (tmp_path / "medbench" / task / f"{task}.jsonl").write_text(
            "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        )

    error = refusal(read_benchmark, tmp_path / "medbench", FORMATS["opencompass-medbench"])

    assert error_sentence("en", error).splitlines()[1:] == [
        "  DDx.jsonl line 2, field answer: C is none of the options AB",
        "  MedDG.jsonl, line 1: not a JSON object (Expecting ':' delimiter)",
        "  MedDG.jsonl, line 3: expected an object, found [1]",
    ]


@pytest.mark.parametrize(
    ("name", "text", "places"),
    [
        ("a.csv", 'Question,Options,Answer\nq,A x\nq,"A x\nB y",A\nq,A x,A,A\n',
         ["line 2", "line 5"]),
        ("b.jsonl", '{"question": \n{"question": "q", "answer": "", "other": {}}\n7\n{}',
         [1, "line 3", "line 4"]),
    ],
)  # fmt: skip
def test_lines_that_are_no_records_are_counted_too(tmp_path, name, text, places):
    path = tmp_path / name
    path.write_text(text)

    error = refusal(read_benchmark, path, FORMATS[guessed(path).format])

    assert error.code == "unreadable_records"
    assert [one.values.get("where", one.values.get("line")) for one in error.values["records"]] == (
        places
    )


def test_one_broken_record_is_told_in_its_own_sentence(tmp_path):
    (tmp_path / "exam.json").write_text(json.dumps([exam(), exam(answer="BC")]))

    error = refusal(read_benchmark, tmp_path / "exam.json", FORMATS["cmb-exam"])

    assert error_sentence("en", error) == (
        "exam.json: record 2, field answer: BC names several options, and a question of the type"
        " 单项选择题 has one right option; correct the answer or the type. Nothing was imported."
    )


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("单项选择题", "B"),
        ("C型选择题", "B"),
        ("多项选择题", "B"),
        ("多选题", "BC"),
        ("", "BC"),
    ],
)
def test_as_many_right_options_as_the_type_says_are_read(tmp_path, kind, answer):
    (tmp_path / "exam.json").write_text(json.dumps([exam(question_type=kind, answer=answer)]))

    (found,) = read_benchmark(tmp_path / "exam.json", FORMATS["cmb-exam"])

    assert found.closed.right == answer
    assert found.closed.takes_several == (kind.startswith("多") or len(answer) > 1)


def test_two_turns_of_a_case_are_one_record(tmp_path):
    asked = [{"question": one, "solution": "s"} for one in ("诊断？", "治疗？")]
    case = {"id": 1, "title": "疝", "description": "包块。", "QA_pairs": asked}
    (tmp_path / "clin.json").write_text(json.dumps([case] * 3))

    error = refusal(read_benchmark, tmp_path / "clin.json", FORMATS["cmb-clin"])

    assert error.values["n"] == 2
    assert [one.values["where"] for one in error.values["records"]] == ["record 2", "record 3"]


def test_other_readers_count_them_as_well(tmp_path):
    broken = {key: fields | {"difficulty": "odd"} for key, fields in QUESTIONS.items()}
    (tmp_path / "five.json").write_text(json.dumps(five_keys(broken)))
    (tmp_path / "r.csv").write_text("question,response\nMK-1,a\nMK:1:1,b\nMK:1:2\n")
    (tmp_path / "s.csv").write_text(
        "question,model,physician,score\nMK:1:1,elm,,4\nMK:1:1,elm,Lin,four\nMK:1:1,elm,Wu,4\n"
    )
    row = {"question": "q", "type": "客观题", "model": "elm", "response": "r"}
    (tmp_path / "stars.jsonl").write_text(
        "\n".join(map(json.dumps, [row | {"type": "odd"}, row, row | {"response": ""}]))
    )

    found = [
        refusal(llmeval_med.read_questions, tmp_path / "five.json"),
        refusal(rows.read_responses, tmp_path / "r.csv"),
        refusal(rows.read_scores, tmp_path / "s.csv"),
        refusal(read_judged, tmp_path / "stars.jsonl", LLMEVAL_2),
    ]

    assert [(one.code, one.values["n"]) for one in found] == [
        ("unreadable_records", n) for n in (len(QUESTIONS), 2, 2, 2)
    ]
    for error in found:
        assert len(error_sentence("zh", error).splitlines()) == 1 + min(error.values["n"], 6)
