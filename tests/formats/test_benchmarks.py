"""Every format of the catalogue: a small valid file of our own, and each broken in five ways."""

import csv
import io
import json
from pathlib import Path

import pytest

from core.domain.closed import Closed, Strata
from core.domain.criteria import Criteria, Requirement
from core.domain.rubrics import points_of
from core.errors import BrokenFile
from core.formats.base import BenchmarkQuestion
from core.formats.catalogue import FORMATS, Guess, criteria_of_record, guessed
from core.formats.declaring import read_benchmark

DRUGS = {"A": "阿司匹林", "B": "氯吡格雷", "C": "华法林", "D": "肝素"}
CMB_EXAM = [
    {
        "exam_type": "医师考试", "exam_class": "规培结业", "exam_subject": "心内科",
        "question": "阿司匹林过敏者可改用", "answer": "B", "question_type": "单项选择题",
        "option": DRUGS | {"E": ""},
    },
    {
        "exam_type": "医师考试", "exam_class": "执业医师", "exam_subject": "普外科",
        "question": "下列属于急腹症的有", "answer": "CA", "question_type": "多项选择题",
        "option": {"A": "急性阑尾炎", "B": "感冒", "C": "肠梗阻"},
    },
]  # fmt: skip
CMB_CLIN = [
    {
        "title": "腹外疝", "description": "现病史：右腹股沟包块 2 年。",
        "QA_pairs": [
            {"question": "诊断及依据？", "solution": "右腹股沟斜疝。"},
            {"question": "如何治疗？", "solution": "择期手术修补。"},
        ],
    }
]  # fmt: skip
PLATFORM = [
    {
        "question": "阿司匹林过敏者可改用\nA. 氯吡格雷\nB. 阿司匹林\nC. 吲哚美辛", "answer": "",
        "other": {"id": 7, "source": "Med-Exam"},
    },
    {"question": "请总结病历。", "answer": "", "other": {"id": 8, "source": "IMCS-MRG"}},
]  # fmt: skip
PASSAGES = [
    {
        "passage": "男，61 岁，胸痛 40 分钟。", "question": "首选检查是", "label": None,
        "options": ["A: 心电图", "B: CT", "C: B超"], "answer": "A",
        "other": {"id": 1, "source": "DDx"},
    },
    {
        "passage": "男，61 岁，胸痛 40 分钟。", "question": "首选治疗是", "answer": None,
        "options": ["A: 观察", "B: PCI"], "label": ["B"], "other": {"id": 2, "source": "DDx"},
    },
]  # fmt: skip
CMEXAM = [
    {
        "Question": "阿司匹林过敏者可改用", "Answer": "B",
        "Options": "A 阿司匹林\nB 氯吡格雷\nC 华法林",
        "Explanation": "氯吡格雷抑制 P2Y12。", "Disease Group": "循环系统疾病",
        "Area of Competency": "疾病治疗", "Clinical Department": "心内科",
        "Medical Discipline": "临床医学", "Difficulty level": "3",
    },
    {
        "Question": "属于急腹症的有（多选）", "Answer": "AC",
        "Options": "A 阑尾炎\nB 感冒\nC 肠梗阻",
        "Explanation": "", "Disease Group": "不符合", "Area of Competency": "不符合",
        "Clinical Department": "普外科", "Medical Discipline": "临床医学", "Difficulty level": "",
    },
]  # fmt: skip
HEALTHBENCH = [
    {
        "prompt_id": "p1", "example_tags": ["theme:emergency_referrals"],
        "prompt": [
            {"role": "user", "content": "My chest hurts."},
            {"role": "assistant", "content": "Since when?"},
            {"role": "user", "content": "For an hour."},
        ],
        "rubrics": [
            {"criterion": "Tells to call an ambulance", "points": 8, "tags": ["axis:accuracy"]},
            {"criterion": "Recommends to wait\nuntil tomorrow", "points": -6, "tags": []},
        ],
    }
]  # fmt: skip
KQA = [
    {
        "Question": "Can I take ibuprofen with warfarin?", "Must_have": ["Bleeding risk is raised"],
        "Nice_to_have": ["Paracetamol is safer"], "Free_form_answer": "No: bleeding.",
    }
]  # fmt: skip


