"""A checklist as rows on the screen: reword, add, split, remove, reorder, move between levels."""

from typing import Any

import streamlit as st

from core.domain.checklists import written
from core.domain.criteria import Level, Requirement, requirements_of
from core.domain.questions import Language
from core.errors import Refused
from core.ui.figures import show_label
from core.ui.shell import Page, entered

_LEVELS: tuple[Level, ...] = ("core", "secondary")
#: A row: a number that its widgets are known by, its level, and the text that it began with.
Row = tuple[int, Level, str]


def draw_rows(p: Page, subject: str, text: str) -> None:
    """Draw a text's requirements as rows; `table_text` says what they come to.

    Args:
        subject: names the rows among all of this page; with a new one they begin anew.
    """
    rows = _rows(p, subject, text)
    for level in _LEVELS:
        show_label(p.t(f"checklists.level.{level}"))
        for row in [one for one in rows if one[1] == level]:
            _draw_row(p, subject, row)
        st.button(
            p.t("checklists.add_row"), key=p.key(subject, f"add-{level}"), type="tertiary",
            on_click=_add, args=(p.kept, _name(p, subject), level),
        )  # fmt: skip


def table_text(p: Page, subject: str, text: str, language: Language) -> str | None:
    """The text with what the rows say; None where a row can't stand in it yet."""
    state = entered()
    found = [
        Requirement(level, state.get(_field(p, subject, number), began).strip())
        for number, level, began in _rows(p, subject, text)
    ]
    try:
        return written(text, [one for one in found if one.text], language=language)
    except Refused:
        return None


def forget_rows(p: Page, subject: str) -> None:
    """Begin anew from the text."""
    p.kept.pop(_name(p, subject), None)


def _draw_row(p: Page, subject: str, row: Row) -> None:
    number, _, began = row
    words, keys = st.columns([11, 3], gap="small")
    words.text_area(
        p.t("words.requirement"), value=began, key=_field(p, subject, number), height=68,
        label_visibility="collapsed",
    )  # fmt: skip
    name = _name(p, subject)
    with keys.container(horizontal=True, gap=None, key=p.key(subject, f"row-keys-{number}")):
        for action, sign in (("up", "↑"), ("down", "↓"), ("other", "⇄"), ("split", "÷"),
                             ("remove", "✕")):  # fmt: skip
            st.button(
                sign, key=p.key(subject, f"{action}-{number}"), type="tertiary",
                help=p.t(f"checklists.row.{action}"), on_click=_CHANGES[action],
                args=(p.kept, name, number, _field(p, subject, number)),
            )  # fmt: skip


def _rows(p: Page, subject: str, text: str) -> list[Row]:
    name = _name(p, subject)
    if name not in p.kept:
        p.kept[name] = [
            (_new_number(p.kept, name), one.level, one.text) for one in requirements_of(text)
        ]
    rows: list[Row] = p.kept[name]
    return rows


def _name(p: Page, subject: str) -> str:
    return p.key(subject, "rows")


def _field(p: Page, subject: str, number: int) -> str:
    return p.key(subject, f"row-{number}")


def _add(kept: dict[str, Any], name: str, level: Level) -> None:
    rows: list[Row] = kept[name]
    kept[name] = [*rows, (_new_number(kept, name), level, "")]


def _new_number(kept: dict[str, Any], name: str) -> int:
    """A number that no row of these had before, so that no widget shows another row's words."""
    number: int = kept.get(f"{name}-next", 0)
    kept[f"{name}-next"] = number + 1
    return number


def _remove(kept: dict[str, Any], name: str, number: int, field: str) -> None:
    kept[name] = [row for row in kept[name] if row[0] != number]


def _other(kept: dict[str, Any], name: str, number: int, field: str) -> None:
    """Move a row to the other level, as its last."""
    rows: list[Row] = kept[name]
    (row,) = (one for one in rows if one[0] == number)
    level: Level = "secondary" if row[1] == "core" else "core"
    kept[name] = [*(one for one in rows if one[0] != number), (number, level, row[2])]


def _split(kept: dict[str, Any], name: str, number: int, field: str) -> None:
    """Put a row with the same text below, so that each can be cut to its half."""
    rows: list[Row] = kept[name]
    at = next(place for place, one in enumerate(rows) if one[0] == number)
    text = entered().get(field, rows[at][2])
    kept[name] = [*rows[: at + 1], (_new_number(kept, name), rows[at][1], text), *rows[at + 1 :]]


def _up(kept: dict[str, Any], name: str, number: int, field: str) -> None:
    _moved(kept, name, number, -1)


def _down(kept: dict[str, Any], name: str, number: int, field: str) -> None:
    _moved(kept, name, number, 1)


def _moved(kept: dict[str, Any], name: str, number: int, step: int) -> None:
    """Exchange a row with its neighbour of the same level."""
    rows: list[Row] = list(kept[name])
    level = next(row[1] for row in rows if row[0] == number)
    places = [place for place, row in enumerate(rows) if row[1] == level]
    at = next(n for n, place in enumerate(places) if rows[place][0] == number)
    if 0 <= at + step < len(places):
        one, other = places[at], places[at + step]
        rows[one], rows[other] = rows[other], rows[one]
        kept[name] = rows


_CHANGES = {"up": _up, "down": _down, "other": _other, "split": _split, "remove": _remove}
