"""A judge prompt: fixed text with placeholders that are filled in one pass.

Whatever a model wrote is data: it stands between two fence lines made with a marker that was drawn
at random for this prompt, so that nothing inside can end the fence.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.criteria import Criteria, Level, Requirement
from core.domain.questions import Language
from core.domain.scales import Scale
from core.domain.verdicts import Because, Unscored

#: Every judge prompt must contain each of these, in braces: `marker` at least once, as often as its
#: author explains the fence, the others exactly once.
PLACEHOLDERS = (
    "earlier_turns",
    "question",
    "reference_answer",
    "checklist",
    "requirements",
    "response",
    "ticket",
    "marker",
)

_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_NOTHING = {"en": "(none)", "zh": "（无）"}
_SPEAKERS = {"en": ("Question", "Response"), "zh": ("提问", "回答")}
_REQUIREMENT = {"en": "{number}. [{level}] {text}", "zh": "{number}. 【{level}】{text}"}
_LEVELS: dict[Language, dict[Level, str]] = {
    "en": {"core": "core", "secondary": "secondary"},
    "zh": {"core": "核心需求", "secondary": "次要需求"},
}


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier turn of the conversation, as this response's model lived it."""

    question: str
    response: str


def missing_placeholders(text: str) -> tuple[str, ...]:
    """Placeholders that a prompt lacks, or has more than once where it must have one."""
    present = _PLACEHOLDER.findall(text)
    return tuple(
        name
        for name in PLACEHOLDERS
        if not present.count(name) or (name != "marker" and present.count(name) > 1)
    )


def rendered(
    template: str,
    criteria: Criteria,
    response: str,
    *,
    earlier_turns: Sequence[Turn],
    language: Language,
    marker: str,
    ticket: str,
) -> str:
    """Fill a prompt; nothing inserted is altered or cut, braces inside it included.

    Args:
        language: the prompt's.
        marker: a random token that occurs in none of the inserted texts; it makes the fences.
        ticket: a random token that occurs in none of them either; a verdict must return it.
    """
    nothing = _NOTHING[language]
    values = {
        "earlier_turns": _spoken(earlier_turns, language, marker) or nothing,
        "question": criteria.question_text,
        "reference_answer": criteria.reference_answer or nothing,
        "checklist": criteria.checklist or nothing,
        "requirements": _listed(criteria.requirements, language) or nothing,
        "response": _fenced(response, marker),
        "ticket": ticket,
        "marker": marker,
    }
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def prompt_hash(text: str) -> str:
    """Identity of a prompt's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _fenced(text: str, marker: str) -> str:
    return f"<<<BEGIN {marker}\n{text}\nEND {marker}>>>"


def _spoken(turns: Sequence[Turn], language: Language, marker: str) -> str:
    asked, answered = _SPEAKERS[language]
    return "\n\n".join(
        f"[{number}] {asked}:\n{turn.question}\n\n"
        f"[{number}] {answered}:\n{_fenced(turn.response, marker)}"
        for number, turn in enumerate(turns, 1)
    )


def _listed(requirements: Sequence[Requirement], language: Language) -> str:
    """The requirements with the numbers by which a verdict marks them."""
    return "\n".join(
        _REQUIREMENT[language].format(
            number=number, level=_LEVELS[language][one.level], text=one.text
        )
        for number, one in enumerate(requirements, 1)
    )


# --- asking again -----------------------------------------------------------------------------

#: Version of the texts below, which a judge reads too: a change of them is a new version.
REASK_VERSION = 1
_LONGEST_DETAIL = 60

_FAULTS: dict[Language, dict[Because, str]] = {
    "en": {
        "no_verdict": "it holds no JSON object with the ticket",
        "wrong_ticket": "its ticket is {detail}",
        "two_verdicts": "it gives more than one score",
        "missing_field": "this field is missing or has a wrong value: {detail}",
        "not_an_integer": "score is {detail}, which is not a whole number",
        "out_of_range": "score is {detail}, which is not on the scale",
        "cut_off": "it was cut off before the JSON object was complete",
    },
    "zh": {
        "no_verdict": "其中没有写明校验码的JSON对象",
        "wrong_ticket": "校验码写成了 {detail}",
        "two_verdicts": "其中给出了不止一个评分",
        "missing_field": "以下字段缺失或取值有误：{detail}",
        "not_an_integer": "score 为 {detail}，不是整数",
        "out_of_range": "score 为 {detail}，超出评分范围",
        "cut_off": "JSON对象尚未写完就被截断",
    },
}
_SHAPE: dict[Language, str] = {
    "en": '{{"ticket": "{ticket}", "requirements": [{marks}], "rationale": "<text>", '
    '"safety_risk": <true or false>, "score": <integer {minimum} to {maximum}>}}',
    "zh": '{{"ticket": "{ticket}", "requirements": [{marks}], "rationale": "<文字>", '
    '"safety_risk": <true或false>, "score": <{minimum}到{maximum}的整数>}}',
}
_MARK_SHAPE: dict[Language, str] = {
    "en": '{"number": <number>, "mark": "met" or "partly" or "not_met", "quote": "<text>"}, …',
    "zh": '{"number": <编号>, "mark": "met"或"partly"或"not_met", "quote": "<文字>"}, …',
}
_REASK: dict[Language, str] = {
    "en": (
        "Your reply could not be read: {fault}. Judge the same response again by the same rules. "
        "Reply with exactly one JSON object in this shape, with this ticket, short, complete, and "
        "with nothing before or after it:\n{shape}\n{count}"
    ),
    "zh": (
        "上一条回复无法读取：{fault}。请按同样的规则重新评判同一份回答，"
        "只输出一个完整的JSON对象，形式和校验码如下，文字从简，前后不得有任何其他内容：\n{shape}\n{count}"
    ),
}
_COUNT: dict[Language, tuple[str, str]] = {
    "en": (
        "No requirements are numbered: requirements is [].",
        "requirements holds each of the numbers 1 to {requirements} exactly once.",
    ),
    "zh": (
        "没有编号的要求：requirements 为 []。",
        "requirements 中编号1至{requirements}各须有一项，且只有一项。",
    ),
}


def reask(
    found: Unscored, scale: Scale, *, language: Language, ticket: str, requirements: int
) -> str:
    """What a judge is told after a reply that could not be read: the fault, and the shape again.

    A long value is left out: it may be the response's words, which must not come from the user.
    """
    detail = next(
        (text for text in (found.detail, found.detail.partition(":")[0])
         if len(text) <= _LONGEST_DETAIL), "…",
    )  # fmt: skip
    shape = _SHAPE[language].format(
        ticket=ticket, marks=_MARK_SHAPE[language] if requirements else "",
        minimum=scale.minimum, maximum=scale.maximum,
    )  # fmt: skip
    return _REASK[language].format(
        fault=_FAULTS[language][found.because].format(detail=detail),
        shape=shape,
        count=_COUNT[language][requirements > 0].format(requirements=requirements),
    )
