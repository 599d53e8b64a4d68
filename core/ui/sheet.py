"""The scoring sheet: texts in boxes that scroll, the score bar always in view."""

import html

import streamlit as st

from core.domain import clinic
from core.services import reviewing, vetting
from core.services.reviewing import Queue, Sheet
from core.store import people
from core.store.database import Store
from core.store.people import Person
from core.ui.clinical import response_html, show_text, text_html
from core.ui.figures import show_label
from core.ui.key_list import keys_html
from core.ui.manual import show_manual
from core.ui.pressing import Action, Press, button_html, place_html
from core.ui.score_bar import draw_marks, draw_score_bar
from core.ui.shell import Page, entered

#: How many times the usual size a text may have, smallest first.
_SIZES = ("0.9", "1", "1.15", "1.3", "1.5")
_KEYS = (
    "score", "dimensions", "cannot", "safety", "note", "undo", "raw", "turns", "marks", "audit",
    "why", "manual", "help",
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
        parts.insert(
            1, p.t("scoring.time_left", minutes=minutes, seconds=round(queue.seconds_each))
        )
    parts.append(p.t("scoring.timed"))
    said = f'<span class="quiet">{html.escape(" · ".join(parts))}</span>'
    st.html(place_html(p, sheet.response_id, said + _reading_html(p)))


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


def draw_keys(p: Page) -> None:
    """The list of keys, once somebody asked for it."""
    if p.kept.get(_shown(p, "help")):
        st.html(keys_html(p, _KEYS))


def draw_sheet(p: Page, sheet: Sheet) -> None:
    """Draw one response to be scored, and the keys that score it."""
    left, right = st.columns([3, 2], gap="small")
    raw = bool(p.kept.get(_shown(p, "raw")))
    of = f'data-of="{sheet.response_id}"'
    left.html(f'<div class="sheet-question" {of}>{_question_html(p, sheet)}</div>')
    banners = [name for name, holds in _warnings(sheet).items() if holds]
    said = "".join(f'<div class="banner">{p.t(f"review.{name}")}</div>' for name in banners)
    label = _label_html(p.t("review.response"))
    body = response_html(sheet.text, raw=raw)
    kind = "dimensions" if sheet.dimensions else "score"
    left.html(f'<div class="sheet-response above-{kind}" {of}>{label}{said}{body}</div>')
    with right, st.container(key=f"sheet-criteria-{kind}"):
        _draw_measure(p, sheet, raw=raw)
    with st.container(key=f"sheet-bar-{kind}"):
        draw_score_bar(p, sheet, raw=raw)


def draw_criteria(p: Page, reference_answer: str, checklist: str) -> None:
    """Draw what a response is measured by."""
    st.html(_checklist_html(p, checklist) + _reference_html(p, reference_answer))


def _warnings(sheet: Sheet) -> dict[str, bool]:
    return {"informed": sheet.is_exposed, "cut": sheet.is_cut}


def _shown(p: Page, what: str) -> str:
    """The name by which something on the screen is remembered to be shown."""
    return p.key("all", f"{what}-shown")


def _draw_measure(p: Page, sheet: Sheet, *, raw: bool) -> None:
    """Checklist and reference answer; each requirement to be marked, where that is wanted."""
    is_marking = people.preference(p.store, p.person.id, "marks") == "on"
    is_auditing = bool(p.kept.get(p.key(sheet.response_id, "audit-open")))
    switches = _switches_html(p, sheet, is_marking=is_marking, is_auditing=is_auditing)
    criteria = sheet.criteria
    checklist = _checklist_html(p, criteria.checklist)
    reference = _reference_html(p, criteria.reference_answer)
    is_plain = raw or not (is_marking and sheet.requirements)
    has_more = is_auditing or bool(p.kept.get(_shown(p, "manual")))
    if is_plain and not has_more:
        st.html(switches + checklist + reference)
        return
    st.html(switches)
    if p.kept.get(_shown(p, "manual")):
        with st.container(key="sheet-audit-manual"):
            show_label(p.t("assign.manual_title"))
            show_manual(p)
    if is_auditing:
        _draw_audit(p, sheet)
    if is_plain:
        st.html(checklist + reference)
    else:
        draw_marks(p, sheet)
        st.html(reference)


def _switches_html(p: Page, sheet: Sheet, *, is_marking: bool, is_auditing: bool) -> str:
    marks = button_html(
        p.t("scoring.mark_off" if is_marking else "scoring.mark"), "marks", key="e", kind="link",
        value="off" if is_marking else "on",
    )  # fmt: skip
    audit = p.t("scoring.audit_off" if is_auditing else "scoring.audit")
    return (
        '<div class="switches">'
        f'<span class="marks-switch">{marks if sheet.requirements else ""}</span>'
        f"{button_html(audit, 'audit', key='v', kind='link')}"
        f"{button_html(p.t('assign.manual_title'), 'manual', key='m', kind='link')}</div>"
    )


def _checklist_html(p: Page, checklist: str) -> str:
    body = text_html(checklist or p.t("review.no_checklist"), kind="" if checklist else "note")
    return _label_html(p.t("words.checklist")) + body


def _reference_html(p: Page, reference_answer: str) -> str:
    text, kind = reference_answer or p.t("review.no_reference"), "" if reference_answer else "note"
    return _label_html(p.t("words.reference_answer")) + text_html(text, kind=kind)


def _question_html(p: Page, sheet: Sheet) -> str:
    question, response = _label_html(p.t("words.question")), _label_html(p.t("words.response"))
    turns = [
        f"<details><summary>{html.escape(p.t('review.earlier_turn', n=number))}</summary>"
        f"{question}{text_html(turn.question)}{response}{text_html(turn.response)}</details>"
        for number, turn in enumerate(sheet.earlier_turns, 1)
    ]
    asked = sheet.criteria.question_text
    if sheet.question.category != clinic.CATEGORY:
        return f"{''.join(turns)}{question}{text_html(asked)}"
    return "".join(turns) + "".join(
        _label_html(p.t(f"section.{kind}")) + text_html(text)
        for kind, text in clinic.sections_of(asked)
    )


def _label_html(text: str) -> str:
    return f'<div class="label">{html.escape(text)}</div>'


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
    reviewing.save_draft(store, person, response_id, entered()[comment], of="audit")


# --- what a press does ------------------------------------------------------------------------


def _audit(store: Store, p: Page, press: Press) -> None:
    said = entered().get(_audit_comment(p, press.response_id), "")
    question_id = reviewing.response_with_text(store, press.response_id).question_id
    is_right = press.do == "audit_right"
    vetting.audit(store, p.study, p.person, question_id, is_right=is_right, comment=said)
    reviewing.save_draft(store, p.person, press.response_id, "", of="audit")


def _fold_audit(_store: Store, p: Page, press: Press) -> None:
    _toggle(p, p.key(press.response_id, "audit-open"))


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
