"""Tables of agreement: the summary, by group, matrices, and the list of disagreements."""

import html

import streamlit as st

from core.services.agreeing import Case, Comparison, comparison_of
from core.services.reviewing import expose
from core.store.judges import Judge
from core.ui.figures import coefficient, percent, show_cards, show_label, show_matrix
from core.ui.shell import Page

_ROWS_PER_PAGE = 20


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
            (p.t("words.agreement"), percent(p, usable.agreement), p.t("agreement.below", n=n)),
            ("Cohen κ", coefficient(p, usable.coefficients["cohen_kappa"]),
             p.t("agreement.below", n=n)),
            (p.t("agreement.quadratic"), coefficient(p, scores.coefficients["quadratic_kappa"]),
             p.t("agreement.pairs_below", n=pairs)),
            (p.t("agreement.plain_scores"), coefficient(p, scores.coefficients["cohen_kappa"]),
             p.t("agreement.pairs_below", n=pairs)),
        ]
    )  # fmt: skip


def draw_left_out(p: Page, found: Comparison) -> None:
    """What the figures do not hold, and why."""
    text = p.t(
        "agreement.left_out", cases=found.cases, physicians=found.physicians,
        undecided=found.undecided, unscored=found.unscored, pending=found.pending,
        unknown=found.unknown_phase,
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(text)}</div>')


def draw_groups(p: Page, word: str, groups: dict[str, list[Case]], judge: Judge) -> None:
    """One row of figures per category or model."""
    rows = []
    for label, cases in groups.items():
        found = comparison_of(cases, judge)
        name = p.named("category", label) if word == "category" else label
        rows.append(
            {
                p.t(f"words.{word}"): name,
                "n": found.usable.agreement.n,
                p.t("words.agreement"): percent(p, found.usable.agreement),
                "Cohen κ": coefficient(p, found.usable.coefficients["cohen_kappa"]),
                p.t("agreement.quadratic"): coefficient(
                    p, found.scores.coefficients["quadratic_kappa"]
                ),
                p.t("words.false_usable"): percent(p, found.false_usable),
                p.t("agreement.out"): found.undecided + found.unscored + found.pending,
            }
        )
    st.dataframe(rows, hide_index=True, width="stretch")


def draw_matrices(p: Page, found: Comparison) -> None:
    """Confusion matrices: physicians in rows, the judge in columns."""
    left, right = st.columns(2)
    with left:
        show_label(p.t("agreement.matrix_usable", n=found.usable.agreement.n))
        show_matrix(p, found.usable, [p.t("words.unusable"), p.t("words.usable")])
    with right:
        show_label(p.t("agreement.matrix_scores", n=found.scores.agreement.n))
        steps = range(found.lowest, found.lowest + len(found.scores.table))
        show_matrix(p, found.scores, [str(step) for step in steps])


def draw_cases(p: Page, cases: list[Case]) -> None:
    """The disagreements, each opening its case; opening the list is an exposure."""
    st.html(f"<h3>{p.t('agreement.disagreements', n=len(cases))}</h3>")
    if not cases:
        return
    shown = p.key(p.study.id, "show-cases")
    if not st.session_state.get(shown):
        st.html(f'<div class="quiet">{p.t("agreement.exposes")}</div>')
        st.button(
            p.t("agreement.show"), key=p.key(p.study.id, "show"), on_click=_show, args=(shown,)
        )
        return
    pages = -(-len(cases) // _ROWS_PER_PAGE)
    at = 1
    if pages > 1:
        at = st.pagination(pages, key=p.key(p.study.id, "page"))
    for case in cases[(at - 1) * _ROWS_PER_PAGE : at * _ROWS_PER_PAGE]:
        draw_case_row(p, case)


def draw_case_row(p: Page, case: Case) -> None:
    """One case in a line, with the link that opens it; records that it was shown."""
    expose(p.store, p.person, case.question_id, "machine_verdict", page=p.name)
    what, said, link = st.columns([3, 6, 2], vertical_alignment="center")
    what.html(f"{html.escape(case.question)} · {html.escape(case.model)}")
    judge = "–" if case.judge.mean is None else f"{case.judge.mean:.3g}"
    people = ", ".join(f"{html.escape(s.person)} {s.value}" for s in case.scores)
    mark = (
        f'<span class="danger">▲ {p.t("words.false_usable")}</span> '
        if case.is_false_usable
        else ""
    )
    said.html(f"{mark}{p.t('words.judge')} {judge} · {people}")
    link.page_link(
        "pages/case.py", label=p.t("words.open_case"),
        query_params={"response": str(case.response_id)},
    )  # fmt: skip


def _show(name: str) -> None:
    st.session_state[name] = True
