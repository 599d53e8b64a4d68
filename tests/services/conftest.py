"""Fixtures of the services: a fresh database, a small study in it, the sample, an endpoint."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services.opening import SAMPLE, ensure_sample, ensure_workbench
from core.store.database import Store, opened
from core.worker.running import do_in_foreground
from tests.openai_server import OpenAIServer
from tests.workbench import CEDAR, WILLOW, Workbench


@pytest.fixture(scope="session")
def as_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without a study; to be copied, not worked in."""
    path = tmp_path_factory.mktemp("as made") / "workbench.db"
    ensure_workbench(path)
    return path


@pytest.fixture
def store(tmp_path: Path, as_made: Path) -> Iterator[Store]:
    """A database without a study."""
    with opened(Path(shutil.copy(as_made, tmp_path))) as store:
        yield store


@pytest.fixture
def empty(store: Store, tmp_path: Path) -> Workbench:
    """A workbench whose study is still to be imported."""
    return Workbench(store, tmp_path)


@pytest.fixture
def questions_only(empty: Workbench) -> Workbench:
    """The small study without responses."""
    empty.imports()
    return empty


@pytest.fixture
def study(questions_only: Workbench) -> Workbench:
    """The small study with the responses of two models, 14 in all."""
    questions_only.model_answers("cedar", CEDAR)
    questions_only.model_answers("willow", WILLOW)
    return questions_only


@pytest.fixture
def sample(store: Store, tmp_path: Path) -> Workbench:
    """The illustrative study, judged by the baseline."""
    job_id = ensure_sample(store.path)
    assert job_id is not None
    assert do_in_foreground(store.path, job_id)
    workbench = Workbench(store, tmp_path)
    workbench.name = SAMPLE
    return workbench


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """An OpenAI-compatible endpoint on this machine."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the person who runs the tests is used by accident."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