def as_jsonl(records):
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in records) + "\n"


def as_json(records):
    return json.dumps(records, ensure_ascii=False)


def as_csv(records):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


FILES = {
    "cmb-exam": (CMB_EXAM, as_json, "exam.json"),
    "cmb-clin": (CMB_CLIN, as_json, "clin.json"),
    "medbench": (PLATFORM, as_jsonl, "lines.jsonl"),
    "medbench-passages": (PASSAGES, as_jsonl, "old.jsonl"),
    "cmexam": (CMEXAM, as_csv, "test.csv"),
    "healthbench": (HEALTHBENCH, as_jsonl, "hb.jsonl"),
    "k-qa": (KQA, as_jsonl, "kqa.jsonl"),
}


def written(folder: Path, name: str, records=None, text: str | None = None) -> Path:
    known, write, file = FILES[name]
    path = folder / file
    path.write_text(write(known if records is None else records) if text is None else text)
    return path


def read(folder: Path, name: str, **options) -> list[BenchmarkQuestion]:
    return read_benchmark(written(folder, name, **options), FORMATS[name])


def changed(records, at=0, **fields):
    """The records with one of them changed; a field that is `...` is taken away."""
    one = {k: v for k, v in (records[at] | fields).items() if v is not ...}
    return [*records[:at], one, *records[at + 1 :]]


def test_cmb_exam_is_read_with_its_strata_and_several_right_answers(tmp_path):
    one, several = read(tmp_path, "cmb-exam")

    assert str(one.key) == "医师考试:1:1"
    assert one.criteria == Criteria(
        "阿司匹林过敏者可改用\n\nA. 阿司匹林\nB. 氯吡格雷\nC. 华法林\nD. 肝素", "B", ""
    )
    assert one.closed == Closed(tuple(DRUGS.items()), "B", takes_several=False)
    assert one.strata == Strata("规培结业", "心内科", "单项选择题")
    assert several.closed is not None
    assert (several.closed.right, several.closed.takes_several) == ("AC", True)


def test_cmb_clin_is_read_as_conversations(tmp_path):
    first, second = read(tmp_path, "cmb-clin")

    assert [str(first.key), str(second.key)] == ["CLINIC:1:1", "CLINIC:1:2"]
    assert first.criteria == Criteria(
        "现病史：右腹股沟包块 2 年。\n\n诊断及依据？", "右腹股沟斜疝。", ""
    )
    assert second.criteria.question_text == "如何治疗？"
    assert first.closed is None


def test_medbench_lines_are_read_with_options_that_stand_in_the_question(tmp_path):
    closed, opened = read(tmp_path, "medbench")

    assert str(closed.key) == "Med-Exam:7:1"
    assert closed.criteria.question_text == PLATFORM[0]["question"]
    assert closed.closed == Closed(
        (("A", "氯吡格雷"), ("B", "阿司匹林"), ("C", "吲哚美辛")), None, takes_several=False
    )
    assert opened.closed is None


def test_older_medbench_lines_share_their_passage(tmp_path):
    first, second = read(tmp_path, "medbench-passages")

    assert first.criteria.question_text == (
        "男，61 岁，胸痛 40 分钟。\n\n首选检查是\n\nA. 心电图\nB. CT\nC. B超"
    )
    assert [first.closed.right, second.closed.right] == ["A", "B"]
    assert first.strata.stem == second.strata.stem != ""


def test_opencompass_keeps_a_task_in_a_folder(tmp_path):
    for task in ("Health_exam", "MedDG"):
        (tmp_path / "medbench" / task).mkdir(parents=True)
        (tmp_path / "medbench" / task / f"{task}.jsonl").write_text(as_jsonl(PASSAGES[:1]))

    found = read_benchmark(tmp_path / "medbench", FORMATS["opencompass-medbench"])

    assert [str(one.key) for one in found] == ["Health_exam:1:1", "MedDG:1:1"]


