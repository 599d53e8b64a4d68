"""kill -9 in an activation: there is all of it, or nothing."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.services.deciding import activate_candidate
from core.services.revising import propose
from core.services.trying import Wish, begin_trial
from core.store import criteria
from core.worker.running import do_in_foreground
from tests.workbench import workbench_in

ROOT = Path(__file__).resolve().parents[2]
#: Activates a candidate and kills its own process at the n-th row that it writes.
_SCRIPT = """
import os, signal, sys
from pathlib import Path
from core.services.deciding import activate_candidate
from core.store import criteria, judges, studies
from core.store.database import opened

path, candidate, at = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with opened(path) as store:
    study, judge = studies.studies(store)[-1], judges.judge_named(store, "baseline")
    left = [at]

    def count(statement):
        if statement.startswith("INSERT"):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    store.conn.set_trace_callback(count)
    activate_candidate(
        store, study, judge, criteria.criteria_by_id(store, candidate), reason="r", by="Dr Weber"
    )
"""


@pytest.fixture
def tried(tmp_path: Path):
    """The small study with a candidate that was tried on two responses of three."""
    with workbench_in(tmp_path) as study:
        study.imports()
        for model in ("cedar", "willow", "birch"):
            study.model_answers(model, {"MK:1:1": f"20 mg, {model}"})
        study.baseline_judges()
        for model in ("cedar", "willow"):
            study.scores(study.physician(), "MK:1:1", model, 4)
        question = study.question("MK:1:1")
        active = criteria.active_version(study.store, study.study.id, question.id)
        revised = replace(active.criteria, checklist="核心需求：\n1. 20 mg")
        candidate = propose(
            study.store, study.study, question, revised,
            based_on=active.id, reason="r", by="Dr Weber",
        )  # fmt: skip
        _, job_id = begin_trial(
            study.store, study.study, study.judge(), candidate, Wish(), by="Dr Weber"
        )
        assert job_id is not None
        assert do_in_foreground(study.path, job_id)
        yield study, candidate


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_killed_activation_leaves_nothing_and_the_next_one_does_all(tried, at: int) -> None:
    study, candidate = tried
    before = study.counts()

    killed = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(study.path), str(candidate.id), str(at)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert study.counts() == before
    done = activate_candidate(
        study.store, study.study, study.judge(), candidate, reason="r", by="Dr Weber"
    )
    assert (done.adopted, done.missing) == (2, 1)
    assert study.counts()["criteria_activation"] == before["criteria_activation"] + 1
