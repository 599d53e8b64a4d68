"""Exams of MedBench's size: import, score, pages, and what a rapid assessment is worth."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.domain.choices import ChoiceReader
from core.services.examining import score_closed
from core.services.examining_reports import exam_table, places, unread
from core.services.naming import study_of_dataset
from core.services.opening import ensure_workbench
from core.services.surveying_benchmarks import overview
from core.store.database import Store, opened
from tests.synthetic_exam import KnownExam, errors_of

#: As many exercises as MedBench has (Cai et al. 2024), and as many models as LLMEval-Med.
EXERCISES, MODELS, SMALL = 40_041, 13, 667
_ROOT = Path(__file__).resolve().parents[2]
_STAGES = ("执业医师资格考试", "住院医师规范化培训", "主治医师资格考试")
_DEPARTMENTS = tuple(f"{name}科" for name in (
    "心内", "呼吸", "消化", "肾内", "血液", "内分泌", "风湿", "感染", "神经", "精神", "普外", "骨",
    "泌尿", "胸外", "妇", "产", "儿", "眼", "耳鼻喉", "口腔",
))  # fmt: skip
_TYPES = ("A1/A2型题", "A3/A4型题", "多项选择题")
_CASE = (
    "患者，男，61岁。因反复胸痛3天，加重40分钟入院。既往高血压病史10年，血压最高180/100 mmHg，"
    "规律服用氨氯地平。查体：BP 150/90 mmHg，双肺呼吸音清，心率92次/分，律齐，未闻及杂音。"
    "心电图示V1～V4导联ST段抬高0.3 mV。实验室检查：肌钙蛋白I 2.1 ng/mL。"
)
_OPTIONS = (
    "立即行冠状动脉造影及介入治疗", "口服阿司匹林后观察病情变化", "静脉滴注硝酸甘油并监测血压",
    "完善超声心动图后再决定治疗", "皮下注射低分子肝素后转入病房",
)  # fmt: skip

_REASONED = (
    "患者为61岁男性，反复胸痛3天，加重40分钟，心电图示V1～V4导联ST段抬高0.3 mV，"
    "肌钙蛋白升高，考虑急性前壁心肌梗死。发病时间在12小时以内，应当尽快再灌注治疗。"
    "A选项为首选的再灌注方法；B选项不能及时开通血管；C选项只能缓解症状；"
    "D选项会延误治疗；E选项为辅助治疗。\n\n因此答案：A"
)


def exams(work: Path) -> str:
    """The part of docs/performance.md about exams."""
    path = work / "exam.json"
    write_exam(path, EXERCISES)
    ours, floor, memory = _import_and_floor(path, work)
    large, small = work / "exam.db", work / "small.db"
    write_exam(work / "small.json", SMALL)
    _imported(work / "small.json", small)
    seconds, responses = _scored(large)
    _scored(small)
    return "\n".join([
        _import_part(ours, floor, memory), _score_part(seconds, responses),
        _pages_part(small, large), rapid_part(),
    ])  # fmt: skip


def _import_and_floor(path: Path, work: Path) -> tuple[float, float, int]:
    """Median seconds of three imports and of three floors, in turn, and the most memory."""
    imports, floors = [], []
    for _ in range(3):
        for old in (*work.glob("exam.db*"), *work.glob("floor.db*")):
            old.unlink()
        imports.append(_imported(path, work / "exam.db"))
        floors.append(_floor(path, work / "exam.db", work / "floor.db"))
    seconds, memory = zip(*imports, strict=True)
    return statistics.median(seconds), statistics.median(floors), max(memory)


def write_exam(path: Path, n: int) -> None:
    """A CMB-Exam file of so many exercises, each as long as real ones are on average."""
    chance = np.random.default_rng(0)
    records = []
    for number in range(n):
        kind = _TYPES[number % 3]
        right = "".join(sorted(chance.choice(list("ABCDE"), 2, replace=False)))
        records.append({
            "exam_type": "医师考试", "exam_class": _STAGES[number % len(_STAGES)],
            "exam_subject": _DEPARTMENTS[number % len(_DEPARTMENTS)],
            "question": f"患者{20 + number % 70}岁。{_CASE if number % 2 else ''}首选的处理措施是",
            "answer": right if kind == "多项选择题" else right[0], "question_type": kind,
            "option": dict(zip("ABCDE", chance.permutation(_OPTIONS).tolist(), strict=True)),
        })  # fmt: skip
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def add_answers(store: Store, models: int, *, seed: int = 0) -> int:
    """Answers of so many models to every closed question, row by row; how many."""
    chance = np.random.default_rng(seed)
    rows = store.rows(
        "SELECT question.id, criteria.id, right_labels FROM question"
        " JOIN criteria ON criteria.question_id = question.id"
        " JOIN closed_question ON closed_question.criteria_id = criteria.id"
    )
    hardness = chance.normal(0, 1.5, len(rows))
    forms = ("{}", "答案：{}", "正确答案是{}。", "{}. 如上")
    first = store.value("SELECT coalesce(max(id), 0) + 1 FROM response")
    before = first
    for number in range(models):
        store.change("INSERT INTO model (label) VALUES (?)", (f"model-{number + 1:02d}",))
        model_id = store.value("SELECT max(id) FROM model")
        knows = chance.random(len(rows)) < 1 / (1 + np.exp(hardness - 1.2 + 0.2 * number))
        guess = chance.choice(list("ABCDE"), len(rows))
        form = chance.integers(0, 3, len(rows))
        store.add_many(
            "INSERT INTO response (id, question_id, model_id, sample, attempt, criteria_id, text,"
            " origin, created_by) VALUES (?, ?, ?, 1, 1, ?, ?, 'imported', 'bench')",
            [
                (first + at, row[0], model_id, row[1],
                 forms[form[at]].format(row[2] if knows[at] else guess[at]))
                for at, row in enumerate(rows)
            ],
        )  # fmt: skip
        first += len(rows)
    return int(first - before)


def _imported(path: Path, database: Path) -> tuple[float, int]:
    """Seconds of an import in a process of its own, and its most memory in bytes."""
    script = (
        "import re, sys, time; from pathlib import Path;"
        "from core.formats.catalogue import FORMATS;"
        "from core.services.importing_questions import QuestionImport, import_benchmark;"
        "from core.services.opening import ensure_workbench;"
        "from core.store.database import opened;"
        "path, database = map(Path, sys.argv[1:]); ensure_workbench(database);"
        "started = time.perf_counter()\n"
        "with opened(database) as store:\n"
        "    import_benchmark(store, path, FORMATS['cmb-exam'], QuestionImport('exam', 'b'))\n"
        "seconds = time.perf_counter() - started\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())\n"
        "print(seconds, int(peak[1]) * 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(database)],
        cwd=_ROOT, capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    seconds, memory = done.stdout.split()
    return float(seconds), int(memory)


def _floor(path: Path, database: Path, other: Path) -> float:
    """Seconds of bare `json.loads` and `executemany` of the rows that the import wrote."""
    tables = (
        "conversation", "question", "question_record", "exercise", "criteria", "closed_question",
        "criteria_activation",
    )  # fmt: skip
    with opened(database) as store:
        rows = {name: [tuple(row) for row in store.rows(f"SELECT * FROM {name}")]
                for name in tables}  # fmt: skip
    ensure_workbench(other)
    with opened(other) as store:
        plain = store.conn
        plain.execute("INSERT INTO dataset VALUES (1, 'exam', 'cmb-exam', 0, 'b', 't')")
        plain.execute("INSERT INTO study VALUES (1, 'exam', 'b', 't')")
        started = time.perf_counter()
        json.loads(path.read_text(encoding="utf-8"))
        with store.writing():
            for name, some in rows.items():
                marks = ", ".join("?" * len(some[0]))
                plain.executemany(f"INSERT INTO {name} VALUES ({marks})", some)
        return time.perf_counter() - started


def _scored(database: Path) -> tuple[float, int]:
    with opened(database) as store:
        with store.writing():
            responses = add_answers(store, MODELS)
        study = study_of_dataset(store, "exam")
        started = time.perf_counter()
        score_closed(store, study, by="bench")
        return time.perf_counter() - started, responses


def _import_part(ours: float, floor: float, memory: int) -> str:
    return f"""## Import {EXERCISES:,} exercises

