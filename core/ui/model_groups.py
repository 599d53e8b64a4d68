"""The leaderboard page's view of models' groups, under whose headings its tables stand."""

import html

import streamlit as st

from core.services import excluding
from core.store import table_settings
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.figures import show_label
from core.ui.leaderboard_tables import GROUPS, Drawn
from core.ui.shell import Page, entered


def draw_model_groups(p: Page, found: Drawn, figure: str) -> None:
    """Say of each model whether it is open, closed or specialised; the last word counts."""
    settled = table_settings.settled_groups(p.store, p.study.id)
    show_label(p.t("leaderboard.group_models"))
    for model in sorted(row.model for row in found.board.rows):
        last = settled.get(model)
        name, choice, who = st.columns([4, 5, 4], vertical_alignment="center")
        name.html(html.escape(model))
        key = p.key(model, "group")
        st.session_state[key] = last.kind if last else None  # what the study says, not the click
        choice.segmented_control(
            model, GROUPS, key=key, format_func=lambda kind: p.t(f"model_group.{kind}"),
            label_visibility="collapsed", on_change=p.act(_settle, p.study, p.person, model, key),
        )  # fmt: skip
        said = p.t("leaderboard.no_group")
        if last:
            said = p.t("leaderboard.grouped_by", by=last.by, time=last.at[:16].replace("T", " "))
        who.html(f'<div class="quiet">{html.escape(said)}</div>')
    st.html(f'<div class="quiet">{html.escape(p.t("leaderboard.note_groups"))}</div>')


def _settle(store: Store, study: Study, person: Person, model: str, key: str) -> None:
    kind = entered().get(key)
    if kind is not None:
        excluding.group_model(store, study, model, str(kind), by=person.name)
