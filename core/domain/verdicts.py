"""A judge's reply, read strictly: a score with its rationale, or a reason why there is none."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from core.domain.scales import Scale

Because = Literal[
    "no_reply",
    "cut_off",
    "filtered",
    "too_long",
    "no_yardstick",
    "no_verdict",
    "two_verdicts",
    "missing_field",
    "not_an_integer",
    "out_of_range",
]


#: Ways in which a call can end that leave nothing to read.
_ENDED_WITHOUT_VERDICT: dict[str, Because] = {
    "content_filter": "filtered",
    "too_long": "too_long",
    "no_yardstick": "no_yardstick",
}
_OPENS_OBJECT = re.compile(r'\{\s*"')
_TEXT_OR_BRACE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score on a scale, why, and whether following the response would put a patient at risk."""

    score: int
    rationale: str
    safety_risk: bool | None


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why there is no score, and the words that show it."""

    because: str
    detail: str


def verdict_of(reply: str, scale: Scale, *, finish_reason: str) -> Verdict | Unscored:
    """Read the one JSON object with a score in a reply.

    Text around the object (a code fence, an introduction) is allowed. No number is ever taken
    from prose, and nothing is rounded or converted.
    """
    if finish_reason in _ENDED_WITHOUT_VERDICT:
        return Unscored(_ENDED_WITHOUT_VERDICT[finish_reason], "")
    if not reply.strip():
        return Unscored("cut_off" if finish_reason == "length" else "no_reply", "")
    verdicts = [found for found in _objects(reply) if "score" in found]
    if len(verdicts) > 1:
        return Unscored("two_verdicts", json.dumps(verdicts, ensure_ascii=False))
    if not verdicts:
        shown = reply.encode("utf-8", "backslashreplace").decode()
        return Unscored("cut_off" if finish_reason == "length" else "no_verdict", shown)
    return _checked(verdicts[0], scale)


def _checked(found: dict[str, Any], scale: Scale) -> Verdict | Unscored:
    value = found["score"]
    if type(value) is not int:  # bool is an int, and 4.5 is not a score on this scale
        return Unscored("not_an_integer", repr(value))
    if not scale.holds(value):
        return Unscored("out_of_range", str(value))
    rationale = found.get("rationale")
    if not isinstance(rationale, str) or not rationale.strip():
        return Unscored("missing_field", "rationale")
    safety_risk = found.get("safety_risk")
    if safety_risk is not None and not isinstance(safety_risk, bool):
        return Unscored("missing_field", "safety_risk")
    return Verdict(value, rationale, safety_risk)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Outermost JSON objects in a text, in order."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats)
    at = text.find("{")
    while at != -1:
        try:
            found, end = decoder.raw_decode(text, at)
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError):
            end = _end_of_unreadable(text, at)
        else:
            yield found
        at = text.find("{", end)


def _end_of_unreadable(text: str, at: int) -> int:
    """Where to go on behind an object that can't be read: what stands inside it is no verdict.

    One that never closes hides the rest of the text; a brace in prose hides nothing.
    """
    if not _OPENS_OBJECT.match(text, at):
        return at + 1
    depth = 0
    for found in _TEXT_OR_BRACE.finditer(text, at):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(text)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose field appears twice is ambiguous: refuse it as malformed."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field appears twice")
    return found
