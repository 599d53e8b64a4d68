"""Attention on the CPU for continuous batches: every request against its own keys only.

The library's `sdpa` lays the keys of all requests side by side and masks those of the others, so
that a batch of n requests costs n times the work. Here each request is a call of its own.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward


def attend_by_request() -> None:
    """Let every model of this process attend so where it would use `sdpa`."""
    AttentionInterface.register("sdpa", _attention)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    cache: Any = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What `sdpa` answers, of a packed batch whose layers all see everything before them.

    Args:
        query: [1, heads, queries of all requests, width]; key and value alike, with fewer heads.

    Returns:
        [1, queries of all requests, heads, width], and no weights.
    """
    kinds = set(options.get("cu_seq_lens_k") or ())
    if cache is None or kinds != {"full_attention"} or options.get("position_bias") is not None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, cache=cache, **options
        )
        return found
    key, value = cache.update(
        key_states=key, value_states=value, layer_idx=module.layer_idx, kwargs=options
    )
    asked, seen = options["cu_seq_lens_q"].tolist(), options["cu_seq_lens_k"].tolist()
    _, heads, queries, _ = query.shape
    out = query.new_empty(1, queries, heads, value.shape[-1])
    for first, last, start, end in zip(asked, asked[1:], seen, seen[1:], strict=False):
        out[:, first:last] = _of_one(
            query[:, :, first:last], key[:, :, start:end], value[:, :, start:end], scaling
        )
    return out, None


def _of_one(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float | None
) -> torch.Tensor:
    """Attention of one request's new tokens, which are the last of its keys."""
    _, heads, new, width = query.shape
    key_heads, known = key.shape[1], key.shape[2]
    if new == 1:  # the queries that share a key's head stand in its rows: nothing is repeated
        rows = query.reshape(1, key_heads, heads // key_heads, width)
        out = scaled_dot_product_attention(rows, key, value, scale=scaling)
        return out.reshape(1, 1, heads, -1)
    mask = None
    if known > new:  # the rest of a prompt that was begun in an earlier pass
        mask = torch.ones(new, known, dtype=torch.bool).tril(known - new)
    out = scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, scale=scaling, enable_gqa=True
    )
    return out.transpose(1, 2)
