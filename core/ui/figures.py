"""Numbers as people read them: the value, its interval, its n, or why there is none."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.domain.agreement import Agreement
from core.domain.estimation import Estimate
from core.formats.latex import csv_table, latex_table
from core.services.exporting_cases import harmless
from core.ui.shell import Page

#: How a cell begins that holds a figure, or says that there is none.
_FIGURE = re.compile(r"[-+±≈]?\.?\d|–$")
_WORDS = ' class="words"'
_INTERVAL = re.compile(r"(?:κ )?\S+ \[[^\]]*\]")


def percent(p: Page, estimate: Estimate) -> str:
    """A share such as `88% [84, 91]`."""
    return _with_interval(p, estimate, lambda share: f"{100 * share:.0f}", unit="%")


def coefficient(p: Page, estimate: Estimate) -> str:
    """A coefficient such as `.71 [.63, .78]`; one of so few that it has no interval is none."""
    if estimate.value is not None and estimate.low is None:
        return p.t("undefined.too_few")
    return _with_interval(p, estimate, lambda value: f"{value:.2f}".replace("0.", ".", 1))


def steps(p: Page, estimate: Estimate) -> str:
    """A difference in steps of the scale, such as `+0.31 [+0.20, +0.42]`."""
    return _with_interval(p, estimate, lambda value: f"{value:+.2f}")


def mean(p: Page, estimate: Estimate) -> str:
    """A mean mark such as `4.26 [4.10, 4.41]`."""
    return _with_interval(p, estimate, lambda value: f"{value:.2f}")


def _with_interval(
    p: Page, estimate: Estimate, written: Callable[[float], str], *, unit: str = ""
) -> str:
    """A value with its interval, or why there is none."""
    if estimate.value is None:
        return p.t(f"undefined.{estimate.undefined_because}")
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f" [{written(estimate.low)}, {written(estimate.high)}]"
    return f"{written(estimate.value)}{unit}{interval}"


def percent_of(p: Page, estimate: Estimate) -> str:
    """A share with what it is of, such as `88% [84, 91] · 120`; `–` where it is of nothing."""
    return f"{percent(p, estimate)} · {estimate.n}" if estimate.n else "–"


def unbroken(text: str) -> str:
    """A sentence as HTML, whose intervals stay in one line each."""
    return _INTERVAL.sub(r'<span class="whole">\g<0></span>', html.escape(text))


def show_cards(cards: list[tuple[str, str, str]]) -> None:
    """Show figures side by side: label, value, and a quiet line below."""
    cells = "".join(
        f'<div><span class="quiet">{html.escape(label)}</span><b>{html.escape(value)}</b>'
        f'<span class="quiet">{html.escape(below)}</span></div>'
        for label, value, below in cards
    )
    st.html(f'<div class="figures">{cells}</div>')


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; with an address it opens what is behind the number."""

    text: str
    href: str = ""
    is_danger: bool = False


def show_matrix(
    p: Page,
    agreement: Agreement,
    labels: list[str],
    hrefs: list[list[str]],
    *,
    danger: tuple[int, int] | None = None,
) -> None:
    """Show a confusion matrix, physicians in rows and the judge in columns.

    Args:
        danger: row and column of the cell that can hurt, red unless it is empty.
    """
    rows = [
        [
            Cell(label),
            *(
                Cell(str(count), href, is_danger=(row, column) == danger and count > 0)
                for column, (count, href) in enumerate(
                    zip(agreement.table[row], hrefs[row], strict=True)
                )
            ),
        ]
        for row, label in enumerate(labels)
    ]
    _show_html([p.t("agreement.matrix_corner"), *labels], rows, kind="matrix")


def show_grid(
    p: Page, name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], *, names: int = 1
) -> None:
    """Show a table whose numbers open their cases, with a file of it to download.

    Args:
        names: so many first cells name a row; they stand as one, which stays while others scroll.
    """
    _show_html(
        [_named(head[:names]), *head[names:]],
        [[Cell(_named([one.text for one in row[:names]]), row[0].href), *row[names:]]
         for row in rows],
        kind="grid",
    )  # fmt: skip
    texts = [[cell.text for cell in row] for row in rows]
    safe = [[str(harmless(cell)) for cell in row] for row in texts]
    with st.container(horizontal=True):
        st.download_button(
            p.t("charts.csv"), "\ufeff" + csv_table([str(harmless(one)) for one in head], safe),
            f"{name}.csv", "text/csv", key=p.key(name, "csv"), on_click="ignore", type="tertiary",
            width="content",
        )  # fmt: skip
        st.download_button(
            p.t("charts.latex"), latex_table(head, texts), f"{name}.tex", "text/x-tex",
            key=p.key(name, "latex"), on_click="ignore", type="tertiary", width="content",
        )  # fmt: skip


def _show_html(head: Sequence[str], rows: Sequence[Sequence[Cell]], *, kind: str) -> None:
    named = [_is_words([row[at].text for row in rows if at < len(row)]) for at in range(len(head))]
    top = "".join(
        f"<th{_WORDS if is_words else ''}>{html.escape(label)}</th>"
        for label, is_words in zip(head, named, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(_cell(cell, is_first=not at, is_words=named[at]) for at, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    st.html(f'<div class="scrolled"><table class="{kind}"><tr>{top}</tr>{body}</table></div>')


def _named(names: Sequence[str]) -> str:
    return " · ".join(names)


def _is_words(texts: Sequence[str]) -> bool:
    """Tell a column of words, which begin at the left, from one of figures."""
    return any(texts) and not any(_FIGURE.match(text) for text in texts)


def _cell(cell: Cell, *, is_first: bool, is_words: bool) -> str:
    text = html.escape(cell.text)
    if cell.is_danger:
        text = f'<span class="danger">{text}</span>'
    if cell.href:
        text = f'<a href="{html.escape(cell.href)}" target="_self">{text}</a>'
    return f"<th>{text}</th>" if is_first else f"<td{_WORDS if is_words else ''}>{text}</td>"


def show_label(text: str) -> None:
    """A small heading above a box."""
    st.html(f'<div class="label">{html.escape(text)}</div>')
