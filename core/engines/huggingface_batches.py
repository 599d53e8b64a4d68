"""Two ways to answer many requests at once with one loaded model.

`Continuous` is the faster one: requests join and leave at any step. Its cache lies on one device,
so a model that is spread over several is served by `Static`: batches of neighbours in length, each
answered to its end.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from math import ceil
from threading import Condition, Lock
from typing import Any, Protocol

import torch
from transformers import ContinuousBatchingConfig

from core.engines.huggingface_schedule import PROMPTS_FIRST

LOOK_SECONDS = 0.2
#: Tokens a page of the cache: small ones waste less, large ones suit the GPU's kernels.
CPU_PAGE, GPU_PAGE = 16, 256
#: CUDA graphs of passes with a prompt, which are all of other sizes, and of those without.
GPU_GRAPHS = (False, True)
_LEAST_BATCH_TOKENS = 64
#: Tokens of a conversation up to which passes of one new token each read its cache by pages.
_PAGED_TOKENS = 32_768
#: A wave comes when so large a share of the last one is left; fewer requests never wait for it.
_LEFT, _LEAST_WAVE = 0.75, 64
#: Rows of a static batch; more wait longer for their longest.
_MOST_ROWS = 32
_OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "not enough memory", "num_sectors",
    "can't start new thread",  # whose stack is memory too
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Budget:
    """How much memory a batch may take.

    Attributes:
        batch_tokens: of one forward pass.
        cache_tokens: that the cache holds; None where the library sizes it by the share.
        share: of the GPU's free memory.
    """

    batch_tokens: int
    cache_tokens: int | None
    share: float

    def halved(self) -> "Budget | None":
        """Half of everything; None where that would be too little to work with."""
        if self.batch_tokens < 2 * _LEAST_BATCH_TOKENS:
            return None
        cache = None if self.cache_tokens is None else self.cache_tokens // 2
        return replace(
            self, batch_tokens=self.batch_tokens // 2, cache_tokens=cache, share=self.share / 2
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """The tokens that a request was answered with, its prompt not included."""

    number: int
    prompt_tokens: int
    tokens: list[int]


class Batches(Protocol):
    """Requests being answered."""

    @property
    def room(self) -> int:
        """Tokens that one request may have, prompt and answer together."""
        ...

    def submit(self, number: int, ids: Sequence[int], limit: int) -> None:
        """Take a request with its prompt's tokens, for at most so many new ones; thread-safe."""
        ...

    def finished(self) -> list[Finished]:
        """What has been answered, after a short wait at most.

        Raises:
            Exception: the batch broke; see `is_out_of_memory`.
        """
        ...


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether less memory would do: of a GPU, of torch on the CPU, or as transformers plans.

    torch raises a plain RuntimeError on the CPU; transformers a MemoryError where its plan does
    not fit, and a ValueError naming `num_sectors` where nothing of it would.
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(words in str(error).lower() for words in _OUT_OF_MEMORY)


