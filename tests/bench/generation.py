"""Generating: our service against the released way, static batches and a bare `generate_batch`.

Models are Qwen3 of random weights. Every so-manieth token ends an answer, so that the number of
new tokens differs from question to question, and is the same however the question is asked.
"""

import json
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    ContinuousBatchingConfig,
    GenerationConfig,
    pipeline,
)

from core.engines.huggingface_attention import attend_by_request
from core.engines.huggingface_batches import CPU_PAGE, Budget, Static
from core.engines.huggingface_process import CPU_BATCH_TOKENS, CPU_CACHE_TOKENS
from core.formats.llmeval_med import read_questions
from core.services.importing_questions import QuestionImport, import_questions
from core.services.opening import ensure_workbench
from core.services.ordering_generation import GenerateOrder, queue_generation
from core.store import studies
from core.store.database import opened
from core.worker.running import do_in_foreground
from tests.tiny_model import save_tiny_model

_QUESTIONS = 64
_LONGEST_PROMPT = 400  # tokens
_MOST_NEW_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Measured:
    """What a way of generating wrote, how many tokens that was, and how long it took."""

    texts: list[str]
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Useful tokens per second."""
        return self.tokens / self.seconds

    def row(self, name: str, yardstick: "Measured", *, every: int = 1) -> str:
        """A line of the table; the yardstick answered each so-manieth question."""
        pairs = zip(self.texts[::every], yardstick.texts, strict=True)
        same = sum(one == other for one, other in pairs)
        alike = f"{same} of {len(yardstick.texts)}"
        return (
            f"| {name} | {self.tokens:,} | {self.seconds:.1f} | {self.rate:,.0f} |"
            f" {self.rate / yardstick.rate:.1f} | {alike} |"
        )


HEAD = """| | new tokens | seconds | tokens/s | ratio to the yardstick | same answers |
|---|---:|---:|---:|---:|---:|"""


class Loaded:
    """A model in this process, with the questions put through its template."""

    def __init__(self, folder: Path, file: Path, *, device: str, dtype: Any, limit: int) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device)
        self.model.eval()
        self.texts = [question.criteria.question_text for question in read_questions(file)]
        self.ids = [ids_of(self.tokenizer, text) for text in self.texts]
        self.limit = limit
        config: Any = GenerationConfig
        self.greedy = config(
            do_sample=False, eos_token_id=self.model.generation_config.eos_token_id,
            pad_token_id=0, max_new_tokens=limit,
        )  # fmt: skip

    @property
    def parameters(self) -> int:
        """How many numbers the model has."""
        return sum(one.numel() for one in self.model.parameters())

    def one_at_a_time(self, *, every: int = 1) -> Measured:
        """The released way: a text-generation pipeline, one conversation after the other."""
        pipe = pipeline("text-generation", model=self.model, tokenizer=self.tokenizer)
        started = time.perf_counter()
        tokens = []
        for text in self.texts[::every]:
            [found] = pipe(
                [{"role": "user", "content": text}], generation_config=self.greedy,
                return_tensors=True,
            )  # fmt: skip
            tokens.append(found["generated_token_ids"][len(ids_of(self.tokenizer, text)) :])
        return self._measured(tokens, time.perf_counter() - started)

    def bare(self, *, every: int = 1, limit: int | None = None, **batching: Any) -> Measured:
        """The library's own `generate_batch` over each so-manieth request."""
        started = time.perf_counter()
        found = self.model.generate_batch(
            inputs=self.ids[::every], generation_config=self.greedy, max_new_tokens=limit,
            continuous_batching_config=ContinuousBatchingConfig(**batching),
        )  # fmt: skip
        seconds = time.perf_counter() - started
        return self._measured([one.generated_tokens for one in found.values()], seconds)

    def static(self, cache_tokens: int) -> Measured:
        """Left-padded batches of neighbours in length, each to its end."""
        ends = self.model.generation_config.eos_token_id
        batches = Static(
            self.model, self.greedy, Budget(0, cache_tokens, 0.0), ends=frozenset(ends)
        )
        started = time.perf_counter()
        for number, ids in enumerate(self.ids):
            batches.submit(number, ids, self.limit)
        found: dict[int, list[int]] = {}
        while len(found) < len(self.ids):
            found |= {one.number: one.tokens for one in batches.finished()}
        seconds = time.perf_counter() - started
        return self._measured([found[number] for number in range(len(self.ids))], seconds)

    def _measured(self, tokens: Sequence[Sequence[int]], seconds: float) -> Measured:
        texts = [self.tokenizer.decode(one, skip_special_tokens=True) for one in tokens]
        return Measured(texts, sum(map(len, tokens)), seconds)


