"""Calibrating: everybody scores the same few responses, then sees where they differ.

What a physician is shown here of others leaves an exposure; their own answers were given before.
"""

import time
from dataclasses import dataclass

from core.services import assigning, reviewing
from core.services.permitting import require_own
from core.store import human_scores, questions
from core.store.asked import situation_of
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.people import Person
from core.store.questions import Question
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Compared:
    """One's own answer to a calibration's response, beside those of the others.

    Attributes:
        others: who has answered so far, in an order that tells nothing of who they are.
    """

    response_id: int
    question: Question
    text: str
    own: HumanScore
    others: tuple[HumanScore, ...]

    @property
    def is_split(self) -> bool:
        """Whether the answers fall on different sides of usable."""
        votes = {one.usable for one in (self.own, *self.others) if one.usable is not None}
        return len(votes) == 2

    @property
    def spread(self) -> int:
        """Distance of the highest and the lowest score."""
        values = [one.value for one in (self.own, *self.others) if one.value is not None]
        return max(values, default=0) - min(values, default=0)


def compared(store: Store, study: Study, person: Person) -> list[Compared]:
    """The open calibration, answer beside answer, once the person has given all of theirs.

    Those on different sides of usable come first, then the farthest apart. Records exposures.
    """
    require_own(store, person.id, "physician")
    asked = assigning.asked(store, study, person)
    if not asked.is_calibrating or asked.left:
        return []
    found = []
    now = time.time()
    for response_id in situation_of(store, study.id, person.id, now=now).calibration():
        scores = {
            score.person_id: score
            for score in human_scores.human_scores_of_response(store, response_id)
            if score.unscored_because != "withdrawn"
        }
        own = scores.pop(person.id)
        response = reviewing.response_with_text(store, response_id)
        question = questions.question_by_id(store, response.question_id)
        assert question is not None
        assert response.text is not None
        others = sorted(scores.values(), key=lambda one: (one.value or 0, one.comment))
        if others:
            reviewing.expose(store, person, question.id, "other_person", page="calibration")
        found.append(Compared(response_id, question, response.text, own, tuple(others)))
    return sorted(found, key=lambda one: (not one.is_split, -one.spread))
