"""Sealing: what those who revise may see, what is held back to test them, and who opened it.

Prompts are tested on conversations that are held out. A checklist belongs to one question, so it
is tested within its question, on scored responses that were held back to check it. Both are drawn
by the study's salt and stored once. What somebody opens tests nothing any more.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.domain.splitting import drawn_parts, drawn_uses
from core.errors import Refused
from core.services.agreeing import Case
from core.services.permitting import require, rights_of_actor
from core.services.revealing import is_revealed_to
from core.store import consensus, responses, seals
from core.store.database import Store
from core.store.people import Person
from core.store.questions import Question
from core.store.seals import Opening, Scored
from core.store.studies import Study

HELD_OUT = 0.3
_SALT_BYTES = 8
_SYSTEM = "attending"

#: Where a scored response stands: seen by revisers, held back within its question, or held out.
Place = Literal["revise", "check", "held_out"]


@dataclass(frozen=True, slots=True)
class Seals:
    """What is held back in a study at this moment.

    Attributes:
        held_out: ids of questions that are held out and were never opened.
        check: ids of responses to dev questions that are held back and were never opened.
    """

    held_out: frozenset[int]
    check: frozenset[int]

    def place_of(self, question_id: int, response_id: int) -> Place:
        """Where a response stands."""
        if question_id in self.held_out:
            return "held_out"
        return "check" if response_id in self.check else "revise"

    def is_sealed(self, case: Case) -> bool:
        """Whether revisers must not see a case."""
        return self.place_of(case.question_id, case.response_id) != "revise"

    def among(self, cases: Iterable[Case], place: Place) -> list[Case]:
        """The cases that stand at a place."""
        return [one for one in cases if self.place_of(one.question_id, one.response_id) == place]


def ensure_seals(
    store: Store, study: Study, *, salt: str = "", held_out: float = HELD_OUT, by: str = _SYSTEM
) -> None:
    """Draw whatever of a study is not drawn yet: conversations, and responses scored since.

    Args:
        salt: '' for one at random.
        held_out: share of the conversations of each category; of effect at the first draw alone.

    Raises:
        Refused: `bad_held_out`.
    """
    require(store, "lead")
    if not 0 <= held_out < 1:
        raise Refused("bad_held_out", share=held_out)
    if not seals.undrawn(store, study.id) and not seals.has_unused(store, study.id):
        return
    with store.writing():
        if seals.seal_of(store, study.id) is None:
            salt = salt or secrets.token_hex(_SALT_BYTES)
            seals.add_seal(store, study.id, salt, held_out, by=by)
        drawn = seals.seal_of(store, study.id)
        assert drawn is not None
        known = seals.parts(store, study.id)
        fresh = drawn_parts(
            seals.talks(store, study.id), known, salt=drawn.salt, held_out=drawn.held_out
        )
        seals.add_parts(store, study.id, fresh)
        for question_id, responses in _unused(store, study).items():
            names = {one.response_id: one.name for one in responses if one.use is None}
            used = [one.use for one in responses if one.use is not None]
            salt_of_question = f"{drawn.salt} {question_id}"
            uses = drawn_uses(names, used, salt=salt_of_question)
            seals.add_uses(store, study.id, uses)


def draw(store: Store, study: Study, *, salt: str, held_out: float, by: str) -> None:
    """Draw a study with a salt and a share of one's own, before anything of it was drawn.

    Raises:
        Refused: `seals_drawn`, `bad_held_out`.
    """
    require(store, "lead")
    with store.writing():
        found = seals.seal_of(store, study.id)
        if found is not None:
            raise Refused("seals_drawn", study=study.name, time=found.created_at[:16])
        ensure_seals(store, study, salt=salt, held_out=held_out, by=by)


def seals_of(store: Store, study: Study) -> Seals:
    """What is held back in a study, after drawing what was not drawn yet."""
    require(store, "lead")
    ensure_seals(store, study)
    held_out = {
        question_id
        for question_id, part in seals.parts_of_questions(store, study.id).items()
        if part == "held_out"
    }
    opened = seals.opened_questions(store, study.id)
    check = seals.checks(store, study.id) - seals.opened_responses(store, study.id)
    return Seals(frozenset(held_out - opened), frozenset(check))


def sealed_since(store: Store, study: Study, cases: Iterable[Case]) -> dict[int, str]:
    """Since when revisers have not been shown these cases, by response; in UTC.

    Those that they may see, or that were opened, are not in it.
    """
    require(store, "lead")
    sealed = seals_of(store, study)
    held_out, check = seals.drawn_at(store, study.id)
    return {
        case.response_id: held_out.get(case.question_id) or check[case.response_id]
        for case in cases
        if sealed.is_sealed(case)
    }


def open_question(store: Store, study: Study, question: Question, *, reason: str, by: str) -> None:
    """Open the conversation of a held-out question to those who revise, for good.

    Raises:
        Refused: `needs_reason`, `not_sealed`.
    """
    require(store, "lead")
    _check_opening(reason, question.key, is_sealed=is_held_out(store, study, question))
    with store.writing():
        seals.add_opening(
            store, study.id, conversation_id=question.conversation_id, response_id=None,
            reason=reason, by=by,
        )  # fmt: skip


def open_response(store: Store, study: Study, response_id: int, *, reason: str, by: str) -> None:
    """Open a response that is held back to check its question's criteria, for good.

    Raises:
        Refused: `needs_reason`, `not_sealed`.
    """
    require(store, "lead")
    is_sealed = response_id in seals_of(store, study).check
    _check_opening(reason, str(response_id), is_sealed=is_sealed)
    with store.writing():
        seals.add_opening(
            store, study.id, conversation_id=None, response_id=response_id, reason=reason, by=by
        )


def is_held_out(store: Store, study: Study, question: Question) -> bool:
    """Whether revisers must not see a question's cases."""
    require(store, "lead")
    return question.id in seals_of(store, study).held_out


