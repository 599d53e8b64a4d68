"""Fixtures of the worker: a study of 120 keys, and an endpoint that takes 50 ms a call."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import OpenAIServer
from tests.workbench import Workbench, plain_questions, workbench_in


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Workbench]:
    """Sixty plain questions with the responses of two models."""
    with workbench_in(tmp_path) as workbench:
        questions = plain_questions("MK", 60)
        workbench.imports(questions)
        for model in ("cedar", "willow"):
            answers = {key: f"{model} answers {key}." for key in questions}
            workbench.model_answers(model, answers, questions=questions)
        yield workbench


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """An endpoint that takes 50 ms for every call."""
    with OpenAIServer(delay=0.05) as server:
        yield server


@pytest.fixture(autouse=True)
def interrupts_are_heard() -> Iterator[None]:
    """What runs in the background ignores interrupts, and so would the commands that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
