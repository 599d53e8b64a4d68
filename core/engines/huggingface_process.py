"""The process that holds a checkpoint and answers in continuous batches."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import jinja2
import psutil
import torch
import transformers
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    ContinuousBatchingConfig,
    GenerationConfig,
)

from core.engines.huggingface_messages import Loaded, Order, Output, Refusal

#: Tokens that one forward pass takes on the CPU; larger passes don't go faster on few cores.
CPU_BATCH_TOKENS = 512
PAGE = 16  # tokens
#: Tokens that the cache holds on the CPU, memory allowing.
CPU_CACHE_TOKENS = 65_536
#: Share of the free memory that the cache may take on the CPU.
_CPU_CACHE_SHARE = 0.25
_LEAST_BATCH_TOKENS = 64
_LOOK_SECONDS = 0.2
#: Of a large file so many pieces of so many bytes stand for the whole.
_PIECES, _PIECE = 64, 65_536


class _Unserveable(Exception):
    """The checkpoint can't be used; carries the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def serve(connection: Connection, order: Order) -> None:
    """Load the model, then answer until the other side hangs up.

    Receives `(number, turns)` and sends `(number, Output)`, or a `Refusal` in its place; the first
    thing sent is `Loaded` or `Refusal`.
    """
    try:
        server = _Server(order)
    except _Unserveable as error:
        connection.send(error.refusal)
        return
    connection.send(Loaded(server.revision))
    server.run(connection)


