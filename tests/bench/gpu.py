"""Generating on a GPU: against the released way, a bare `generate_batch`, and the memory's limit.

Runs where torch sees a CUDA device, and says so where it sees none.
"""

import gc
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

from core.engines.huggingface_attention import attend_by_request
from core.engines.huggingface_batches import GPU_GRAPHS
from core.engines.huggingface_schedule import PROMPTS_FIRST
from core.services.ordering_generation import GenerateOrder
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
    ("prompts before new tokens, as `generate` has it", {"scheduler_type": PROMPTS_FIRST}),
    (
        "prompts that were begun before new tokens, those before others",
        {"scheduler_type": "prefill_first"},
    ),
    ("passes of 32,768 tokens in place of 8,192", {"max_batch_tokens": 32_768}),
    ("pages of 128 tokens in place of 256", {"page_size": 128}),
    ("CUDA graphs of passes with prompts too", {"use_cuda_graph": True}),
)
_SQUARE = 8192  # numbers on a side of the matrices whose product is timed


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
    """One model's table, its share of what the machine allows, and what settings change."""
    folder = shape.saved(work / "gpu-model", device)
    loaded = Loaded(folder, file, device=device, dtype=torch.bfloat16, limit=_MOST_NEW_TOKENS)
    weights = sum(one.numel() * one.itemsize for one in loaded.model.parameters())
    prompts = sum(map(len, loaded.ids))
    yardstick = said("yardstick", loaded.one_at_a_time(every=_YARDSTICK_EVERY))
    rows = [yardstick.row("the released way: a pipeline, one at a time", yardstick)]
    if is_tuned:
        library = said("masked", loaded.bare(every=_MASKED_EVERY))
        rows.append(
            library.row(
                f"bare `generate_batch`, the library's attention, every {_MASKED_EVERY}th",
                yardstick,
                every=_YARDSTICK_EVERY // _MASKED_EVERY,
            )
        )
    attend_by_request(loaded.model)
    _let_go(device)
    start = said("start", loaded.bare(every=len(loaded.ids), limit=1, use_cuda_graph=GPU_GRAPHS))
    _let_go(device)
    bare = said("bare", loaded.bare(use_cuda_graph=GPU_GRAPHS))
    tuning = _tuning(loaded, device) if is_tuned else ""
    del loaded
    _let_go(device)
    bandwidth, arithmetic = _bandwidth(device), _arithmetic(device)
    order = GenerateOrder(
        "huggingface", str(folder), shape.name, {"max_tokens": _MOST_NEW_TOKENS}, gpus=gpus
    )
    ours, lengths = service(work, file, order)
    said("service", ours)
    shutil.rmtree(folder)
    rows += [
        bare.row(
            "bare `generate_batch`, torch's flash attention", yardstick, every=_YARDSTICK_EVERY
        ),
        ours.row("`generate`, first request to last commit", yardstick, every=_YARDSTICK_EVERY),
    ]
    mean = sum(lengths) / len(lengths)
    limit = Limit(
        shape, weights=weights, prompts=prompts, steps=max(lengths), new=ours.tokens,
        context=prompts / len(lengths) + mean / 2, bandwidth=bandwidth, arithmetic=arithmetic,
    )  # fmt: skip
    return f"""### {shape.name}

{len(lengths)} questions, {mean:.0f} new tokens on average, quartiles {quartiles(lengths)}. Of the \
bare batch with the same attention the service reaches {ours.rate / bare.rate:.2f}. Before the \
first pass kernels are compiled and graphs captured: of the bare batch's seconds \
{start.seconds:.1f}, as one request of one token shows.

{HEAD}
{chr(10).join(rows)}

{limit.said_of(ours)}
{tuning}"""


@dataclass(frozen=True, slots=True)
class Limit:
    """What the memory's bandwidth allows at most, and what the prompts' arithmetic adds.

    Every step reads the weights once; every new token reads its conversation's keys and values;
    every token of a prompt takes a product and a sum with each weight of the layers.

    Attributes:
        weights: bytes.
        prompts: tokens of all prompts.
        steps: passes that the longest answer needs.
        new: tokens of all answers.
        context: tokens that a conversation has on average while it is answered.
        bandwidth: bytes per second.
        arithmetic: operations per second.
    """

    shape: Shape
    weights: int
    prompts: int
    steps: int
    new: int
    context: float
    bandwidth: float
    arithmetic: float

    def said_of(self, ours: Measured) -> str:
        """The arithmetic in words, and the share that was reached."""
        per_token = 2 * self.shape.layers * 8 * 128 * 2
        cache = self.new * self.context * per_token
        least = (self.steps * self.weights + cache) / self.bandwidth
        tables = 2 * self.shape.vocabulary * self.shape.hidden * 2  # bytes
        operations = (self.weights - tables) * self.prompts  # two to a weight of two bytes
        reading = operations / self.arithmetic
        return (
            f"Roofline of the memory: {self.steps} steps read the weights,"
            f" {self.weights / 1e9:.2f} GB, and {self.new:,} tokens the keys and values of their"
            f" conversations, {self.context:.0f} tokens on average at {per_token / 1024:.0f} KiB,"
            f" {cache / 1e12:.2f} TB in all; at {self.bandwidth / 1e12:.2f} TB/s (a large copy,"
            f" measured here) that takes {least:.1f} s, {self.new / least:,.0f} tokens/s. The"
            f" service reaches {least / ours.seconds:.2f} of it, the reading of the prompts"
            f" included. That reading is bound by arithmetic: {self.prompts:,} tokens,"
            f" {operations / 1e15:.2f} × 10¹⁵ operations, {reading:.1f} s at"
            f" {self.arithmetic / 1e12:.0f} × 10¹² a second (a large product of matrices, measured"
            f" here); of both together the service reaches"
            f" {(least + reading) / ours.seconds:.2f}.\n"
        )


def _tuning(loaded: Loaded, device: str) -> str:
    lines = []
    for name, settings in _TRIALS:
        _let_go(device)
        found = said(name, loaded.bare(**({"use_cuda_graph": GPU_GRAPHS} | settings)))
        lines.append(f"| {name} | {found.rate:,.0f} |")
    return "| bare `generate_batch` | tokens/s |\n|---|---:|\n" + "\n".join(lines) + "\n"


def _arithmetic(device: str) -> float:
    """Operations per second of a product of large matrices in bfloat16, the best of some."""
    one, other = (
        torch.randn(_SQUARE, _SQUARE, dtype=torch.bfloat16, device=device) for _ in range(2)
    )
    seconds = min(_timed(partial(torch.mm, one, other)) for _ in range(5))
    del one, other
    _let_go(device)
    return float(2 * _SQUARE**3 / seconds)


def _bandwidth(device: str) -> float:
    """Bytes per second that a copy reads and writes, the best of some."""
    source = torch.empty(_COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = min(_timed(partial(target.copy_, source)) for _ in range(5))
    del source, target
    _let_go(device)
    return 2 * _COPIED / seconds


def _timed(work: Callable[[], object]) -> float:
    """Seconds that something takes on the GPU."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1000


def _let_go(device: str) -> None:
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
