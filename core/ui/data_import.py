"""Import of a file on the page: a benchmark, responses, or scores.

What a benchmark's file seems to be is said with the reason before anything is written.
"""

import html
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import AttendingError
from core.formats.catalogue import FIVE_KEYS, Guess, guessed
from core.services.importing import Imported
from core.services.importing_files import BenchmarkImported, import_guessed
from core.services.importing_questions import QuestionImport
from core.services.importing_responses import ResponseImport, import_responses
from core.services.importing_scores import ScoreImport, import_scores
from core.store import datasets
from core.ui.shell import Page, draw_error, told_in_one_sentence
from core.ui.table_import import draw_table_import
from core.ui.uploads import kept_upload, kept_uploads, parts_of

_KINDS = ("questions", "responses", "scores", "table")


def draw_import(p: Page) -> None:
    """Upload a file: questions or a table as a dataset, responses and scores for one of them."""
    with st.expander(p.t("data.import")):
        kind = st.segmented_control(
            p.t("data.kind"), _KINDS, default="questions", required=True,
            key=p.key("import", "kind"), format_func=lambda kind: p.t(f"data.kind_{kind}"),
        )  # fmt: skip
        if kind == "table":
            draw_table_import(p)
        elif kind == "questions":
            _draw_benchmark(p)
        else:
            _draw_answers(p, kind)


def _draw_benchmark(p: Page) -> None:
    name = st.text_input(p.t("data.new_name"), key=p.key("import", "questions-name"))
    study = st.radio(
        p.t("data.study"), ("own", "this"), horizontal=True, key=p.key("import", "study"),
        format_func=lambda one: p.t(f"data.study_{one}", study=p.study.name),
    )  # fmt: skip
    files = _draw_upload(p)
    guess = _draw_guess(p, files) if files else None
    is_pressed = st.button(
        p.t("data.do_import"), key=p.key("import", "do"), disabled=not _is_readable(guess)
    )
    if guess is None or not is_pressed:
        return
    place = st.empty()

    def show(done: int, total: int) -> None:
        place.progress(done / total, text=p.t("data.written", done=done, total=total))

    options = QuestionImport(
        name, p.person.name, study=p.study.name if study == "this" else "", progress=show
    )
    with told_in_one_sentence(p.language), kept_uploads(_contents(files)) as path:
        done = import_guessed(p.store, path, guess.format, options)
        place.empty()
        st.success(_said(p, done))


def _draw_upload(p: Page) -> list[UploadedFile]:
    """A file, or all files of a folder."""
    chosen = st.radio(
        p.t("data.from"), ("file", "folder"), horizontal=True, key=p.key("import", "from"),
        format_func=lambda one: p.t(f"data.from_{one}"),
    )  # fmt: skip
    if chosen == "folder":
        return st.file_uploader(
            p.t("data.folder_questions"), type=["jsonl"], accept_multiple_files="directory",
            key=p.key("import", "questions-folder"),
        )  # fmt: skip
    file = st.file_uploader(p.t("data.file_questions"), key=p.key("import", "questions-file"))
    return [] if file is None else [file]


def _contents(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    return [(file.name, file.getvalue()) for file in files]


def _draw_guess(p: Page, files: Sequence[UploadedFile]) -> Guess | None:
    """What an upload seems to be, and why; None where it can't be read at all."""
    found = _guessed(tuple(file.file_id for file in files), _contents(files))
    if isinstance(found, AttendingError):
        draw_error(p.language, found)
        return None
    because = p.t(f"guess.{found.because}", fields=", ".join(found.fields))
    name = p.t(f"format.{found.format}") if found.format not in ("", FIVE_KEYS, "table") else ""
    key = "data.seems" if _is_readable(found) else "data.seems_unknown"
    whole = parts_of(files[0].name)[0]
    text = p.t(key, file=whole, format=found.format, because=because)
    st.html(f'<div class="quiet">{html.escape(" ".join(filter(None, (text, name))))}</div>')
    return found


@st.cache_data(max_entries=4, show_spinner=False)
def _guessed(
    file_ids: tuple[str, ...], _files: Sequence[tuple[str, bytes]]
) -> Guess | AttendingError:
    try:
        with kept_uploads(_files) as path:
            return guessed(path)
    except AttendingError as error:
        return error


def _is_readable(guess: Guess | None) -> bool:
    return guess is not None and guess.format not in ("", "table")


def _draw_answers(p: Page, kind: str) -> None:
    names = [one.name for one in datasets.datasets_of_study(p.store, p.study.id)]
    dataset = names[0]
    if len(names) > 1:
        dataset = st.selectbox(p.t("data.name"), names, key=p.key("import", f"{kind}-dataset"))
    model = ""
    if kind == "responses":
        model = st.text_input(p.t("data.model"), key=p.key("import", "responses-name"))
    file = st.file_uploader(p.t(f"data.file_{kind}"), key=p.key("import", f"{kind}-file"))
    if not st.button(p.t("data.do_import"), key=p.key("import", "do"), disabled=file is None):
        return
    assert file is not None
    with (
        told_in_one_sentence(p.language),
        kept_upload(Path(file.name).name, file.getvalue()) as path,
    ):
        if kind == "responses":
            done = import_responses(p.store, path, ResponseImport(dataset, model, p.person.name))
        else:
            done = import_scores(p.store, path, ScoreImport(dataset, "unknown", p.person.name))
        st.success(_said(p, done))


def _said(p: Page, done: BenchmarkImported) -> str:
    """What an import did: only what there is something to say of."""
    if isinstance(done, Imported):
        said = p.t(
            "data.imported", dataset=done.dataset, added=done.added, changed=done.changed,
            unchanged=done.unchanged,
        )  # fmt: skip
        besides = {
            "data.imported_absent": done.absent,
            "data.imported_personal": sum(done.personal.values()),
            "cli.imported_unrecognised": done.unrecognised,
        }
        return " ".join([said, *(p.t(key, n=n) for key, n in besides.items() if n)])
    return p.t(
        "data.imported_judged", dataset=done.dataset, questions=done.questions,
        responses=done.responses, scores=done.scores, unchanged=done.unchanged,
    )  # fmt: skip