class Continuous:
    """Continuous batching by transformers."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    @property
    def room(self) -> int:
        resolved = self._manager.continuous_batching_config
        return int(resolved.num_blocks * resolved.page_size)

    def submit(self, number: int, ids: Sequence[int], limit: int) -> None:
        self._manager.add_request(list(ids), request_id=str(number), max_new_tokens=limit)

    def finished(self) -> list[Finished]:
        found = self._manager.get_result(timeout=LOOK_SECONDS)
        if found is None:
            self._raise_what_broke()
            return []
        if found.error is not None:
            time.sleep(LOOK_SECONDS)  # requests fail first, what broke them is told after
            self._raise_what_broke()
            raise RuntimeError(found.error)
        return [
            Finished(int(found.request_id), len(found.prompt_ids), list(found.generated_tokens))
        ]

    def _raise_what_broke(self) -> None:
        broke: Exception | None = self._manager.background_thread_status.fatal_error
        if broke is not None:
            raise broke


@contextmanager
def continuous(
    model: Any, generation: Any, budget: Budget, *, seed: int | None
) -> Iterator[Batches]:
    """Continuous batches of a model until the block ends."""
    is_on_gpu = model.device.type == "cuda"
    page = GPU_PAGE if is_on_gpu else CPU_PAGE
    batching = ContinuousBatchingConfig(
        page_size=page,
        num_blocks=None if budget.cache_tokens is None else max(1, budget.cache_tokens // page),
        max_batch_tokens=budget.batch_tokens,
        max_memory_percent=budget.share if is_on_gpu else None,
        max_blocks_per_request=ceil(_PAGED_TOKENS / page) if is_on_gpu else None,
        use_cuda_graph=GPU_GRAPHS if is_on_gpu else None,
        scheduler_type=PROMPTS_FIRST if is_on_gpu else "fifo",
        seed=seed,
    )
    with model.continuous_batching_context_manager(
        generation_config=generation, continuous_batching_config=batching
    ) as manager:
        yield InWaves(Continuous(manager)) if is_on_gpu else Continuous(manager)


class InWaves:
    """Hands requests over in waves.

    While a prompt is read no new token is written, and a pass for a single prompt takes as long as
    one of new tokens for all. So what comes while others are being answered waits until a quarter
    of them has ended.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._held: list[tuple[int, Sequence[int], int]] = []
        self._running = 0
        self._full = 0
        self._is_filling = True
        self._lock = Lock()

    @property
    def room(self) -> int:
        return self._batches.room

    def submit(self, number: int, ids: Sequence[int], limit: int) -> None:
        with self._lock:
            if self._is_filling or self._running < _LEAST_WAVE:
                self._hand_over(number, ids, limit)
            else:
                self._held.append((number, ids, limit))

    def finished(self) -> list[Finished]:
        found = self._batches.finished()
        if found:
            with self._lock:
                self._running -= len(found)
                self._is_filling = False
                if self._running <= max(_LEAST_WAVE, _LEFT * self._full):
                    self._release()
        return found

    def _release(self) -> None:
        for one in self._held:
            self._hand_over(*one)
        self._held.clear()
        self._full = self._running

    def _hand_over(self, number: int, ids: Sequence[int], limit: int) -> None:
        self._batches.submit(number, ids, limit)
        self._running += 1
        self._full = max(self._full, self._running)


class Static:
    """Left-padded batches, longest prompts first, so that what is too large shows at once."""

    def __init__(
        self, model: Any, generation: Any, budget: Budget, *, ends: frozenset[int]
    ) -> None:
        assert budget.cache_tokens is not None
        self._model = model
        self._generation = generation
        self._ends = ends
        self._tokens = budget.cache_tokens
        self._waiting: list[tuple[int, list[int], int]] = []
        self._changed = Condition()

    @property
    def room(self) -> int:
        return self._tokens

    def submit(self, number: int, ids: Sequence[int], limit: int) -> None:
        with self._changed:
            self._waiting.append((number, list(ids), limit))
            self._changed.notify()

    def finished(self) -> list[Finished]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout=LOOK_SECONDS)
            batch = self._taken()
        return self._answered(batch) if batch else []

    def _taken(self) -> list[tuple[int, list[int], int]]:
        """The longest requests that fit into the cache together."""
        self._waiting.sort(key=lambda one: len(one[1]))
        batch: list[tuple[int, list[int], int]] = []
        while self._waiting and len(batch) < _MOST_ROWS:
            wider = [*batch, self._waiting[-1]]
            longest = max(len(ids) for _, ids, _ in wider) + max(limit for _, _, limit in wider)
            if batch and longest * len(wider) > self._tokens:
                break
            batch.append(self._waiting.pop())
        return batch

    @torch.no_grad()
    def _answered(self, batch: list[tuple[int, list[int], int]]) -> list[Finished]:
        longest = max(len(ids) for _, ids, _ in batch)
        padding = self._generation.pad_token_id
        padded = torch.tensor([[padding] * (longest - len(ids)) + ids for _, ids, _ in batch])
        seen = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for _, ids, _ in batch])
        generation = copy(self._generation)
        generation.max_new_tokens = max(limit for _, _, limit in batch)
        out = self._model.generate(
            input_ids=padded.to(self._model.device),
            attention_mask=seen.to(self._model.device),
            generation_config=generation,
        )
        return [
            Finished(number, len(ids), self._own(row[longest:].tolist()[:limit]))
            for (number, ids, limit), row in zip(batch, out, strict=True)
        ]

    def _own(self, tokens: list[int]) -> list[int]:
        """A row's tokens up to the first that ends it; what follows is padding."""
        for at, token in enumerate(tokens):
            if token in self._ends:
                return tokens[: at + 1]
        return tokens
