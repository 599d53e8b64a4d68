"""Measure, and write docs/performance.md: `make bench`.

Every figure stands beside a floor or a rival that is measured in the same run.
"""

import asyncio
import json
import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, DefaultAioHttpClient

from core.formats.llmeval_med import read_questions
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.opening import ensure_workbench
from core.store.database import opened
from core.store.exchanges import conversation_of
from tests.bench.generation import generating
from tests.bench.scale import scale

_ROOT = Path(__file__).resolve().parents[2]
_DATASET = os.environ.get("ATTENDING_LLMEVAL_MED", "")
_DELAY = 0.05
_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running loopback endpoint."""

    url: str
    process: subprocess.Popen[str]

    def stop(self) -> dict[str, int]:
        """Stop it and return its counts."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        return dict(json.loads(out.strip().splitlines()[-1]))


@contextmanager
def endpoint(delay: float) -> Iterator[Endpoint]:
    """Run the loopback endpoint in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.endpoint", str(delay)],
        cwd=_ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Endpoint(process.stdout.readline().strip(), process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main() -> None:
    """Run every bench and write the document."""
    if not _DATASET or not Path(_DATASET).is_file():
        sys.exit("Set ATTENDING_LLMEVAL_MED to LLMEval-Med's dataset.json: the benches use it.")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        answers = _reference_answers(work)
        parts = [
            _importing(work),
            _judging(work, answers),
            _killing(work, answers),
            generating(work, Path(_DATASET)),
            scale(work, Path(_DATASET), answers),
        ]
    text = "\n".join([_head(), *parts])
    (_ROOT / "docs" / "performance.md").write_text(text, encoding="utf-8")
    print(text)


def _head() -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"""# Performance

Written by `make bench` on {now}: {os.cpu_count()} cores, {platform.machine()}, \
Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, no GPU. Figures are ratios \
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


def _prepared(work: Path, answers: Path, name: str) -> Path:
    """A database with the 667 questions and one model's answers."""
    path = work / f"{name}.db"
    template = work / "template.db"
    if not template.exists():
        ensure_workbench(template)
        with opened(template) as store:
            import_questions(store, Path(_DATASET), QuestionImport("real", "bench"))
            import_responses(store, answers, ResponseImport("real", "reference", "bench"))
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(template, path)
    return path


def _command(path: Path, url: str) -> list[str]:
    return [
        sys.executable, "-m", "core", "judge", "--db", str(path), "--dataset", "real",
        "--engine", "openai", "--model", "scripted", "--base-url", url,
        "--concurrency", str(_IN_FLIGHT), "--rounds", "1", "--json",
    ]  # fmt: skip


def _prompts(path: Path) -> list[str]:
    """The prompts that a finished run sent, in its order."""
    with opened(path) as store:
        ids = [row[0] for row in store.rows("SELECT id FROM exchange ORDER BY id")]
        return [conversation_of(store, one)[0].prompt for one in ids]


def _judging(work: Path, answers: Path) -> str:
    path = _prepared(work, answers, "judging")
    with endpoint(_DELAY) as served:
        wall = time.perf_counter()
        subprocess.run(_command(path, served.url), cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - wall
        prompts = _prompts(path)
        ours = _first_request_to_last_commit(path)
        bare = asyncio.run(_bare_loop(served.url, prompts))
        some = prompts[:40]
        one_by_one = asyncio.run(_bare_loop(served.url, some, in_flight=1)) / len(some) * 667
    limit = 667 * _DELAY / _IN_FLIGHT
    rate = len(prompts) / ours
    return f"""## Judge 667 responses at {1000 * _DELAY:.0f} ms a call, {_IN_FLIGHT} in flight

Loopback endpoint in a process of its own; prompts, replies and verdicts stored.

| | seconds | ratio to the bare loop |
|---|---:|---:|
| the arithmetic limit | {limit:.2f} | {limit / bare:.2f} |
| bare `AsyncOpenAI` loop on aiohttp, nothing stored | {bare:.2f} | 1 |
| `judge`, first request to last commit ({rate:.0f} verdicts/s) | {ours:.2f} | {ours / bare:.2f} |
| `judge`, the whole command with start and imports | {wall:.2f} | {wall / bare:.2f} |
| one at a time (from 40 calls) | {one_by_one:.1f} | {one_by_one / bare:.0f} |
"""


def _first_request_to_last_commit(path: Path) -> float:
    """Seconds from the first call to the last stored verdict, by the rows' own times."""
    sql = """
        SELECT (julianday((SELECT max(created_at) FROM assessment))
              - julianday((SELECT min(created_at) FROM exchange))) * 86400
              + (SELECT seconds FROM exchange ORDER BY id LIMIT 1)
    """
    with opened(path) as store:
        return float(store.value(sql))


async def _bare_loop(url: str, prompts: list[str], *, in_flight: int = _IN_FLIGHT) -> float:
    client = AsyncOpenAI(api_key="none", base_url=url, http_client=DefaultAioHttpClient())
    left = iter(prompts)

    async def ask() -> None:
        for prompt in left:
            await client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": prompt}]
            )

    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(in_flight)))
    seconds = time.perf_counter() - started
    await client.close()
    return seconds


def _killing(work: Path, answers: Path) -> str:
    path = _prepared(work, answers, "killing")
    with endpoint(_DELAY) as served:
        kills = []
        for share in (0.25, 0.5, 0.75):
            process = subprocess.Popen(
                _command(path, served.url), cwd=_ROOT,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            _wait_for_rows(path, int(667 * share))
            process.kill()
            process.wait()
            kills.append(_rows(path))
        started = time.perf_counter()
        done = subprocess.run(
            _command(path, served.url), cwd=_ROOT, check=True, capture_output=True, text=True
        )
        resumed = time.perf_counter() - started
        counts = served.stop()
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    with opened(path) as store:
        twice = store.value(
            "SELECT count(*) FROM (SELECT 1 FROM assessment"
            " GROUP BY response_id, rater_id, criteria_id, round HAVING count(*) > 1)"
        )
    again = counts["requests"] - 667
    return f"""## Three kill -9 and a resume

The same command, killed at {", ".join(map(str, kills))} stored verdicts of 667, then run to its \
end ({resumed:.2f} s).

| | |
|---|---:|
| judged / unscored / outstanding | {result["judged"]} / {result["unscored"]} / \
{result["outstanding"]} |
| keys with two results | {twice} |
| calls asked again (at most 3 × {_IN_FLIGHT} were in flight) | {again} |
| most calls in flight at once | {counts["most_in_flight"]} |
"""


def _rows(path: Path) -> int:
    with opened(path) as store:
        return int(store.value("SELECT count(*) FROM assessment"))


def _wait_for_rows(path: Path, count: int) -> None:
    until = time.monotonic() + 60
    while _rows(path) < count:
        assert time.monotonic() < until, "the judge does not get on"
        time.sleep(0.005)


if __name__ == "__main__":
    main()
