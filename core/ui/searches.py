"""The places that a search has found."""

import html

import streamlit as st

from core.services.searching import MOST, Found
from core.ui.clinical import found_html
from core.ui.shell import Page


def draw_found(p: Page, found: list[Found]) -> None:
    """Draw every place with the words around it, and the way to its response."""
    if not found:
        st.info(p.t("search.none"))
        return
    many = (
        p.t("search.many", most=MOST) if len(found) == MOST else p.t("search.found", n=len(found))
    )
    rows = "".join(_row(p, one) for one in found)
    st.html(f'<div class="quiet">{html.escape(many)}</div>{rows}')


def _row(p: Page, one: Found) -> str:
    place = one.place
    said = [place.question, p.named("category", place.category), p.t(f"search.in.{place.where}")]
    head = html.escape(" · ".join(said))
    target = "case" if "lead" in p.rights else "work"
    if place.response_id is not None and p.rights & {"lead", "physician"}:
        head = f'<a href="{target}?response={place.response_id}" target="_self">{head}</a>'
    text = found_html(one.before, one.word, one.after)
    return f'<div class="found"><div class="label">{head}</div>{text}</div>'
