"""Local checkpoints: transformers in batches, one process a GPU, or one on the CPU.

A model that is too large for one GPU has a process on several. The model lives in processes of its
own. Requests go where the fewest are waiting; a process that dies takes its requests with it as
`CallFailed`, so that they stay outstanding, and nothing else.
"""

import asyncio
import importlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from core.engines.base import Configuration, Message, Reply
from core.engines.gpus import gpus
from core.engines.huggingface_messages import Loaded, Notice, Order, Output, Refusal
from core.engines.placing import folder_of, placed, weights_bytes
from core.errors import CallFailed, EngineStopped

_SEEDS_APART = 1_000_000
#: A model on the CPU takes every core that nobody else wants, and leaves the pages theirs.
_NICENESS = 10


@dataclass(slots=True)
class _Process:
    """A process with the model, and the requests that wait for it.

    Attributes:
        asked: requests without an answer, those included that wait for the model to be loaded.
    """

    process: multiprocessing.process.BaseProcess
    connection: Connection
    loaded: asyncio.Future[Loaded]
    waiting: dict[int, asyncio.Future[Output]] = field(default_factory=dict)
    asked: int = 0
    is_dead: bool = False


class HuggingFaceChat:
    """A chat model on this machine.

    Raises:
        EngineStopped: the GPUs have too little free memory for the weights.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._model = configuration.model
        self._notice = configuration.notice
        self._numbers = itertools.count()
        groups = _groups(configuration)
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a mistyped folder must not ask the hub
        context = multiprocessing.get_context("spawn")
        self._loop = asyncio.get_running_loop()
        self._processes = []
        for index, group in enumerate(groups):
            ours, theirs = context.Pipe()
            order = Order(configuration.model, _sown(configuration.parameters, index), group)
            process = context.Process(target=_serve, args=(theirs, order), daemon=True)
            process.start()
            theirs.close()
            found = _Process(process, ours, self._loop.create_future())
            self._processes.append(found)
            threading.Thread(target=self._listen, args=(found,), daemon=True).start()

    async def revision(self) -> str:
        """What identifies the loaded weights.

        Raises:
            EngineStopped: the model can't be loaded.
        """
        return (await asyncio.shield(self._processes[0].loaded)).revision

    async def answer(
        self,
        messages: Sequence[Message],
        *,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Answer a conversation whose last message is the user's.

        A call's seed has no effect here: continuous batches are seeded once a run, by the
        parameter `seed`.

        Raises:
            CallFailed: the process died; the request can be made again.
            EngineStopped: the model can't be loaded, its template takes no such conversation, or
                every process has died.
        """
        alive = [one for one in self._processes if not one.is_dead]
        if not alive:
            raise EngineStopped("engine_died", model=self._model)
        chosen = min(alive, key=lambda one: one.asked)
        started = time.perf_counter()
        chosen.asked += 1
        try:
            await asyncio.shield(chosen.loaded)
            output = await self._sent(chosen, messages)
        finally:
            chosen.asked -= 1
        return Reply(
            output.text, output.finish_reason, output.prompt_tokens, output.reply_tokens,
            time.perf_counter() - started,
        )  # fmt: skip

    def stop(self) -> None:
        """What has been handed over is answered or forgotten with the processes."""

    async def close(self) -> None:
        """End the processes."""
        for one in self._processes:
            one.process.kill()  # it holds nothing that is not stored
        for one in self._processes:
            await asyncio.to_thread(one.process.join)
            one.connection.close()

    async def _sent(self, to: _Process, messages: Sequence[Message]) -> Output:
        """What a process that has loaded the model answers."""
        number = next(self._numbers)
        to.waiting[number] = self._loop.create_future()
        try:
            turns = [{"role": one.role, "content": one.content} for one in messages]
            to.connection.send((number, turns))
            return await to.waiting[number]
        except OSError as error:
            raise CallFailed("engine_died", model=self._model) from error
        finally:
            del to.waiting[number]

    def _listen(self, one: _Process) -> None:
        """Hand on what a process says, until it says no more."""
        try:
            while True:
                self._loop.call_soon_threadsafe(self._heard, one, one.connection.recv())
        except (EOFError, OSError):
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._died, one)

    def _heard(self, one: _Process, said: Any) -> None:
        if isinstance(said, Loaded):
            one.loaded.set_result(said)
        elif isinstance(said, Refusal):
            _fail(one.loaded, EngineStopped(said.code, **said.values))
        elif isinstance(said, Notice):
            self._notice(said.code, said.values)
        else:
            number, answer = said
            future = one.waiting.get(number)
            if future is None or future.done():
                return
            if isinstance(answer, Refusal):
                future.set_exception(EngineStopped(answer.code, **answer.values))
            else:
                future.set_result(answer)

    def _died(self, one: _Process) -> None:
        one.is_dead = True
        error = CallFailed("engine_died", model=self._model)
        if not one.loaded.done():
            _fail(one.loaded, EngineStopped("engine_died", model=self._model))
        for future in one.waiting.values():
            if not future.done():
                future.set_exception(error)


def _groups(configuration: Configuration) -> list[tuple[int, ...]]:
    """The GPUs of each process: one each, several each for a large model, or none for the CPU."""
    if not configuration.gpus:
        configuration.notice("on_cpu", {})
        return [()]
    folder = folder_of(configuration.model)
    weights = weights_bytes(folder) if folder is not None else 0
    cards = [card for card in gpus() if card.index in configuration.gpus]
    groups = placed(weights, cards)
    if not groups:
        raise EngineStopped(
            "too_large_for_gpus",
            model=configuration.model,
            gigabytes=round(weights / 1024**3, 1),
            free=round(sum(card.memory_free for card in cards) / 1024**3, 1),
        )
    shown = " · ".join("+".join(map(str, group)) for group in groups)
    configuration.notice("spread" if any(len(one) > 1 for one in groups) else "on_gpus",
                         {"gpus": shown})  # fmt: skip
    return groups


def _sown(parameters: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    """Parameters with a seed of its own for each process, so that no two draw alike."""
    if "seed" not in parameters:
        return parameters
    return {**parameters, "seed": parameters["seed"] + _SEEDS_APART * index}


def _fail(loaded: asyncio.Future[Loaded], error: EngineStopped) -> None:
    """Settle a future that nobody may be waiting for, which asyncio would complain about."""
    loaded.set_exception(error)
    loaded.exception()


def _serve(connection: Connection, order: Order) -> None:
    """Entry of the process: choose the GPU before torch is imported, and import it only here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal interrupts both; ours ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if not order.gpus:
        os.nice(_NICENESS)
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as NVIDIA's management library counts
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, order.gpus))
    if order.gpus and not importlib.import_module("torch").cuda.is_available():
        connection.send(Refusal("no_cuda"))
        return
    importlib.import_module("core.engines.huggingface_process").serve(connection, order)


def _end_with_parent() -> None:
    """Leave no process behind when the one that started this is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
