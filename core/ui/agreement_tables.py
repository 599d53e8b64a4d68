"""The agreement page's standing parts: the sentence, the cards, what is left out, the cases."""

import html
from dataclasses import replace

import streamlit as st

from core.domain.agreement import Agreement
from core.domain.estimation import Estimate
from core.services import sealing
from core.services.agreeing import Case
from core.services.arraying import Columns, chosen_columns
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel
from core.services.picking import picked
from core.services.reviewing import expose
from core.ui.address import link_to
from core.ui.exposing import is_asked_for
from core.ui.figure_data import Keeping
from core.ui.figures import Cell, coefficient, percent, show_cards, unbroken
from core.ui.shell import Page

_ROWS_PER_PAGE = 20
#: Signs that end a clause and belong to no link.
_STOPS = ",.;，。；"
#: κ and AC1 further apart than this are explained.
_PARTING = 0.2


def draw_sentence(p: Page, found: Comparison, among: Agreement) -> None:
    """The answer in one sentence made of numbers."""
    usable = found.usable
    if not usable.agreement.n:
        st.html(f'<div class="sentence">{html.escape(p.t("agreement.sentence_none"))}</div>')
        return
    text = p.t(
        "agreement.sentence", n=usable.agreement.n, agreement=percent(p, usable.agreement),
        kappa=coefficient(p, usable.coefficients["cohen_kappa"]),
    )  # fmt: skip
    if among.agreement.value is not None:
        ceiling = p.t(
            "agreement.sentence_ceiling", pairs=among.agreement.n,
            agreement=percent(p, among.agreement),
            kappa=coefficient(p, among.coefficients["cohen_kappa"]),
        )  # fmt: skip
        text = p.joined(text, ceiling)
    count = usable.table[0][1]
    link = link_to("agreement", view="cases", of="false_usable")
    said = html.escape(p.t("agreement.sentence_danger", n=count))
    danger = f'<a href="{html.escape(link)}" target="_self" class="danger">{said}</a>'
    st.html(f'<div class="sentence">{unbroken(text)} {danger if count else said}</div>')


def draw_summary(p: Page, found: Comparison) -> None:
    """The figures that a meeting asks for, danger first."""
    usable, scores = found.usable, found.scores
    n, pairs = usable.agreement.n, scores.agreement.n
    show_cards(
        [
            (
                p.t("words.false_usable"), percent(p, found.false_usable),
                p.t("agreement.false_usable_below", n=found.false_usable.n),
            ),
            (
                p.t("agreement.missed_risk"), percent(p, found.missed_risk),
                p.t("agreement.missed_risk_below", n=found.missed_risk.n),
            ),
            (p.t("words.agreement"), percent(p, usable.agreement), p.t("agreement.below", n=n)),
            ("Cohen κ", coefficient(p, usable.coefficients["cohen_kappa"]),
             p.t("agreement.below", n=n)),
            ("Gwet AC1", coefficient(p, usable.coefficients["gwet_ac1"]),
             p.t("agreement.below", n=n)),
            (p.t("agreement.quadratic"), coefficient(p, scores.coefficients["quadratic_kappa"]),
             p.t("agreement.pairs_below", n=pairs)),
        ]
    )  # fmt: skip
    kappa = usable.coefficients["cohen_kappa"].value
    ac1 = usable.coefficients["gwet_ac1"].value
    if kappa is not None and ac1 is not None and abs(ac1 - kappa) >= _PARTING:
        st.html(f'<div class="quiet">{html.escape(_parting(p, found, kappa, ac1))}</div>')


def draw_weights(p: Page, found: Comparison) -> None:
    """That figures are weighted, with the raw ones and the effective n."""
    raw = found.raw
    if raw is None or found.effective_n is None:
        return
    said = p.t(
        "agreement.weighted", effective=round(found.effective_n), n=raw.usable.agreement.n,
        agreement=percent(p, raw.usable.agreement),
        kappa=coefficient(p, raw.usable.coefficients["cohen_kappa"]),
        false_usable=percent(p, raw.false_usable), undrawn=found.undrawn,
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(said)}</div>')


def draw_excluded(p: Page, panel: Panel, every: Columns, keep: Keeping) -> None:
    """How many responses stand out because their question is excluded, and the other reading."""
    if not every.is_excluded.any():
        return
    choice = keep.choice
    otherwise = replace(choice, with_excluded=not choice.with_excluded)
    other = keep(
        "other reading",
        lambda: comparison_of(chosen_columns(every, otherwise), panel, only=("cohen_kappa",)),
    )
    said = p.t(
        f"agreement.excluded_{'counted' if choice.with_excluded else 'left_out'}",
        n=int(every.is_excluded.sum()), other=other.usable.agreement.n,
        agreement=percent(p, other.usable.agreement),
        kappa=coefficient(p, other.usable.coefficients["cohen_kappa"]),
        false_usable=percent(p, other.false_usable),
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(said)}</div>')


