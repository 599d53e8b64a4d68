"""The leaderboard page's view of what to score next, and the click that asks physicians for it."""

import html
from pathlib import Path

import streamlit as st

from core.domain.planning import scores_for_half_width
from core.services.agreeing import Case
from core.services.choosing import counted
from core.services.comparing import comparison_of
from core.services.proposing import Proposal, ask_for, proposals_of
from core.services.ranking import counted_questions
from core.services.rating import Order
from core.store import people
from core.store.database import Store
from core.store.people import Person
from core.store.readings import stamp
from core.store.studies import Study
from core.ui.figure_data import calibrating_cases, verdicts_of_chosen
from core.ui.figures import Cell, show_grid, show_label
from core.ui.leaderboard_tables import Drawn
from core.ui.shell import Page, entered

_MORE = 50
_WIDTHS = (4, 3, 3, 5, 3)
_HALF_WIDTHS = (0.1, 0.05)


def draw_next(p: Page, found: Drawn, figure: str) -> None:
    """What further scores would bring each model; one click asks physicians for them."""
    every = calibrating_cases(p, found.panel)
    first, second = st.columns([2, 7], vertical_alignment="bottom")
    more = first.number_input(
        p.t("leaderboard.more"), 1, 2000, _MORE, 10, key=p.key(p.study.id, "more")
    )
    names = {person.id: person.name for person in people.people(p.store)}
    scored = {score.person_id for case in every[0] for score in case.scores}
    asked_key = p.key(p.study.id, "ask")
    second.multiselect(
        p.t("leaderboard.ask_whom"), list(names), default=sorted(scored & set(names)),
        format_func=names.__getitem__, key=asked_key, placeholder="",
    )  # fmt: skip
    heads = ("words.model", "leaderboard.now", "leaderboard.then", "leaderboard.where")
    for place, head in zip(st.columns(_WIDTHS), heads, strict=False):
        place.html(f'<div class="quiet">{html.escape(p.t(head, n=int(more)))}</div>')
    facts = stamp(p.store)
    known, benchmark = (p.store.path, p.study.id, found.panel.name, facts), found.order.benchmark
    for one in _proposals(*known, benchmark, int(more), p, found):
        _draw_proposal(p, one, asked_key)
    st.html(f'<div class="quiet">{html.escape(p.t("leaderboard.note_next"))}</div>')
    within = counted_questions(p.store, p.study, Order(benchmark=benchmark))
    _draw_kappa(p, found, [case for case in every[0] if case.question_id in within])


@st.cache_resource(max_entries=8, show_spinner=False)
def _proposals(
    path: Path, study: int, name: str, facts: tuple[int, ...], benchmark: str, more: int,
    _p: Page, _found: Drawn,
) -> list[Proposal]:  # fmt: skip
    """A pure function of its arguments: facts are only ever added, and `facts` counts them."""
    verdicts = verdicts_of_chosen(_p, _found.panel)
    cases = calibrating_cases(_p, _found.panel)
    return proposals_of(_p.store, _p.study, verdicts, cases, benchmark=benchmark, more=more)


def _draw_proposal(p: Page, one: Proposal, asked_key: str) -> None:
    model, now, then, where, button = st.columns(_WIDTHS, vertical_alignment="center")
    prospect = one.prospect
    model.html(f"<b>{html.escape(one.model)}</b>")
    now.html(f"{_width(p, prospect.before)} · n {one.scored}")
    then.html(_width(p, prospect.after))
    where.html(" · ".join(f"{name} {count}" for name, count in prospect.given.items() if count))
    button.button(
        p.t("leaderboard.ask_now"), key=p.key(one.model, "ask-now"), width="stretch",
        disabled=not one.sizes,
        on_click=p.act(_ask, p.study, p.person, one, asked_key,
                       p.t("leaderboard.ask_reason", model=one.model)),
    )  # fmt: skip


def _width(p: Page, half: float | None) -> str:
    return html.escape(
        p.t("undefined.too_few") if half is None
        else p.t("leaderboard.points", points=f"{100 * half:.1f}")
    )  # fmt: skip


def _draw_kappa(p: Page, found: Drawn, every: list[Case]) -> None:
    """How many responses would tell κ how closely."""
    kappa = comparison_of(counted(every), found.panel, only=("cohen_kappa",)).usable.coefficients[
        "cohen_kappa"
    ]
    show_label(p.t("leaderboard.kappa_next"))
    show_grid(
        p, "kappa-next",
        ["κ", "n", *(p.t("leaderboard.scores_for_kappa", width=width) for width in _HALF_WIDTHS)],
        [
            [
                Cell("–" if kappa.value is None else f"{kappa.value:.2f}"),
                Cell(str(kappa.n)),
                *(
                    Cell("–" if needed is None else str(needed))
                    for width in _HALF_WIDTHS
                    for needed in (scores_for_half_width(kappa, width),)
                ),
            ]
        ],
    )  # fmt: skip


def _ask(
    store: Store, study: Study, person: Person, one: Proposal, asked_key: str, reason: str
) -> None:
    asked = entered().get(asked_key) or []
    persons = [found for found in people.people(store) if found.id in asked]
    ask_for(store, study, one, persons, reason=reason, by=person.name)
