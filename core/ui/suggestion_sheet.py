"""What a model suggests: single changes with a reason each, taken one by one by a person."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domain.checklists import list_field, written
from core.domain.criteria import Requirement, requirements_of
from core.domain.suggestions import RowChange, TextChange, with_row_changes, with_text_changes
from core.services import suggesting
from core.store.database import Store
from core.store.judges import Judge
from core.store.prompts import PromptVersion
from core.ui.clinical import show_text
from core.ui.diffs import show_changes
from core.ui.editor import Editing, entered_criteria, take_draft
from core.ui.shell import Page


def draw_row_suggestions(p: Page, judge: Judge, editing: Editing) -> None:
    """Ask a model for changes of the checklist in the editor, and take what a person ticks."""
    subject = f"suggest-{editing.start.id}"
    entered = entered_criteria(p, editing)
    text = getattr(entered, list_field(editing.start.criteria))
    rows = requirements_of(text)
    asked = _asked(p, subject)
    if asked is not None:
        with st.spinner(p.t("suggest.asking")):
            found = suggesting.suggest_rows(
                p.store, p.study, asked, judge, editing.question, rows, by=p.person.name
            )
        p.kept[p.key(subject, "found")] = (text, found.rows)
    base, changes = p.kept.get(p.key(subject, "found"), ("", None))
    if changes is None:
        return
    ticked = _draw_changes(p, subject, [(_old(rows, one, base == text), _new(rows, one), one.reason)
                                        for one in changes])  # fmt: skip
    chosen = [one for one, is_taken in zip(changes, ticked, strict=True) if is_taken]
    if base != text:
        st.info(p.t("suggest.outdated"))
    elif chosen:
        st.button(
            p.t("suggest.take", n=len(chosen)), key=p.key(subject, "take"),
            on_click=p.act(_take_rows, p, editing, text, chosen),
        )  # fmt: skip


def draw_text_suggestions(
    p: Page, judge: Judge, prompt: PromptVersion, text: str, field: str
) -> None:
    """The same for a judge prompt, whose text stands in a field of the page."""
    subject = f"suggest-{prompt.id}"
    asked = _asked(p, subject)
    if asked is not None:
        with st.spinner(p.t("suggest.asking")):
            found = suggesting.suggest_text(
                p.store, p.study, asked, judge, prompt, text, by=p.person.name
            )
        p.kept[p.key(subject, "found")] = (text, found.texts)
    base, changes = p.kept.get(p.key(subject, "found"), ("", None))
    if changes is None:
        return
    ticked = _draw_changes(p, subject, [(one.old, one.new, one.reason) for one in changes])
    chosen = [one for one, is_taken in zip(changes, ticked, strict=True) if is_taken]
    if base != text:
        st.info(p.t("suggest.outdated"))
    elif chosen:
        st.button(
            p.t("suggest.take", n=len(chosen)), key=p.key(subject, "take"),
            on_click=_take_text, args=(p.kept, p.key(subject, "found"), field, text, chosen),
        )  # fmt: skip


def _asked(p: Page, subject: str) -> Judge | None:
    """The judge whose model is asked now; None where nobody pressed."""
    known = {one.name: one for one in suggesting.models_that_suggest(p.store, p.study)}
    if not known:
        st.html(f'<div class="quiet">{p.t("suggest.no_model")}</div>')
        return None
    which, press = st.columns([3, 3], vertical_alignment="bottom")
    name = which.selectbox(p.t("suggest.model"), list(known), key=p.key(subject, "model"))
    is_pressed = press.button(p.t("suggest.ask"), key=p.key(subject, "ask"), width="stretch")
    return known[name] if is_pressed else None


def _draw_changes(p: Page, subject: str, changes: Sequence[tuple[str, str, str]]) -> list[bool]:
    """Each change as a diff with its reason, and whether it is ticked."""
    if not changes:
        st.info(p.t("suggest.nothing"))
    ticked = []
    for number, (old, new, reason) in enumerate(changes):
        tick, shown = st.columns([1, 12])
        ticked.append(
            tick.checkbox(
                p.t("suggest.tick"), key=p.key(subject, f"tick-{number}"),
                label_visibility="collapsed",
            )
        )  # fmt: skip
        with shown:
            show_changes(old, new)
            show_text(reason, kind="note")
    return ticked


def _old(rows: Sequence[Requirement], change: RowChange, is_current: bool) -> str:
    if change.action == "add" or not is_current:
        return ""
    row = rows[change.number - 1]
    return f"[{row.level}] {row.text}"


def _new(rows: Sequence[Requirement], change: RowChange) -> str:
    if change.action == "remove":
        return ""
    if change.action == "add" or change.number > len(rows):
        return f"[{change.level}] {change.text}"
    row = rows[change.number - 1]
    if change.action == "reword":
        return f"[{row.level}] {change.text}"
    return f"[{change.level}] {row.text}"


def _take_rows(
    store: Store, p: Page, editing: Editing, text: str, chosen: Sequence[RowChange]
) -> None:
    rows = with_row_changes(requirements_of(text), chosen)
    take_draft(p, editing, written(text, rows, language=editing.question.language))
    p.kept.pop(p.key(f"suggest-{editing.start.id}", "found"), None)


def _take_text(
    kept: dict[str, Any], found: str, field: str, text: str, chosen: Sequence[TextChange]
) -> None:
    st.session_state[field] = with_text_changes(text, chosen)
    kept.pop(found, None)
