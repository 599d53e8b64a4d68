"""Judging against a loopback endpoint: how fast, where the time goes, how much memory and disk."""

import asyncio
import cProfile
import gc
import json
import pstats
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from openai import AsyncOpenAI, DefaultAioHttpClient

from core.services.estimating import estimate_judging
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.judging import cancel, plan_of
from core.services.naming import study_of_dataset
from core.services.opening import ensure_workbench
from core.services.ordering import JudgeOrder, queue_judging
from core.store import assessments, jobs, responses
from core.store.database import Store, opened
from core.store.exchanges import conversation_of
from core.worker.running import do_in_foreground
from tests.attacks import ATTACKS
from tests.domain.test_attacks_on_the_verdict import ECHOES, read
from tests.openai_server import OpenAIServer

_ROOT = Path(__file__).resolve().parents[2]
_QUESTIONS = 667
#: Models and rounds of the runs at scale: 50,025 verdicts, and 350,175 outstanding.
_MODELS, _MODELS_OUTSTANDING, _ROUNDS = 25, 175, 3
_KILLS = (0.25, 0.5, 0.75)
_IN_FLIGHT = 64
#: Runs of ours and of the bare loop that are compared.
_TURNS = 5

#: Responses of one more model, as the first gave them.
_AS_MODEL_0 = """
    INSERT INTO response (question_id, model_id, sample, attempt, criteria_id, text, origin,
                          created_by)
    SELECT question_id, ?, sample, attempt, criteria_id, text, origin, created_by
    FROM response JOIN model ON model.id = model_id WHERE label = 'model 0'
"""

