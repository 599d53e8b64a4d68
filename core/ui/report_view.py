"""The leaderboard page's view of the methods report: what it states, and its downloads."""

import html
from collections.abc import Callable

import streamlit as st

from core.reports.methods import methods_html, methods_markdown
from core.services import describing
from core.store.database import Store, opened
from core.store.people import Person
from core.store.statements import NAMES
from core.store.studies import Study
from core.ui.figures import show_label
from core.ui.leaderboard_tables import Drawn
from core.ui.shell import Page, entered

_WRITERS = {"md": methods_markdown, "html": methods_html}
_MIME = {"md": "text/markdown", "html": "text/html"}


def draw_report(p: Page, found: Drawn, figure: str) -> None:
    """One click makes the report; what it states of ethics and data is edited here."""
    st.html(f'<div class="quiet">{html.escape(p.t("leaderboard.note_report"))}</div>')
    places = st.columns([3, 3, 7])
    for place, suffix in zip(places, _WRITERS, strict=False):
        place.download_button(
            p.t(f"leaderboard.report_{suffix}"), _making(p, found, suffix),
            f"{p.study.name}-methods.{suffix}", _MIME[suffix],
            key=p.key(suffix, "report"), on_click="ignore", width="stretch",
        )  # fmt: skip
    show_label(p.t("leaderboard.states"))
    said = describing.stated(p.store, p.study)
    keys = {name: p.key(f"{p.study.id}-{name}", "state") for name in NAMES}
    for name in NAMES:
        st.text_input(
            p.t(f"report.stated.{name}"), value=said[name], key=keys[name],
            placeholder=p.t("report.not_stated"),
        )  # fmt: skip
    st.button(
        p.t("leaderboard.state"), key=p.key(p.study.id, "state-all"),
        on_click=p.act(_state, p.study, p.person, keys),
    )  # fmt: skip


def _making(p: Page, found: Drawn, suffix: str) -> Callable[[], str]:
    """Makes the report when it is called: in a thread and with a database of its own."""
    path, actor, study, language = p.store.path, p.person.id, p.study, p.language

    def make() -> str:
        with opened(path, actor=actor) as store:
            return _WRITERS[suffix](describing.description_of(store, study, found.panel), language)

    return make


def _state(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    said = describing.stated(store, study)
    for name in NAMES:
        value = str(entered().get(keys[name]) or "")
        if value.strip() != said[name]:
            describing.state(store, study, name, value, by=person.name)
