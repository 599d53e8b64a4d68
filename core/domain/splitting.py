"""Splitting: what is held back from those who revise, drawn by a salt and never drawn again."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Part = Literal["dev", "held_out"]
Use = Literal["revise", "check"]

#: Characters, white space aside, from which a common beginning is a shared stem.
_BEGINNING = 60
#: Characters of a line that, in two conversations, is the same passage.
_PASSAGE = 100
#: A text that more conversations than this begin with is a form's wording.
_MOST_WITH_ONE_STEM = 10


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation to be drawn: its id, category, a name that lasts, and its question texts."""

    id: int
    category: str
    name: str
    texts: tuple[str, ...]


def order_of(salt: str, name: str) -> str:
    """Where something stands in a draw: a text by which names sort in an order of chance."""
    return hashlib.sha256(f"{salt}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()


def drawn_parts(
    talks: Sequence[Talk], known: Mapping[int, Part], *, salt: str, held_out: float
) -> dict[int, Part]:
    """Parts of the conversations that have none yet.

    Those that share a stem stay together, also with one that was drawn before. In each category
    `held_out` of the conversations are held out, rounded, as nearly as whole groups allow.
    """
    members = _groups(talks)
    total: dict[str, int] = defaultdict(int)
    held: dict[str, int] = defaultdict(int)
    for talk in talks:
        total[talk.category] += 1
        held[talk.category] += known.get(talk.id) == "held_out"
    found: dict[int, Part] = {}
    for group in sorted(members, key=lambda some: order_of(salt, min(one.name for one in some))):
        fresh = [talk for talk in group if talk.id not in known]
        before = [known[talk.id] for talk in group if talk.id in known]
        category = min(group, key=lambda one: one.name).category
        wanted = round(held_out * total[category])
        is_held = "held_out" in before if before else held[category] < wanted
        for talk in fresh:
            found[talk.id] = "held_out" if is_held else "dev"
            held[talk.category] += is_held
    return found


def drawn_uses(names: Mapping[int, str], known: Iterable[Use], *, salt: str) -> dict[int, Use]:
    """Uses of a question's scored responses that have none yet, half and half, `revise` first.

    Args:
        names: of these responses, by id; a name that lasts.
        known: uses of the question's other scored responses.
    """
    before = list(known)
    revise, check = before.count("revise"), before.count("check")
    found: dict[int, Use] = {}
    for response_id in sorted(names, key=lambda one: order_of(salt, names[one])):
        if revise <= check:
            found[response_id] = "revise"
            revise += 1
        else:
            found[response_id] = "check"
            check += 1
    return found


def _groups(talks: Sequence[Talk]) -> list[list[Talk]]:
    """Conversations joined by shared stems."""
    leader = {talk.id: talk.id for talk in talks}

    def root(one: int) -> int:
        while leader[one] != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    by_stem: dict[str, list[int]] = defaultdict(list)
    for talk in talks:
        for stem in {stem for text in talk.texts for stem in _stems(text)}:
            by_stem[stem].append(talk.id)
    for ids in by_stem.values():
        if 1 < len(ids) <= _MOST_WITH_ONE_STEM:
            for other in ids[1:]:
                leader[root(other)] = root(ids[0])
    groups: dict[int, list[Talk]] = defaultdict(list)
    for talk in talks:
        groups[root(talk.id)].append(talk)
    return list(groups.values())


def _stems(text: str) -> set[str]:
    """Beginnings and long lines of a question by which another is known to tell of the same."""
    lines = ["".join(line.split()) for line in text.splitlines()]
    beginning = "".join(lines)[:_BEGINNING]
    passages = {line for line in lines if len(line) >= _PASSAGE}
    return passages | ({beginning} if len(beginning) == _BEGINNING else set())