#: What a profiled function belongs to, by a part of its file or name; the first that fits counts.
_GROUPS = (
    ("waiting for the endpoint", ("'poll' of 'select",)),
    ("compressing", ("zlib",)),
    ("SQLite", ("sqlite3", "core/store/", "sqlite_utils")),
    ("JSON", ("json",)),
    (
        "HTTP and the event loop",
        ("aiohttp", "httpx", "openai/", "pydantic", "asyncio", "socket", "ssl"),
    ),
    ("verdicts and prompts", ("core/domain/", "re.Pattern")),
    ("judging, asking, the engine", ("core/",)),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the benches work, and on what.

    Attributes:
        answers: a five-key file in which a model answers every question.
    """

    work: Path
    dataset: Path
    answers: Path

    def prepared(self, name: str, *, models: int = 1) -> Path:
        """A database with the questions and the answers of so many models."""
        template = self.work / f"template-{models}.db"
        if not template.exists():
            ensure_workbench(template)
            with opened(template) as store:
                import_questions(store, self.dataset, QuestionImport("real", "bench"))
                import_responses(store, self.answers, ResponseImport("real", "model 0", "bench"))
                with store.writing():
                    for number in range(1, models):
                        store.execute(_AS_MODEL_0, [responses.ensure_model(store, f"m{number}")])
                store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path = self.work / f"{name}.db"
        shutil.copy(template, path)
        return path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running loopback endpoint."""

    url: str
    process: subprocess.Popen[str]

    def stop(self) -> dict[str, int]:
        """Stop it and return its counts."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
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


def judging(bench: Bench) -> list[str]:
    """The parts of docs/performance.md about judging the benchmark once."""
    return [
        _paced(bench, delay=0.05, in_flight=64),
        _paced(bench, delay=0.02, in_flight=128),
        _profiled(bench, delay=0.02, in_flight=128),
        _killed(bench, delay=0.05),
        _hostile(),
    ]


def judging_at_scale(bench: Bench) -> list[str]:
    """The parts about very many verdicts."""
    return [_at_scale(bench), _outstanding(bench)]


def _paced(bench: Bench, *, delay: float, in_flight: int) -> str:
    """Ours and the bare loop by turns, against one endpoint; the median of each counts."""
    runs: list[tuple[float, float, float]] = []
    gc.collect()
    gc.freeze()  # the bare loop stands for the fastest: no pause of the collector's in it either
    with endpoint(delay) as served:
        for _ in range(_TURNS):
            path = bench.prepared("paced")
            wall = time.perf_counter()
            subprocess.run(
                _command(path, served.url, in_flight),
                cwd=_ROOT, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            wall = time.perf_counter() - wall
            prompts = _prompts(path)
            bare = asyncio.run(bare_loop(served.url, prompts, in_flight=in_flight))
            runs.append((_first_request_to_last_commit(path), wall, bare))
        some = prompts[:40]
        one_by_one = asyncio.run(bare_loop(served.url, some, in_flight=1)) / len(some)
    one_by_one *= len(prompts)
    ours, wall, bare = map(median, zip(*runs, strict=True))
    limit = len(prompts) * delay / in_flight
    return f"""## Judge {len(prompts)} responses at {1000 * delay:.0f} ms a call, \
{in_flight} in flight

Loopback endpoint in a process of its own; prompts, replies and verdicts stored. Medians of \
{_TURNS} runs by turns.

| | seconds | ratio to the bare loop |
|---|---:|---:|
| the arithmetic limit | {limit:.2f} | {limit / bare:.2f} |
| bare `AsyncOpenAI` loop on aiohttp, nothing stored ({len(prompts) / bare:.0f} calls/s) \
| {bare:.2f} | 1 |
| `judge`, first request to last commit ({len(prompts) / ours:.0f} verdicts/s) \
| {ours:.2f} | {ours / bare:.2f} |
| `judge`, the whole command with start and imports | {wall:.2f} | {wall / bare:.2f} |
| one at a time (from {len(some)} calls; {one_by_one / ours:.0f} times `judge`) \
| {one_by_one:.1f} | {one_by_one / bare:.0f} |
"""


def _profiled(bench: Bench, *, delay: float, in_flight: int) -> str:
    """Where a run's time goes, by Python's own profiler."""
    path = bench.prepared("profiled")
    with endpoint(delay) as served:
        order = _order(served.url, rounds=1, concurrency=in_flight)
        with opened(path) as store:
            job_id = queue_judging(store, study_of_dataset(store, "real"), order, by="bench")
        profile = cProfile.Profile()
        cpu = time.process_time()
        profile.runcall(do_in_foreground, path, job_id)
        cpu = time.process_time() - cpu
    seconds: dict[str, float] = {}
    stats: Any = pstats.Stats(profile)
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        group = _group_of(f"{file} {name}")
        seconds[group] = seconds.get(group, 0.0) + own
    waited = seconds.pop(_GROUPS[0][0], 0.0)
    busy = sum(seconds.values())
    lines = [
        f"| {group} | {own / busy:.0%} |"
        for group, own in sorted(seconds.items(), key=lambda one: -one[1])
    ]
    return f"""Where the time of `judge` goes at {in_flight} in flight, by `cProfile` (which makes \
small Python functions look slower than they are): {waited / (busy + waited):.0%} of it is waiting \
for the endpoint, and the rest is

| | share |
|---|---:|
{chr(10).join(lines)}
"""


def _group_of(function: str) -> str:
    for group, parts in _GROUPS:
        if any(part in function for part in parts):
            return group
    return "other"


def _killed(bench: Bench, *, delay: float) -> str:
    path = bench.prepared("killed")
    with endpoint(delay) as served:
        kills = []
        for share in _KILLS:
            with _started(path, served.url) as process:
                _wait_for_rows(path, int(_QUESTIONS * share))
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
    again = counts["requests"] - _QUESTIONS
    return f"""## Three kill -9 and a resume

The same command, killed at {", ".join(map(str, kills))} stored verdicts of {_QUESTIONS}, then run \
to its end ({resumed:.2f} s).

| | |
|---|---:|
| judged / unscored / outstanding | {result["judged"]} / {result["unscored"]} / \
{result["outstanding"]} |
| keys with two results | {twice} |
| calls asked again (at most {len(kills)} × {_IN_FLIGHT} were in flight) | {again} |
| most calls in flight at once | {counts["most_in_flight"]} |
"""


def _at_scale(bench: Bench) -> str:
    """Memory and disk over a long run at an endpoint that answers at once."""
    path = bench.prepared("scale", models=_MODELS)
    wanted = _QUESTIONS * _MODELS * _ROUNDS
    size = path.stat().st_size
    curve: list[tuple[int, float]] = []
    with endpoint(0.0) as served, _started(path, served.url, rounds=_ROUNDS) as process:
        watched = psutil.Process(process.pid)
        shares = iter((0.02, 0.1, 0.25, 0.5, 0.75, 0.95))
        for share in shares:
            _wait_for_rows(path, int(wanted * share))
            curve.append((_rows(path), watched.memory_info().rss / 2**20))
        assert process.wait() == 0
    seconds = _first_request_to_last_commit(path)
    with opened(path) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        stored = _rows(path)
    each = (path.stat().st_size - size) / stored
    grown = (curve[-1][1] - curve[0][1]) / (curve[-1][0] - curve[0][0])
    lines = [f"| {rows:,} | {memory:.0f} |" for rows, memory in curve]
    return f"""## {stored:,} verdicts at 0 ms a call, {_IN_FLIGHT} in flight

{stored / seconds:.0f} verdicts/s. The process grows by {max(0.0, grown * 350_000):.0f} MB over \
350,000 verdicts at this slope. On disk each verdict takes {each:,.0f} bytes with its prompt and \
reply.

| verdicts stored | resident memory, MB |
|---:|---:|
{chr(10).join(lines)}
"""


def _outstanding(bench: Bench) -> str:
    """How long it takes to know what is outstanding, and to begin, with very much to do."""
    path = bench.prepared("outstanding", models=_MODELS_OUTSTANDING)
    with OpenAIServer() as server, opened(path) as store:
        server.hold()
        study = study_of_dataset(store, "real")
        order = _order(server.url, rounds=_ROUNDS, concurrency=1)
        estimate, seconds_estimate = _timed(
            lambda: estimate_judging(store, study, order, by="bench")
        )
        job_id, seconds_queue = _timed(lambda: queue_judging(store, study, order, by="bench"))
        doing = threading.Thread(target=do_in_foreground, args=(path, job_id))
        begun = time.monotonic()
        doing.start()
        server.wait_for(1)
        seconds_start = server.received[0].at - begun
        cancel(store, job_id)
        server.release()
        doing.join()
        plan = plan_of(store, jobs.job_by_id(store, job_id))
        _, seconds_progress = _timed(lambda: assessments.progress(store, plan))
    return f"""## {estimate.outstanding:,} verdicts outstanding

| | seconds |
|---|---:|
| estimate tokens and cost | {seconds_estimate:.2f} |
| queue the job | {seconds_queue:.2f} |
| from the job's start to its first request | {seconds_start:.2f} |
| count what is judged, unscored and outstanding | {seconds_progress:.2f} |
"""


def _timed(do: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the seconds that it took."""
    started = time.perf_counter()
    return do(), time.perf_counter() - started


async def bare_loop(url: str, prompts: Sequence[str], *, in_flight: int) -> float:
    """Seconds of the fastest documented client, which stores nothing."""
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


def _command(path: Path, url: str, in_flight: int = _IN_FLIGHT, rounds: int = 1) -> list[str]:
    return [
        sys.executable, "-m", "core", "judge", "--db", str(path), "--dataset", "real",
        "--engine", "openai", "--model", "scripted", "--base-url", url,
        "--rounds", str(rounds), "--concurrency", str(in_flight), "--json",
    ]  # fmt: skip


def _hostile() -> str:
    """How long it takes to read what a judge writes that repeats an attack."""
    seconds = {}
    for attack in ATTACKS:
        for name, echo in ECHOES.items():
            reply = echo(attack.text)
            started = time.perf_counter()
            read(reply, attack)
            seconds[attack.id, name, len(reply)] = time.perf_counter() - started
    (attack_id, name, size), longest = max(seconds.items(), key=lambda one: one[1])
    mean = sum(seconds.values()) / len(seconds)
    return f"""## Reading {len(seconds):,} replies that repeat an attack

{1000 * mean:.2f} ms on average; {1000 * longest:.0f} ms at most, for {size:,} characters \
({attack_id}, {name}).
"""


@contextmanager
def _started(path: Path, url: str, *, rounds: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process that does not outlive the block."""
    process = subprocess.Popen(
        _command(path, url, rounds=rounds), cwd=_ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _order(url: str, **options: Any) -> JudgeOrder:
    return JudgeOrder("openai", "scripted", {}, addresses=(url,), **options)


def _prompts(path: Path) -> list[str]:
    """The prompts that a finished run sent, in its order."""
    with opened(path) as store:
        ids = [row[0] for row in store.rows("SELECT id FROM exchange ORDER BY id")]
        return [conversation_of(store, one)[0].prompt for one in ids]


def _first_request_to_last_commit(path: Path) -> float:
    """Seconds from the first call to the last stored verdict, by the rows' own times."""
    sql = """
        SELECT (julianday((SELECT max(created_at) FROM assessment))
              - julianday((SELECT min(created_at) FROM exchange))) * 86400
              + (SELECT seconds FROM exchange ORDER BY id LIMIT 1)
    """
    with opened(path) as store:
        return float(store.value(sql))


def _rows(path: Path) -> int:
    with opened(path) as store:
        return _count(store)


def _count(store: Store) -> int:
    return int(store.value("SELECT count(*) FROM assessment"))


def _wait_for_rows(path: Path, count: int) -> None:
    until = time.monotonic() + 600
    with opened(path) as store:  # asked often: counting all rows would take the judge's time
        while store.value("SELECT coalesce(max(id), 0) FROM assessment") < count:
            assert time.monotonic() < until, "the judge does not get on"
            time.sleep(0.01)
