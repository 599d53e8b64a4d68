"""Queueing: one job for one order, one worker for one job, and nobody waits for the dead."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.services.ordering import JudgeOrder
from core.services.queueing import (
    LEASE_SECONDS,
    claim,
    ensure_job,
    ensure_worker,
    is_alive,
    is_left_alone,
    sign_on,
    start_of,
)
from core.store import jobs
from core.store.jobs import Job, Worker
from core.worker.lease import HeldLease
from core.worker.running import do, run_worker
from tests.workbench import Workbench

ORDER = JudgeOrder("baseline", "baseline", {})


def _worker(workbench: Workbench) -> int:
    with workbench.store.writing():
        return sign_on(workbench.store)


def _claimed(workbench: Workbench, worker_id: int) -> Job:
    job = claim(workbench.store, worker_id)
    assert job is not None
    return job


def test_the_same_order_is_the_same_job_while_it_is_unfinished(study: Workbench) -> None:
    first = study.queues(ORDER)

    assert study.queues(ORDER) == first
    assert study.queues(replace(ORDER, limit=3)) != first

    worker_id = _worker(study)
    do(study.path, _claimed(study, worker_id))
    do(study.path, _claimed(study, worker_id))
    assert study.queues(ORDER) > first + 1


def test_jobs_are_claimed_in_order_and_only_once(study: Workbench) -> None:
    first, second = study.queues(ORDER), study.queues(replace(ORDER, name="other"))
    one, other = _worker(study), _worker(study)

    assert [_claimed(study, one).id, _claimed(study, other).id] == [first, second]
    assert claim(study.store, one) is None


def test_two_jobs_of_one_judge_do_not_run_at_once(study: Workbench) -> None:
    study.queues(ORDER)
    second = study.queues(replace(ORDER, limit=3))
    one, other = _worker(study), _worker(study)
    running = _claimed(study, one)

    assert claim(study.store, other) is None
    do(study.path, running)
    assert _claimed(study, other).id == second


def test_a_worker_takes_only_jobs_of_its_lanes(study: Workbench) -> None:
    study.queues(ORDER)
    worker_id = _worker(study)

    assert claim(study.store, worker_id, ("network",)) is None
    job = claim(study.store, worker_id, ("cpu",))
    assert job is not None
    assert (job.state, job.lane, job.worker_id, job.fence) == ("running", "cpu", worker_id, 1)


def test_a_job_whose_lease_ran_out_is_claimed_again_with_a_higher_fence(study: Workbench) -> None:
    study.queues(ORDER)
    stale = _claimed(study, _worker(study))
    assert claim(study.store, _worker(study)) is None

    jobs.expire_lease(study.store, stale.id, stale.fence)
    taken = _claimed(study, _worker(study))

    assert (taken.id, taken.fence) == (stale.id, 2)
    assert taken.lease_until is not None
    assert 0 < taken.lease_until - time.time() <= LEASE_SECONDS


def test_a_stale_worker_can_neither_renew_count_nor_finish(study: Workbench) -> None:
    study.queues(ORDER)
    stale = _claimed(study, _worker(study))
    jobs.expire_lease(study.store, stale.id, stale.fence)
    taken = _claimed(study, _worker(study))

    assert [
        jobs.renew(study.store, stale.id, stale.fence, until=time.time() + 99),
        jobs.start(study.store, stale.id, stale.fence, total=1),
        jobs.advance(study.store, stale.id, stale.fence, done=1, unscored=0),
        jobs.finish(study.store, stale.id, stale.fence, "done"),
    ] == [False] * 4
    jobs.expire_lease(study.store, stale.id, stale.fence)  # nor end the other's lease
    assert jobs.job_by_id(study.store, taken.id) == taken


def test_the_job_of_a_dead_process_is_free_at_once(study: Workbench) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_of(process.pid)
    study.queues(ORDER)
    with study.store.writing():
        theirs = jobs.add_worker(study.store, process.pid, started, now=time.time())
    _claimed(study, theirs)
    assert claim(study.store, _worker(study)) is None

    process.kill()
    process.communicate()

    assert _claimed(study, _worker(study)).fence == 2


def test_a_killed_child_that_nobody_waited_for_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_of(process.pid)
    worker = Worker(1, process.pid, started, seen_at=0.0)
    assert is_alive(worker)

    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now

    assert not is_alive(worker)
    process.communicate()


def test_another_process_with_the_same_id_is_not_the_worker() -> None:
    own, started = os.getpid(), start_of(os.getpid())

    assert is_alive(Worker(1, own, started, seen_at=0.0))
    assert not is_alive(Worker(1, own, started - 60, seen_at=0.0))


@pytest.mark.skipif(not psutil.LINUX, reason="sets the clock as Linux tells it")
def test_a_clock_that_is_set_anew_makes_no_living_worker_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Worker(1, os.getpid(), start_of(os.getpid()), seen_at=0.0)
    before, boot = psutil.Process().create_time(), psutil.boot_time()

    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)

    assert psutil.Process().create_time() == pytest.approx(before + 3600)
    assert is_alive(worker)


def test_the_jobs_of_a_worker_that_signed_off_are_free(study: Workbench) -> None:
    study.queues(ORDER)
    gone = _worker(study)
    _claimed(study, gone)
    with study.store.writing():
        jobs.end_worker(study.store, gone)

    assert _claimed(study, _worker(study)).fence == 2


def test_a_defect_in_a_job_ends_it_and_not_the_worker(
    study: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    plan = {"judge": 999, "addresses": [], "concurrency": 1, "limit": None, "questions": None}
    job_id = ensure_job(
        study.store, "judge", "cpu", "judge 999", study.study.id, plan, by="Dr Lead"
    )
    good = study.queues(ORDER)

    run_worker(study.path, idle_exit=1.0)

    crashed, done = (jobs.job_by_id(study.store, one) for one in (job_id, good))
    assert (crashed.state, crashed.error, done.state) == ("failed", "crashed", "done")
    assert "Traceback" in caplog.text


def test_a_worker_ends_itself_when_nothing_is_left_and_signs_off(study: Workbench) -> None:
    ids = [study.queues(ORDER), study.queues(replace(ORDER, name="other"))]

    run_worker(study.path, idle_exit=1.0)

    assert [jobs.job_by_id(study.store, one).state for one in ids] == ["done", "done"]
    assert jobs.workers(study.store) == []


def test_a_job_that_is_taken_up_again_keeps_counting(study: Workbench) -> None:
    study.queues(ORDER)
    first = _claimed(study, _worker(study))
    jobs.start(study.store, first.id, first.fence, total=14)
    jobs.advance(study.store, first.id, first.fence, done=4, unscored=1)
    jobs.expire_lease(study.store, first.id, first.fence)
    second = _claimed(study, _worker(study))

    jobs.start(study.store, second.id, second.fence, total=10)

    again = jobs.job_by_id(study.store, second.id)
    assert (again.total, again.done, again.unscored) == (14, 4, 1)


def test_a_held_lease_tells_that_it_was_asked_to_stop(study: Workbench) -> None:
    study.queues(ORDER)
    job = _claimed(study, _worker(study))

    with HeldLease(study.path, job) as lease:
        assert not lease.is_cancel_asked
        jobs.ask_to_cancel(study.store, job.id)
        until = time.monotonic() + 10
        while not lease.is_cancel_asked and time.monotonic() < until:
            time.sleep(0.02)
        assert lease.is_cancel_asked
        assert not lease.is_lost


def test_a_lost_job_is_left_to_its_new_worker(
    study: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    study.queues(ORDER)
    stale = _claimed(study, _worker(study))
    jobs.expire_lease(study.store, stale.id, stale.fence)
    taken = _claimed(study, _worker(study))

    do(study.path, stale)

    assert caplog.messages == [f"job {stale.id} was taken over by another worker"]
    assert jobs.job_by_id(study.store, taken.id) == taken


# --- who can be counted on ----------------------------------------------------------------------


#: As the page does it, in a process that does not wait for the worker.
_ENSURES = (
    "import sys, pathlib as p, core.services.queueing as q; q.ensure_worker(p.Path(sys.argv[1]))"
)
ROOT = Path(__file__).parents[2]


def _ends(workbench: Workbench, job_id: int) -> None:
    until = time.monotonic() + 60
    while jobs.job_by_id(workbench.store, job_id).state != "done":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_command_that_does_its_own_job_keeps_no_other_waiting(study: Workbench) -> None:
    """A night of generation in a terminal must not hold up a judge that is queued on the page."""
    with study.store.writing():
        command = sign_on(study.store, takes_any=False)
    job_id = study.queues(ORDER)
    assert is_left_alone(study.store, jobs.job_by_id(study.store, job_id))

    subprocess.run([sys.executable, "-c", _ENSURES, study.path], check=True, cwd=ROOT)

    _ends(study, job_id)
    ensure_worker(study.path)  # one is enough: this starts none
    own, worker = jobs.workers(study.store)
    assert (own.id, own.takes_any, worker.takes_any) == (command, False, True)
    os.kill(worker.pid, signal.SIGTERM)


def test_a_job_is_left_alone_when_its_worker_died_and_no_other_lives(study: Workbench) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    job_id = study.queues(ORDER)
    with study.store.writing():
        theirs = jobs.add_worker(
            study.store, process.pid, start_of(process.pid), now=time.time(), takes_any=False
        )
    running = _claimed(study, theirs)
    assert not is_left_alone(study.store, running)

    process.kill()
    process.communicate()

    assert is_left_alone(study.store, running)
    do(study.path, _claimed(study, _worker(study)))
    assert not is_left_alone(study.store, jobs.job_by_id(study.store, job_id))
