"""Two versions of a text side by side, with the words that changed."""

import html
from pathlib import Path

import streamlit as st

from core.domain.differences import Kind, Passage, differences, passages
from core.ui.clinical import pieces_html
from core.ui.shell import Page

_STYLE = Path(__file__).resolve().parent / "prompts.css"
#: Lines of an unchanged passage that is shown.
_MOST_UNCHANGED = 2
SIDES: tuple[Kind, Kind] = ("removed", "added")


def show_sides(p: Page, old: str, new: str, *, whole: bool) -> None:
    """Show both texts in two columns; long unchanged passages are folded unless `whole`."""
    st.html(_STYLE)
    rows = "".join(_row(p, passage, whole=whole) for passage in passages(old, new))
    st.html(f'<table class="sides">{rows}</table>')


def show_changes(old: str, new: str) -> None:
    """Show one text with what was taken out and what was put in."""
    st.html(_STYLE)
    st.html(pieces_html(differences(old, new)))


def _row(p: Page, passage: Passage, *, whole: bool) -> str:
    """One passage of both versions; long unchanged ones are folded, and say so."""
    lines = passage.pieces[0].text.splitlines(keepends=True) if passage.is_same else []
    if whole or len(lines) <= _MOST_UNCHANGED:
        left, right = (
            pieces_html([piece for piece in passage.pieces if piece.kind in ("same", side)])
            for side in SIDES
        )
        return f"<tr><td>{left}</td><td>{right}</td></tr>"
    folded = html.escape(p.t("prompts.unchanged", n=len(lines)))
    return f'<tr><td colspan="2" class="quiet">{folded}</td></tr>'
