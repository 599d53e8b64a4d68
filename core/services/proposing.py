"""Proposing: which further scores would narrow which interval how far, and asking for them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.planning import Prospect, prospect_of
from core.errors import Refused
from core.services import assigning
from core.services.agreeing import Case
from core.services.permitting import require
from core.services.ranking import counted_questions
from core.services.rating import Order, Rater
from core.services.tallying import Verdicts
from core.store import draws, responses
from core.store.database import Store
from core.store.draws import Choice, Design
from core.store.people import Person
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Proposal:
    """Further scores for one model.

    Attributes:
        benchmark: the dataset whose figures they narrow; '' for the study's only one.
        scored: scores that calibrate its corrected rate now.
        prospect: how the further ones are shared out over categories, and what they bring.
        sizes: how many responses of each category are to be drawn, so that about as many further
            ones are scored: a draw may hit what is scored already.
    """

    model: str
    benchmark: str
    scored: int
    prospect: Prospect
    sizes: dict[str, int]

    @property
    def more(self) -> int:
        """Further scores in all."""
        return sum(self.prospect.given.values())


def proposals_of(
    store: Store, study: Study, verdicts: Verdicts, cases: tuple[Sequence[Case], Sequence[Case]],
    *, benchmark: str, more: int,
) -> list[Proposal]:  # fmt: skip
    """What so many further scores would bring for each model, widest interval first.

    Args:
        benchmark: the dataset that is looked at, for no mean goes over two; '' for the only one.
        cases: all, and those whose scores may correct the judge (`ranking.calibrating`).
    """
    require(store, "lead")
    order = Order(benchmark=benchmark)
    rater = Rater(order, counted_questions(store, study, order), verdicts, *cases)
    found = []
    for model_id, label in responses.models_of_study(store, study.id):
        strata = rater.strata(model_id, label)
        if not strata:
            continue
        now = rater.row(model_id, label)[0].corrected
        prospect = prospect_of(strata, now, more)
        sizes = {
            name: _size(given, len(strata[name].judge_only), len(strata[name].physicians))
            for name, given in prospect.given.items()
            if given
        }
        found.append(Proposal(label, benchmark, now.n, prospect, sizes))
    return sorted(found, key=lambda one: (one.prospect.before is not None, -_width(one)))


def ask_for(
    store: Store, study: Study, proposal: Proposal, persons: Sequence[Person], *, reason: str,
    by: str,
) -> list[int]:  # fmt: skip
    """Draw what a proposal asks for, category by category, and ask physicians; ids of the draws.

    Raises:
        Refused: `nothing_to_ask`; as `assigning.draw`, and then nothing is drawn.
    """
    require(store, "lead")
    if not proposal.sizes:
        raise Refused("nothing_to_ask", model=proposal.model)
    with store.writing():
        first = len(draws.draws_of_study(store, study.id)) + 1
        return [
            assigning.draw(
                store, study,
                Design(
                    size, strata=(), overlap=1, repeat_share=0.0, seed=first + number,
                    choice=Choice(
                        (proposal.model,), (category,),
                        datasets=(proposal.benchmark,) if proposal.benchmark else (),
                    ),
                ),
                persons, reason=reason, by=by,
            )
            for number, (category, size) in enumerate(proposal.sizes.items())
        ]  # fmt: skip


def _size(given: int, left: int, scored: int) -> int:
    return min(left + scored, math.ceil(given * (left + scored) / left))


def _width(one: Proposal) -> float:
    return one.prospect.before or 0.0
