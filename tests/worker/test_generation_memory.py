"""Memory that runs out in the middle of a job lowers the batch, and the job says so."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from core.store import jobs
from tests.tiny_model import save_tiny_model
from tests.workbench import plain_questions, workbench_in

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = plain_questions("MR", 12)
_MEGABYTE = 1024**2
#: Less than the cache of the model below, more than half of it.
_MISSING = 180 * _MEGABYTE


def generated(
    folder: Path, model: Path, *, limit: int = resource.RLIM_INFINITY
) -> tuple[list[Any], list[Any], str, int]:
    """Texts, notes, stderr, and the most address space that a process of the command took."""
    with workbench_in(folder) as study:
        study.imports(QUESTIONS)
        process = subprocess.Popen(
            [
                sys.executable, "-m", "core", "generate", "--db", str(study.path),
                "--dataset", "ward", "--model", str(model), "--label", "wide", "--gpus", "none",
                "--max-new-tokens", "8", "--json",
            ],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        )  # fmt: skip
        most = 0
        while process.poll() is None:
            most = max(most, *(_peak(one) for one in _family(process.pid)), 0)
            time.sleep(0.02)
        printed, complained = process.communicate()
        assert process.returncode == 0, complained
        assert json.loads(printed)["done"] == len(QUESTIONS)
        texts = study.rows("SELECT text, absent_because FROM response ORDER BY question_id")
        notes = [(note.code, note.details) for note in jobs.notes(study.store, 1)]
    return texts, notes, complained, most


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _peak(process: psutil.Process) -> int:
    """The most bytes of address space that a process has had."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(one.split()[1]) for one in lines if one.startswith("VmPeak")), 0)


def test_a_job_whose_memory_runs_out_goes_on_with_less_and_says_so(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "model", hidden=512)
    calm, notes, _, most = generated(tmp_path / "calm", model)
    assert notes == [("on_cpu", {})]

    tight, notes, complained, _ = generated(tmp_path / "tight", model, limit=most - _MISSING)

    assert notes[0] == ("on_cpu", {})
    assert ("memory_lowered", {"model": str(model), "batch_tokens": 256}) in notes
    assert "Memory ran out" in complained
    assert tight == calm
