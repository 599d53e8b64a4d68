"""The leaderboard page's views of dimensions, and of questions that are left out."""

import html

import streamlit as st

from core.domain import mtg
from core.domain.estimation import Estimate
from core.services import excluding
from core.services.agreeing_parts import dimensions_by_model
from core.services.choosing import Choice, chosen
from core.store import questions
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.figure_data import calibrating_cases
from core.ui.figures import Cell, mean, show_grid, show_label
from core.ui.leaderboard_tables import Drawn
from core.ui.shell import Page, entered


def draw_dimensions(p: Page, found: Drawn, figure: str) -> None:
    """Mean marks of generated texts per model and dimension, as in the paper's table 5."""
    every, _ = calibrating_cases(p, found.panel)
    cases = chosen(every, Choice(with_excluded=found.order.with_excluded))
    rows = dimensions_by_model(p.store, p.study, found.panel, cases)
    if not rows:
        st.info(p.t("leaderboard.no_dimensions"))
        return

    def cell(one: Estimate) -> Cell:
        return Cell(f"{mean(p, one)} · {one.n}" if one.n else "–")

    show_grid(
        p, "dimensions",
        [p.t("words.model"), p.t("leaderboard.marked_by"),
         *(p.t(f"mtg.{name}") for name in mtg.DIMENSIONS)],
        [
            [
                Cell(one.model),
                Cell(p.t("words.physicians") if one.by == "physicians" else found.panel.name),
                *(cell(one.means[name]) for name in mtg.DIMENSIONS),
            ]
            for one in rows
        ],
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("leaderboard.note_dimensions")}</div>')


def draw_exclusions(p: Page, found: Drawn, figure: str) -> None:
    """Leave a question out from now on, or take it back in; each act with author and reason."""
    known = excluding.exclusions_of(p.store, p.study)
    if known:
        show_grid(
            p, "exclusions",
            [p.t("agreement.question"), p.t("leaderboard.excluded_since"), p.t("leaderboard.by"),
             p.t("agreement.because")],
            [[Cell(one.key), Cell(one.at[:16].replace("T", " ")), Cell(one.by), Cell(one.reason)]
             for one in known],
        )  # fmt: skip
    keys = [one.key for one in questions.questions_of_study(p.store, p.study.id)]
    excluded = [one.key for one in known]
    show_label(p.t("leaderboard.exclude_one"))
    question, reason, button = st.columns([3, 6, 3], vertical_alignment="bottom")
    chosen_key = p.key(p.study.id, "exclude")
    reason_key = p.key(p.study.id, "exclude-reason")
    key = question.selectbox(p.t("agreement.question"), keys, key=chosen_key)
    reason.text_input(p.t("agreement.because"), key=reason_key)
    word = "include_now" if key in excluded else "exclude_now"
    button.button(
        p.t(f"leaderboard.{word}"), key=p.key(p.study.id, "exclude-do"), width="stretch",
        on_click=p.act(_exclude, p.study, p.person, chosen_key, reason_key),
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(p.t("leaderboard.note_exclude"))}</div>')


def _exclude(store: Store, study: Study, person: Person, chosen_key: str, reason_key: str) -> None:
    key = str(entered()[chosen_key])
    excluded = {one.key for one in excluding.exclusions_of(store, study)}
    excluding.exclude(
        store, study, key, is_excluded=key not in excluded,
        reason=str(entered().get(reason_key) or ""), by=person.name,
    )  # fmt: skip
