"""Generating on a GPU: against the released way, a bare `generate_batch`, and the memory's limit.

Runs where torch sees a CUDA device, and says so where it sees none.
"""

import gc
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

from core.services.generating import GenerateOrder
from tests.bench.generation import (
    HEAD,
    Loaded,
    Measured,
    quartiles,
    saved_questions,
    service,
    single_turns,
)
from tests.tiny_model import save_tiny_model

_MOST_NEW_TOKENS = 512
_IN_FLIGHT = 256
#: One conversation at a time would take hours over all; its pace does not depend on how many.
_YARDSTICK_EVERY = 40
_COPIED = 4 * 1024**3  # bytes
#: Settings of continuous batching that are compared with the library's own.
_TRIALS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("as the library has it", {}),
    ("pages of 64 tokens", {"page_size": 64}),
    ("2,048 tokens a pass", {"max_batch_tokens": 2048}),
    ("16,384 tokens a pass", {"max_batch_tokens": 16_384}),
    ("no CUDA graphs", {"use_cuda_graph": False}),
    ("without asynchronous batching", {"use_async_batching": False}),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A Qwen3 of a real one's shape."""

    name: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    vocabulary: int = 151_936

    def saved(self, folder: Path, device: str) -> Path:
        """Random weights in bfloat16, with the small tokenizer of the tests."""
        save_tiny_model(folder, vocabulary=6000)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        config = Qwen3Config(
            vocab_size=self.vocabulary, hidden_size=self.hidden,
            intermediate_size=self.intermediate, num_hidden_layers=self.layers,
            num_attention_heads=self.heads, num_key_value_heads=8, head_dim=128,
            max_position_embeddings=16_384, tie_word_embeddings=False,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
            dtype="bfloat16",
        )  # fmt: skip
        torch.manual_seed(0)
        with torch.device(device):
            model: Any = Qwen3ForCausalLM._from_config(config, dtype=torch.bfloat16)
        # one token in 256 ends an answer: some hundreds of tokens, as real models write
        model.generation_config.eos_token_id = list(range(0, self.vocabulary, 256))
        model.save_pretrained(folder)
        return folder


SHAPES = (
    Shape("Qwen3 of 0.6B's shape", 1024, 3072, 28, 16),
    Shape("Qwen3 of 8B's shape", 4096, 12_288, 36, 32),
)


def generating_on_gpu(work: Path, dataset: Path) -> str:
    """The part of docs/performance.md about generating on a GPU."""
    if not torch.cuda.is_available():
        return """## Generate with a checkpoint on a GPU

Not measured: torch sees no CUDA device here. On a machine with one, the same command does it.
"""
    file = saved_questions(work / "all.json", list(single_turns(dataset)))
    parts = [
        measured(shape, work, file, device="cuda", gpus="0", is_tuned=at == 0)
        for at, shape in enumerate(SHAPES)
    ]
    return f"""## Generate with a checkpoint on a GPU

{torch.cuda.get_device_name(0)}, bfloat16, greedy, up to {_MOST_NEW_TOKENS} new tokens, \
{_IN_FLIGHT} conversations in flight; LLMEval-Med's questions, each by itself. The yardstick \
answers every {_YARDSTICK_EVERY}th of them.

{chr(10).join(parts)}"""


def measured(
    shape: Shape, work: Path, file: Path, *, device: str, gpus: str, is_tuned: bool
) -> str:
    """One model's table, its share of the memory's limit, and what settings change."""
    folder = shape.saved(work / "gpu-model", device)
    loaded = Loaded(folder, file, device=device, dtype=torch.bfloat16, limit=_MOST_NEW_TOKENS)
    attention = loaded.model.config._attn_implementation
    weights = sum(one.numel() * one.itemsize for one in loaded.model.parameters())
    prompt = sum(map(len, loaded.ids)) / len(loaded.ids)
    yardstick = loaded.one_at_a_time(every=_YARDSTICK_EVERY)
    bare = loaded.bare()
    tuning = _tuning(loaded) if is_tuned else ""
    del loaded
    _let_go(device)
    bandwidth = _bandwidth(device)
    ours, lengths = service(
        work, file,
        GenerateOrder(
            "huggingface", str(folder), shape.name, {"max_tokens": _MOST_NEW_TOKENS},
            concurrency=_IN_FLIGHT, gpus=gpus,
        ),
    )  # fmt: skip
    shutil.rmtree(folder)
    rows = [
        yardstick.row("the released way: a pipeline, one at a time", yardstick),
        bare.row("bare `generate_batch`", yardstick, every=_YARDSTICK_EVERY),
        ours.row("`generate`, first request to last commit", yardstick, every=_YARDSTICK_EVERY),
    ]
    return f"""### {shape.name}

{len(lengths)} questions, {sum(lengths) / len(lengths):.0f} new tokens on average, quartiles {
        quartiles(lengths)
    }; attention \
when loaded: {attention}. Of the bare batch the service reaches {ours.rate / bare.rate:.2f}.

{HEAD}
{chr(10).join(rows)}

{
        roofline(
            shape,
            ours,
            weights=weights,
            context=prompt + sum(lengths) / len(lengths) / 2,
            bandwidth=bandwidth,
        )
    }
{tuning}"""


def roofline(
    shape: Shape, ours: Measured, *, weights: int, context: float, bandwidth: float
) -> str:
    """What the memory allows at most, with the arithmetic, and the share that was reached.

    Every step reads the weights once, and the keys and values of each conversation in flight.

    Args:
        weights: bytes.
        context: tokens that a conversation has on average while it is answered.
        bandwidth: bytes per second.
    """
    per_token = 2 * shape.layers * 8 * 128 * 2
    step = weights + _IN_FLIGHT * context * per_token
    limit = _IN_FLIGHT * bandwidth / step
    return (
        f"Roofline of the memory: a step reads the weights, {weights / 1e9:.2f} GB, and the keys"
        f" and values of {_IN_FLIGHT} conversations of {context:.0f} tokens on average at"
        f" {per_token / 1024:.0f} KiB a token, {_IN_FLIGHT * context * per_token / 1e9:.2f} GB; at"
        f" {bandwidth / 1e12:.2f} TB/s (a large copy, measured here) that is"
        f" {1000 * step / bandwidth:.2f} ms for {_IN_FLIGHT} tokens, {limit:,.0f} tokens/s. The"
        f" service reaches {ours.rate / limit:.2f} of it, reading of prompts included.\n"
    )


def _tuning(loaded: Loaded) -> str:
    lines = []
    for name, settings in _TRIALS:
        found = loaded.bare(**settings)
        lines.append(f"| {name} | {found.rate:,.0f} |")
    return "| bare `generate_batch` | tokens/s |\n|---|---:|\n" + "\n".join(lines) + "\n"


def _bandwidth(device: str) -> float:
    """Bytes per second that a copy reads and writes, the best of some."""
    source = torch.empty(_COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(5):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        target.copy_(source)
        end.record()
        torch.cuda.synchronize()
        best = max(best, 2 * _COPIED / (start.elapsed_time(end) / 1000))
    del source, target
    _let_go(device)
    return best


def _let_go(device: str) -> None:
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