def draw_left_out(p: Page, found: Comparison) -> None:
    """What the figures do not hold, and why; every count opens its cases."""
    parts = [
        html.escape(p.t("agreement.out_of", cases=found.cases, physicians=found.physicians)),
        *(
            _counted(p, kind, getattr(found, kind))
            for kind in ("undecided", "unscored", "pending", "unstable")
        ),
        html.escape(p.t("agreement.phases", unknown=found.unknown_phase)),
    ]
    st.html(f'<div class="quiet">{p.joined(*parts)}</div>')


def draw_cases(p: Page, cases: list[Case], of: str) -> None:
    """The cases behind one number, each opening its own page; opening the list is an exposure."""
    found = picked(cases, of)
    kind = of.partition(":")[0]
    title = p.t(f"agreement.of.{kind}", n=len(found), cell=of.partition(":")[2].replace(":", " · "))
    st.html(f"<h3>{html.escape(title)}</h3>")
    if not found:
        return
    sealed = sealing.seals_of(p.store, p.study)
    closed = sum(sealed.is_sealed(case) for case in found)
    if closed:
        href = html.escape(link_to("agreement", view="held_out", of=None))
        said = html.escape(p.t("agreement.closed", n=closed))
        link = html.escape(p.t("agreement.views.held_out"))
        st.html(f'<div class="quiet">{said} <a href="{href}" target="_self">{link}</a></div>')
    found = [case for case in found if not sealed.is_sealed(case)]
    if found and not is_asked_for(p, "cases", p.t("agreement.show")):
        return
    pages = -(-len(found) // _ROWS_PER_PAGE)
    at = 1
    if pages > 1:
        at = st.pagination(pages, key=p.key(p.study.id, "page"))
    for case in found[(at - 1) * _ROWS_PER_PAGE : at * _ROWS_PER_PAGE]:
        draw_case_row(p, case)


def draw_case_row(p: Page, case: Case) -> None:
    """One case in a line, with the link that opens it; records that it was shown."""
    expose(p.store, p.person, case.question_id, "machine_verdict", page=p.name)
    what, said, link = st.columns([3, 6, 2], vertical_alignment="center")
    what.html(f"{html.escape(case.question)} · {html.escape(case.model)}")
    judge = "–" if case.judge.mean is None else f"{case.judge.mean:.3g}"
    people = ", ".join(f"{html.escape(s.person)} {s.value}" for s in case.scores)
    marks = [
        p.t(f"agreement.mark.{name}")
        for name, holds in (
            ("missed_risk", case.is_missed_risk),
            ("false_usable", case.is_false_usable),
        )
        if holds
    ]
    danger = "".join(f'<span class="danger">▲ {html.escape(mark)}</span> ' for mark in marks)
    unstable = f" · {p.t('agreement.mark.unstable')}" if case.judge.is_unstable else ""
    said.html(f"{danger}{p.t('words.judge')} {judge}{unstable} · {people}")
    link.page_link(
        "pages/case.py", label=p.t("words.open_case"),
        query_params={"response": str(case.response_id)},
    )  # fmt: skip


def opening(p: Page, text: str, of: str, **narrowed: str) -> Cell:
    """A number that opens its cases; one that has none opens nothing."""
    if text == "–":
        return Cell(text)
    return Cell(text, link_to("agreement", view="cases", of=of, **narrowed))


def value_of(estimate: Estimate) -> float:
    """For sorting: undefined comes last."""
    return -1.0 if estimate.value is None else estimate.value


def _parting(p: Page, found: Comparison, kappa: float, ac1: float) -> str:
    table = found.usable.table
    n = sum(map(sum, table))
    usable = (sum(table[1]) + table[0][1] + table[1][1]) / (2 * n)
    return p.t("agreement.parting", kappa=kappa, ac1=ac1, share=100 * max(usable, 1 - usable))


def _counted(p: Page, kind: str, count: int) -> str:
    text = html.escape(p.t(f"agreement.left.{kind}", n=count))
    if not count:
        return text
    href = html.escape(link_to("agreement", view="cases", of=kind))
    said = text.rstrip(_STOPS)
    return f'<a href="{href}" target="_self">{said}</a>{text[len(said) :]}'
