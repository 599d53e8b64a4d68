"""The JSON objects of a judge's reply, and the one that its ticket makes the verdict.

A ticket is a random token of the prompt that the response can't know. A judge may repeat parts of
the response, so whatever stands around the object with the ticket is prose.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_OPENS_OBJECT = re.compile(r'\{\s*"')
#: A text that never ends reaches to the end, or each of its quotes would be tried in turn.
_TEXT_OR_BRACE = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}]', re.DOTALL)
#: Looks ahead for the value, so that no half of a field swallows the one behind it.
_TICKET_FIELD = re.compile(r'"ticket"(?=\s*:\s*"(?P<ticket>[^"]*)")')
_SCORE_FIELD = re.compile(r'"score"\s*:')
_FENCED = re.compile(r"^```[^\n]*\n(.*?)\n```[ \t]*$", re.DOTALL | re.MULTILINE)
#: Characters of the shortest end of an object that holds a score: `,"score":5}`.
_LEAST_END = 11
_END_OF_REASONING = "</think>"
#: How many opening braces before a ticket are tried; a verdict has a few dozen at most.
_MOST_OPENINGS = 200


@dataclass(frozen=True, slots=True)
class ReplyObject:
    """An object of a reply, and where it stands."""

    start: int
    end: int
    fields: dict[str, Any]


def objects_with_ticket(reply: str, ticket: str) -> tuple[list[ReplyObject], int]:
    """Objects whose own field `ticket` is the ticket, and how many more can't be read.

    What stands before the end of a judge's reasoning is a draft where a verdict follows it.
    """
    places = [place.start() for place in _TICKET_FIELD.finditer(reply) if place["ticket"] == ticket]
    if not places:
        return [], 0
    objects = {place: _around(reply, place, ticket) for place in places}
    spans = [(one.start, one.end) for one in objects.values() if one is not None]
    thought = max(
        (
            end.start()
            for end in re.finditer(_END_OF_REASONING, reply)
            if not any(start < end.start() < stop for start, stop in spans)
        ),
        default=-1,
    )
    final = [place for place in places if place > thought] or places
    found = [one for place in final if (one := objects[place]) is not None]
    return found, len(final) - len(found)


def is_disputed(reply: str, found: ReplyObject, response: str) -> bool:
    """Whether the reply names a score beside the verdict that is not the response's own words.

    Where it does so behind the verdict, the verdict must not end in the response's words: a
    response that ended it too soon may hold what it expects to follow as well.

    Before the verdict this is of no account where the ticket comes first, since nothing of the
    response can then have got into the object from there.
    """
    after = reply[found.end :]
    if _SCORE_FIELD.search(after) and reply[found.end - _LEAST_END : found.end] in response:
        return True
    beside = [after]
    if next(iter(found.fields)) != "ticket":
        beside.append(reply[: found.start])
    return any(_names_a_score(text, response) for text in beside)


def outermost_objects(text: str) -> Iterator[ReplyObject]:
    """Outermost JSON objects in a text, in order."""
    at = text.find("{")
    while at != -1:
        found = _object_at(text, at)
        if found is not None:
            yield found
        at = text.find("{", found.end if found else _end_of_unreadable(text, at))


def _around(reply: str, place: int, ticket: str) -> ReplyObject | None:
    """The object to which the field `ticket` at a place belongs.

    The nearest opening brace comes first, so that nothing that was opened earlier and never
    closed can swallow it.
    """
    opening = place
    for _ in range(_MOST_OPENINGS):
        opening = reply.rfind("{", 0, opening)
        if opening == -1:
            return None
        if not _OPENS_OBJECT.match(reply, opening):
            continue
        found = _object_at(reply, opening)
        if found is not None and found.end > place and found.fields.get("ticket") == ticket:
            return found
    return None


def _object_at(text: str, start: int) -> ReplyObject | None:
    """The JSON object that begins at a brace; None where it can't be read."""
    try:
        fields, end = _DECODER.raw_decode(text, start)
        json.dumps(fields, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return ReplyObject(start, end, fields)


def _names_a_score(text: str, response: str) -> bool:
    if not _SCORE_FIELD.search(text) or text.strip() in response:
        return False
    text = _FENCED.sub(lambda block: "" if block[1].strip() in response else block[0], text)
    rest, at = "", 0
    for one in outermost_objects(text):
        said = text[one.start : one.end]
        if _SCORE_FIELD.search(said) and said in response:
            rest += text[at : one.start]
            at = one.end
    return _SCORE_FIELD.search(rest + text[at:]) is not None


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


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats)
