"""Datasets with their markings; import of files; export."""

import html
import tempfile
from pathlib import Path

import streamlit as st

from core.formats.catalogue import FORMATS, guessed
from core.services.exporting import Export, export_llmeval_med
from core.services.importing import Imported
from core.services.importing_questions import (
    QuestionImport,
    import_benchmark,
    import_questions,
)
from core.services.importing_responses import ResponseImport, import_responses
from core.services.importing_scores import ScoreImport, import_scores
from core.store import datasets, responses
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.shell import Page
from core.ui.table_import import draw_table_import

_KINDS = ("questions", "responses", "scores", "table")


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


def draw_import(p: Page) -> None:
    """Upload a file: questions or a table as a dataset, responses and scores for this study's."""
    with st.expander(p.t("data.import")):
        kind = st.segmented_control(
            p.t("data.kind"), _KINDS, default="questions", required=True,
            key=p.key("import", "kind"), format_func=lambda kind: p.t(f"data.kind_{kind}"),
        )  # fmt: skip
        if kind == "table":
            draw_table_import(p)
            return
        name = ""
        if kind != "scores":
            label = p.t("data.new_name" if kind == "questions" else "data.model")
            name = st.text_input(label, key=p.key("import", f"{kind}-name"))
        file = st.file_uploader(p.t(f"data.file_{kind}"), key=p.key("import", f"{kind}-file"))
        if st.button(p.t("data.do_import"), key=p.key("import", "do"), disabled=file is None):
            assert file is not None
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / Path(file.name).name
                path.write_bytes(file.getbuffer())
                st.success(_import(p, p.person, kind, name, path))


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


def _import(p: Page, person: Person, kind: str, name: str, path: Path) -> str:
    dataset = datasets.datasets_of_study(p.store, p.study.id)[0].name
    if kind == "questions":
        done = _import_questions(p.store, path, QuestionImport(name, person.name))
    elif kind == "responses":
        done = import_responses(p.store, path, ResponseImport(dataset, name, person.name))
    else:
        done = import_scores(p.store, path, ScoreImport(dataset, "unknown", person.name))
    return p.t(
        "data.imported", dataset=done.dataset, added=done.added, changed=done.changed,
        unchanged=done.unchanged, absent=done.absent, personal=sum(done.personal.values()),
    )  # fmt: skip


def _import_questions(store: Store, path: Path, options: QuestionImport) -> Imported:
    """A benchmark in the format that its fields show; five keys where they show none."""
    found = guessed(path).format
    declared = next((one for one in FORMATS if one.name == found), None)
    if declared is None:
        return import_questions(store, path, options)
    return import_benchmark(store, path, declared, options)


def _exported(store: Store, study: Study, model: str) -> bytes:
    dataset = datasets.datasets_of_study(store, study.id)[0].name
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "export.json"
        export_llmeval_med(store, Export(dataset, model), out)
        return out.read_bytes()
