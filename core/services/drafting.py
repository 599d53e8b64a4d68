"""Drafting: what a physician has entered on a sheet is kept, until they give it as their answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.domain import mtg
from core.services.permitting import require_own
from core.store import people
from core.store.database import Store
from core.store.marks import Mark
from core.store.people import Person
from core.store.reviews import LastAnswer

#: What is typed or entered on a sheet: the comment, flag with dimensions and marks, the audit.
DraftField = Literal["comment", "entries", "audit"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a physician has entered for a response and not yet given.

    Attributes:
        dimensions: by name (`core.domain.mtg`).
        marks: by requirement id: 0 not met, 1 partly, 2 met.
    """

    comment: str = ""
    safety_risk: bool = False
    dimensions: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[int, int] = field(default_factory=dict)


def draft_of(store: Store, person: Person, response_id: int) -> Draft:
    """What a physician has entered for a response."""
    require_own(store, person.id, "physician", "adjudicator", "lead")
    comment = people.draft(store, person.id, draft_subject(response_id, "comment"))
    entered = json.loads(
        people.draft(store, person.id, draft_subject(response_id, "entries")) or "{}"
    )
    return Draft(
        comment,
        entered.get("safety_risk", False),
        entered.get("dimensions", {}),
        {int(requirement): value for requirement, value in entered.get("marks", {}).items()},
    )


def save_draft(
    store: Store, person: Person, response_id: int, text: str, *, of: DraftField = "comment"
) -> None:
    """Keep an unfinished comment: on the response, or on its question."""
    require_own(store, person.id, "physician")
    with store.writing():
        people.save_draft(store, person.id, draft_subject(response_id, of), text)


def enter(
    store: Store,
    person: Person,
    response_id: int,
    *,
    safety_risk: bool | None = None,
    dimensions: Mapping[str, int | None] | None = None,
    marks: Mapping[int, int | None] | None = None,
) -> None:
    """Keep a flag, some dimensions or some marks of an unfinished answer; None takes one away."""
    require_own(store, person.id, "physician")
    with store.writing():
        known = draft_of(store, person, response_id)
        entered = {
            "safety_risk": known.safety_risk if safety_risk is None else safety_risk,
            "dimensions": _without_none({**known.dimensions, **(dimensions or {})}),
            "marks": _without_none({**known.marks, **(marks or {})}),
        }
        text = json.dumps(entered) if any(entered.values()) else ""
        people.save_draft(store, person.id, draft_subject(response_id, "entries"), text)


def keep_draft(store: Store, person: Person, response_id: int, draft: Draft) -> None:
    """Keep all of a draft in the place of what was entered before."""
    require_own(store, person.id, "physician")
    save_draft(store, person, response_id, draft.comment)
    people.save_draft(store, person.id, draft_subject(response_id, "entries"), "")
    enter(
        store, person, response_id, safety_risk=draft.safety_risk, dimensions=draft.dimensions,
        marks=draft.marks,
    )  # fmt: skip


def draft_from(last: LastAnswer, parts: tuple[Mark, ...]) -> Draft:
    """An answer that was given, as it was entered."""
    dimensions = {mark.dimension: mark.value for mark in parts if mark.dimension is not None}
    marked = {mark.requirement_id: mark.value for mark in parts if mark.requirement_id is not None}
    has_flag = not set(dimensions) & set(mtg.DIMENSIONS)
    return Draft(last.comment, bool(last.safety_risk) and has_flag, dimensions, marked)


def _without_none(values: Mapping[str, int | None] | Mapping[int, int | None]) -> dict[str, int]:
    return {str(name): value for name, value in values.items() if value is not None}


def draft_subject(response_id: int, of: DraftField) -> str:
    """What a draft is kept under."""
    return f"review:{response_id}:{of}"
