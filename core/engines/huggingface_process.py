"""The process that holds a checkpoint and answers in batches."""

import gc
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import jinja2
import psutil
import torch
import transformers
from transformers import GenerationConfig

from core.engines.huggingface_batches import (
    Batches,
    Budget,
    Finished,
    Static,
    continuous,
    is_out_of_memory,
)
from core.engines.huggingface_checkpoint import Unserveable, loaded, revision_of, untyped
from core.engines.huggingface_messages import Loaded, Notice, Order, Output, Refusal

#: Tokens that one forward pass takes on the CPU; larger passes don't go faster on few cores.
CPU_BATCH_TOKENS = 512
#: Tokens that the cache holds on the CPU, memory allowing.
CPU_CACHE_TOKENS = 65_536
#: As transformers has it where nothing is said.
_GPU_BATCH_TOKENS, _GPU_SHARE = 8192, 0.8
#: Share of the free memory that the cache may take on the CPU, or in static batches.
_CACHE_SHARE = 0.25


def serve(connection: Connection, order: Order) -> None:
    """Load the model, then answer until the other side hangs up.

    Receives `(number, turns)` and sends `(number, Output)`, or a `Refusal` in its place; the first
    thing sent is `Loaded` or `Refusal`, and a `Notice` may come between.
    """
    try:
        server = _Server(connection, order)
    except Unserveable as error:
        connection.send(error.refusal)
        return
    connection.send(Loaded(server.revision))
    server.run()


