"""Lists that are shown once somebody asks for them, since to read them is an exposure."""

import streamlit as st

from core.ui.shell import Page, entered


def is_asked_for(p: Page, name: str, label: str) -> bool:
    """Whether a list was asked for; until then, what it would be and a button that asks."""
    shown = p.key(p.study.id, f"show-{name}")
    if entered().get(shown):
        return True
    st.html(f'<div class="quiet">{p.t("agreement.exposes")}</div>')
    st.button(label, key=p.key(p.study.id, name), on_click=_show, args=(shown,))
    return False


def _show(name: str) -> None:
    st.session_state[name] = True
