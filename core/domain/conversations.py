"""Conversations that a benchmark gives: what stands before the question that a model answers."""

import json
from dataclasses import dataclass
from typing import Literal

from core.domain.prompts import Turn


@dataclass(frozen=True, slots=True)
class GivenMessage:
    """One message of a given conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


def given_messages(given_turns: str) -> tuple[GivenMessage, ...]:
    """The messages of `core.domain.criteria.Criteria.given_turns`, in order."""
    if not given_turns:
        return ()
    return tuple(GivenMessage(one["role"], one["content"]) for one in json.loads(given_turns))


def given_as_turns(given_turns: str) -> list[Turn]:
    """Given messages as turns: what was said before an answer belongs to its question."""
    turns: list[Turn] = []
    asked: list[str] = []
    for message in given_messages(given_turns):
        if message.role == "assistant":
            turns.append(Turn("\n\n".join(asked), message.content))
            asked = []
        else:
            asked.append(message.content)
    if asked:
        turns.append(Turn("\n\n".join(asked), ""))
    return turns
