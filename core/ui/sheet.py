"""The scoring sheet: texts in boxes that scroll, the score bar always in view."""

import html

import streamlit as st

from core.services import drafting, offering, reviewing, vetting
from core.services.offering import Queue
from core.services.reviewing import Sheet
from core.store import people
from core.store.database import Store
from core.store.people import Person
from core.ui.clinical import show_text
from core.ui.figures import show_label
from core.ui.key_list import keys_html
from core.ui.manual import show_manual
from core.ui.pressing import Action, Press, button_html, place_html
from core.ui.score_bar import draw_marks, draw_score_bar
from core.ui.sheet_boxes import (
    OPENS,
    Look,
    ahead_html,
    boxes_html,
    checklist_html,
    criteria_html,
    kind_of,
    reference_html,
    switches_html,
    texts_html,
)
from core.ui.shell import Page, entered

#: How many times the usual size a text may have, smallest first.
_SIZES = ("0.9", "1", "1.15", "1.3", "1.5")
_KEYS = (
    "score", "dimensions", "cannot", "safety", "note", "undo", "raw", "turns", "marks", "audit",
    "why", "manual", "help",
)  # fmt: skip


def draw_sheet(p: Page, queue: Queue, sheet: Sheet) -> None:
    """Draw one response to be scored, and the keys that score it."""
    look = _look(p, sheet.response_id)
    # What every press changes is one element; texts stay as they are, scrolled as they are.
    st.html(_place_html(p, queue, sheet) + _ahead_html(p, sheet, look))
    if look.is_plain(sheet):
        st.html(boxes_html(p, sheet, look))
    else:
        _draw_columns(p, sheet, look)
    draw_score_bar(p, sheet, raw=look.raw)


def _ahead_html(p: Page, sheet: Sheet, look: Look) -> str:
    """What the browser shows, unanswerable, till it has heard that this response is answered."""
    if not look.is_plain(sheet):
        return ""
    coming = offering.read_ahead(p.store, p.study, p.person, sheet.response_id)
    if coming is None or kind_of(coming) != kind_of(sheet):
        return ""
    its_look = _look(p, coming.response_id)
    if not its_look.is_plain(coming):
        return ""
    return ahead_html(p, coming, its_look, after=sheet.response_id)


def _look(p: Page, response_id: int) -> Look:
    """How this person looks at a sheet just now."""
    is_marking = people.preference(p.store, p.person.id, "marks") == "on"
    shown = {"manual": _shown(p, "manual"), "audit": _audit_open(p, response_id)}
    opened = tuple(name for name in OPENS if p.kept.get(shown[name]))
    return Look(bool(p.kept.get(_shown(p, "raw"))), is_marking, opened)


def _place_html(p: Page, queue: Queue, sheet: Sheet) -> str:
    """Where one is in the queue, and how one likes to read."""
    parts = [
        p.t(
            "review.place", number=queue.scored + 1, total=queue.total,
            category=p.named("category", sheet.question.category), key=sheet.question.key,
        )
    ]  # fmt: skip
    if queue.seconds_each is not None:
        minutes = max(1, round(queue.left * queue.seconds_each / 60))
        parts.insert(
            1, p.t("scoring.time_left", minutes=minutes, seconds=round(queue.seconds_each))
        )
    parts.append(p.t("scoring.timed"))
    said = f'<span class="quiet">{html.escape(" · ".join(parts))}</span>'
    return place_html(p, sheet.response_id, said + _reading_html(p))


def _reading_html(p: Page) -> str:
    """The size of the text, and the list of keys."""
    at = _size_at(p.store, p.person)
    buttons = [
        button_html(
            p.t(f"scoring.{name}"),
            name,
            kind="link",
            says=p.t(f"scoring.{name}_help"),
            is_off=not 0 <= to < len(_SIZES),
        )
        for name, to in (("smaller", at - 1), ("larger", at + 1))
    ]
    keys = button_html(p.t("scoring.keys"), "help", key="h", kind="link")
    style = f"<style>:root {{ --text-size: {_SIZES[at]}; }}</style>"
    return f"{''.join(buttons)}{keys}{style}"