def generating(work: Path, dataset: Path) -> str:
    """The part of docs/performance.md about generating on the CPU."""
    folder = save_tiny_model(work / "qwen3", hidden=640, layers=16, vocabulary=6000, ends_every=8)
    file = _chosen(dataset, AutoTokenizer.from_pretrained(folder), work)
    loaded = Loaded(folder, file, device="cpu", dtype="auto", limit=_MOST_NEW_TOKENS)
    batching = {
        "page_size": CPU_PAGE,
        "num_blocks": CPU_CACHE_TOKENS // CPU_PAGE,
        "max_batch_tokens": CPU_BATCH_TOKENS,
    }
    yardstick = said("yardstick", loaded.one_at_a_time())
    static = said("static", loaded.static(CPU_CACHE_TOKENS))
    bare = said("masked", loaded.bare(**batching))
    attend_by_request(loaded.model)
    bare_by_request = said("by request", loaded.bare(**batching))
    parameters = loaded.parameters
    del loaded
    ours, lengths = service(
        work, file, GenerateOrder(
            "huggingface", str(folder), "qwen3", {"max_tokens": _MOST_NEW_TOKENS}, gpus="none"
        ),
    )  # fmt: skip
    rows = [
        yardstick.row("the released way: a pipeline, one conversation at a time", yardstick),
        static.row("static batches of 32 neighbours in length", yardstick),
        bare.row("bare `generate_batch`, the library's attention", yardstick),
        bare_by_request.row("bare `generate_batch`, attention by request", yardstick),
        ours.row("`generate`, first request to last commit", yardstick),
    ]
    return f"""## Generate with a checkpoint on the CPU

A Qwen3 of random weights, {parameters / 1e6:.0f}M parameters, float32, \
{torch.get_num_threads()} threads, greedy; the same {len(lengths)} questions of LLMEval-Med, of at \
most {_LONGEST_PROMPT} tokens, for all. Every eighth token of the vocabulary ends an answer: 1 to \
{max(lengths)} new tokens, quartiles {quartiles(lengths)}.

{HEAD}
{chr(10).join(rows)}

Of the bare batch with the library's attention the service reaches {ours.rate / bare.rate:.2f}, of \
the bare batch with the same attention {ours.rate / bare_by_request.rate:.2f}: that is what store, \
templates and queue cost.
"""


def said(name: str, found: Measured) -> Measured:
    """Tell what was found before the document is written: a long run may be cut."""
    print(f"{name}: {found.tokens} tokens, {found.seconds:.1f} s", file=sys.stderr, flush=True)
    return found


def quartiles(lengths: Sequence[int]) -> str:
    """The quartiles of some lengths, in words."""
    at = torch.tensor([0.25, 0.5, 0.75])
    found = torch.tensor(lengths, dtype=torch.float).quantile(at)
    return ", ".join(f"{one:.0f}" for one in found.tolist())


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """A question through a model's chat template."""
    return list(
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
        )
    )


def first_turns(dataset: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Categories and records of the benchmark's first turns."""
    for category, records in json.loads(dataset.read_text(encoding="utf-8")).items():
        yield from ((category, record) for record in records if record["round"] == 1)


def single_turns(dataset: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Categories and records of all questions, each as a conversation of its own."""
    content = json.loads(dataset.read_text(encoding="utf-8"))
    every = [(category, record) for category, records in content.items() for record in records]
    for group, (category, record) in enumerate(every, 1):
        yield category, record | {"round": 1, "groupCode": group}


def saved_questions(path: Path, chosen: Sequence[tuple[str, dict[str, Any]]]) -> Path:
    """A five-key file of some records."""
    kept: dict[str, list[Any]] = {}
    for category, record in chosen:
        kept.setdefault(category, []).append(record)
    path.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    return path


def service(work: Path, file: Path, order: GenerateOrder) -> tuple[Measured, list[int]]:
    """What `generate` makes of a file, from the first request to the last commit."""
    path = work / f"{order.label}.db"
    ensure_workbench(path)
    with opened(path) as store:
        import_questions(store, file, QuestionImport("real", "bench"))
        study = studies.study_by_id(store, 1)
        assert study is not None
        job_id = queue_generation(store, study, order, by="bench")
    do_in_foreground(path, job_id)
    with opened(path) as store:
        found = store.rows(
            "SELECT reply_tokens, output FROM generation"
            " JOIN response ON response.id = response_id"
            " JOIN question ON question.id = question_id ORDER BY position"
        )
        seconds = store.value(
            "SELECT 86400 * (max(julianday(response.created_at))"
            " - min(julianday(response.created_at) - generation.seconds / 86400))"
            " FROM generation JOIN response ON response.id = response_id"
        )
    texts = [zlib.decompress(row["output"]).decode() for row in found]
    lengths = [row["reply_tokens"] for row in found]
    return Measured(texts, sum(lengths), float(seconds)), lengths


def _chosen(dataset: Path, tokenizer: Any, work: Path) -> Path:
    """A file of so many first turns, evenly spread over the benchmark's."""
    short = [
        (category, record)
        for category, record in first_turns(dataset)
        if len(ids_of(tokenizer, record["problem"])) <= _LONGEST_PROMPT
    ]
    return saved_questions(work / "questions.json", short[:: len(short) // _QUESTIONS][:_QUESTIONS])
