"""Measure, and write docs/performance.md: `make bench`.

Every figure stands beside a floor or a rival that is measured in the same run.
"""

import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from core.formats.llmeval_med import read_questions
from core.services.importing_questions import QuestionImport, import_questions
from core.services.opening import ensure_workbench
from core.store.database import opened
from tests.bench.generation import generating
from tests.bench.gpu import generating_on_gpu
from tests.bench.judging import Bench, judging
from tests.bench.pages import pages_beside_generation
from tests.bench.scale import scale
from tests.bench.statistics import figures

_ROOT = Path(__file__).resolve().parents[2]
_DATASET = os.environ.get("ATTENDING_LLMEVAL_MED", "")


def main() -> None:
    """Run every bench and write the document."""
    if not _DATASET or not Path(_DATASET).is_file():
        sys.exit("Set ATTENDING_LLMEVAL_MED to LLMEval-Med's dataset.json: the benches use it.")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        answers = _reference_answers(work)
        parts = [
            _importing(work),
            *judging(Bench(work, Path(_DATASET), answers)),
            generating(work, Path(_DATASET)),
            scale(work, Path(_DATASET), answers),
            figures(work),
            generating_on_gpu(work, Path(_DATASET)),
            pages_beside_generation(work),
        ]
    text = "\n".join([_head(), *parts])
    (_ROOT / "docs" / "performance.md").write_text(text, encoding="utf-8")
    print(text)


def _head() -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"""# Performance

Written by `make bench` on {now}: {os.cpu_count()} cores, {platform.machine()}, \
Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}. Figures are ratios \
within one run; the seconds are this machine's. The question file is LLMEval-Med's 667 questions.
"""


def _reference_answers(work: Path) -> Path:
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