One transaction, in a process of its own; median of three, in turn with the floor. It takes \
{memory / 2**20:.0f} MB at most.

| | seconds | times the floor |
|---|---:|---:|
| bare `json.loads` and `executemany` of the same rows, same schema | {floor:.2f} | 1 |
| `import cmb-exam`: checks, versions, options, strata, personal data | {ours:.2f} \
| {ours / floor:.2f} |
"""


def _score_part(seconds: float, responses: int) -> str:
    return f"""## Score {EXERCISES:,} × {MODELS} closed answers

{responses:,} answers, letters alone or in a short sentence, read, scored, stored and tallied by \
every stratum in {seconds:.1f} s ({responses / seconds:,.0f} a second). An answer of \
{len(_REASONED)} characters that reasons first takes {_reasoned():.0f} µs to read on top of that.
"""


def _reasoned() -> float:
    """Microseconds that the choice of a reasoned answer takes to read."""
    options = tuple(zip("ABCDE", _OPTIONS, strict=True))
    started = time.perf_counter()
    for _ in range(2_000):
        assert ChoiceReader(options, takes_several=False).choice(_REASONED).chosen == "A"
    return (time.perf_counter() - started) / 2_000 * 1e6


def _pages_part(small: Path, large: Path) -> str:
    acts: dict[str, Callable[[Store], object]] = {
        "accuracy": lambda store: exam_table(store, study_of_dataset(store, "exam"), "exam", ()),
        "stage × difficulty": lambda store: exam_table(
            store, study_of_dataset(store, "exam"), "exam", ("stage", "level")
        ),
        "places": lambda store: places(store, study_of_dataset(store, "exam")),
        "unread answers": lambda store: unread(store, study_of_dataset(store, "exam")),
        "all benchmarks": lambda store: overview(store, study_of_dataset(store, "exam"), None),
    }
    lines = []
    for name, act in acts.items():
        before, after = _milliseconds(small, act), _milliseconds(large, act)
        lines.append(f"| {name} | {before:.1f} | {after:.1f} | {after / before:.2f} |")
    return f"""## Exams on pages

