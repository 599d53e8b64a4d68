"""Attention of batches whose requests see only their own keys."""

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

from core.engines.huggingface_attention import NAME, attend_by_request, attention_by_request

_SIZES = {
    "hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4,
    "num_key_value_heads": 2, "num_hidden_layers": 2, "vocab_size": 50,
}  # fmt: skip


def _starts(lengths):
    return torch.tensor([0, *torch.tensor(lengths).cumsum(0)], dtype=torch.int32)


@pytest.mark.parametrize(
    ("new", "known"),
    [
        ([1], [1]),
        ([1, 1, 1], [7, 1, 30]),
        ([5, 8], [5, 8]),
        ([4, 1, 6], [9, 12, 6]),
    ],
    ids=[
        "a first token",
        "one new token each",
        "whole prompts",
        "the rest of a prompt, and others",
    ],
)
def test_each_request_sees_its_own_keys_up_to_its_token(new, known):
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(sum(new), 4, 8, generator=draw)
    key, value = (torch.randn(sum(known), 2, 8, generator=draw) for _ in range(2))

    found = attention_by_request(
        query, key, value, cu_seqlens_q=_starts(new), cu_seqlens_k=_starts(known),
        max_seqlen_q=max(new), max_seqlen_k=max(known), softmax_scale=None, causal=True,
    )  # fmt: skip

    expected = []
    ends = zip(_starts(new).tolist(), _starts(known).tolist(), new, known, strict=False)
    for first, start, some, all_of_it in ends:
        for at in range(some):
            seen = slice(start, start + all_of_it - some + at + 1)
            keys, values = (one[seen].repeat_interleave(2, 1) for one in (key, value))
            weights = torch.einsum("hw,thw->ht", query[first + at], keys).div(8**0.5).softmax(-1)
            expected.append(torch.einsum("ht,thw->hw", weights, values))
    torch.testing.assert_close(found, torch.stack(expected))


def test_a_model_whose_layers_see_everything_attends_by_request():
    model = Qwen3ForCausalLM(Qwen3Config(head_dim=8, **_SIZES))
    attend_by_request(model)
    assert model.config._attn_implementation == NAME


def test_a_model_with_a_sliding_window_keeps_the_librarys_attention():
    config = Qwen2Config(use_sliding_window=True, sliding_window=16, max_window_layers=1, **_SIZES)
    model = Qwen2ForCausalLM(config)
    attend_by_request(model)
    assert model.config._attn_implementation == "sdpa"


def test_pages_are_read_and_written_as_plain_arithmetic_does():
    pytest.importorskip("triton", reason="Triton comes with a torch built for CUDA")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    pages = pytest.importorskip("core.engines.huggingface_pages")
    assert pages.is_right_here(torch.device("cuda"), torch.bfloat16)
