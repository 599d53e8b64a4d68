"""A model spread over several devices answers in static batches, as one conversation at a time.

Without GPUs `device_map="auto"` puts every layer on the CPU: loading, hooks, padding and batches
are the real ones, moving between devices is not seen here.
"""

import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.engines.base import Configuration, Message
from core.engines.gpus import Gpu
from core.engines.huggingface_messages import Loaded, Notice, Order, Output
from core.engines.huggingface_process import serve
from core.engines.placing import weights_bytes
from tests.engines.test_huggingface import (
    one_at_a_time,
    run,
    told,
    user,
)
from tests.tiny_model import save_tiny_model

LENGTHS = (3, 60, 7, 200, 1, 90, 40, 12, 150, 2)


def asked(folder: Path, conversations: Sequence[Sequence[Message]], **parameters: Any) -> list[Any]:
    """What a process with two GPUs says to some conversations, notices included."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    order = Order(str(folder), parameters, (0, 1))
    process = context.Process(target=serve, args=(theirs, order), daemon=True)
    process.start()
    assert isinstance(ours.recv(), Loaded)
    for number, conversation in enumerate(conversations):
        turns = [{"role": one.role, "content": one.content} for one in conversation]
        ours.send((number, turns))
    answers: dict[int, Any] = {}
    found: list[Any] = []
    while len(answers) < len(conversations):
        assert ours.poll(60)
        said = ours.recv()
        if isinstance(said, Notice):
            found.append(said)
        else:
            answers[said[0]] = said[1]
    ours.close()  # nobody listens any more, so the process ends
    process.join(30)
    assert process.exitcode == 0
    return [*found, *(answers[number] for number in sorted(answers))]


def test_greedy_answers_of_static_batches_equal_those_of_one_at_a_time(tmp_path):
    folder = save_tiny_model(tmp_path / "model", ends_every=40)
    conversations = [user("发热三天，如何处理？" * count) for count in LENGTHS]

    found = asked(folder, conversations, max_tokens=30)

    expected = one_at_a_time(folder, conversations, limit=30)
    assert [
        (one.text, one.finish_reason, one.prompt_tokens, one.reply_tokens) for one in found
    ] == (expected)
    assert {finish for _, finish, _, _ in expected} == {"stop", "length"}


def test_what_does_not_fit_into_the_context_is_absent_and_the_rest_is_answered(tmp_path):
    folder = save_tiny_model(tmp_path / "model", context=40)

    long, short = asked(folder, [user("发热 " * 60), user("发热？")], max_tokens=4)

    assert (long.text, long.finish_reason, long.reply_tokens) == ("", "too_long", 0)
    assert isinstance(short, Output)
    assert short.reply_tokens == 4


def test_a_torch_that_knows_no_gpu_says_so_and_what_was_planned_is_told(tmp_path, monkeypatch):
    folder = save_tiny_model(tmp_path / "model")
    free = weights_bytes(folder)  # too little for weights and answers, and enough on two
    small = [Gpu(index, "H", 80 * 1024**3, free, 0, 40, None) for index in (0, 1)]
    monkeypatch.setattr("core.engines.huggingface.gpus", lambda: small)
    notices: list[tuple[str, dict[str, object]]] = []

    async def revision(engine: Any) -> Any:
        try:
            return await engine.revision()
        except Exception as error:  # noqa: BLE001
            return told(error)

    configuration = Configuration(
        str(folder),
        {},
        (),
        1,
        (0, 1),
        notice=lambda code, values: notices.append((code, dict(values))),
    )
    found = run(configuration, revision)

    assert found[1] == "no_cuda"
    assert notices == [("spread", {"gpus": "0+1"})]
