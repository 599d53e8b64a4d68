"""What every test may ask for."""

import os
from pathlib import Path

import pytest

from core.formats.base import BenchmarkQuestion
from core.formats.llmeval_med import read_questions
from core.services import asking

#: What commands say is compared with English, whatever this machine's language is.
os.environ["ATTENDING_LANG"] = "en"


@pytest.fixture(scope="session")
def real_file() -> Path:
    """LLMEval-Med's released test set, which carries no licence and is not in this repository."""
    named = os.environ.get("ATTENDING_LLMEVAL_MED", "")
    if not named:
        pytest.skip("ATTENDING_LLMEVAL_MED does not name LLMEval-Med's dataset.json")
    path = Path(named)
    if not path.is_file():
        pytest.skip(f"ATTENDING_LLMEVAL_MED names {path}, which is not there")
    return path


@pytest.fixture(scope="session")
def real_questions(real_file: Path) -> list[BenchmarkQuestion]:
    """The questions of LLMEval-Med's released test set, in its order."""
    return read_questions(real_file)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose calls only fail is given up after a fifth of a second."""
    monkeypatch.setattr(asking, "_PATIENCE_AT_START", 0.2)
    monkeypatch.setattr(asking, "_FIRST_PAUSE", 0.02)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright's event loop stays in the main thread until the end."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
