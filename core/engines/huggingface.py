"""Local checkpoints: transformers with continuous batching, one process a GPU, or one on the CPU.

The model lives in processes of its own. Requests go where the fewest are waiting; a process that
dies takes its requests with it as `CallFailed`, so that they stay outstanding, and nothing else.
"""

import asyncio
import importlib
import itertools
import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from core.engines.base import Configuration, Message, Reply
from core.engines.huggingface_messages import Loaded, Order, Output, Refusal
from core.errors import CallFailed, EngineStopped


@dataclass(slots=True)
class _Process:
    """A process with the model, and the requests that wait for it."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    loaded: asyncio.Future[Loaded]
    waiting: dict[int, asyncio.Future[Output]] = field(default_factory=dict)


class HuggingFaceChat:
    """A chat model on this machine."""

    def __init__(self, configuration: Configuration) -> None:
        self._model = configuration.model
        self._numbers = itertools.count()
        context = multiprocessing.get_context("spawn")
        self._loop = asyncio.get_running_loop()
        self._processes = []
        for gpu in configuration.gpus or (None,):
            ours, theirs = context.Pipe()
            order = Order(configuration.model, configuration.parameters, gpu)
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
        return (await self._processes[0].loaded).revision

    async def answer(self, messages: Sequence[Message], *, seed: int | None = None) -> Reply:
        """Answer a conversation whose last message is the user's.

        A call's seed has no effect here: continuous batches are seeded once a run, by the
        parameter `seed`.

        Raises:
            CallFailed: the process died; the request can be made again.
            EngineStopped: the model can't be loaded.
        """
        chosen = min(self._processes, key=lambda one: len(one.waiting))
        await chosen.loaded
        number = next(self._numbers)
        future: asyncio.Future[Output] = self._loop.create_future()
        chosen.waiting[number] = future
        started = time.perf_counter()
        try:
            turns = [{"role": one.role, "content": one.content} for one in messages]
            chosen.connection.send((number, turns))
            output = await future
        except OSError as error:
            raise CallFailed("engine_died", model=self._model) from error
        finally:
            chosen.waiting.pop(number, None)
        return Reply(
            output.text, output.finish_reason, output.prompt_tokens, output.reply_tokens,
            time.perf_counter() - started,
        )  # fmt: skip

    async def close(self) -> None:
        """End the processes."""
        for one in self._processes:
            one.connection.close()
            one.process.terminate()
        for one in self._processes:
            await asyncio.to_thread(one.process.join, 10)

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
            one.loaded.set_exception(EngineStopped(said.code, **said.values))
        else:
            number, output = said
            future = one.waiting.get(number)
            if future is not None and not future.done():
                future.set_result(output)

    def _died(self, one: _Process) -> None:
        error = CallFailed("engine_died", model=self._model)
        if not one.loaded.done():
            one.loaded.set_exception(EngineStopped("engine_died", model=self._model))
        for future in one.waiting.values():
            if not future.done():
                future.set_exception(error)


def _serve(connection: Connection, order: Order) -> None:
    """Entry of the process: choose the GPU before torch is imported, and import it only here."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if order.gpu is None else str(order.gpu)
    importlib.import_module("core.engines.huggingface_process").serve(connection, order)
