"""A judge prompt: fixed text with five placeholders that are filled in one pass."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.criteria import Criteria
from core.domain.questions import Language

#: Every judge prompt must contain each of these once, in braces.
PLACEHOLDERS = (
    "earlier_turns",
    "question",
    "reference_answer",
    "checklist",
    "response",
)

_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_NOTHING = {"en": "(none)", "zh": "（无）"}
_SPEAKERS = {"en": ("Question", "Response"), "zh": ("提问", "回答")}


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier turn of the conversation, as this response's model lived it."""

    question: str
    response: str


def missing_placeholders(text: str) -> tuple[str, ...]:
    """Placeholders that a prompt lacks or has more than once."""
    present = _PLACEHOLDER.findall(text)
    return tuple(name for name in PLACEHOLDERS if present.count(name) != 1)


def rendered(
    template: str,
    criteria: Criteria,
    response: str,
    *,
    earlier_turns: Sequence[Turn],
    language: Language,
) -> str:
    """Fill a prompt. Braces inside the inserted texts are left as they are."""
    nothing = _NOTHING[language]
    values = {
        "earlier_turns": _spoken(earlier_turns, language) or nothing,
        "question": criteria.question_text,
        "reference_answer": criteria.reference_answer or nothing,
        "checklist": criteria.checklist or nothing,
        "response": response,
    }
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def prompt_hash(text: str) -> str:
    """Identity of a prompt's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _spoken(turns: Sequence[Turn], language: Language) -> str:
    asked, answered = _SPEAKERS[language]
    return "\n\n".join(
        f"[{number}] {asked}:\n{turn.question}\n\n[{number}] {answered}:\n{turn.response}"
        for number, turn in enumerate(turns, 1)
    )
