"""Commands as processes of their own, to be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(arguments: Sequence[str], *, key: str = "") -> Iterator[subprocess.Popen[str]]:
    """`python -m core …` as a process of its own, which does not outlive the block."""
    environment = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    if key:
        environment["OPENAI_API_KEY"] = key
    process = subprocess.Popen(
        [sys.executable, "-m", "core", *arguments], cwd=ROOT, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finished(arguments: Sequence[str]) -> dict[str, Any]:
    """Run a command to its end; what it printed as JSON."""
    with started(arguments) as process:
        printed, complained = process.communicate()
    assert process.returncode == 0, complained
    return dict(json.loads(printed))
