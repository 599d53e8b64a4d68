"""Prompts are read before new tokens are written, and answers stay what they were."""

import pytest
from transformers import (
    AutoModelForCausalLM,
    ContinuousBatchingConfig,
    GenerationConfig,
)
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING

from core.engines.huggingface_schedule import PROMPTS_FIRST, PromptsFirst
from tests.tiny_model import save_tiny_model

_NEW = 6
_PROMPTS = [[2 + (7 * at + place) % 90 for place in range(5 + at)] for at in range(12)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return AutoModelForCausalLM.from_pretrained(
        save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    ).eval()


@pytest.fixture
def passes(monkeypatch):
    """Tokens that each pass takes of each of its requests, as they are scheduled."""
    seen = []

    class Watched(PromptsFirst):
        def schedule_batch(self, *budgets):
            found = super().schedule_batch(*budgets)
            if found and found[0]:
                seen.append([one.query_length for one in found[0]])
            return found

    monkeypatch.setitem(SCHEDULER_MAPPING, PROMPTS_FIRST, Watched)
    return seen


def answers(model, scheduler, *, pages=64):
    greedy = GenerationConfig(do_sample=False, max_new_tokens=_NEW, eos_token_id=-1, pad_token_id=0)
    found = model.generate_batch(
        inputs=_PROMPTS, generation_config=greedy,
        continuous_batching_config=ContinuousBatchingConfig(
            page_size=16, num_blocks=pages, max_batch_tokens=64, scheduler_type=scheduler
        ),
    )  # fmt: skip
    return [one.generated_tokens for one in found.values()]


def test_a_pass_holds_prompts_or_new_tokens(model, passes):
    found = answers(model, PROMPTS_FIRST)

    reading = sum(any(length > 1 for length in one) for one in passes)
    assert sum(map(sum, passes[:reading])) == sum(map(len, _PROMPTS))
    assert passes[reading:] == [[1] * len(_PROMPTS)] * (_NEW - 1)
    assert found == answers(model, "fifo")


def test_a_cache_too_small_for_all_is_shared_in_turn(model, passes):
    assert answers(model, PROMPTS_FIRST, pages=8) == answers(model, "fifo")
    assert len(passes) > _NEW + 3
