"""Importing a table on a page: what each column is, the first rows, what can't be read."""

import html
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import streamlit as st

from core.domain.scales import Scale
from core.domain.table_fields import (
    EXAM_FIELDS,
    FIELDS,
    QUESTION_FIELDS,
    RATERS,
    RESPONSE_FIELDS,
    guessed_field,
    guessed_scale,
    read_scale,
)
from core.formats.table_rows import Phase
from core.formats.tables import SUFFIXES, Table, read_table, sheets_of
from core.i18n import read_as_words
from core.services.importing_table import (
    Outcome,
    TableImport,
    TableImported,
    TableReading,
    keep_table,
    read_for_import,
)
from core.ui.shell import Page
from core.ui.uploads import kept_upload

#: A column of scores, whose rater is named beside it.
_SCORES = tuple(f"{kind}_score" for kind in RATERS)
_OPTIONS = tuple(f"option:{label}" for label in "ABCDEFGH")
_PLAIN = (*QUESTION_FIELDS, *RESPONSE_FIELDS)
_CHOICES = (
    "leave_out", *_PLAIN, *_SCORES, *EXAM_FIELDS, *_OPTIONS,
    *(one for one in FIELDS if one not in (*_PLAIN, *EXAM_FIELDS)),
)  # fmt: skip
_SHOWN_ROWS = 3
_SHOWN_LETTERS = 80


def draw_table_import(p: Page) -> None:
    """Upload a table, say what its columns are, see what would be read, import it."""
    file = st.file_uploader(
        p.t("tables.file"), type=[suffix[1:] for suffix in SUFFIXES], key=p.key("table", "file")
    )
    if file is None:
        return
    content = file.getvalue()
    sheets = _sheets(file.file_id, file.name, content)
    sheet = None
    if len(sheets) > 1:
        sheet = st.selectbox(p.t("tables.sheet"), sheets, key=p.key(file.file_id, "sheet"))
    table = _table(file.file_id, sheet, file.name, content)
    st.html(
        f'<div class="quiet">{_escaped(p, "tables.read_as", table, rows=len(table.rows))}</div>'
    )
    mapping = _draw_mapping(p, f"{file.file_id}-{sheet}", table)
    scores = [at for at, one in enumerate(table.columns) if _is_score(mapping.get(one, ""))]
    guess = guessed_scale(row[at] for _, row in table.rows for at in scores)
    options = _draw_options(p, mapping, Path(file.name).stem, guess)
    reading = _reading(
        (file.file_id, sheet, tuple(mapping.items()), options.model, options.scale,
         options.judge_scale, options.phase),
        table, options,
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("tables.finds", **reading.counts())}</div>')
    _draw_problems(p, reading)
    if st.button(
        p.t("tables.do_import"), key=p.key("table", "do"), disabled=bool(reading.problems)
    ):
        with kept_upload(file.name, content) as path:
            st.success(_said(p, keep_table(p.store, path, options, reading)))


@st.cache_data(max_entries=2, show_spinner=False)
def _sheets(file_id: str, _name: str, _content: bytes) -> list[str]:
    with kept_upload(_name, _content) as path:
        return sheets_of(path)


@st.cache_resource(max_entries=2)
def _table(file_id: str, sheet: str | None, _name: str, _content: bytes) -> Table:
    with kept_upload(_name, _content) as path:
        return read_table(path, sheet=sheet)


@st.cache_resource(max_entries=2)
def _reading(identity: tuple[Any, ...], _table: Table, _options: TableImport) -> TableReading:
    return read_for_import(_table, _options)