What a page asks for, milliseconds (median of 30), {MODELS} models.

| | {SMALL} exercises | {EXERCISES:,} | growth |
|---|---:|---:|---:|
{chr(10).join(lines)}
"""


def _milliseconds(database: Path, act: Callable[[Store], object]) -> float:
    found = []
    with opened(database) as store:
        for _ in range(33):
            started = time.perf_counter()
            act(store)
            found.append(1000 * (time.perf_counter() - started))
    return statistics.median(found[3:])


#: Exams of several kinds, and how often each is made anew and drawn from.
_KINDS: dict[str, dict[str, float]] = {
    "one skill (Rasch), difficulties far apart": {},
    "one skill, difficulties close": {"spread": 1.2},
    "slopes and guessing (3PL)": {"spread": 2.0, "slopes": 0.5, "guessing": 0.2},
    "ten departments, each with a skill": {"spread": 2.0, "leaning": 0.6, "guessing": 0.1},
}
_MADE, _DRAWS = 50, 40


def rapid_part(sizes: Sequence[int] = (50, 100, 200, 400)) -> str:
    """What stratified subsets of exams with known difficulties are worth beside random ones."""
    lines = [_rapid_line(kind, size) for kind in _KINDS for size in sizes]
    return f"""## Rapid assessment

Exams of 2,000 exercises with known difficulties, each kind made {_MADE} times, {_DRAWS} draws of \
each; 12 models are assessed, 13 others are known from before. Mean distance to the full score in \
percentage points; share of pairs of models in another order than in the full ranking, and the \
difference of the two kinds of subsets with its standard error between exams; share of 95% \
intervals that hold the full score.

| exam | exercises | score: stratified | random | ranking: stratified | random | difference \
| interval holds |
|---|---:|---:|---:|---:|---:|---:|---:|
{chr(10).join(lines)}
"""


def _rapid_line(kind: str, size: int) -> str:
    found = [
        errors_of(KnownExam(2_000, 12, seed, **_KINDS[kind]), size=size, draws=_DRAWS)
        for seed in range(_MADE)
    ]
    sides = [np.array([[one.score, one.ranking, one.coverage] for one in side])
             for side in zip(*found, strict=True)]  # fmt: skip
    ours, random = (100 * side.mean(axis=0) for side in sides)
    apart = 100 * (sides[0][:, 1] - sides[1][:, 1])
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    return (
        f"| {kind} | {size} | {ours[0]:.2f} | {random[0]:.2f} | {ours[1]:.1f} | {random[1]:.1f} "
        f"| {apart.mean():+.2f} ± {error:.2f} | {ours[2]:.0f} |"
    )


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        print(exams(Path(folder)))
