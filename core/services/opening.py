"""Opening: make a database ready, with its judge prompts and, on a first start, the sample."""

import time
from pathlib import Path

from core.services.enrolling import ensure_illustrative_accounts
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.importing_scores import ScoreImport, import_scores
from core.services.ordering import JudgeOrder, queue_judging
from core.services.sealing import ensure_seals
from core.services.supplying import ensure_prompts
from core.store import datasets, jobs, studies
from core.store.database import Store, ensure_database, opened

DATA = Path(__file__).resolve().parents[2] / "data"
SAMPLE = "sample"
_SYSTEM = "attending"


def ensure_workbench(path: Path) -> None:
    """Create the database if needed, bring it up to date, and store the judge prompts.

    Raises:
        DatabaseRefused: the file can't be used.
    """
    ensure_database(path)
    with opened(path) as store:
        ensure_prompts(store)


def ensure_sample(path: Path) -> int | None:
    """Import the illustrative study into a database that holds nothing.

    Returns:
        Id of the queued baseline judging; None where something was there already.
    """
    with opened(path) as store, store.writing():
        if datasets.datasets(store):
            ensure_illustrative_accounts(store, by=_SYSTEM)  # a sample from before accounts
            return None
        _import_sample(store)
        ensure_illustrative_accounts(store, by=_SYSTEM)
        study = studies.study_named(store, SAMPLE)
        assert study is not None
        order = JudgeOrder("baseline", "baseline", {})
        return queue_judging(store, study, order, by=_SYSTEM)


def wait_for_job(path: Path, job_id: int, *, seconds: float) -> None:
    """Return when a job has ended, or after so many seconds."""
    until = time.monotonic() + seconds
    with opened(path) as store:
        while time.monotonic() < until:
            if jobs.job_by_id(store, job_id).state not in ("queued", "running"):
                return
            time.sleep(0.05)


def _import_sample(store: Store) -> None:
    folder = DATA / "sample"
    import_questions(
        store,
        folder / "dataset.json",
        QuestionImport(
            SAMPLE, _SYSTEM, "illustrative study", may_leave=True, is_illustrative=True,
            reveal="at_once",
        ),
    )  # fmt: skip
    for file in sorted((folder / "responses").glob("*.json")):
        import_responses(store, file, ResponseImport(SAMPLE, file.stem, _SYSTEM))
    import_scores(
        store, folder / "scores.csv", ScoreImport(SAMPLE, "blind", _SYSTEM, is_illustrative=True)
    )
    study = studies.study_named(store, SAMPLE)
    assert study is not None
    ensure_seals(store, study, salt=f"{SAMPLE} 350", by=_SYSTEM)  # the first question shows harm
