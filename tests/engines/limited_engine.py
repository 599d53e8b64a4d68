"""The engine's process with an end to its memory: `python -m tests.engines.limited_engine …`.

Serves a checkpoint to some questions, and prints what the process said as JSON. Once the model is
loaded, the process may take so many megabytes of address space more; beyond, torch's allocator
fails. And the cache is planned as if the machine had so many bytes free (0: as many as it has).
"""

import json
import resource
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psutil

from core.engines import huggingface_process
from core.engines.huggingface_messages import Loaded, Notice, Order, Output, Refusal

_MEGABYTE = 1024**2


class _Line:
    """The other side of the process: asks once the model is there, and prints what comes back."""

    def __init__(self, questions: list[str], megabytes: int) -> None:
        self._megabytes = megabytes
        self._asked: Iterator[Any] = iter(
            [(at, [{"role": "user", "content": text}]) for at, text in enumerate(questions)]
        )
        self._left = len(questions)
        self._ended = threading.Event()

    def send(self, said: Any) -> None:
        if isinstance(said, Loaded):
            taken = psutil.Process().memory_info().vms
            limit = taken + self._megabytes * _MEGABYTE
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            return
        if isinstance(said, (Notice, Refusal)):
            print(json.dumps([said.code, said.values]), flush=True)
            return
        number, answer = said
        if isinstance(answer, Output):
            print(json.dumps([number, answer.text, answer.finish_reason]), flush=True)
        else:
            print(json.dumps([number, answer.code]), flush=True)
        self._left -= 1
        if self._left == 0:
            self._ended.set()

    def recv(self) -> Any:
        for asked in self._asked:
            return asked
        self._ended.wait()
        raise EOFError


def main() -> None:
    """Serve `FOLDER MEGABYTES FREE PARAMETERS QUESTIONS`, the last two as JSON."""
    folder, megabytes, free, parameters, questions = sys.argv[1:]
    if int(free):
        huggingface_process._free_memory = lambda: int(free)
    line: Any = _Line(json.loads(questions), int(megabytes))
    huggingface_process.serve(line, Order(folder, json.loads(parameters), ()))


if __name__ == "__main__":
    main()
