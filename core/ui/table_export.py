"""Exporting questions, responses and scores as a table, on a page."""

import tempfile
from pathlib import Path
from typing import Literal

import streamlit as st

from core.services.exporting_tables import WHATS, TableExport, What, export_table
from core.services.reviewing import expose
from core.store import datasets, questions
from core.ui.shell import Page

_SHOWN: tuple[Literal["machine_verdict", "other_person"], ...] = (
    "machine_verdict",
    "other_person",
)
_SUFFIXES = ("csv", "xlsx", "jsonl", "parquet")


def draw_table_export(p: Page) -> None:
    """Choose what and how, prepare the file, download it."""
    with st.expander(p.t("tables.export")):
        what = st.segmented_control(
            p.t("tables.what"), WHATS, default=WHATS[0], required=True,
            key=p.key("tables", "what"), format_func=lambda one: p.t(f"tables.what_{one}"),
        )  # fmt: skip
        suffix = st.segmented_control(
            p.t("tables.suffix"), _SUFFIXES, default=_SUFFIXES[0], required=True,
            key=p.key("tables", "suffix"), format_func=str.upper,
        )  # fmt: skip
        is_about_people = what == "assessments"
        with_names = is_about_people and st.checkbox(
            p.t("tables.names"), key=p.key("tables", "names")
        )
        st.html(f'<div class="quiet">{p.t("tables.harmless")}</div>')
        if is_about_people:
            st.html(f'<div class="quiet">{p.t("tables.exposes")}</div>')
        if st.button(p.t("data.prepare"), key=p.key("tables", "prepare")):
            st.download_button(
                p.t("data.download"), _exported(p, what, suffix, with_names=with_names),
                file_name=f"{p.study.name}-{what}.{suffix}", key=p.key("tables", "download"),
            )  # fmt: skip


def _exported(p: Page, what: What, suffix: str, *, with_names: bool) -> bytes:
    dataset = datasets.datasets_of_study(p.store, p.study.id)[0].name
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"table.{suffix}"
        export_table(p.store, TableExport(dataset, what, with_names), out)
        if what == "assessments":  # whoever scores after this does not score blind
            for question in questions.questions_of_study(p.store, p.study.id):
                for shown in _SHOWN:
                    expose(p.store, p.person, question.id, shown, page=p.name)
        return out.read_bytes()
