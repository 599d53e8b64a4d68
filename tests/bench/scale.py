"""A study of 350,532 verdicts, made by SQL, and what a verdict takes on disk."""

import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.opening import ensure_workbench
from core.services.ordering import JudgeOrder, queue_judging
from core.store import assessments, responses, studies
from core.store.assessments import Plan
from core.store.database import Store, opened
from core.store.exchanges import conversation_of
from tests.openai_server import OpenAIServer

_ROOT = Path(__file__).resolve().parents[2]
QUESTIONS, MODELS, SAMPLES, ROUNDS = 2_996, 13, 3, 3
KEYS = QUESTIONS * MODELS * SAMPLES * ROUNDS

_STUDY = (
    "INSERT INTO dataset VALUES (1, 'large', 'llmeval-med', 0, 'bench', 't')",
    "INSERT INTO dataset_marking VALUES (1, 1, 'local', 'bench', 'bench', 't')",
    "INSERT INTO study VALUES (1, 'large', 'bench', 't')",
    "INSERT INTO study_dataset VALUES (1, 1)",
    f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {QUESTIONS})
        INSERT INTO conversation SELECT i, 1, 'MK', i FROM n""",
    "INSERT INTO question SELECT id, 1, id, 1, 'MK:' || id || ':1', 'MK', 'zh', id"
    " FROM conversation",
    "INSERT INTO question_record SELECT id, id, '{}', '', '', '', 'bench', 't' FROM question",
    "INSERT INTO criteria SELECT id, id, 1, '问题' || id, '答案' || id, '', 'h', 'bench', 'bench',"
    " 't' FROM question",
    "INSERT INTO criteria_activation SELECT id, 1, id, id, 'bench', 'bench', 't' FROM question",
    f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MODELS})
        INSERT INTO model SELECT i, 'model ' || i FROM n""",
    f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SAMPLES})
        INSERT INTO response (question_id, model_id, sample, attempt, criteria_id, text, origin,
                              created_by)
        SELECT question.id, model.id, n.i, 1, question.id, hex(randomblob(1000)), 'imported',
               'bench'
        FROM question, model, n""",
)
#: All but a tenth of the last round, one in fifty unscored, with 300 bytes of rationale.
_JUDGED = f"""
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROUNDS})
    INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt, scale,
                            value, unscored_because, rationale, safety_risk, claimed_phase,
                            created_by)
    SELECT response.id, (SELECT rater_id FROM active_rater WHERE category = 'MK'
                         AND language = 'zh'),
           criteria_id, 'study', n.i, 1, 'score 1-5',
           CASE WHEN response.id % 50 THEN 1 + response.id % 5 END,
           CASE WHEN response.id % 50 = 0 THEN 'no_verdict' END,
           hex(randomblob(150)), 0, 'observed', 'bench'
    FROM n, response WHERE n.i < {ROUNDS} OR response.id % 10
"""


def scale(work: Path, dataset: Path, answers: Path) -> str:
    """The section on large studies.

    Args:
        answers: the dataset's file with `model_answer`.
    """
    return f"{_large(work)}\n{_bytes(work, dataset, answers)}"


def _large(folder: Path) -> str:
    path = folder / "large.db"
    ensure_workbench(path)
    with opened(path) as store:
        with store.writing():
            for statement in _STUDY:
                store.conn.execute(statement)
        study = studies.study_by_id(store, 1)
        assert study is not None
        order = JudgeOrder("openai", "oak", {}, addresses=("http://127.0.0.1:1/v1",))
        queued = _seconds(lambda: queue_judging(store, study, order, by="bench"))
        plan = Plan(1, 1, ROUNDS)
        empty = _measured(store, plan)
        with store.writing():
            store.conn.execute(_JUDGED)
        nearly = _measured(store, plan)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        walked = _seconds(lambda: sum(1 for _ in assessments.outstanding(
            store, Plan(1, 1, ROUNDS, retry_until=KEYS))))  # fmt: skip
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    lines = [
        f"| {what} | {first:.2f} | {second:.2f} |"
        for what, first, second in zip(_WHAT, empty, nearly, strict=True)
    ]
    return f"""## A study of {KEYS:,} verdicts

{QUESTIONS:,} questions × {MODELS} models × {SAMPLES} samples × \
{ROUNDS} rounds. Seconds with nothing judged, and with 97% judged; queueing the job takes \
{queued:.2f} s. All outstanding keys, read page by page, take {walked:.2f} s and {grown:.0f} MB.

| | nothing judged | 97% judged |
|---|---:|---:|
{chr(10).join(lines)}
"""


_WHAT = ("progress", "count what is outstanding, and read the first", "count responses")


def _measured(store: Store, plan: Plan) -> list[float]:
    return [
        _seconds(lambda: assessments.progress(store, plan)),
        _seconds(lambda: next(iter(assessments.outstanding(store, plan)))),
        _seconds(lambda: responses.response_counts(store, plan.study_id)),
    ]


def _seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def _bytes(folder: Path, dataset: Path, answers: Path) -> str:
    """What a verdict takes on disk, with real questions and the reference as the response."""
    path = folder / "bytes.db"
    ensure_workbench(path)
    with opened(path) as store:
        import_questions(store, dataset, QuestionImport("real", "bench"))
        import_responses(store, answers, ResponseImport("real", "m", "bench"))
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    with OpenAIServer() as server:
        subprocess.run(
            [sys.executable, "-m", "core", "judge", "--db", str(path), "--dataset", "real",
             "--engine", "openai", "--model", "oak", "--base-url", server.url],
            cwd=_ROOT, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    with opened(path) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        count, prompt, reply = store.rows(
            "SELECT count(*), avg(length(prompt)), avg(length(reply)) FROM exchange"
        )[0]
        marks = store.value("SELECT count(*) FROM assessment_part") / count
        ids = [one for (one,) in store.rows("SELECT id FROM exchange WHERE round = 1")]
        said = [conversation_of(store, one)[0] for one in ids]
    text = sum(len(one.prompt.encode()) + len(one.reply.encode()) for one in said) / len(said)
    plain = sum(len(zlib.compress(one.prompt.encode())) for one in said) / len(said)
    size = (path.stat().st_size - before) / count
    return f"""Bytes a verdict, over {count:,} verdicts on LLMEval-Med's questions with \
{marks:.1f} marks each: prompt and reply are {text:,.0f} bytes of text, stored in {prompt:.0f} + \
{reply:.0f} (the prompt alone by plain zlib: {plain:,.0f}). The file grows by {size:,.0f} bytes a \
verdict with its rows, marks and indexes.
"""
