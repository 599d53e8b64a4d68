"""Generating on a GPU: against the released way, a bare `generate_batch`, and the memory's limit.

Runs where torch sees a CUDA device, and says so where it sees none.
"""

import gc
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

from core.engines.huggingface_attention import attend_by_request
from core.engines.huggingface_batches import GPU_GRAPHS
from core.services.generating import GenerateOrder
from tests.bench.generation import (
    HEAD,
    Loaded,
    Measured,
    quartiles,
    said,
    saved_questions,
    service,
    single_turns,
)
from tests.tiny_model import save_tiny_model

_MOST_NEW_TOKENS = 256
#: One conversation at a time would take hours over all; its pace does not depend on how many.
_YARDSTICK_EVERY = 640
#: So would the library's own attention, which masks every other request's keys: fewer flatter it.
_MASKED_EVERY = 64
_COPIED = 4 * 1024**3  # bytes
#: Settings of continuous batching that are compared with the library's own.
_TRIALS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CUDA graphs of passes with prompts too", {"use_cuda_graph": True}),
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
    """The part of docs/performance.md about generating on a GPU; empty where torch sees none."""
    if not torch.cuda.is_available():
        return ""
    file = saved_questions(work / "all.json", list(single_turns(dataset)))
    parts = [
        measured(shape, work, file, device="cuda", gpus="0", is_tuned=at == 0)
        for at, shape in enumerate(SHAPES)
    ]
    return f"""## Generate with a checkpoint on a GPU

{torch.cuda.get_device_name(0)}, bfloat16, greedy, up to {_MOST_NEW_TOKENS} new tokens, \
torch {torch.__version__}, transformers {transformers.__version__}, no flash-attn package; \
LLMEval-Med's questions, each by itself. The yardstick answers every {_YARDSTICK_EVERY}th of them.

{chr(10).join(parts)}"""


def measured(
    shape: Shape, work: Path, file: Path, *, device: str, gpus: str, is_tuned: bool
) -> str:
    """One model's table, its share of the memory's limit, and what settings change."""
    folder = shape.saved(work / "gpu-model", device)
    loaded = Loaded(folder, file, device=device, dtype=torch.bfloat16, limit=_MOST_NEW_TOKENS)
    weights = sum(one.numel() * one.itemsize for one in loaded.model.parameters())
    prompt = sum(map(len, loaded.ids)) / len(loaded.ids)
    yardstick = said("yardstick", loaded.one_at_a_time(every=_YARDSTICK_EVERY))
    library = said("masked", loaded.bare(every=_MASKED_EVERY))
    attend_by_request(loaded.model)
    bare = said("bare", loaded.bare(use_cuda_graph=GPU_GRAPHS))
    tuning = _tuning(loaded) if is_tuned else ""
    del loaded
    _let_go(device)
    bandwidth = _bandwidth(device)
    ours, lengths = service(
        work, file,
        GenerateOrder(
            "huggingface", str(folder), shape.name, {"max_tokens": _MOST_NEW_TOKENS}, gpus=gpus
        ),
    )  # fmt: skip
    said("service", ours)
    shutil.rmtree(folder)
    rows = [
        yardstick.row("the released way: a pipeline, one at a time", yardstick),
        library.row(
            f"bare `generate_batch`, the library's attention, every {_MASKED_EVERY}th",
            yardstick,
            every=_YARDSTICK_EVERY // _MASKED_EVERY,
        ),
        bare.row(
            "bare `generate_batch`, torch's flash attention", yardstick, every=_YARDSTICK_EVERY
        ),
        ours.row("`generate`, first request to last commit", yardstick, every=_YARDSTICK_EVERY),
    ]
    return f"""### {shape.name}

{len(lengths)} questions, {sum(lengths) / len(lengths):.0f} new tokens on average, quartiles {
        quartiles(lengths)
    }. Of the \
bare batch with the library's attention the service reaches {ours.rate / library.rate:.1f}, of the \
bare batch with the same attention {ours.rate / bare.rate:.2f}.

{HEAD}
{chr(10).join(rows)}

{
        roofline(
            shape,
            ours,
            weights=weights,
            steps=max(lengths),
            context=prompt + sum(lengths) / len(lengths) / 2,
            bandwidth=bandwidth,
        )
    }
{tuning}"""


def roofline(
    shape: Shape, ours: Measured, *, weights: int, steps: int, context: float, bandwidth: float
) -> str:
    """What the memory allows at most, with the arithmetic, and the share that was reached.

    Every step reads the weights once; every new token reads its conversation's keys and values.

    Args:
        weights: bytes.
        steps: passes that the longest answer needs.
        context: tokens that a conversation has on average while it is answered.
        bandwidth: bytes per second.
    """
    per_token = 2 * shape.layers * 8 * 128 * 2
    cache = ours.tokens * context * per_token
    least = (steps * weights + cache) / bandwidth
    return (
        f"Roofline of the memory: {steps} steps read the weights, {weights / 1e9:.2f} GB, and"
        f" {ours.tokens:,} tokens the keys and values of their conversations, {context:.0f} tokens"
        f" on average at {per_token / 1024:.0f} KiB, {cache / 1e12:.2f} TB in all; at"
        f" {bandwidth / 1e12:.2f} TB/s (a large copy, measured here) that takes {least:.1f} s,"
        f" {ours.tokens / least:,.0f} tokens/s. The service reaches {least / ours.seconds:.2f} of"
        f" it, the reading of the prompts included.\n"
    )


def _tuning(loaded: Loaded) -> str:
    lines = []
    for name, settings in _TRIALS:
        found = said(name, loaded.bare(**settings))
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
