"""Opening: a database is made ready once, and the sample comes only into an empty one."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from core.domain.prompts import missing_placeholders
from core.domain.questions import CATEGORIES
from core.errors import DatabaseRefused
from core.services.opening import ensure_sample, ensure_workbench, wait_for_job
from core.services.ordering import JudgeOrder
from core.services.queueing import claim, sign_on
from core.store import jobs, judges
from core.store.database import Store, ensure_database, opened
from core.worker.running import do
from tests.workbench import Workbench


def test_a_workbench_has_a_prompt_for_every_category_and_language(store: Store) -> None:
    found = [(one.category, one.language, one.version) for one in judges.prompts(store)]

    assert found == [
        (category, language, 1) for category in sorted(CATEGORIES) for language in ("en", "zh")
    ]


def test_opening_twice_changes_nothing(empty: Workbench) -> None:
    before = empty.counts()

    ensure_workbench(empty.path)

    assert empty.counts() == before


OLD = "Q {question} A {reference_answer} C {checklist} E {earlier_turns} R {response}"


def test_prompts_of_an_earlier_version_get_the_shipped_ones_as_their_next(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    ensure_database(path)
    with opened(path) as store, store.writing():
        for category, language in product(CATEGORIES, ("en", "zh")):
            judges.ensure_prompt(store, category, language, OLD, reason="old", by="me")

    ensure_workbench(path)
    ensure_workbench(path)

    with opened(path) as store:
        newest = judges.prompts(store)
        assert {prompt.version for prompt in newest} == {2}
        assert not any(missing_placeholders(prompt.text) for prompt in newest)
        assert store.value("SELECT count(*) FROM judge_prompt WHERE text = ?", (OLD,)) == 10


def test_the_sample_is_imported_once(empty: Workbench) -> None:
    assert ensure_sample(empty.path) == 1
    before = empty.counts()

    assert ensure_sample(empty.path) is None
    assert empty.counts() == before


def test_the_sample_stays_out_of_a_database_that_is_in_use(study: Workbench) -> None:
    before = study.counts()

    assert ensure_sample(study.path) is None
    assert study.counts() == before


def test_two_first_starts_at_once_import_one_sample(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"

    def start(_: int) -> int | None:
        ensure_workbench(path)
        return ensure_sample(path)

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(start, range(4)))

    assert sorted(ids, key=str) == [1, None, None, None]
    with opened(path) as store:
        assert store.value("SELECT count(*) FROM question") == 33


def test_the_sample_is_marked_as_illustrative_everywhere(sample: Workbench) -> None:
    assert sample.study.is_illustrative
    assert sample.study.reveal == "at_once"
    assert sample.rows("SELECT name, is_illustrative FROM person ORDER BY name") == [
        ("Dr Lin (illustrative)", 1),
        ("Dr Tang (illustrative)", 1),
        ("Dr Weber (illustrative)", 1),
    ]
    assert sample.rows("SELECT DISTINCT phase FROM human_assessment") == [("blind",)]


def test_a_file_of_another_kind_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("some notes")

    with pytest.raises(DatabaseRefused, match="not_a_database"):
        ensure_workbench(path)

    assert path.read_text() == "some notes"


def test_waiting_ends_with_the_job_or_the_time(study: Workbench) -> None:
    job_id = study.queues(JudgeOrder("baseline", "baseline", {}))
    wait_for_job(study.path, job_id, seconds=0.0)
    assert jobs.job_by_id(study.store, job_id).state == "queued"

    with study.store.writing():
        worker_id = sign_on(study.store)
    job = claim(study.store, worker_id)
    assert job is not None
    do(study.path, job)

    wait_for_job(study.path, job_id, seconds=60.0)
    assert jobs.job_by_id(study.store, job_id).state == "done"
