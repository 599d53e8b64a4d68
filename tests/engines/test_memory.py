"""Memory that ends: less is taken and the work goes on; what fits nowhere says so by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from core.engines.huggingface_batches import Budget, is_out_of_memory
from tests.engines.test_huggingface import one_at_a_time, prompt_tokens, user
from tests.tiny_model import save_tiny_model

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ["发热三天，如何处理？", "胸痛 40 分钟，首先做什么？" * 9, "What comes first?"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose cache of 65,536 tokens takes 134 MB."""
    return save_tiny_model(tmp_path_factory.mktemp("wide") / "model", hidden=256)


def said(
    folder: Path,
    questions: list[str] = QUESTIONS,
    *,
    megabytes: int = 4096,
    free: int = 0,
    **parameters: Any,
) -> list[list[Any]]:
    """What the process of a checkpoint says when it may take only so much more memory."""
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.engines.limited_engine", str(folder), str(megabytes),
            str(free), json.dumps(parameters), json.dumps(questions),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env=os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_allocation_that_fails_halves_the_batch_and_every_answer_comes(model):
    found = said(model, megabytes=100, max_tokens=12)

    lowered = [one for one in found if one[0] == "memory_lowered"]
    answers = sorted(one for one in found if isinstance(one[0], int))
    expected = one_at_a_time(model, [user(text) for text in QUESTIONS], limit=12)
    assert [values["batch_tokens"] for _, values in lowered] in ([256], [256, 128])
    assert [one[1:] for one in answers] == [[text, finish] for text, finish, _, _ in expected]


def test_memory_that_is_never_enough_is_told_in_one_word_for_every_question(model):
    found = said(model, megabytes=16, max_tokens=12)

    lowered = [values["batch_tokens"] for code, values in found if code == "memory_lowered"]
    assert lowered == [256, 128, 64]
    assert sorted(one for one in found if isinstance(one[0], int)) == [
        [at, "needs_memory"] for at in range(len(QUESTIONS))
    ]


def test_a_conversation_longer_than_the_cache_is_absent_by_itself(tmp_path):
    folder = save_tiny_model(tmp_path / "model")
    short, long = "发热？", "发热三天。" * 60
    bytes_per_token = 2 * 2 * 2 * 16 * 4  # keys and values, layers, heads, width, float32

    found = said(folder, [short, long, *[short] * 6], free=4 * 96 * bytes_per_token, max_tokens=500)

    assert found[0] == [
        "memory_small", {"model": str(folder), "room": 96, "context": 4096}
    ]  # fmt: skip
    answers = {number: rest for number, *rest in found[1:]}
    room = 96 - prompt_tokens(folder, user(short))
    [(text, finish, _, _)] = one_at_a_time(folder, [user(short)], limit=room)
    assert answers[1] == ["", "too_long"]
    assert {number: answers[number] for number in answers if number != 1} == {
        number: [text, finish] for number in (0, 2, 3, 4, 5, 6, 7)
    }


def test_torchs_own_word_for_it_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.uint8)

    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert is_out_of_memory(MemoryError("Memory footprint 9 is more than available memory 8"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("The tokenizer has no pad token"))


def test_a_budget_is_halved_until_it_would_be_too_little():
    budget: Budget | None = Budget(512, 65_536, 0.8)
    seen = []
    while budget is not None:
        seen.append((budget.batch_tokens, budget.cache_tokens, budget.share))
        budget = budget.halved()

    assert seen == [(512, 65_536, 0.8), (256, 32_768, 0.4), (128, 16_384, 0.2), (64, 8_192, 0.1)]
