"""Generating on the CPU: our service against the released way and against a bare batch.

The model is a Qwen3 of random weights. Every eighth token ends an answer, so that the number of
new tokens differs from question to question, and is the same however the question is asked.
"""

import json
import time
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

from core.engines.huggingface_process import CPU_BATCH_TOKENS, CPU_CACHE_TOKENS, PAGE
from core.formats.llmeval_med import read_questions
from core.services.generating import GenerateOrder, queue_generation
from core.services.importing_questions import QuestionImport, import_questions
from core.services.opening import ensure_workbench
from core.store import studies
from core.store.database import opened
from core.worker.running import do_in_foreground
from tests.tiny_model import save_tiny_model

_QUESTIONS = 64
_LONGEST_PROMPT = 400  # tokens
_MOST_NEW_TOKENS = 128
_YARDSTICK_EVERY = 3


@dataclass(frozen=True, slots=True)
class _Measured:
    """Useful tokens, and the seconds that they took."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Useful tokens per second."""
        return self.tokens / self.seconds


def generating(work: Path, dataset: Path) -> str:
    """The part of docs/performance.md about generating."""
    folder = _saved_model(work / "qwen3")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()
    file = _chosen(dataset, tokenizer, work)
    texts = [q.criteria.question_text for q in read_questions(file)]
    yardstick, lengths = _yardstick(model, tokenizer, texts[::_YARDSTICK_EVERY])
    bare, bare_lengths = _bare_batch(model, tokenizer, texts)
    parameters = sum(one.numel() for one in model.parameters())
    del model
    ours, our_lengths = _service(work, file, folder)
    same = sum(one == other for one, other in zip(bare_lengths, our_lengths, strict=True))
    spread = torch.tensor(our_lengths, dtype=torch.float).quantile(torch.tensor([0.25, 0.5, 0.75]))
    quartiles = ", ".join(f"{one:.0f}" for one in spread.tolist())
    return f"""## Generate with a checkpoint on the CPU

A Qwen3 of random weights, {parameters / 1e6:.0f}M parameters, {torch.get_num_threads()} threads, \
greedy; {len(texts)} questions of LLMEval-Med of at most {_LONGEST_PROMPT} tokens. Every eighth \
token of the vocabulary ends an answer, so lengths vary by themselves and alike in all three: 1 to \
{max(our_lengths)} new tokens, quartiles {quartiles}. {same} of {len(texts)} answers are as long \
in the batch as in the service.

| | new tokens | seconds | tokens/s | ratio to the yardstick |
|---|---:|---:|---:|---:|
| the released way: a pipeline, one conversation at a time ({len(lengths)} of the questions) | \
{yardstick.tokens} | {yardstick.seconds:.1f} | {yardstick.rate:.0f} | 1 |
| bare `generate_batch`, same requests and batching | {bare.tokens} | {bare.seconds:.1f} | \
{bare.rate:.0f} | {bare.rate / yardstick.rate:.1f} |
| `generate`, first request to last commit | {ours.tokens} | {ours.seconds:.1f} | \
{ours.rate:.0f} | {ours.rate / yardstick.rate:.1f} |

Of the bare batch, the service reaches {ours.rate / bare.rate:.2f}.
"""


def _saved_model(folder: Path) -> Path:
    save_tiny_model(folder, hidden=640, layers=16, vocabulary=6000)
    path = folder / "generation_config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    content["eos_token_id"] = [content["eos_token_id"], *range(301, size, 8)]
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def _chosen(dataset: Path, tokenizer: Any, work: Path) -> Path:
    """A file of so many first turns, evenly spread over the benchmark's."""
    content = json.loads(dataset.read_text(encoding="utf-8"))
    short = [
        (category, record)
        for category, records in content.items()
        for record in records
        if record["round"] == 1 and len(_ids(tokenizer, record["problem"])) <= _LONGEST_PROMPT
    ]
    step = len(short) // _QUESTIONS
    kept: dict[str, list[Any]] = {category: [] for category in content}
    for category, record in short[::step][:_QUESTIONS]:
        kept[category].append(record)
    path = work / "questions.json"
    path.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    return path


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
        )
    )


def _yardstick(model: Any, tokenizer: Any, texts: list[str]) -> tuple[_Measured, list[int]]:
    """The released way: a text-generation pipeline, one conversation after the other."""
    pipe = pipeline("text-generation", model=model, tokenizer=tokenizer)
    config = _greedy(model)
    lengths = []
    started = time.perf_counter()
    for text in texts:
        [found] = pipe(
            [{"role": "user", "content": text}], generation_config=config,
            return_tensors=True,
        )  # fmt: skip
        lengths.append(len(found["generated_token_ids"]) - len(_ids(tokenizer, text)))
    return _Measured(sum(lengths), time.perf_counter() - started), lengths


def _bare_batch(model: Any, tokenizer: Any, texts: list[str]) -> tuple[_Measured, list[int]]:
    batching = ContinuousBatchingConfig(
        page_size=PAGE, num_blocks=CPU_CACHE_TOKENS // PAGE, max_batch_tokens=CPU_BATCH_TOKENS,
    )  # fmt: skip
    started = time.perf_counter()
    found = model.generate_batch(
        inputs=[_ids(tokenizer, text) for text in texts],
        generation_config=_greedy(model),
        continuous_batching_config=batching,
    )
    seconds = time.perf_counter() - started
    lengths = [len(one.generated_tokens) for one in found.values()]
    return _Measured(sum(lengths), seconds), lengths


def _greedy(model: Any) -> GenerationConfig:
    config: Any = GenerationConfig
    found: GenerationConfig = config(
        do_sample=False, eos_token_id=model.generation_config.eos_token_id,
        pad_token_id=0, max_new_tokens=_MOST_NEW_TOKENS,
    )  # fmt: skip
    return found


def _service(work: Path, file: Path, folder: Path) -> tuple[_Measured, list[int]]:
    path = work / "generation.db"
    ensure_workbench(path)
    order = GenerateOrder(
        "huggingface", str(folder), "qwen3", {"max_tokens": _MOST_NEW_TOKENS}
    )  # fmt: skip
    with opened(path) as store:
        import_questions(store, file, QuestionImport("real", "bench"))
        study = studies.study_by_id(store, 1)
        assert study is not None
        job_id = queue_generation(store, study, order, by="bench")
    do_in_foreground(path, job_id)
    with opened(path) as store:
        lengths = [
            row[0]
            for row in store.rows(
                "SELECT reply_tokens FROM generation JOIN response ON response.id = response_id"
                " JOIN question ON question.id = question_id ORDER BY position"
            )
        ]
        seconds = store.value(
            "SELECT 86400 * (max(julianday(response.created_at))"
            " - min(julianday(response.created_at) - generation.seconds / 86400))"
            " FROM generation JOIN response ON response.id = response_id"
        )
    return _Measured(sum(lengths), float(seconds)), lengths
