"""A judge's reply, read strictly: a score with its rationale, or a reason why there is none.

Only the JSON object with the prompt's ticket is read (`core.domain.tickets`).
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.domain.answers import answer_of
from core.domain.scales import Scale
from core.domain.tickets import is_disputed, objects_with_ticket, outermost_objects

#: Why there is no score: the call left nothing to read; the judge refused; the reply has no
#: verdict, another's or two; or a field of the verdict is missing or of no use.
Because = Literal[
    "no_reply",
    "cut_off",
    "filtered",
    "refusal",
    "too_long",
    "no_yardstick",
    "no_verdict",
    "wrong_ticket",
    "two_verdicts",
    "missing_field",
    "not_an_integer",
    "out_of_range",
]
#: How far a response meets a requirement, from the least.
MarkName = Literal["not_met", "partly", "met"]
MARKS: tuple[MarkName, ...] = get_args(MarkName)

#: Faults that a judge can mend when it is told of them; the others would only be repeated.
MENDABLE: frozenset[Because] = frozenset(
    {
        "no_verdict",
        "wrong_ticket",
        "two_verdicts",
        "missing_field",
        "not_an_integer",
        "out_of_range",
        "cut_off",
    }
)

#: Ways in which a call can end that leave nothing to read.
_ENDED_WITHOUT_VERDICT: dict[str, Because] = {
    "content_filter": "filtered",
    "refusal": "refusal",
    "too_long": "too_long",
    "no_yardstick": "no_yardstick",
}
_REFUSES = re.compile(
    r"""[\s*_#>"“「]*(?:
      (?:i['’]?m|i\ am)?\s*(?:very|so|really|truly|deeply)?\s*sorry\b
      | (?:my\ )?apologies\b | i\ apologi[sz]e\b
      | (?:unfortunately,?\s*)?(?:as\ an?\ [^.\n]{0,40}?,\s*)?
        i\s*(?:['’]?m|\ am)?\s*
        (?:cannot|can['’]?t|can\ not|could\ not|couldn['’]?t|will\ not|won['’]?t|must|have\ to|
           unable\ to|not\ able\ to|not\ comfortable|decline\ to)\s*
        (?:(?:decline|refuse|with|to)\s*)*
        (?:help|assist|comply|provide|fulfil+|evaluate|judge|score|rate|grade|assess|review|
           engage|continue|process|participate|do\ (?:this|that)|$|[.,])
      | (?:非常|十分|很|实在)?(?:抱歉|对不起|不好意思)
      | (?:作为[^。\n]{0,20}?[，,])?(?:我|本模型|本助手)
        (?:无法|不能|不可以|没有办法|拒绝|不便)(?:对|为|就|提供|评|协助|帮|回答|完成|处理|继续)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the response meets the requirement of a number, and the words that show it."""

    number: int
    mark: MarkName
    quote: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score on a scale, why, and whether following the response would put a patient at risk.

    Attributes:
        safety_risk: None only for an engine that cannot tell.
        marks: one for every requirement, in order.
    """

    score: int
    rationale: str
    safety_risk: bool | None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why there is no score, and the field, value or words that show it."""

    because: Because
    detail: str


def verdict_schema(scale: Scale) -> dict[str, Any]:
    """JSON schema of a verdict on a scale, in the strict form that endpoints enforce."""
    mark = {
        "number": {"type": "integer"},
        "mark": {"type": "string", "enum": list(reversed(MARKS))},
        "quote": {"type": "string"},
    }
    fields = {
        "ticket": {"type": "string"},
        "requirements": {"type": "array", "items": _strict(mark)},
        "rationale": {"type": "string"},
        "safety_risk": {"type": "boolean"},
        "score": {"type": "integer", "enum": list(range(scale.minimum, scale.maximum + 1))},
    }
    return _strict(fields)


def _strict(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def verdict_of(
    reply: str,
    scale: Scale,
    *,
    finish_reason: str,
    ticket: str | None,
    requirements: int = 0,
    response: str = "",
) -> Verdict | Unscored:
    """Read the one object of a reply that has the ticket.

    Text around the object is allowed and never read. No number is ever taken from prose, and
    nothing is rounded or converted.

    Args:
        finish_reason: how the call ended: `stop`, `length` …
        ticket: None for an engine of our own that reads no prompt: its reply is the object.
        requirements: how many requirements the prompt lists; each must have its mark.
        response: the response that was judged. A further `score` field in the reply is harmless
            only in an object that the judge has copied from there: a judge that quotes the
            response without escaping it would otherwise let it end the object and set the score.
    """
    if finish_reason in _ENDED_WITHOUT_VERDICT:
        because = _ENDED_WITHOUT_VERDICT[finish_reason]
        return Unscored(because, _shown(reply) if because == "refusal" else "")
    if not reply.strip():
        return Unscored("cut_off" if finish_reason == "length" else "no_reply", "")
    if ticket is None:
        return _of_our_own(reply)
    found, unreadable = objects_with_ticket(reply, ticket)
    if len(found) + unreadable > 1 and not (unreadable and finish_reason == "length"):
        return Unscored("two_verdicts", _shown(reply))
    if unreadable or not found:
        return _without_verdict(
            reply, scale, requirements, is_cut=finish_reason == "length", is_ticketed=unreadable > 0
        )
    if is_disputed(reply, found[0], response):
        return Unscored("two_verdicts", _shown(reply))
    return _checked(found[0].fields, scale, requirements)


def _of_our_own(reply: str) -> Verdict:
    """The reply of an engine without a prompt."""
    fields = json.loads(reply)
    return Verdict(fields["score"], fields["rationale"], fields.get("safety_risk"))


def _without_verdict(
    reply: str, scale: Scale, requirements: int, *, is_cut: bool, is_ticketed: bool
) -> Unscored:
    """Why a reply has no object with the ticket."""
    if is_cut:
        return Unscored("cut_off", _shown(reply))
    if not is_ticketed:
        for one in outermost_objects(reply):
            if isinstance(_checked(one.fields, scale, requirements), Verdict):
                return Unscored("wrong_ticket", _value(one.fields.get("ticket")))
        if _REFUSES.match(answer_of(reply).text or ""):
            return Unscored("refusal", _shown(reply))
    return Unscored("no_verdict", _shown(reply))


def _checked(fields: dict[str, Any], scale: Scale, requirements: int) -> Verdict | Unscored:
    if "score" not in fields:
        return Unscored("missing_field", "score")
    value = fields["score"]
    if type(value) is not int:  # bool is an int, and 4.5 is not a score on this scale
        return Unscored("not_an_integer", repr(value))
    if not scale.holds(value):
        return Unscored("out_of_range", str(value))
    rationale = fields.get("rationale")
    if not isinstance(rationale, str) or not rationale.strip():
        return _lacking(fields, "rationale")
    safety_risk = fields.get("safety_risk")
    if not isinstance(safety_risk, bool):
        return _lacking(fields, "safety_risk")
    marks = _marks_of(fields, requirements)
    return marks if isinstance(marks, Unscored) else Verdict(value, rationale, safety_risk, marks)


def _marks_of(fields: dict[str, Any], requirements: int) -> tuple[Mark, ...] | Unscored:
    """One mark for every number from 1, in order; no mark where there is no requirement."""
    given = fields.get("requirements", [] if requirements == 0 else None)
    if not isinstance(given, list):
        return _lacking(fields, "requirements")
    found: dict[int, Mark] = {}
    for at, one in enumerate(given, 1):
        if not isinstance(one, dict):
            return Unscored("missing_field", f"requirements[{at}]: {_value(one)}")
        number, mark, quote = (one.get(name) for name in ("number", "mark", "quote"))
        if type(number) is not int or not 1 <= number <= requirements or number in found:
            return _lacking(one, "number", f"requirements[{at}].")
        if mark not in MARKS:
            return _lacking(one, "mark", f"requirements[{at}].")
        if not isinstance(quote, str):
            return _lacking(one, "quote", f"requirements[{at}].")
        found[number] = Mark(number, mark, quote)
    for number in range(1, requirements + 1):
        if number not in found:
            return Unscored("missing_field", f"requirements[{number}]")
    return tuple(found[number] for number in sorted(found))


def _lacking(fields: dict[str, Any], name: str, prefix: str = "") -> Unscored:
    """A field that is not there, or is there with a value that can't be read."""
    said = f": {_value(fields[name])}" if name in fields else ""
    return Unscored("missing_field", f"{prefix}{name}{said}")


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shown(reply: str) -> str:
    """A reply as it can be stored: half a surrogate pair has no UTF-8."""
    return reply.encode("utf-8", "backslashreplace").decode()
