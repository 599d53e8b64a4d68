"""Datasets with their markings; export."""

import html
import tempfile
from pathlib import Path

import streamlit as st

from core.services.exporting import Export, export_llmeval_med
from core.store import datasets, responses
from core.store.database import Store
from core.store.studies import Study
from core.ui.shell import Page


def draw_datasets(p: Page) -> None:
    """One row a dataset."""
    rows = []
    for dataset in datasets.datasets(p.store):
        found = datasets.finding_counts(p.store, dataset.id)
        rows.append(
            {
                p.t("data.name"): dataset.name,
                p.t("data.format"): dataset.format,
                p.t("data.marking"): p.t(f"marking.{dataset.marking}"),
                p.t("data.personal"): ", ".join(
                    p.t("data.personal_kind", kind=p.t(f"personal.{kind}"), n=count)
                    for kind, count in found.items()
                )
                or "0",
            }
        )
    st.dataframe(rows, hide_index=True, width="stretch")
    models = ", ".join(label for _, label in responses.models_of_study(p.store, p.study.id))
    st.html(f'<div class="quiet">{html.escape(p.t("data.models", models=models or "–"))}</div>')


def draw_export(p: Page) -> None:
    """Download a model's responses with the newest judge's scores."""
    models = [label for _, label in responses.models_of_study(p.store, p.study.id)]
    if not models:
        return
    with st.expander(p.t("data.export")):
        model = st.selectbox(p.t("words.model"), models, key=p.key("export", "model"))
        if st.button(p.t("data.prepare"), key=p.key("export", "prepare")):
            st.download_button(
                p.t("data.download"), _exported(p.store, p.study, model),
                file_name=f"{p.study.name}-{model}.json", mime="application/json",
            )  # fmt: skip


def _exported(store: Store, study: Study, model: str) -> bytes:
    dataset = datasets.datasets_of_study(store, study.id)[0].name
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "export.json"
        export_llmeval_med(store, Export(dataset, model), out)
        return out.read_bytes()
