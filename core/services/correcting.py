"""Correcting: a physician finds their own answers again, and mends them with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.domain.distances import is_different
from core.errors import Refused
from core.services import drafting, reviewing
from core.services.drafting import Draft
from core.services.permitting import require_own
from core.services.reviewing import Scoring
from core.store import differences, marks, own_work, reviews
from core.store.database import Store
from core.store.differences import Cause
from core.store.own_work import OwnAnswer
from core.store.people import Person
from core.store.reviews import LastAnswer
from core.store.studies import Study

Which = Literal["all", "noted", "flagged", "corrected", "no_score", "differs", "asks_why"]
WHICH: tuple[Which, ...] = (
    "all", "noted", "flagged", "corrected", "no_score", "differs", "asks_why",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A response that a physician has answered.

    Attributes:
        counts: their answer that counts: the last one before anything was shown.
        informed: their last answer after that, if any.
        attempts: how many answers they gave, corrections included.
        differs: from a judge; None where nothing was shown to them.
        cause: why, as they said last.
    """

    response_id: int
    counts: OwnAnswer
    informed: OwnAnswer | None
    attempts: int
    differs: bool | None
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of one's own answers are looked for; '' and None ask for nothing.

    Attributes:
        since, until: dates in UTC as YYYY-MM-DD, both included.
    """

    which: Which = "all"
    category: str = ""
    value: int | None = None
    since: str = ""
    until: str = ""
    containing: str = ""


def own_entries(store: Store, study: Study, person: Person, wanted: Wanted) -> list[Entry]:
    """A physician's own answers that still stand, newest first."""
    require_own(store, person.id, "physician")
    text = wanted.containing.strip()
    found = own_work.own_answers(store, study.id, person.id, containing=text)
    by_response: dict[int, list[OwnAnswer]] = {}
    for answer in found:
        by_response.setdefault(answer.response_id, []).append(answer)
    revealed = reviews.revealed_questions(store, person.id)
    shown = [key for key, some in by_response.items() if some[0].question_id in revealed]
    machine = own_work.machine_values(store, study.id, shown)
    causes = differences.causes_given(store, person.id)
    entries = [
        _entry(answers, response_id in shown, machine.get(response_id, ()), causes)
        for response_id, answers in by_response.items()
        if answers[-1].unscored_because != "withdrawn"
    ]
    kept = [entry for entry in entries if _is_wanted(entry, wanted)]
    return sorted(kept, key=lambda entry: entry.counts.created_at, reverse=True)


def given_before(store: Store, person: Person, response_id: int) -> tuple[LastAnswer, Draft]:
    """A physician's last answer to a response, and as it was entered, to be corrected.

    Raises:
        Refused: `nothing_to_correct`.
    """
    require_own(store, person.id, "physician")
    last = reviews.last_answer(store, person.id, response_id)
    if last is None or last.is_withdrawn:
        raise Refused("nothing_to_correct")
    return last, drafting.draft_from(last, marks.marks_of(store, last.id))


def correct(
    store: Store, study: Study, person: Person, response_id: int, scoring: Scoring, *, reason: str
) -> bool:
    """Store a correction as a new answer; the old one stays. False where nothing changes.

    Raises:
        UnknownName: `unknown_response`.
        Refused: `needs_reason`; `nothing_to_correct` where nothing was answered yet; and as
            `reviewing.score`.
    """
    require_own(store, person.id, "physician")
    if not reason.strip():
        raise Refused("needs_reason")
    given_before(store, person, response_id)
    return reviewing.score(store, study, person, response_id, replace(scoring, reason=reason))


def _entry(
    answers: list[OwnAnswer],
    is_revealed: bool,
    machine: Sequence[own_work.MachineValue],
    causes: dict[int, Cause],
) -> Entry:
    before = [answer for answer in answers if answer.phase != "informed"]
    counts = before[-1] if before else answers[-1]
    response_id = counts.response_id
    return Entry(
        response_id, counts, answers[-1] if before and answers[-1].phase == "informed" else None,
        len(answers),
        any(is_different(counts, one) for one in machine) if is_revealed else None,
        causes.get(response_id),
    )  # fmt: skip


def _is_wanted(entry: Entry, wanted: Wanted) -> bool:
    counts = entry.counts
    day = counts.created_at[:10]
    return (
        wanted.category in ("", counts.category)
        and wanted.value in (None, counts.value)
        and (not wanted.since or day >= wanted.since)
        and (not wanted.until or day <= wanted.until)
        and {
            "all": True,
            "noted": bool(counts.comment),
            "flagged": bool(counts.safety_risk),
            "corrected": entry.attempts > 1,
            "no_score": counts.value is None,
            "differs": entry.differs is True,
            "asks_why": entry.differs is True and entry.cause is None,
        }[wanted.which]
    )