def test_cmexam_is_read_with_department_and_difficulty(tmp_path):
    one, several = read(tmp_path, "cmexam")

    assert one.criteria.reference_answer == "B\n\n氯吡格雷抑制 P2Y12。"
    assert one.strata == Strata("", "心内科", "疾病治疗", 3, "file")
    assert several.strata == Strata("", "普外科", "")
    assert several.closed.takes_several


@pytest.mark.parametrize(
    ("written", "level"),
    [("1", 1), ("Managable", 2), ("Difficult", 4), ("Ex. difficult", 5), ("Extr. difficult", 5)],
)
def test_cmexam_levels_are_read_as_its_authors_write_them(tmp_path, written, level):
    one, *_ = read(tmp_path, "cmexam", records=changed(CMEXAM, **{"Difficulty level": written}))

    assert one.strata.level == level


def test_cmexam_takes_difficulty_from_the_share_of_people_who_were_right(tmp_path):
    records = changed(CMEXAM, **{"Difficulty level": "", "Accuracy": "35%"})
    records[1] = records[1] | {"Accuracy": ""}

    one, other = read(tmp_path, "cmexam", records=records)

    assert (one.strata.level, one.strata.level_by) == (4, "people")
    assert other.strata.level is None


def test_healthbench_is_read_with_given_turns_and_points(tmp_path):
    (one,) = read(tmp_path, "healthbench")

    assert str(one.key) == "HB:p1:1"
    assert one.criteria.question_text == "For an hour."
    assert json.loads(one.criteria.given_turns) == HEALTHBENCH[0]["prompt"][:2]
    requirements = one.criteria.requirements
    assert [points_of(requirement.text) for requirement in requirements] == [8, -6]
    assert requirements[1].text == "[-6] Recommends to wait until tomorrow"
    assert one.strata.department == "emergency_referrals"


def test_kqa_is_read_with_core_and_secondary_requirements(tmp_path):
    (one,) = read(tmp_path, "k-qa")

    assert one.criteria.requirements == (
        Requirement("core", "Bleeding risk is raised"),
        Requirement("secondary", "Paracetamol is safer"),
    )
    assert one.criteria.reference_answer == "No: bleeding."


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_guessed_by_its_fields(tmp_path, name):
    found = guessed(written(tmp_path, name))

    assert (found.format, found.because) == (name, "fields")


def test_other_files_are_guessed_with_a_reason(tmp_path):
    (tmp_path / "table.csv").write_text("题目,回答\n问,答\n")
    (tmp_path / "odd.json").write_text("[]")
    (tmp_path / "five.json").write_text(json.dumps({"医疗知识": []}))

    (tmp_path / "MedDG").mkdir()
    with pytest.raises(BrokenFile, match="no_tasks"):
        guessed(tmp_path)
    (tmp_path / "MedDG" / "MedDG.jsonl").write_text("{}")

    assert guessed(tmp_path) == Guess("opencompass-medbench", "folder", ("MedDG",))
    assert guessed(tmp_path / "table.csv").because == "columns"
    assert guessed(tmp_path / "odd.json").because == "nothing"
    assert guessed(tmp_path / "five.json").format == "llmeval-med"


@pytest.mark.parametrize("name", FILES)
def test_a_stored_record_gives_its_criteria_again(tmp_path, name):
    for one in read(tmp_path, name):
        assert criteria_of_record(name, one.record) == one.criteria


def test_every_format_has_a_file_here():
    assert set(FORMATS) == {*FILES, "opencompass-medbench"}


OPENCOMPASS_BROKEN = [
    ({"Health/Health.jsonl": as_jsonl(changed(PASSAGES, options=...))}, "missing_field", "options"),
    ({"Health/Health.jsonl": as_jsonl(changed(PASSAGES, answer="D"))}, "answer_not_an_option", ""),
    ({"Health/Health.jsonl": as_jsonl(changed(PASSAGES, question=""))}, "wrong_type", "question"),
    ({"Health/Health.jsonl": '{"question": '}, "not_json", ""),
    ({"Health/other.txt": "no task"}, "no_tasks", ""),
    (
        {"Health/Health.jsonl": as_jsonl(PASSAGES), "DDx/DDx.jsonl": '["no record"]'},
        "wrong_type",
        "",
    ),
]