def draw_keys(p: Page, sheet: Sheet) -> None:
    """The list of the keys that this sheet has, once somebody asked for it."""
    other = "score" if sheet.dimensions else "dimensions"
    if p.kept.get(_shown(p, "help")):
        st.html(keys_html(p, [one for one in _KEYS if one != other]))


def draw_criteria(p: Page, reference_answer: str, checklist: str) -> None:
    """Draw what a response is measured by."""
    st.html(checklist_html(p, checklist) + reference_html(p, reference_answer))


def _shown(p: Page, what: str) -> str:
    """The name by which something on the screen is remembered to be shown."""
    return p.key("all", f"{what}-shown")


def _audit_open(p: Page, response_id: int) -> str:
    """The name by which the audit of a response's question is remembered to be open."""
    return p.key(response_id, "audit-open")


def _draw_columns(p: Page, sheet: Sheet, look: Look) -> None:
    """The texts, with fields among what the response is measured by."""
    left, right = st.columns([3, 2], gap="small")
    left.html(texts_html(p, sheet, raw=look.raw))
    with right, st.container(key=f"sheet-criteria-{kind_of(sheet)}"):
        st.html(switches_html(p, sheet, look))
        if "manual" in look.opened:
            with st.container(key="sheet-audit-manual"):
                show_label(p.t("assign.manual_title"))
                show_manual(p)
        if "audit" in look.opened:
            _draw_audit(p, sheet)
        if look.has_marks(sheet):
            draw_marks(p, sheet)
            st.html(reference_html(p, sheet.criteria.reference_answer))
        else:
            st.html(criteria_html(p, sheet))


def _draw_audit(p: Page, sheet: Sheet) -> None:
    comment = _audit_comment(p, sheet.response_id)
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
        right = button_html(p.t("scoring.audit_right"), "audit_right", key="g")
        wrong = button_html(p.t("scoring.audit_wrong"), "audit_wrong", key="w")
        st.html(f'<div class="tools">{right}{wrong}</div>')


def _audit_comment(p: Page, response_id: int) -> str:
    return p.key(response_id, "audit-comment")


def _keep_audit_draft(store: Store, person: Person, response_id: int, comment: str) -> None:
    drafting.save_draft(store, person, response_id, entered()[comment], of="audit")


# --- what a press does ------------------------------------------------------------------------


def _audit(store: Store, p: Page, press: Press) -> None:
    said = entered().get(_audit_comment(p, press.response_id), "")
    question_id = reviewing.response_with_text(store, press.response_id).question_id
    is_right = press.do == "audit_right"
    vetting.audit(store, p.study, p.person, question_id, is_right=is_right, comment=said)
    drafting.save_draft(store, p.person, press.response_id, "", of="audit")


def _fold_audit(_store: Store, p: Page, press: Press) -> None:
    _toggle(p, _audit_open(p, press.response_id))


def _fold(_store: Store, p: Page, press: Press) -> None:
    _toggle(p, _shown(p, press.do))


def _toggle(p: Page, name: str) -> None:
    p.kept[name] = not p.kept.get(name, False)


def _resize(store: Store, p: Page, press: Press) -> None:
    at = _size_at(store, p.person) + (1 if press.do == "larger" else -1)
    _prefer(store, p.person, "text_size", _SIZES[max(0, min(at, len(_SIZES) - 1))])


def _mark(store: Store, p: Page, press: Press) -> None:
    _prefer(store, p.person, "marks", press.value)


def _size_at(store: Store, person: Person) -> int:
    size = people.preference(store, person.id, "text_size")
    return _SIZES.index(size) if size in _SIZES else 1


def _prefer(store: Store, person: Person, name: str, value: str) -> None:
    with store.writing():
        people.save_preference(store, person.id, name, value)


READING: dict[str, Action] = {
    "help": _fold,
    "raw": _fold,
    "manual": _fold,
    "audit": _fold_audit,
    "audit_right": _audit,
    "audit_wrong": _audit,
    "marks": _mark,
    "smaller": _resize,
    "larger": _resize,
}
