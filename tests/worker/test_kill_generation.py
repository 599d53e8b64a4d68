"""Kill -9 in the middle of a greedy run: the table ends up as if nothing had happened."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.tiny_model import save_tiny_model
from tests.workbench import Workbench, plain_questions, workbench_in
from tests.worker.processes import finished, started

CONVERSATIONS = 40
KEYS = 2 * CONVERSATIONS  # two turns each


def two_turns() -> dict[str, dict[str, object]]:
    """Plain questions, each followed by the same second one."""
    first = plain_questions("MR", CONVERSATIONS)
    second = {
        f"{key.removesuffix(':1')}:2": fields | {"problem": "And then?"}
        for key, fields in first.items()
    }
    return first | second


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@contextmanager
def bench(folder: Path) -> Iterator[Workbench]:
    """Forty conversations of two turns in a database of their own."""
    with workbench_in(folder) as workbench:
        workbench.imports(two_turns())
        yield workbench


def generating(study: Workbench, model: Path) -> list[str]:
    return [
        "generate", "--db", str(study.path), "--dataset", "ward", "--model", str(model),
        "--label", "tiny", "--gpus", "none", "--max-new-tokens", "24", "--concurrency", "4",
        "--as", "Dr Lead", "--json",
    ]  # fmt: skip


def rows(study: Workbench) -> int:
    return int(study.value("SELECT count(*) FROM generation"))


def wait_for_rows(study: Workbench, count: int) -> None:
    until = time.monotonic() + 60
    while rows(study) < count:
        assert time.monotonic() < until, f"{rows(study)} of {count} responses came"
        time.sleep(0.005)


def engine_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that a command has started."""
    return psutil.Process(process.pid).children(recursive=True)


def all_end(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=30)
    return alive == []


def texts(study: Workbench) -> list[tuple[object, ...]]:
    """Everything that a greedy run fixes."""
    return study.rows(
        "SELECT key, sample, attempt, text, absent_because, finish_reason, prompt_tokens,"
        " reply_tokens FROM response JOIN question ON question.id = question_id"
        " LEFT JOIN generation ON response_id = response.id ORDER BY position"
    )


def test_three_kills_leave_the_table_of_an_undisturbed_run(model: Path, tmp_path: Path) -> None:
    with bench(tmp_path / "undisturbed") as calm, bench(tmp_path / "killed") as study:
        assert finished(generating(calm, model)) == {
            "job": 1, "state": "done", "label": "tiny",
            "done": KEYS, "absent": 0, "outstanding": 0,
        }  # fmt: skip
        kept = []
        for count in (8, 28, 52):
            with started(generating(study, model)) as process:
                wait_for_rows(study, count)
                engine = engine_of(process)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            kept.append(rows(study))
            assert engine != []
            assert all_end(engine)

        ended = finished(generating(study, model))

        assert (ended["state"], ended["outstanding"]) == ("done", 0)
        assert texts(study) == texts(calm)
        assert (study.counts()["response"], rows(study)) == (KEYS, KEYS)
    assert kept == sorted(kept)
    assert 0 < kept[0] < kept[-1] < KEYS


def test_a_command_that_is_killed_while_the_model_loads_leaves_no_process(
    model: Path, tmp_path: Path
) -> None:
    with bench(tmp_path / "bench") as study, started(generating(study, model)) as process:
        until = time.monotonic() + 60
        while not (engine := engine_of(process)):
            assert time.monotonic() < until
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

        assert all_end(engine)
        assert rows(study) == 0


def test_an_interrupted_command_says_so_in_one_word_and_leaves_no_process(
    model: Path, tmp_path: Path
) -> None:
    with bench(tmp_path / "bench") as study, started(generating(study, model)) as process:
        wait_for_rows(study, 4)
        engine = engine_of(process)
        for one in [psutil.Process(process.pid), *engine]:  # as a terminal does
            one.send_signal(signal.SIGINT)
        _, complained = process.communicate()

        assert process.returncode == 1
        assert complained.splitlines()[-1] == "Aborted!"
        assert all_end(engine)
