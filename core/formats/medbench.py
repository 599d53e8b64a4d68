"""MedBench: its platform's lines, its older lines with a passage, and OpenCompass's folders."""

from collections.abc import Iterator

from core.formats.base import is_missing
from core.formats.declaring import Fields, Format, Record

#: As the platform hands it out: the right answers stay there, and `answer` is to be filled.
PLATFORM = Format(
    name="medbench",
    layout="jsonl",
    signs=("question", "answer", "other"),
    fields=Fields(id="other.id", category="other.source", options="options", answer="answer"),
)


def _with_answer(record: Record, file: str, where: str) -> Iterator[Record]:
    """The right answer stands under `answer`, or under `label`."""
    answer = record.get("answer")
    if is_missing(answer) or answer == "":
        answer = record.get("label")
    yield record | {"answer": answer}


#: The older form, with options in a list; the label stands in for a missing answer.
PASSAGES = Format(
    name="medbench-passages",
    layout="jsonl",
    signs=("passage", "question", "options"),
    fields=Fields(
        id="other.id", category="other.source", stem="passage", options="options", answer="answer",
    ),
    reshaped=_with_answer,
)  # fmt: skip

#: A folder of `<Task>/<Task>.jsonl`; a task is a category.
OPENCOMPASS = Format(
    name="opencompass-medbench",
    layout="folder",
    signs=("question", "options", "answer"),
    fields=Fields(category="task", stem="passage", options="options", answer="answer"),
    reshaped=_with_answer,
)
