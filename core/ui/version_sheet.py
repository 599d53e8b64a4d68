"""Versions of a question's criteria: their history, any two side by side, the cases, a summary."""

import html
from collections.abc import Sequence

import streamlit as st

from core.services.agreeing import Case
from core.services.inspecting import case_of
from core.services.reviewing import expose
from core.services.revising_effects import AllRevisions
from core.services.sealing import Seals
from core.services.weighing import History, Standing
from core.store.criteria import CriteriaVersion
from core.ui.case_sheet import draw_people, draw_verdicts
from core.ui.clinical import show_response
from core.ui.diffs import show_changes, show_sides
from core.ui.figures import Cell, show_grid, show_label
from core.ui.shell import Page
from core.ui.trial_sheet import draw_cases, draw_paired

_FIELDS = ("checklist", "reference_answer", "question_text")


def draw_history(p: Page, key: str, history: Sequence[History]) -> None:
    """Who wrote each version and why, and what it did to agreement where it was judged."""
    show_label(f"{key} · {p.t('checklists.history')}")
    show_grid(
        p, f"history-{key}",
        [p.t("prompts.version_word"), "", p.t("trial.seen"), p.t("trial.held_back"),
         p.t("prompts.author"), p.t("prompts.time"), p.t("prompts.reason_word")],
        [
            [
                Cell(str(one.version.version)), Cell(p.t(f"checklists.state.{one.state}")),
                _standing(p, one.revise), _standing(p, one.check),
                Cell(one.version.created_by),
                Cell(one.version.created_at[:16].replace("T", " ")),
                Cell(
                    " — ".join(
                        dict.fromkeys(
                            map(p.written, filter(None, (one.version.reason, one.decided)))
                        )
                    )
                ),
            ]
            for one in history
        ],
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(p.t("checklists.history_legend"))}</div>')


def draw_changes(p: Page, history: Sequence[History], candidate: CriteriaVersion) -> None:
    """What a candidate changes in the version in use, word by word."""
    active = next(one.version.criteria for one in history if one.state == "in_use")
    show_label(p.t("trial.changes", n=candidate.version))
    with st.container(key="checklists-changes"):
        for field in _FIELDS:
            old, new = getattr(active, field), getattr(candidate.criteria, field)
            if old != new:
                show_changes(old, new)


def draw_versions(p: Page, key: str, history: Sequence[History]) -> None:
    """Any two versions side by side, with the words that changed."""
    if len(history) < 2:
        st.info(p.t("prompts.one_version"))
        return
    known = {one.version.version: one.version for one in history}
    identity = f"{key}-{len(history)}"
    chosen = []
    for side, column, default in zip(("removed", "added"), st.columns(2), (1, 0), strict=True):
        number = column.selectbox(
            p.t(f"prompts.{side}"), list(known), index=default, key=p.key(identity, side),
            format_func=lambda n: p.t("prompts.version_number", n=n),
        )  # fmt: skip
        chosen.append(known[number].criteria)
    whole = st.toggle(p.t("prompts.whole"), value=True, key=p.key(identity, "whole"))
    for field in _FIELDS:
        old, new = (getattr(one, field) for one in chosen)
        if old != new:
            name = "question" if field == "question_text" else field
            show_label(p.t(f"words.{name}"))
            show_sides(p, old, new, whole=whole)


def draw_question_cases(p: Page, key: str, cases: Sequence[Case], sealed: Seals) -> None:
    """What judge and physicians said of the responses that revisers may see, one at a time."""
    seen = sealed.among(cases, "revise")
    held = len(cases) - len(seen)
    if held:
        st.html(f'<div class="quiet">{html.escape(p.t("checklists.held_back", n=held))}</div>')
    if not seen:
        st.html(f'<div class="quiet">{html.escape(p.t("checklists.no_cases"))}</div>')
        return
    if not st.toggle(
        p.t("checklists.show_cases", n=len(seen)), key=p.key(key, "cases"),
        help=p.t("agreement.exposes"),
    ):  # fmt: skip
        return
    at = 1 if len(seen) == 1 else st.pagination(len(seen), key=p.key(key, "case"))
    case = sorted(seen, key=lambda one: (not one.is_false_usable, not one.differs))[at - 1]
    for shown in ("machine_verdict", "other_person"):
        expose(p.store, p.person, case.question_id, shown, page=p.name)
    found = case_of(p.store, p.study, p.person, case.response_id)
    show_label(f"{p.t('words.response')} · {case.model}")
    with st.container(key="checklists-response"):
        show_response(found.response.text or "", raw=False)
    draw_people(p, found)
    draw_verdicts(p, found)


def draw_all_revisions(p: Page, found: AllRevisions | None) -> None:
    """All revised questions together: what was seen beside what was held back."""
    if found is None:
        st.info(p.t("checklists.none_revised"))
        return
    said = p.t("checklists.all", n=found.questions, not_verifiable=found.not_verifiable)
    st.html(f"<b>{html.escape(said)}</b>")
    sides = [(p.t("trial.seen"), found.revise), (p.t("trial.held_back"), found.check)]
    draw_paired(p, "all-revisions", sides)
    st.html(f'<div class="quiet">{html.escape(p.t("checklists.all_note"))}</div>')
    draw_cases(p, "all", found.revise)


def _standing(p: Page, found: Standing) -> Cell:
    """Responses on which judge and physicians agree, of how many; false usable with its sign."""
    if not found.n:
        return Cell("–")
    danger = f" ▲{found.false_usable}" if found.false_usable else ""
    return Cell(f"{found.agree}/{found.n}{danger}", is_danger=bool(found.false_usable))