def _draw_mapping(p: Page, file: str, table: Table) -> dict[str, str]:
    """One line a column: its name, what it stands for, whose scores they are, its first cells."""
    widths = (2, 3, 2, 5)
    for place, title in zip(
        st.columns(widths), ("column", "field", "rater", "example"), strict=True
    ):
        place.html(f'<div class="quiet">{p.t(f"tables.{title}")}</div>')
    mapping = {}
    for number, column in enumerate(table.columns):
        name, field, rater, cells = st.columns(widths, vertical_alignment="center")
        name.html(f"<b>{html.escape(column)}</b>")
        guessed = guessed_field(column)
        kind, _, guessed_name = guessed.partition(":")
        guess = f"{kind}_score" if kind in RATERS and guessed_name else guessed or "leave_out"
        guess = guess if guess in _CHOICES else "leave_out"
        chosen = field.selectbox(
            f"{p.t('tables.field')}: {number + 1}", _CHOICES, index=_CHOICES.index(guess),
            key=p.key(f"{file}-{number}", "field"), label_visibility="collapsed",
            format_func=lambda one: _field_name(p, one),
        )  # fmt: skip
        if chosen in _SCORES:
            written = rater.text_input(
                f"{p.t('tables.rater')}: {number + 1}", value=guessed_name or column,
                key=p.key(f"{file}-{number}", "rater"), label_visibility="collapsed",
            )  # fmt: skip
            mapping[column] = f"{chosen.removesuffix('_score')}:{written.strip()}"
        elif chosen != "leave_out":
            mapping[column] = chosen
        shown = " ¦ ".join(_short(row[number]) for _, row in table.rows[:_SHOWN_ROWS])
        cells.html(f'<div class="quiet">{html.escape(shown)}</div>')
    return mapping


def _is_score(field: str) -> bool:
    return field == "score" or (field.partition(":")[0] in RATERS and ":" in field)


def _field_name(p: Page, field: str) -> str:
    """What a column can stand for, in words."""
    kind, colon, label = field.partition(":")
    return p.t("table_field.option", label=label) if colon else p.t(f"table_field.{kind}")


def _draw_options(p: Page, mapping: dict[str, str], name: str, guess: Scale) -> TableImport:
    """Dataset, model, scales and phase."""
    first, second, third, fourth = st.columns(4)
    dataset = first.text_input(p.t("tables.name"), value=name, key=p.key("table", "name"))
    model = second.text_input(
        p.t("tables.model"), key=p.key("table", "model"), help=p.t("tables.model_help"),
        disabled="model" in mapping.values(),
    )  # fmt: skip
    phases = ("unknown", "blind", "informed")
    phase = third.selectbox(
        p.t("tables.phase"), phases, key=p.key("table", "phase"),
        format_func=lambda one: p.t(f"tables.phase_{one}"),
    )  # fmt: skip
    with fourth:
        scale, usable = st.columns(2)
        range_ = f"{guess.minimum}-{guess.maximum}"
        limits = scale.text_input(p.t("tables.scale"), range_, key=p.key(range_, "limits"))
        from_ = usable.number_input(
            p.t("tables.usable"), value=guess.usable_from, step=1, key=p.key(range_, "usable")
        )
    return TableImport(
        dataset, p.person.name, mapping, model.strip(), read_scale(limits, int(from_)),
        phase=cast(Phase, phase),
    )  # fmt: skip


def _draw_problems(p: Page, reading: TableReading) -> None:
    if not reading.problems:
        return
    st.error(p.t("tables.problems", n=len(reading.problems)))
    rows = [
        {
            p.t("tables.line"): one.line,
            p.t("tables.column"): one.column,
            p.t("tables.why"): p.t(f"table_problem.{one.why}", **one.values),
        }
        for one in reading.problems
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def _said(p: Page, done: TableImported) -> str:
    def counts(outcome: Outcome) -> str:
        return p.t("tables.outcome", **asdict(outcome))

    return p.t(
        "tables.imported", dataset=done.dataset, questions=counts(done.questions),
        responses=counts(done.responses), judge_scores=counts(done.judge_scores),
        physician_scores=counts(done.physician_scores), unscored=done.unscored,
        personal=sum(done.personal.values()),
    )  # fmt: skip


def _escaped(p: Page, key: str, table: Table, **values: object) -> str:
    read_as = read_as_words(p.language, table.read_as)
    return html.escape(p.t(key, file=table.file, read_as=read_as, **values))


def _short(cell: object) -> str:
    text = "" if cell is None else " ".join(str(cell).split())
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
