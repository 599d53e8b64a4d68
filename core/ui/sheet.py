"""The scoring sheet: texts in boxes that scroll, the score bar always in view."""

import html

import streamlit as st

from core.domain import clinic
from core.services import reviewing, vetting
from core.services.reviewing import Queue, Sheet
from core.store import people
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.clinical import show_response, show_text
from core.ui.figures import show_label
from core.ui.manual import show_manual
from core.ui.score_bar import draw_marks, draw_score_bar, toggle
from core.ui.shell import Page, entered

#: How many times the usual size a text may have, smallest first.
_SIZES = ("0.9", "1", "1.15", "1.3", "1.5")
_KEYS = (
    "score", "dimensions", "cannot", "safety", "note", "undo", "raw", "marks", "audit", "why",
    "manual", "help",
)  # fmt: skip


def draw_place(p: Page, queue: Queue, sheet: Sheet) -> None:
    """Where one is in the queue, and how one likes to read."""
    parts = [
        p.t(
            "review.place", number=queue.scored + 1, total=queue.total,
            category=p.named("category", sheet.question.category), key=sheet.question.key,
        )
    ]  # fmt: skip
    if queue.seconds_each is not None:
        minutes = max(1, round(queue.left * queue.seconds_each / 60))
        parts.insert(1, p.t("scoring.time_left", minutes=minutes))
    parts.append(p.t("scoring.timed"))
    with st.container(key="sheet-place", horizontal=True, vertical_alignment="center"):
        st.html(f'<div class="quiet">{html.escape(" · ".join(parts))}</div>', width="stretch")
        _draw_reading(p)


def _draw_reading(p: Page) -> None:
    """The size of the text, and the list of keys."""
    size = people.preference(p.store, p.person.id, "text_size")
    at = _SIZES.index(size) if size in _SIZES else 1
    st.html(f"<style>:root {{ --text-size: {_SIZES[at]}; }}</style>")
    for name, to in (("smaller", at - 1), ("larger", at + 1)):
        st.button(
            p.t(f"scoring.{name}"), key=p.key("all", name), type="tertiary",
            help=p.t(f"scoring.{name}_help"), disabled=not 0 <= to < len(_SIZES),
            on_click=p.act(_prefer, p.person, "text_size", _SIZES[to % len(_SIZES)]),
        )  # fmt: skip
    st.button(
        p.t("scoring.keys"), key=p.key("all", "help"), type="tertiary", shortcut="h",
        on_click=toggle, args=(p.kept, _help_key(p)),
    )  # fmt: skip


def draw_keys(p: Page) -> None:
    """The list of keys, once somebody asked for it."""
    if p.kept.get(_help_key(p)):
        lines = "".join(f"<li>{html.escape(p.t(f'key_list.{name}'))}</li>" for name in _KEYS)
        title = html.escape(p.t("key_list.title"))
        st.html(f'<div class="keys"><b>{title}</b><ul>{lines}</ul></div>')


def draw_sheet(p: Page, sheet: Sheet) -> None:
    """Draw one response to be scored, and the keys that score it."""
    left, right = st.columns([3, 2], gap="small")
    raw = bool(p.kept.get(p.key("all", "raw"), False))
    with left:
        with st.container(key="sheet-question"):
            _draw_question(p, sheet)
        with st.container(key="sheet-response"):
            show_label(p.t("review.response"))
            if sheet.is_exposed:
                st.html(f'<div class="banner">{p.t("review.informed")}</div>')
            if sheet.is_cut:
                st.html(f'<div class="banner">{p.t("review.cut")}</div>')
            show_response(sheet.text, raw=raw)
    with right, st.container(key="sheet-criteria"):
        _draw_measure(p, sheet, raw=raw)
    kind = "dimensions" if sheet.dimensions else "score"
    with st.container(key=f"sheet-bar-{kind}"):
        draw_score_bar(p, sheet, raw=raw)


def draw_criteria(p: Page, reference_answer: str, checklist: str) -> None:
    """Draw what a response is measured by."""
    show_label(p.t("words.checklist"))
    show_text(checklist or p.t("review.no_checklist"), kind="" if checklist else "note")
    _draw_reference(p, reference_answer)


def _manual_key(p: Page) -> str:
    return p.key("all", "manual-shown")


def _help_key(p: Page) -> str:
    return p.key("all", "help-shown")


