"""What is held back from those who revise: its figures as they were read, and how it is opened."""

import html

import streamlit as st

from core.services import sealing, testing
from core.services.naming import question_of_study
from core.store import questions
from core.store.database import Store
from core.store.judges import Judge
from core.store.people import Person
from core.store.questions import Question
from core.store.studies import Study
from core.store.tested import Reading
from core.ui.agreement_views import Shown
from core.ui.figures import Cell, show_grid, show_label
from core.ui.shell import Page, entered


def draw_held_out(p: Page, shown: Shown) -> None:
    """The figures that were read at activations, every opening, and the act of opening more."""
    seals = sealing.seals_of(p.store, p.study)
    known = questions.questions_of_study(p.store, p.study.id)
    held_out = [one for one in known if one.id in seals.held_out]
    said = p.t("seals.standing", held_out=len(held_out), dev=len(known) - len(held_out),
               check=len(seals.check))  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(said)}</div>')
    _draw_readings(p, [judge for judge, _ in shown.panel.members])
    _draw_openings(p)
    _draw_opening(p, held_out)


def _draw_readings(p: Page, judges: list[Judge]) -> None:
    openings = sealing.openings_of(p.store, p.study)
    rows = []
    for judge in judges:
        for category, language in questions.kinds_of_study(p.store, p.study.id):
            for one in testing.history_of(
                p.store, p.study, judge, category, language, by=p.person.name
            ):
                before = sum(
                    found.created_at < one.created_at and found.subject.startswith(f"{category}:")
                    for found in openings
                )
                rows.append(
                    [
                        Cell(judge.name), Cell(f"{p.named('category', category)} · {language}"),
                        Cell(str(one.version)), Cell(one.created_at[:16].replace("T", " ")),
                        _reading(p, one.dev), _reading(p, one.held_out),
                        Cell(p.t("seals.opened_before", n=before) if before else "",
                             is_danger=bool(before)),
                    ]
                )  # fmt: skip
    show_label(p.t("seals.readings"))
    if not rows:
        st.html(f'<div class="quiet">{html.escape(p.t("seals.no_readings"))}</div>')
        return
    show_grid(
        p, "held-out",
        [p.t("words.judge"), p.t("words.category"), p.t("prompts.version_word"),
         p.t("agreement.since"), p.t("prompts.dev"), p.t("prompts.held_out"), ""],
        rows,
    )  # fmt: skip


def _reading(p: Page, found: Reading | None) -> Cell:
    if found is None:
        return Cell(p.t("seals.not_read"))
    if found.kappa is None or found.agreement is None:
        return Cell(f"n {found.n}")
    interval = (
        f" [{found.kappa_low:.2f}, {found.kappa_high:.2f}]"
        if found.kappa_low is not None and found.kappa_high is not None
        else ""
    )
    return Cell(
        p.t("seals.reading", agreement=f"{100 * found.agreement:.0f}", n=found.n,
            kappa=f"{found.kappa:.2f}{interval}", false_usable=found.false_usable)
    )  # fmt: skip


def _draw_openings(p: Page) -> None:
    openings = sealing.openings_of(p.store, p.study)
    if not openings:
        return
    show_label(p.t("prompts.openings", n=len(openings)))
    show_grid(
        p, "openings",
        [p.t("agreement.since"), p.t("leaderboard.by"), p.t("agreement.question"),
         p.t("agreement.because")],
        [
            [Cell(one.created_at[:16].replace("T", " ")), Cell(one.created_by),
             Cell(f"{one.subject} {one.model}".rstrip()), Cell(p.written(one.reason))]
            for one in openings
        ],
    )  # fmt: skip


def _draw_opening(p: Page, held_out: list[Question]) -> None:
    if not held_out:
        return
    with st.expander(p.t("seals.open_more")):
        keys = [one.key for one in held_out]
        key = st.selectbox(p.t("agreement.question"), keys, key=p.key(p.study.id, "open-which"))
        _draw_act(p, key)


def _draw_act(p: Page, key: str) -> None:
    """Reason, confirmation, and the button that opens."""
    reason_key = p.key("held-out", "open-reason")
    st.text_input(p.t("seals.reason"), key=reason_key)
    is_sure = st.checkbox(p.t("seals.confirm"), key=p.key("held-out", "open-sure"))
    st.button(
        p.t("seals.open", subject=key), key=p.key("held-out", "open"), disabled=not is_sure,
        on_click=p.act(_open, p.study, p.person, key, reason_key),
    )  # fmt: skip


def _open(store: Store, study: Study, person: Person, key: str, reason_key: str) -> None:
    reason = str(entered().get(reason_key) or "")
    question = question_of_study(store, study, key)
    sealing.open_question(store, study, question, reason=reason, by=person.name)
