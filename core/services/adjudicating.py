"""Adjudicating: physicians differ on a response, and one person decides with all scores in view.

The scores are shown without names, and the decision falls before any judge is shown.
"""

from collections import defaultdict
from dataclasses import dataclass

from core.domain.scales import Scale
from core.errors import Refused
from core.services import reviewing
from core.services.permitting import require, require_own
from core.store import consensus, criteria, human_scores, questions, reviews
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.people import Person
from core.store.studies import Study

#: Scores so far apart differ even on the same side of usable.
APART = 2


@dataclass(frozen=True, slots=True)
class Dispute:
    """A response on which physicians differ.

    Attributes:
        scores: those that count, in an order that tells nothing of who gave them.
        is_split: they fall on different sides of usable.
    """

    response_id: int
    question_id: int
    scores: tuple[HumanScore, ...]
    is_split: bool


def disputes(store: Store, study: Study) -> list[Dispute]:
    """Responses on which physicians differ and nobody has decided: split ones first.

    A decision stands until a physician scores the response anew.
    """
    require(store, "adjudicator", "lead")
    decided = consensus.consensus_of_study(store, study.id)
    by_response: dict[int, list[HumanScore]] = defaultdict(list)
    for score in human_scores.counting(human_scores.human_scores_of_study(store, study.id)):
        if score.value is not None:
            by_response[score.response_id].append(score)
    place = {one.id: at for at, one in enumerate(questions.questions_of_study(store, study.id))}
    found = []
    for response_id, scores in by_response.items():
        question_id = reviewing.response_with_text(store, response_id).question_id
        dispute = _dispute(response_id, question_id, scores)
        last = decided.get(response_id)
        is_decided = last is not None and last.after_assessment >= max(one.id for one in scores)
        if dispute is not None and not is_decided:
            found.append(dispute)
    return sorted(found, key=lambda one: (not one.is_split, place[one.question_id]))


def dispute_of(store: Store, person: Person, dispute: Dispute) -> Dispute:
    """The dispute as it is shown to an adjudicator, which is recorded."""
    require_own(store, person.id, "adjudicator", "lead")
    reviewing.expose(store, person, dispute.question_id, "other_person", page="adjudicate")
    return dispute


def scale_of(dispute: Dispute) -> Scale:
    """The scale on which a dispute is decided: the one that most of its scores stand on."""
    scales = [Scale(one.scale, one.minimum, one.maximum, one.usable_from) for one in dispute.scores]
    return max(scales, key=scales.count)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an adjudicator says of a response: a value on the physicians' scale, or why none."""

    value: int | None
    reason: str
    undecided_because: str = ""


def decide(
    store: Store, study: Study, person: Person, dispute: Dispute, decision: Decision
) -> None:
    """Store a decision; whether the adjudicator had seen the judge is stored with it.

    Raises:
        Refused: `needs_reason`; `score_outside_scale`; `own_score` where the adjudicator is one
            of those who differ; `dispute_moved_on` where a score has changed meanwhile.
    """
    require_own(store, person.id, "adjudicator", "lead")
    if not decision.reason.strip():
        raise Refused("needs_reason")
    scale = scale_of(dispute)
    if decision.value is not None and not scale.holds(decision.value):
        raise Refused(
            "score_outside_scale", score=decision.value,
            minimum=scale.minimum, maximum=scale.maximum,
        )  # fmt: skip
    if any(score.person_id == person.id for score in dispute.scores):
        raise Refused("own_score")
    with store.writing():
        if dispute not in disputes(store, study):
            raise Refused("dispute_moved_on")
        version = criteria.active_version(store, study.id, dispute.question_id)
        consensus.add_consensus(
            store, study.id, dispute.response_id, version.id, person.id, scale, decision.value,
            undecided_because=None if decision.value is not None
            else decision.undecided_because.strip() or decision.reason.strip(),
            had_seen_judge=reviews.was_shown(
                store, person.id, dispute.question_id, "machine_verdict"
            ),
            reason=decision.reason.strip(), by=person.name,
        )  # fmt: skip


def _dispute(response_id: int, question_id: int, scores: list[HumanScore]) -> Dispute | None:
    values = [score.value for score in scores if score.value is not None]
    votes = {score.usable for score in scores}
    same_scale = len({score.scale for score in scores}) == 1
    is_far = same_scale and max(values) - min(values) >= APART
    if len(values) < 2 or not (len(votes) == 2 or is_far):
        return None
    # by value, then by an order that has nothing to do with who scored first
    ordered = sorted(scores, key=lambda one: (one.value, one.comment))
    return Dispute(response_id, question_id, tuple(ordered), len(votes) == 2)
