"""The list of a page's keys, for whoever asks with H."""

import html
from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.ui.shell import Page


def draw_key_list(p: Page, names: Sequence[str]) -> None:
    """The button that lists a page's keys, and the list once it was pressed.

    Args:
        names: of the sentences in `key_list`.
    """
    shown = p.key("all", "help-shown")
    st.button(
        p.t("scoring.keys"), key=p.key("all", "help"), type="tertiary", shortcut="h",
        on_click=partial(_toggle, p, shown),
    )  # fmt: skip
    if p.kept.get(shown):
        st.html(keys_html(p, names))


def keys_html(p: Page, names: Sequence[str]) -> str:
    """The list on one line."""
    lines = "".join(f"<li>{html.escape(p.t(f'key_list.{name}'))}</li>" for name in names)
    return f'<div class="keys"><b>{html.escape(p.t("key_list.title"))}</b><ul>{lines}</ul></div>'


def _toggle(p: Page, name: str) -> None:
    p.kept[name] = not p.kept.get(name, False)
