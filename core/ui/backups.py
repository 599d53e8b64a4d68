"""Copies of the database: those that are kept, and a new one."""

import streamlit as st

from core.services import backing_up
from core.ui.shell import Page


def draw_backups(p: Page) -> None:
    """Make a copy and list those there are; where they lie is said."""
    with st.expander(p.t("backup.title")):
        if st.button(p.t("backup.make"), key=p.key("backup", "make")):
            with st.spinner(p.t("backup.making")):
                made = backing_up.back_up(p.store)
            st.success(p.t("backup.made", path=made.path, megabytes=_megabytes(made.bytes)))
        st.html(
            f'<div class="quiet">{p.t("backup.note", folder=backing_up.folder_of(p.store))}</div>'
        )
        rows = [
            {
                p.t("backup.file"): one.path.name,
                p.t("people.column.time"): f"{one.made_at.astimezone():%Y-%m-%d %H:%M}",
                "MB": _megabytes(one.bytes),
            }
            for one in backing_up.backups_kept(p.store)
        ]
        if rows:
            st.dataframe(rows, hide_index=True)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}"