def _draw_measure(p: Page, sheet: Sheet, *, raw: bool) -> None:
    """Checklist and reference answer; each requirement to be marked, where that is wanted."""
    is_marking = people.preference(p.store, p.person.id, "marks") == "on"
    audit_open = p.key(sheet.response_id, "audit-open")
    with st.container(key="sheet-switches", horizontal=True, horizontal_alignment="right"):
        if sheet.requirements:
            st.button(
                p.t("scoring.mark_off" if is_marking else "scoring.mark"),
                key=p.key("all", "marks"), type="tertiary", shortcut="e",
                on_click=p.act(_prefer, p.person, "marks", "off" if is_marking else "on"),
            )  # fmt: skip
        is_auditing = bool(p.kept.get(audit_open))
        st.button(
            p.t("scoring.audit_off" if is_auditing else "scoring.audit"), key=p.key("all", "audit"),
            type="tertiary", shortcut="v", on_click=toggle, args=(p.kept, audit_open),
        )  # fmt: skip
        st.button(
            p.t("assign.manual_title"), key=p.key("all", "manual"), type="tertiary", shortcut="m",
            on_click=toggle, args=(p.kept, _manual_key(p)),
        )  # fmt: skip
    if p.kept.get(_manual_key(p)):
        with st.container(key="sheet-audit-manual"):
            show_label(p.t("assign.manual_title"))
            show_manual(p)
    if is_auditing:
        _draw_audit(p, sheet)
    if is_marking and sheet.requirements and not raw:
        draw_marks(p, sheet)
        _draw_reference(p, sheet.criteria.reference_answer)
    else:
        draw_criteria(p, sheet.criteria.reference_answer, sheet.criteria.checklist)


def _draw_reference(p: Page, reference_answer: str) -> None:
    show_label(p.t("words.reference_answer"))
    show_text(
        reference_answer or p.t("review.no_reference"), kind="" if reference_answer else "note"
    )


def _draw_question(p: Page, sheet: Sheet) -> None:
    for number, turn in enumerate(sheet.earlier_turns, 1):
        with st.expander(p.t("review.earlier_turn", n=number)):
            show_label(p.t("words.question"))
            show_text(turn.question)
            show_label(p.t("words.response"))
            show_text(turn.response)
    if sheet.question.category == clinic.CATEGORY:
        for kind, text in clinic.sections_of(sheet.criteria.question_text):
            show_label(p.t(f"section.{kind}"))
            show_text(text)
        return
    show_label(p.t("words.question"))
    show_text(sheet.criteria.question_text)


def _draw_audit(p: Page, sheet: Sheet) -> None:
    comment = p.key(sheet.response_id, "audit-comment")
    with st.container(key="sheet-audit"):
        show_label(p.t("scoring.audit_ask"))
        if sheet.audit is not None:
            said = p.t("scoring.audit_said_right" if sheet.audit[0] else "scoring.audit_said_wrong")
            show_text(f"{said} {sheet.audit[1]}".strip(), kind="note")
        st.text_input(
            p.t("scoring.audit_comment"), key=comment, max_chars=2000, live=True,
            value=sheet.audit_draft, placeholder=p.t("scoring.audit_comment"),
            label_visibility="collapsed",
            on_change=p.act(_keep_audit_draft, p.person, sheet.response_id, comment),
        )  # fmt: skip
        with st.container(horizontal=True):
            for name, key, is_right in (("right", "g", True), ("wrong", "w", False)):
                st.button(
                    p.t(f"scoring.audit_{name}"), key=p.key(sheet.response_id, f"audit-{name}"),
                    shortcut=key,
                    on_click=p.act(_audit, p.study, p.person, sheet, is_right, comment),
                )  # fmt: skip


def _audit(
    store: Store, study: Study, person: Person, sheet: Sheet, is_right: bool, comment: str
) -> None:
    said = entered().get(comment, "")
    vetting.audit(store, study, person, sheet.question.id, is_right=is_right, comment=said)
    reviewing.save_draft(store, person, sheet.response_id, "", of="audit")


def _keep_audit_draft(store: Store, person: Person, response_id: int, comment: str) -> None:
    reviewing.save_draft(store, person, response_id, entered()[comment], of="audit")


def _prefer(store: Store, person: Person, name: str, value: str) -> None:
    with store.writing():
        people.save_preference(store, person.id, name, value)
