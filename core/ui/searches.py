"""The places that a search has found."""

import html
from urllib.parse import urlencode

import streamlit as st

from core.services.searching import MOST, Found
from core.store.searches import Place
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
    if (address := _address(p, place)) is not None:
        head = f'<a href="{html.escape(address)}" target="_self">{head}</a>'
    text = found_html(one.parts)
    return f'<div class="found"><div class="label">{head}</div>{text}</div>'


def _address(p: Page, place: Place) -> str | None:
    """Where the text stands: a lead's case or checklist, a physician's own work; None elsewhere."""
    if place.response_id is None:
        is_open = "lead" in p.rights and place.kind == "open"
        return f"checklists?{urlencode({'question': place.question})}" if is_open else None
    if "lead" in p.rights:
        return f"case?response={place.response_id}"
    return f"work?response={place.response_id}" if "physician" in p.rights else None