def closed_to(store: Store, study: Study, person: Person, response_id: int) -> Place | None:
    """Where a response is held back that this person must not see judged; None where it is open.

    What was revealed to a physician stays theirs to see.
    """
    require(store, "lead", "physician")
    if "lead" not in rights_of_actor(store) or is_revealed_to(store, study, person, response_id):
        return None
    response = responses.response_by_id(store, response_id)
    if response is None:
        return None
    place = seals_of(store, study).place_of(response.question_id, response_id)
    return None if place == "revise" else place


def check_may_revise(store: Store, study: Study, question: Question) -> None:
    """Refuse to revise what is held out.

    Raises:
        Refused: `held_out_question`; as `check_has_not_decided`.
    """
    require(store, "lead")
    check_has_not_decided(store, study)
    if is_held_out(store, study, question):
        raise Refused("held_out_question", key=question.key)


def check_has_not_decided(store: Store, study: Study) -> None:
    """Refuse to revise for somebody who has adjudicated what is held out in the same study.

    Raises:
        Refused: `adjudicated_held_out`.
    """
    require(store, "lead")
    if store.actor is None:
        return
    decided = consensus.questions_decided_by(store, study.id, store.actor)
    if decided & seals_of(store, study).held_out:
        raise Refused("adjudicated_held_out", study=study.name)


def openings_of(store: Store, study: Study) -> list[Opening]:
    """Every opening of a study's seals, oldest first."""
    require(store, "lead")
    return seals.openings(store, study.id)


def _check_opening(reason: str, subject: str, *, is_sealed: bool) -> None:
    if not reason.strip():
        raise Refused("needs_reason")
    if not is_sealed:
        raise Refused("not_sealed", subject=subject)


def _unused(store: Store, study: Study) -> dict[int, list[Scored]]:
    """Scored responses of dev questions of which some have no use yet, by question."""
    found: dict[int, list[Scored]] = defaultdict(list)
    for one in seals.scored_dev_responses(store, study.id):
        found[one.question_id].append(one)
    return {key: some for key, some in found.items() if any(one.use is None for one in some)}
