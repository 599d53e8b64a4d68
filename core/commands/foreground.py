"""Do a job in this terminal, with its progress on stderr."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from core.commands.terminal import language, text_of, words
from core.i18n import batch_words
from core.store import batches, jobs
from core.store.database import Store, opened
from core.store.jobs import Job
from core.worker.running import do_in_foreground

_LOOK_SECONDS = 0.5
#: How often a line is printed where stderr is a file.
_LINE_SECONDS = 10.0


def follow_job(path: Path, job_id: int) -> Job:
    """Do a job here, or watch the worker that has it, until it has ended.

    What it tells while it goes on is printed on stderr, as it comes or at its end.
    """
    with _progress_shown(path, job_id):
        while not do_in_foreground(path, job_id):
            time.sleep(_LOOK_SECONDS)
    with opened(path) as store:
        return jobs.job_by_id(store, job_id)


def _with_batches(store: Store, job: Job, line: str) -> str:
    """A line of progress with what the endpoint says of the job's batches."""
    if not job.plan.get("batch"):
        return line
    standing = batches.standing(store, job.study_id, job.plan["judge"])
    return line if standing is None else f"{line} · {batch_words(language(), **asdict(standing))}"


@contextmanager
def _progress_shown(path: Path, job_id: int) -> Iterator[None]:
    ended = threading.Event()
    watching = threading.Thread(target=_watch, args=(path, job_id, ended), daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


def _watch(path: Path, job_id: int, ended: threading.Event) -> None:
    is_live = sys.stderr.isatty()
    started, printed, first, told = time.monotonic(), 0.0, None, 0
    with opened(path) as store:
        while not ended.wait(_LOOK_SECONDS):
            told = _tell_notes(store, job_id, told)
            job = jobs.job_by_id(store, job_id)
            if job.total is None:
                continue
            first = job.done if first is None else first
            seconds = time.monotonic() - started
            rate = (job.done - first) / seconds
            line = words(
                "progress", done=job.done, total=job.total, unscored=job.unscored, rate=rate
            )
            line = _with_batches(store, job, line)
            if is_live:
                click.echo(f"\r{line}\033[K", err=True, nl=False)
            elif seconds - printed >= _LINE_SECONDS:
                click.echo(line, err=True)
                printed = seconds
        if is_live:
            click.echo("\r\033[K", err=True, nl=False)
        _tell_notes(store, job_id, told)


def _tell_notes(store: Store, job_id: int, told: int) -> int:
    """Print the notes of a job after the first so many; how many there are."""
    found = jobs.notes(store, job_id)
    for note in found[told:]:
        click.echo(text_of(f"note.{note.code}", **note.details), err=True)
    return len(found)
