"""Rights: who may do what. An account may have several."""

from collections.abc import Sequence
from typing import Literal, TypeGuard

Right = Literal["physician", "adjudicator", "lead", "administrator"]

RIGHTS: tuple[Right, ...] = ("physician", "adjudicator", "lead", "administrator")

#: Who may open a page.
PAGES: dict[str, tuple[Right, ...]] = {
    "home": RIGHTS,
    "account": RIGHTS,
    "review": ("physician",),
    "work": ("physician",),
    "search": ("physician", "adjudicator", "lead"),
    "adjudicate": ("adjudicator", "lead"),
    "assign": ("lead",),
    "case": ("lead", "physician"),  # a physician only what was revealed to them: see `case_of`
    "agreement": ("lead",),
    "checklists": ("lead",),
    "prompts": ("lead",),
    "leaderboard": ("lead",),
    "exams": ("lead",),
    "runs": ("lead",),
    "data": ("lead",),
    "people": ("lead", "administrator"),
}

#: Characters of the shortest password.
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000


def is_right(name: str) -> TypeGuard[Right]:
    """Tell whether a word names a right."""
    return name in RIGHTS


def in_order(rights: Sequence[str]) -> tuple[Right, ...]:
    """Rights without repetitions, in their own order."""
    return tuple(right for right in RIGHTS if right in rights)
