"""One new token of each request against the pages of its cache, on a GPU, in Triton.

Where every request of a batch has one new token, transformers hands over a table of pages in place
of an index of every known token, which has to be written down anew for every pass.
Torch for CUDA brings Triton along; elsewhere this module can't be imported.
"""

import torch
import triton
import triton.language as tl
from triton.errors import TritonError

#: Tokens that are read at a time; a page holds a multiple of them.
_TILE = 64
#: Rows that the matrix units take at least.
_LEAST_ROWS = 16


def attention_by_page(
    query: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    cache_seqlens: torch.Tensor,
    block_table: torch.Tensor,
    softmax_scale: float | None,
    causal: bool,
) -> torch.Tensor:
    """Put each request's new key and value into its cache, and attend to all of it.

    Args:
        query: [requests, 1, heads, width]; key and value alike, with fewer heads.
        k_cache: [pages, tokens a page, fewer heads, width], written to; v_cache alike.
        cache_seqlens: int32, [requests], tokens known before this one; below 0 in rows that only
            fill the batch up, which are not read and answered with zeros.
        block_table: int32, [requests, pages of the longest], where each request's pages lie.
        causal: has no effect: a new token sees all that is known.

    Returns:
        [requests, 1, heads, width].
    """
    requests, _, heads, width = query.shape
    page, key_heads = k_cache.shape[1:3]
    scale = width**-0.5 if softmax_scale is None else softmax_scale
    query, key, value = query.contiguous(), key.contiguous(), value.contiguous()
    numbers = key_heads * width
    _put[(requests,)](
        k_cache, v_cache, key, value, cache_seqlens, block_table, block_table.stride(0), page,
        numbers, triton.next_power_of_2(numbers),
    )  # fmt: skip
    out = torch.empty_like(query)
    _attend[(requests, key_heads)](
        query, k_cache, v_cache, out, cache_seqlens, block_table, block_table.stride(0), scale,
        page, heads // key_heads, key_heads, width,
        max(_LEAST_ROWS, triton.next_power_of_2(heads // key_heads)),
        triton.next_power_of_2(width), _TILE,
    )  # fmt: skip
    return out


def is_right_here(device: torch.device, dtype: torch.dtype) -> bool:
    """Tell whether the kernels compile on this machine and answer as plain arithmetic does."""
    draw = torch.Generator(device).manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw, device=device).to(dtype)

    known = torch.tensor([0, 70, -1, 300], dtype=torch.int32, device=device)
    table = torch.tensor([[5, 0], [1, 0], [-1, -1], [2, 4]], dtype=torch.int32, device=device)
    pages, values = drawn(6, 256, 2, 64), drawn(6, 256, 2, 64)
    query, key, value = drawn(4, 1, 4, 64), drawn(4, 1, 2, 64), drawn(4, 1, 2, 64)
    try:
        found = attention_by_page(
            query, pages, values, key, value, cache_seqlens=known, block_table=table,
            softmax_scale=None, causal=True,
        )  # fmt: skip
    except (TritonError, RuntimeError, OSError):  # no compiler, or a card that it doesn't know
        return False
    for row, length in enumerate(known.tolist()):
        if length >= 0:
            places = [int(at) for at in table[row]]
            keys = pages[places].flatten(0, 1)[: length + 1].float().repeat_interleave(2, 1)
            seen = values[places].flatten(0, 1)[: length + 1].float().repeat_interleave(2, 1)
            weights = torch.einsum("hw,thw->ht", query[row, 0].float(), keys).div(8).softmax(-1)
            wanted = torch.einsum("ht,thw->hw", weights, seen)
            is_put = torch.equal(keys[-1, ::2], key[row, 0].float())
            if not is_put or (found[row, 0].float() - wanted).norm() > 0.02 * wanted.norm():
                return False
    return True


@triton.jit
def _put(
    k_cache, v_cache, key, value, known, table, table_width,
    page: tl.constexpr, numbers: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    request = tl.program_id(0)
    at = tl.load(known + request)
    if at >= 0:
        number = tl.load(table + request * table_width + at // page).to(tl.int64)
        place = (number * page + at % page) * numbers
        column = tl.arange(0, block)
        is_inside = column < numbers
        new_key = tl.load(key + request * numbers + column, mask=is_inside)
        new_value = tl.load(value + request * numbers + column, mask=is_inside)
        tl.store(k_cache + place + column, new_key, mask=is_inside)
        tl.store(v_cache + place + column, new_value, mask=is_inside)


@triton.jit
def _attend(
    query, k_cache, v_cache, out, known, table, table_width, scale,
    page: tl.constexpr, group: tl.constexpr, key_heads: tl.constexpr, width: tl.constexpr,
    rows: tl.constexpr, columns: tl.constexpr, tile: tl.constexpr,
):  # fmt: skip
    """The heads that share a key's head, of one request; softmax as the tiles come."""
    request, key_head = tl.program_id(0), tl.program_id(1)
    length = tl.load(known + request) + 1
    row, column, token = tl.arange(0, rows), tl.arange(0, columns), tl.arange(0, tile)
    is_column = column < width
    is_query = (row < group)[:, None] & is_column[None, :]
    head = (request * key_heads + key_head) * group + row
    at_query = head[:, None] * width + column[None, :]
    asked = tl.load(query + at_query, mask=is_query, other=0.0)
    top = tl.full([rows], float("-inf"), tl.float32)
    total = tl.zeros([rows], tl.float32)
    summed = tl.zeros([rows, columns], tl.float32)
    for start in range(0, length, tile):
        number = tl.load(table + request * table_width + start // page).to(tl.int64)
        place = (number * page + start % page + token) * key_heads + key_head
        at = place[:, None] * width + column[None, :]
        is_known = start + token < length
        is_read = is_known[:, None] & is_column[None, :]
        keys = tl.load(k_cache + at, mask=is_read, other=0.0)
        score = tl.dot(asked, tl.trans(keys)) * scale
        score = tl.where(is_known[None, :], score, float("-inf"))
        highest = tl.maximum(top, tl.max(score, 1))
        weight = tl.exp(score - highest[:, None])
        kept = tl.exp(top - highest)
        values = tl.load(v_cache + at, mask=is_read, other=0.0)
        total = total * kept + tl.sum(weight, 1)
        summed = summed * kept[:, None] + tl.dot(weight.to(values.dtype), values)
        top = highest
    found = summed / tl.where(total > 0, total, 1.0)[:, None]
    tl.store(out + at_query, found.to(out.dtype.element_ty), mask=is_query)