class _Server:
    """A loaded checkpoint and the requests it is working on."""

    def __init__(self, connection: Connection, order: Order) -> None:
        logging: Any = transformers.utils.logging
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.connection = connection
        self.name = order.model
        self.parameters = order.parameters
        self.is_spread = len(order.gpus) > 1
        self.tokenizer, self.model = loaded(order)
        self.revision = revision_of(order.model, self.model)
        self.context = int(self.model.config.get_text_config().max_position_embeddings)
        self.ends = _end_tokens(self.model, self.tokenizer)
        self.batches: Batches | None = None
        self.pending: dict[int, list[int]] = {}
        self.lock = threading.Lock()
        self.sending = threading.Lock()

    def run(self) -> None:
        """Answer until the process is ended; where memory runs out, go on with half as much."""
        threading.Thread(target=self._listen, daemon=True).start()
        budget: Budget | None = self._first_budget()
        while budget is not None:
            self._answer_within(budget)
            gc.collect()  # what broke still held the old cache
            budget = budget.halved()
            if budget is not None:
                values = {"model": self.name, "batch_tokens": budget.batch_tokens}
                self._say(Notice("memory_lowered", values))
        with self.lock:
            for number in self.pending:
                self._send(number, Refusal("needs_memory", {"model": self.name}))

    def _answer_within(self, budget: Budget) -> None:
        """Answer what comes until memory runs out; any other error ends the process."""
        try:
            with self._batched(budget) as batches:
                self._begin(batches)
                while True:
                    for found in batches.finished():
                        with self.lock:
                            self.pending.pop(found.number, None)
                        self._send(found.number, self._output(found))
        except (RuntimeError, MemoryError, ValueError) as error:
            if not is_out_of_memory(error):
                raise
        finally:
            with self.lock:
                self.batches = None

    def _begin(self, batches: Batches) -> None:
        """Submit what waits, and from now on what comes."""
        if batches.room < self.context:
            values = {"model": self.name, "room": batches.room, "context": self.context}
            self._say(Notice("memory_small", values))
        with self.lock:
            self.batches = batches
            for number, ids in list(self.pending.items()):
                self._submit(number, ids)

    def _listen(self) -> None:
        try:
            while True:
                number, turns = self.connection.recv()
                self._take(number, turns)
        except (EOFError, OSError):
            os._exit(0)  # nobody waits for what is still being answered

    def _take(self, number: int, turns: Sequence[Mapping[str, str]]) -> None:
        try:
            ids = self._tokens(turns)
        except jinja2.TemplateError as error:
            refusal = Refusal("template_refused", {"model": self.name, "reason": str(error)})
            self._send(number, refusal)
            return
        with self.lock:
            self.pending[number] = ids
            if self.batches is not None:
                self._submit(number, ids)

    def _submit(self, number: int, ids: list[int]) -> None:
        """Hand a request over, or answer that neither context nor memory holds it."""
        assert self.batches is not None
        room = min(self.context, self.batches.room) - len(ids)
        if room <= 0:
            del self.pending[number]
            self._send(number, Output("", "too_long", len(ids), 0))
            return
        limit = int(self.parameters.get("max_tokens", room))
        self.batches.submit(number, ids, min(limit, room))

    def _send(self, number: int, answer: Output | Refusal) -> None:
        self._say((number, answer))

    def _say(self, said: object) -> None:
        try:
            with self.sending:  # two threads send, and a connection is safe for one
                self.connection.send(said)
        except OSError:
            os._exit(0)

    def _tokens(self, turns: Sequence[Mapping[str, str]]) -> list[int]:
        """The conversation through the model's chat template.

        A template that refuses a system role gets the system text before the first question.
        """
        try:
            return self._templated(turns)
        except jinja2.TemplateError:
            if turns[0]["role"] != "system":
                raise
            first = {"role": "user", "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
            return self._templated([first, *turns[2:]])

    def _templated(self, turns: Sequence[Mapping[str, str]]) -> list[int]:
        return list(
            self.tokenizer.apply_chat_template(
                list(turns), add_generation_prompt=True, return_dict=False
            )
        )

    def _output(self, found: Finished) -> Output:
        is_ended = bool(found.tokens) and found.tokens[-1] in self.ends
        return Output(
            self.tokenizer.decode(found.tokens, skip_special_tokens=True),
            "stop" if is_ended else "length",
            found.prompt_tokens,
            len(found.tokens),
        )

    @contextmanager
    def _batched(self, budget: Budget) -> Iterator[Batches]:
        seed: int | None = self.parameters.get("seed")
        if self.is_spread:
            if seed is not None:
                torch.manual_seed(seed)
            yield Static(self.model, self._generation(), budget, ends=self.ends)
        else:
            with continuous(self.model, self._generation(), budget, seed=seed) as batches:
                yield batches

    def _generation(self) -> Any:
        temperature = self.parameters.get("temperature", 0) or 0
        sampling = {"temperature": temperature, "top_p": self.parameters.get("top_p", 1.0)}
        return untyped(GenerationConfig)(
            do_sample=temperature > 0,
            eos_token_id=sorted(self.ends),
            pad_token_id=self.tokenizer.pad_token_id or min(self.ends),
            max_new_tokens=self.parameters.get("max_tokens", self.context),
            **(sampling if temperature > 0 else {}),
        )

    def _first_budget(self) -> Budget:
        """On one GPU the library sizes the cache by the free memory; elsewhere we do."""
        if self.model.device.type == "cuda" and not self.is_spread:
            return Budget(_GPU_BATCH_TOKENS, None, _GPU_SHARE)
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        per_token = 2 * config.num_hidden_layers * heads * width * self.model.dtype.itemsize
        fitting = int(_CACHE_SHARE * _free_memory() / per_token)
        return Budget(CPU_BATCH_TOKENS, min(fitting, max(CPU_CACHE_TOKENS, self.context)), 0.0)


def _free_memory() -> int:
    """Bytes, of all GPUs that this process sees, or of the machine where it sees none."""
    if torch.cuda.is_available():
        return sum(torch.cuda.mem_get_info(at)[0] for at in range(torch.cuda.device_count()))
    return psutil.virtual_memory().available


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens at which an answer ends."""
    configured = model.generation_config.eos_token_id
    if configured is None:
        configured = tokenizer.eos_token_id
    return frozenset(configured if isinstance(configured, (list, tuple)) else [configured])
