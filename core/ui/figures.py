"""Numbers as people read them: the value, its interval, its n, or why there is none."""

import html

import streamlit as st

from core.domain.agreement import Agreement
from core.domain.estimation import Estimate
from core.ui.shell import Page


def percent(p: Page, estimate: Estimate) -> str:
    """A share such as `88% [84, 91]`."""
    if estimate.value is None:
        return p.t(f"undefined.{estimate.undefined_because}")
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f" [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"
    return f"{100 * estimate.value:.0f}%{interval}"


def coefficient(p: Page, estimate: Estimate) -> str:
    """A coefficient such as `.71 [.63, .78]`."""
    if estimate.value is None:
        return p.t(f"undefined.{estimate.undefined_because}")
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f" [{_short(estimate.low)}, {_short(estimate.high)}]"
    return f"{_short(estimate.value)}{interval}"


def show_cards(cards: list[tuple[str, str, str]]) -> None:
    """Show figures side by side: label, value, and a quiet line below."""
    cells = "".join(
        f'<div><span class="quiet">{html.escape(label)}</span><b>{html.escape(value)}</b>'
        f'<span class="quiet">{html.escape(below)}</span></div>'
        for label, value, below in cards
    )
    st.html(f'<div class="figures">{cells}</div>')


def show_matrix(p: Page, agreement: Agreement, labels: list[str]) -> None:
    """Show a confusion matrix, physicians in rows and the judge in columns."""
    head = "".join(f"<th>{html.escape(label)}</th>" for label in labels)
    rows = "".join(
        f"<tr><th>{html.escape(label)}</th>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
        for label, row in zip(labels, agreement.table, strict=True)
    )
    corner = html.escape(p.t("agreement.matrix_corner"))
    st.html(f'<table class="matrix"><tr><th>{corner}</th>{head}</tr>{rows}</table>')


def show_label(text: str) -> None:
    """A small heading above a box."""
    st.html(f'<div class="label">{html.escape(text)}</div>')


def _short(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1)
