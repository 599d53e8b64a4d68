"""Searching: where words stand in the texts that one may see.

A lead searches the whole study, comments too, which is an exposure where they also score. A
physician finds the questions and responses that they have answered and their own comments, an
adjudicator also those on which physicians differ. Models stay hidden.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.services import adjudicating, reviewing
from core.services.permitting import require_operator, require_own, rights_of_actor
from core.store import consensus, reviews, searches
from core.store.database import Store
from core.store.people import Person
from core.store.searches import Place
from core.store.studies import Study

#: Places that are shown at most; a search with more is to be narrowed.
MOST = 100
#: Characters of a text shown before and after the first word.
_AROUND = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A place with the words.

    Attributes:
        parts: the text around the first of them, to the character; every second part is a word.
    """

    place: Place
    parts: tuple[str, ...]


def search(store: Store, study: Study, person: Person, words: str) -> list[Found]:
    """The first places that hold all the words, in the order of the questions; at most `MOST`."""
    require_own(store, person.id, "physician", "adjudicator", "lead")
    wanted = words.split()
    if not wanted:
        return []
    is_lead = "lead" in rights_of_actor(store)
    found = searches.places(
        store, study.id, wanted, limit=MOST,
        responses=None if is_lead else _open_to(store, study, person),
        comments_of=None if is_lead else person.id,
    )  # fmt: skip
    for question_id in {one.question_id for one in found if is_lead and one.where == "comment"}:
        reviewing.expose(store, person, question_id, "other_person", page="search")
    return [_found(place, wanted) for place in found]


def search_everything(store: Store, study: Study, words: str) -> list[Found]:
    """As a lead's `search`, for whoever works on the database file itself."""
    require_operator(store)
    wanted = words.split()
    if not wanted:
        return []
    found = searches.places(store, study.id, wanted, responses=None, comments_of=None, limit=MOST)
    return [_found(place, wanted) for place in found]


def _open_to(store: Store, study: Study, person: Person) -> set[int]:
    """Responses that somebody who is no lead may see."""
    found = set(reviews.answered(store, study.id, person.id))
    if "adjudicator" in rights_of_actor(store):
        found |= {one.response_id for one in adjudicating.disputes(store, study)}
        found |= set(consensus.consensus_of_study(store, study.id))
    return found


def _found(place: Place, words: Sequence[str]) -> Found:
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    match = pattern.search(place.text)
    at, end = match.span() if match else (0, 0)
    start, stop = max(0, at - _AROUND), end + 2 * _AROUND
    parts = re.split(f"({pattern.pattern})", place.text[start:stop], flags=re.IGNORECASE)
    parts[0] = ("…" if start else "") + parts[0]
    parts[-1] += "…" if stop < len(place.text) else ""
    return Found(place, tuple(parts))
