"""HealthBench: conversations with rubrics of points, which may be negative."""

from collections.abc import Iterator
from typing import Any

from core.domain.criteria import checklist_of
from core.domain.rubrics import criterion_line
from core.errors import BrokenFile
from core.formats.base import text_field, wrong_type
from core.formats.declaring import Fields, Format, Record

_ROLES = ("system", "user", "assistant")


def conversation(prompt: Any, file: str, where: str) -> tuple[list[dict[str, str]], str]:
    """The turns before the last message, and that message, which is the question.

    Raises:
        BrokenFile: `wrong_type`; `not_a_users_turn` where somebody else has the last word.
    """
    if not isinstance(prompt, list) or not prompt:
        raise wrong_type(file, where, "prompt", "list", prompt)
    turns = []
    for message in prompt:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise wrong_type(file, where, "prompt", "message", message)
        text = text_field(message, "content", file=file, where=where)
        turns.append({"role": message["role"], "content": text})
    if turns[-1]["role"] != "user":
        raise BrokenFile("not_a_users_turn", file=file, where=where)
    return turns[:-1], turns[-1]["content"]


def _flat(record: Record, file: str, where: str) -> Iterator[Record]:
    given, question = conversation(record["prompt"], file, where)
    rubrics = record["rubrics"]
    if not isinstance(rubrics, list) or not rubrics:
        raise wrong_type(file, where, "rubrics", "list", rubrics)
    tags = record.get("example_tags") or []
    theme = next((str(tag)[6:] for tag in tags if str(tag).startswith("theme:")), "")
    yield {
        **record,
        "question": question,
        "given_turns": given,
        "checklist": checklist_of(core=[_criterion(one, file, where) for one in rubrics]),
        "theme": theme,
    }


def _criterion(rubric: Any, file: str, where: str) -> str:
    if not isinstance(rubric, dict):
        raise wrong_type(file, where, "rubrics", "object", rubric)
    points = rubric.get("points")
    if isinstance(points, float) and points.is_integer():
        points = int(points)
    if type(points) is not int or points == 0:
        raise wrong_type(file, where, "points", "points", points)
    text = text_field(rubric, "criterion", file=file, where=where).strip()
    if not text:
        raise wrong_type(file, where, "criterion", "text", text)
    return criterion_line(text, points)


FORMAT = Format(
    name="healthbench",
    layout="jsonl",
    signs=("prompt", "rubrics"),
    fields=Fields(
        question="question", id="prompt_id", checklist="checklist", department="theme",
        answer="ideal_completions_data.ideal_completion", given_turns="given_turns",
    ),
    category="HB",
    reshaped=_flat,
)  # fmt: skip
