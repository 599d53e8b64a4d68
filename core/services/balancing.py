"""Balancing: with which probability each drawn response came into the sample."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.services.assigning import judged
from core.services.permitting import require
from core.store import draws
from core.store.database import Store
from core.store.draws import Choice, Drawable, WorkDraw
from core.store.studies import Study

#: Strata that are the same for all responses to a question.
_OF_QUESTION = ("category", "difficulty")


@dataclass(frozen=True, slots=True)
class Chance:
    """How a response came into the sample.

    Attributes:
        probability: of being in at least one of the study's draws, which are independent: a draw
            that it could have been in, and is not, counts too.
        of_question: its stratum in the last draw that holds it, as far as that is the question's.
    """

    probability: float
    of_question: str


def chances_of(store: Store, study: Study) -> dict[int, Chance]:
    """The chance of every response that was drawn for work, by response.

    A draw by a judge's score of which a response is no part is weighed by what that judge says of
    it now; what it said then is kept of drawn responses only.
    """
    require(store, "lead")
    found = draws.work_draws(store, study.id)
    if not found:
        return {}
    drawn = {response_id for draw in found for response_id in draw.drawn}
    known = {one.response_id: one for one in draws.drawable(store, study.id, Choice())}
    words = {
        draw.judge_id: judged(store, study, draw.judge_id)
        for draw in found
        if len(found) > 1 and draw.judge_id is not None and "judge" in draw.strata
    }
    return {
        response_id: Chance(
            _of_any(found, response_id, known.get(response_id), words),
            _of_question(found, response_id),
        )
        for response_id in drawn
    }


def _of_any(
    found: list[WorkDraw],
    response_id: int,
    known: Drawable | None,
    words: Mapping[int, Mapping[int, str]],
) -> float:
    missed = 1.0
    for draw in found:
        held = draw.drawn.get(response_id)
        if held is not None:
            missed *= 1.0 - held.probability
        elif known is not None and _could_hold(draw, known):
            word = words.get(draw.judge_id or 0, {}).get(response_id, "unscored")
            stratum = tuple(
                word if name == "judge" else str(getattr(known, name)) for name in draw.strata
            )
            missed *= 1.0 - draw.probabilities.get(stratum, 0.0)
    return 1.0 - missed


def _could_hold(draw: WorkDraw, known: Drawable) -> bool:
    chosen = (
        (draw.choice.models, known.model),
        (draw.choice.categories, known.category),
        (draw.choice.difficulties, known.difficulty),
    )
    return all(not wanted or value in wanted for wanted, value in chosen)


def _of_question(found: list[WorkDraw], response_id: int) -> str:
    for draw in reversed(found):
        held = draw.drawn.get(response_id)
        if held is not None:
            named = zip(draw.strata, held.stratum, strict=True)
            return "/".join(value for name, value in named if name in _OF_QUESTION)
    return ""