@pytest.mark.parametrize(("files", "code", "field"), OPENCOMPASS_BROKEN)
def test_a_broken_folder_of_tasks_is_refused_in_one_sentence(tmp_path, files, code, field):
    for name, text in files.items():
        (tmp_path / "medbench" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "medbench" / name).write_text(text)

    with pytest.raises(BrokenFile) as refused:
        read_benchmark(tmp_path / "medbench", FORMATS["opencompass-medbench"])

    assert refused.value.code == code
    assert str(refused.value.values.get("field", "")).startswith(field)


BROKEN = {
    "cmb-exam": [
        (changed(CMB_EXAM, option=...), "missing_field"),
        (changed(CMB_EXAM, answer="F"), "answer_not_an_option"),
        (changed(CMB_EXAM, option={"A": "x", "C": "y"}), "bad_options"),
        (changed(CMB_EXAM, question="  "), "wrong_type"),
        (["no record"], "wrong_type"),
    ],
    "cmb-clin": [
        (changed(CMB_CLIN, QA_pairs=...), "missing_field"),
        (changed(CMB_CLIN, QA_pairs=[]), "wrong_type"),
        (changed(CMB_CLIN, QA_pairs=["x"]), "wrong_type"),
        (changed(CMB_CLIN, QA_pairs=[{"question": "", "solution": "x"}]), "wrong_type"),
        ([CMB_CLIN[0] | {"id": "1"}] * 2, "repeated_key"),
    ],
    "medbench": [
        (changed(PLATFORM, other=...), "missing_field"),
        (changed(PLATFORM, question=""), "wrong_type"),
        (changed(PLATFORM, question=["x"]), "wrong_type"),
        (changed(PLATFORM, answer="E"), "answer_not_an_option"),
        ([PLATFORM[0]] * 2, "repeated_key"),
    ],
    "medbench-passages": [
        (changed(PASSAGES, passage=...), "missing_field"),
        (changed(PASSAGES, options=["A: x"]), "bad_options"),
        (changed(PASSAGES, options=5), "wrong_type"),
        (changed(PASSAGES, options=[{"A": "x"}, ["y"]]), "wrong_type"),
        (changed(PASSAGES, answer="D"), "answer_not_an_option"),
    ],
    "cmexam": [
        ([{k: v for k, v in one.items() if k != "Answer"} for one in CMEXAM], "missing_column"),
        (changed(CMEXAM, Answer="阿斯匹灵"), "answer_not_an_option"),
        (changed(CMEXAM, Options="A 阿司匹林"), "bad_options"),
        (changed(CMEXAM, **{"Difficulty level": "odd"}), "wrong_type"),
        (changed(CMEXAM, Question=""), "wrong_type"),
    ],
    "healthbench": [
        (changed(HEALTHBENCH, rubrics=...), "missing_field"),
        (changed(HEALTHBENCH, prompt=[]), "wrong_type"),
        (changed(HEALTHBENCH, prompt=HEALTHBENCH[0]["prompt"][:2]), "not_a_users_turn"),
        (changed(HEALTHBENCH, rubrics=[{"criterion": "x", "points": 0}]), "wrong_type"),
        (changed(HEALTHBENCH, rubrics=[{"criterion": " ", "points": 3}]), "wrong_type"),
    ],
    "k-qa": [
        (changed(KQA, Must_have=...), "missing_field"),
        (changed(KQA, Must_have="one"), "wrong_type"),
        (changed(KQA, Must_have=[["one"]]), "wrong_type"),
        (changed(KQA, Question=""), "wrong_type"),
        (changed(KQA, Free_form_answer={}), "wrong_type"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "records", "code"),
    [(name, records, code) for name, cases in BROKEN.items() for records, code in cases],
)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path, name, records, code):
    with pytest.raises(BrokenFile) as refused:
        read(tmp_path, name, records=records)

    assert refused.value.code == code


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", ["", "{", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_holds_no_records_is_refused(tmp_path, name, text):
    path = written(tmp_path, name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(BrokenFile):
        read_benchmark(path, FORMATS[name])
