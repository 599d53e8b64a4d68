"""A question's identity: dataset, category, conversation, turn."""

import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
Difficulty = Literal["", "easy", "medium", "hard"]

#: The five categories of LLMEval-Med, in the order of its tables.
CATEGORIES = ("MK", "MLU", "MR", "MSE", "MTG")

#: Category of what holds for every category; no question has it.
EVERY_CATEGORY = "*"

_KEY = re.compile(r"(?!\*:)(?P<category>[^:\s]+):(?P<group>[^:\s]+):(?P<turn>[1-9]\d*)")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True, order=True)
class QuestionKey:
    """Category code, the benchmark's conversation number, and the turn (from 1)."""

    category: str
    group: str
    turn: int

    def __str__(self) -> str:
        return f"{self.category}:{self.group}:{self.turn}"


def question_key(text: str) -> QuestionKey | None:
    """Read a key such as `MK:5:1`, or None if the text is not one."""
    found = _KEY.fullmatch(text.strip())
    if found is None:
        return None
    return QuestionKey(found["category"], found["group"], int(found["turn"]))


def language_of(text: str) -> Language:
    """Tell Chinese from English by the presence of a Chinese character."""
    return "zh" if _CHINESE.search(text) else "en"
