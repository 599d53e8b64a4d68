"""The scoring manual: read by physicians, written by a lead."""

import streamlit as st

from core.domain.questions import Language
from core.i18n import LANGUAGES
from core.services.instructing import manual_of, write_manual
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.clinical import show_text
from core.ui.shell import Page, entered

_NAMES: dict[Language, str] = {"zh": "中文", "en": "English"}


def show_manual(p: Page) -> None:
    """The manual in the reader's language, or in the other where only that one exists."""
    order = [p.language, *(one for one in LANGUAGES if one != p.language)]
    found = next((one for one in (manual_of(p.store, p.study, to) for to in order) if one), None)
    if found is None:
        st.html(f'<div class="quiet">{p.t("assign.no_manual")}</div>')
        return
    head = p.t("assign.manual_head", version=found.version, by=found.created_by,
               time=found.created_at[:10])  # fmt: skip
    st.html(f'<div class="quiet">{head}</div>')
    show_text(found.text)


def draw_manual_editor(p: Page) -> None:
    """Write the next version, language by language."""
    with st.expander(p.t("assign.manual_title")):
        language = st.segmented_control(
            p.t("assign.manual_language"), LANGUAGES, default=p.language, required=True,
            key=p.key("manual", "language"), format_func=_NAMES.__getitem__,
        )  # fmt: skip
        last = manual_of(p.store, p.study, language)
        version = last.version if last else 0
        text_key = p.key(f"{language}-{version}", "text")
        reason_key = p.key(f"{language}-{version}", "reason")
        st.text_area(
            p.t("assign.manual_text"), value=last.text if last else "", key=text_key, height=260
        )
        st.text_input(p.t("assign.reason"), key=reason_key)
        st.button(
            p.t("assign.manual_save", version=version + 1), key=p.key("manual", "save"),
            on_click=p.act(_write, p.study, p.person, language, text_key, reason_key),
        )  # fmt: skip


def _write(
    store: Store, study: Study, person: Person, language: Language, text_key: str, reason_key: str
) -> None:
    typed = entered()
    text, reason = str(typed.get(text_key) or ""), str(typed.get(reason_key) or "")
    write_manual(store, study, language, text, reason=reason, by=person.name)
