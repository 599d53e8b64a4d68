"""Flash attention for continuous batches, by what torch itself has.

transformers batches best with flash attention, but finds it only in packages that are built for one
torch and one CUDA, or fetches it from a hub. Without them it lays the keys of all requests side by
side and masks those of the others, so that a batch of n requests costs n times the work. Here the
functions that it looks for are made of what torch brings: on a GPU its flash kernel, and a kernel
for batches of one new token each; on the CPU one call a request.
"""

import importlib
import importlib.util
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import transformers.modeling_flash_attention_utils as flash
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.flash_attention import flash_attention_forward
from transformers.masking_utils import flash_attention_mask

#: transformers tells flash attention, and which version's interface it has, by the name.
NAME = "torch_flash_attention_2"
#: Numbers that a head may have at most in torch's flash kernel.
_WIDEST_HEAD = 256

_packages = flash._lazy_imports


def attend_by_request(model: Any) -> None:
    """Let a model's continuous batches attend so, where each of its layers sees all before it."""
    if _is_plain(model):
        AttentionInterface.register(NAME, flash_attention_forward)
        AttentionMaskInterface.register(NAME, flash_attention_mask)
        flash._lazy_imports = partial(_functions, _by_page(model))
        model.set_attn_implementation(NAME)


def _is_plain(model: Any) -> bool:
    """Tell a model without sliding windows, caps or other special attention."""
    config = model.config.get_text_config()
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return bool(
        model._supports_flash_attn
        and kinds == {"full_attention"}
        and getattr(config, "sliding_window", None) is None
        and getattr(config, "attn_logit_softcapping", None) is None
        and width <= _WIDEST_HEAD
    )


def _by_page(model: Any) -> Any:
    """The function for batches of one new token each; None where this machine can't compile it."""
    if model.device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return None
    pages = importlib.import_module("core.engines.huggingface_pages")
    return pages.attention_by_page if pages.is_right_here(model.device, model.dtype) else None


def _functions(by_page: Any, implementation: str | None, *options: Any, **named: Any) -> Any:
    """The functions of a flash attention, as transformers asks for them; ours by its name."""
    if implementation != NAME:
        return _packages(implementation, *options, **named)
    return None, attention_by_request, by_page, None, None


def attention_by_request(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    cu_seqlens_q: torch.Tensor,
    cu_seqlens_k: torch.Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    softmax_scale: float | None,
    causal: bool,
) -> torch.Tensor:
    """Attention of requests that lie one after the other, each to its own keys only.

    Args:
        query: [new tokens of all requests, heads, width].
        key: [known and new tokens of all requests, fewer heads, width]; value alike.
        cu_seqlens_q: int32, [requests + 1], where each request's queries start; its new tokens are
            the last of its keys, which start where cu_seqlens_k says.

    Returns:
        [new tokens of all requests, heads, width].
    """
    if query.is_cuda:
        found: torch.Tensor = torch.ops.aten._flash_attention_forward(
            query, key, value, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, 0.0, causal,
            False, scale=softmax_scale,
        )[0]  # fmt: skip
        return found
    out = query.new_empty(*query.shape[:2], value.shape[-1])
    spans = zip(pairwise(cu_seqlens_q.tolist()), pairwise(cu_seqlens_k.tolist()), strict=True)
    for (first, last), (start, end) in spans:
        out[first:last] = _of_one(query[first:last], key[start:end], value[start:end],
                                  softmax_scale)  # fmt: skip
    return out


def _of_one(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
) -> torch.Tensor:
    """Attention of one request's new tokens, which are the last of its keys."""
    new, heads, width = query.shape
    known, key_heads, _ = key.shape
    key, value = key.transpose(0, 1), value.transpose(0, 1)
    if new == 1:  # the queries that share a key's head stand in its rows: nothing is repeated
        rows = query.reshape(key_heads, heads // key_heads, width)
        return scaled_dot_product_attention(rows, key, value, scale=scale).reshape(1, heads, -1)
    mask = None
    if known > new:  # the rest of a prompt that was begun in an earlier pass
        mask = torch.ones(new, known, dtype=torch.bool).tril(known - new)
    out = scaled_dot_product_attention(
        query.transpose(0, 1)[None], key[None], value[None], attn_mask=mask, is_causal=mask is None,
        scale=scale, enable_gqa=True,
    )  # fmt: skip
    return out[0].transpose(0, 1)