class _Server:
    """A loaded checkpoint and the requests it is working on."""

    def __init__(self, order: Order) -> None:
        logging: Any = transformers.utils.logging
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.is_on_gpu = order.gpu is not None
        self.name = order.model
        self.parameters = order.parameters
        self.tokenizer, self.model = _loaded(order)
        self.revision = _revision(order.model, self.model)
        self.context = int(self.model.config.get_text_config().max_position_embeddings)
        self.eos = _end_tokens(self.model, self.tokenizer)
        self.batch_tokens = None if self.is_on_gpu else CPU_BATCH_TOKENS
        self.pending: dict[int, list[int]] = {}
        self.lock = threading.Lock()
        self.sending = threading.Lock()

    def run(self, connection: Connection) -> None:
        """Answer until the process is ended; out of memory halves the batch and goes on."""
        listener = threading.Thread(target=self._listen, args=(connection,), daemon=True)
        self.manager: Any = None
        listener.start()
        while True:
            with self._batching() as manager:
                with self.lock:
                    self.manager = manager
                    for number, ids in self.pending.items():
                        self._submit(number, ids)
                error = self._answer(connection, manager)
            self._lower_budget(error)

    def _answer(self, connection: Connection, manager: Any) -> Exception:
        """Send answers as they come, until an error ends the batch; that error."""
        while True:
            found = manager.get_result(timeout=_LOOK_SECONDS)
            fatal: Exception | None = manager.background_thread_status.fatal_error
            if fatal is not None:
                return fatal
            if found is None:
                continue
            if found.error is not None:
                return RuntimeError(found.error)
            with self.lock:
                self.pending.pop(int(found.request_id), None)
            self._send(connection, int(found.request_id), self._output(found))

    def _listen(self, connection: Connection) -> None:
        try:
            while True:
                number, turns = connection.recv()
                self._take(connection, number, turns)
        except (EOFError, OSError):
            os._exit(0)  # nobody waits for what is still being answered

    def _take(
        self, connection: Connection, number: int, turns: Sequence[Mapping[str, str]]
    ) -> None:
        try:
            ids = self._tokens(turns)
        except jinja2.TemplateError as error:
            refusal = Refusal("template_refused", {"model": self.name, "reason": str(error)})
            self._send(connection, number, refusal)
            return
        if len(ids) >= self.context:
            self._send(connection, number, Output("", "too_long", len(ids), 0))
            return
        with self.lock:
            self.pending[number] = ids
            if self.manager is not None:
                self._submit(number, ids)

    def _submit(self, number: int, ids: list[int]) -> None:
        room = self.context - len(ids)
        limit = int(self.parameters.get("max_tokens", room))
        self.manager.add_request(ids, request_id=str(number), max_new_tokens=min(limit, room))

    def _send(self, connection: Connection, number: int, answer: Output | Refusal) -> None:
        try:
            with self.sending:  # two threads send, and a connection is safe for one
                connection.send((number, answer))
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

    def _output(self, found: Any) -> Output:
        tokens = list(found.generated_tokens)
        is_ended = bool(tokens) and tokens[-1] in self.eos
        return Output(
            self.tokenizer.decode(tokens, skip_special_tokens=True),
            "stop" if is_ended else "length",
            len(found.prompt_ids),
            len(tokens),
        )

    @contextmanager
    def _batching(self) -> Iterator[Any]:
        temperature = self.parameters.get("temperature", 0) or 0
        sampling = {"temperature": temperature, "top_p": self.parameters.get("top_p", 1.0)}
        generation = _untyped(GenerationConfig)(
            do_sample=temperature > 0,
            eos_token_id=sorted(self.eos),
            pad_token_id=self.tokenizer.pad_token_id or min(self.eos),
            max_new_tokens=self.parameters.get("max_tokens", self.context),
            **(sampling if temperature > 0 else {}),
        )
        batching = ContinuousBatchingConfig(
            page_size=256 if self.is_on_gpu else PAGE,
            num_blocks=None if self.is_on_gpu else self._cpu_blocks(),
            max_batch_tokens=self.batch_tokens,
            seed=self.parameters.get("seed"),
        )
        with self.model.continuous_batching_context_manager(
            generation_config=generation, continuous_batching_config=batching
        ) as manager:
            yield manager

    def _cpu_blocks(self) -> int:
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        per_token = 2 * config.num_hidden_layers * heads * width * self.model.dtype.itemsize
        room = _CPU_CACHE_SHARE * psutil.virtual_memory().available / per_token
        return max(1, int(min(room, max(CPU_CACHE_TOKENS, self.context))) // PAGE)

    def _lower_budget(self, error: Exception) -> None:
        """Halve the batch after an out-of-memory error; anything else ends the process."""
        if "out of memory" not in str(error).lower():
            raise error
        halved = (self.batch_tokens or 8192) // 2
        if halved < _LEAST_BATCH_TOKENS:
            raise error
        self.batch_tokens = halved


def _loaded(order: Order) -> tuple[Any, Any]:
    """Tokenizer and model of a checkpoint."""
    given = order.model
    if given.startswith((".", "/", "~")) or (os.sep in given and Path(given).exists()):
        path = Path(given).expanduser()
        if not path.is_dir():
            raise _Unserveable(Refusal("no_model_folder", {"path": given}))
        if not (path / "config.json").is_file():
            raise _Unserveable(Refusal("not_a_model", {"path": given}))
        given = str(path)
    trust = bool(order.parameters.get("trust_remote_code", False))
    try:
        tokenizer = AutoTokenizer.from_pretrained(given, trust_remote_code=trust)
        model = _untyped(AutoModelForCausalLM).from_pretrained(
            given,
            dtype=torch.bfloat16 if order.gpu is not None else "auto",
            trust_remote_code=trust,
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _Unserveable(Refusal("not_a_model", {"path": order.model})) from error
    if not tokenizer.encode("a", add_special_tokens=False):  # its files are missing
        raise _Unserveable(Refusal("not_a_model", {"path": order.model}))
    if not tokenizer.chat_template:
        raise _Unserveable(Refusal("no_chat_template", {"path": order.model}))
    return tokenizer, model.to("cuda" if order.gpu is not None else "cpu").eval()


def _untyped(of_transformers: Any) -> Any:
    """Parts of transformers whose annotations don't say what they take."""
    return of_transformers


def _revision(name: str, model: Any) -> str:
    """The hub's commit, or for a folder a hash of its files."""
    commit = getattr(model.config, "_commit_hash", None)
    if commit:
        return str(commit)
    digest = hashlib.sha256()
    for path in sorted(Path(name).expanduser().iterdir()):
        if path.is_file():
            digest.update(f"{path.name}:{path.stat().st_size}:".encode())
            for piece in _pieces(path):
                digest.update(piece)
    return f"folder-{digest.hexdigest()[:16]}"


def _pieces(path: Path) -> Iterator[bytes]:
    """A small file whole; of weights pieces throughout, which other training changes too."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _PIECES * _PIECE:
            yield file.read()
            return
        for at in range(_PIECES):
            file.seek(at * (size - _PIECE) // (_PIECES - 1))
            yield file.read(_PIECE)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens at which an answer ends."""
    configured = model.generation_config.eos_token_id
    if configured is None:
        configured = tokenizer.eos_token_id
    return frozenset(configured if isinstance(configured, (list, tuple)) else [configured])
