"""Measure, and write docs/performance.md: `make bench`, or `make bench ONLY="judging scale"`.

Every figure stands beside a floor or a rival that is measured in the same run. A section is written
between marks with the machine and the day it was measured on; the others stay as they were.
"""

import json
import os
import platform
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from core.formats.llmeval_med import read_questions
from core.services.importing_questions import QuestionImport, import_questions
from core.services.opening import ensure_workbench
from core.store.database import opened
from tests.bench.coverage import coverage
from tests.bench.dashboard import dashboard
from tests.bench.exam_pages import exam_pages
from tests.bench.exams import exams
from tests.bench.generation import generating
from tests.bench.gpu import generating_on_gpu
from tests.bench.judging import Bench, judging, judging_at_scale
from tests.bench.pages import pages_beside_generation
from tests.bench.reviewing import pressing, reviewing
from tests.bench.revising import revision_loop
from tests.bench.scale import scale
from tests.bench.statistics import figures

_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENT = _ROOT / "docs" / "performance.md"
_DATASET = os.environ.get("ATTENDING_LLMEVAL_MED", "")
_HEAD = """# Performance

Written by `make bench`, section by section (`make bench ONLY="judging scale"` measures some).
Figures are ratios within one run; the seconds are the machine's that the section names. The
question file is LLMEval-Med's 667 questions.
"""
_SECTIONS: dict[str, Callable[[Path], str]] = {
    "importing": lambda work: _importing(work),
    "judging": lambda work: "\n".join(judging(_bench(work))),
    "judging_at_scale": lambda work: "\n".join(judging_at_scale(_bench(work))),
    "generating": lambda work: generating(work, Path(_DATASET)),
    "scale": lambda work: scale(work, Path(_DATASET), _answers(work)),
    "statistics": figures,
    "coverage": coverage,
    "dashboard": dashboard,
    "exams": exams,
    "exam_pages": exam_pages,
    "gpu": lambda work: generating_on_gpu(work, Path(_DATASET)),
    "pages": pages_beside_generation,
    "reviewing": reviewing,
    "pressing": pressing,
    "revising": revision_loop,
}


def main() -> None:
    """Measure the named sections, or all, and write each into the document once it is measured."""
    if not _DATASET or not Path(_DATASET).is_file():
        sys.exit("Set ATTENDING_LLMEVAL_MED to LLMEval-Med's dataset.json: the benches use it.")
    chosen = sys.argv[1:] or list(_SECTIONS)
    if unknown := [name for name in chosen if name not in _SECTIONS]:
        sys.exit(f"No such section: {', '.join(unknown)}. There are: {', '.join(_SECTIONS)}.")
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            text = _SECTIONS[name](Path(folder))
        if text:
            _write(name, text)
        print(text or f"{name}: not measured here; the document keeps what it has", flush=True)


def _write(name: str, text: str) -> None:
    """Put a section in its place of the document."""
    known = _DOCUMENT.read_text(encoding="utf-8") if _DOCUMENT.is_file() else ""
    sections = dict(re.findall(r"<!-- (\w+) -->\n(.*?)<!-- end -->\n", known, flags=re.DOTALL))
    heading, _, rest = text.strip().partition("\n")
    sections[name] = f"{heading}\n\n{_measured_on(name)}\n{rest}\n"
    body = "\n".join(
        f"<!-- {one} -->\n{sections[one]}<!-- end -->\n" for one in _SECTIONS if one in sections
    )
    _DOCUMENT.write_text(f"{_HEAD}\n{body}", encoding="utf-8")


def _measured_on(name: str) -> str:
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"*{day}, `make bench ONLY={name}`: {os.cpu_count()} cores, {platform.machine()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}.*"
    )


def _bench(work: Path) -> Bench:
    return Bench(work, Path(_DATASET), _answers(work))


def _answers(work: Path) -> Path:
    """A five-key file in which a model answers with the reference (or the checklist)."""
    content = json.loads(Path(_DATASET).read_text(encoding="utf-8"))
    for records in content.values():
        for record in records:
            known = [record["sanswer"], record.get("checklist"), record["problem"]]
            record["model_answer"] = next(str(one) for one in known if isinstance(one, (str, int)))
    path = work / "answers.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def _importing(work: Path) -> str:
    path = work / "import.db"
    ensure_workbench(path)
    with opened(path) as store:
        started = time.perf_counter()
        import_questions(store, Path(_DATASET), QuestionImport("real", "bench"))
        ours = time.perf_counter() - started
    started = time.perf_counter()
    rows = [
        (str(q.key), q.criteria.question_text, q.criteria.reference_answer, q.criteria.checklist)
        for q in read_questions(Path(_DATASET))
    ]
    plain = sqlite3.connect(work / "plain.db")
    plain.execute("CREATE TABLE question (key TEXT, text TEXT, reference TEXT, checklist TEXT)")
    with plain:
        plain.executemany("INSERT INTO question VALUES (?, ?, ?, ?)", rows)
    plain.close()
    floor = time.perf_counter() - started
    return f"""## Import

| | seconds | ratio |
|---|---:|---:|
| read the file and one `executemany` of its texts | {floor:.3f} | 1 |
| `import llmeval-med`: versions, requirements, records, personal data | {ours:.3f} \
| {ours / floor:.1f} |
"""


if __name__ == "__main__":
    main()
