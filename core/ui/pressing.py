"""Buttons that stand in the sheet's own HTML, and the one field that says which were pressed.

A widget for each costs a message and a drawing, and a press would wait for all of them. The browser
(`keys.js`) numbers the presses and keeps those in the field that no page has answered yet: so two
quick ones are both heard, and each is heard once.
"""

import html
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Any

import streamlit as st

from core.store.database import Store
from core.ui.shell import Page, entered

_DONE, _SESSION, _SHOWN = "presses-done", "presses-session", "presses-shown"


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed.

    Attributes:
        number: later presses of a browser have higher ones.
        do: what the button is for.
        response_id: what was on the screen.
        value: of the button; '' for most.
        seconds: active time on the response so far; None where no clock ran.
    """

    number: int
    do: str
    response_id: int
    value: str
    seconds: float | None


Action = Callable[[Store, Page, Press], None]


def button_html(
    label: str,
    do: str,
    *,
    key: str = "",
    value: object = "",
    kind: str = "",
    says: str = "",
    is_off: bool = False,
) -> str:
    """A button on one line.

    Args:
        key: the key that presses it, which it shows.
        kind: style classes.
        says: what it is for, where the label is too short to tell.
        is_off: it can't be pressed.
    """
    sign = f'<kbd aria-label="Shortcut {key.upper()}">{key.capitalize()}</kbd>' if key else ""
    return (
        f'<button type="button" class="press {kind}" data-do="{do}"'
        f' data-value="{html.escape(str(value))}" title="{html.escape(says)}"'
        f"{' disabled' if is_off else ''}>"
        f"<span>{html.escape(label)}</span>{sign}</button>"
    )


def place_html(p: Page, response_id: int, content: str) -> str:
    """The element that tells the browser what is on the screen, and which presses are answered."""
    p.kept.setdefault(_SHOWN, set()).add(response_id)
    session = p.kept.setdefault(_SESSION, token_hex(8))
    return (
        f'<div class="sheet-place" data-response="{response_id}" data-session="{session}"'
        f' data-done="{p.kept.get(_DONE, 0)}">{content}</div>'
    )


def draw_field(p: Page, actions: Mapping[str, Action]) -> None:
    """The field that hears presses; nobody sees it."""
    field = p.key("all", "presses")
    st.text_input(
        "presses", key=field, live="0ms", label_visibility="collapsed",
        on_change=partial(_hear, p, field, actions),
    )  # fmt: skip


def _hear(p: Page, field: str, actions: Mapping[str, Action]) -> None:
    """Act on every press that was not answered yet, on what this session has shown only."""
    for press in _presses(str(entered().get(field) or "")):
        is_new = press.number > p.kept.get(_DONE, 0)
        if is_new and press.do in actions and press.response_id in p.kept.get(_SHOWN, ()):
            p.kept[_DONE] = press.number
            p.act(actions[press.do], p, press)()


def _presses(said: str) -> list[Press]:
    """The presses in a field, oldest first; whatever else a browser may send is none."""
    try:
        found = [_press(one) for one in json.loads(said or "[]")]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return sorted(found, key=lambda press: press.number)


def _press(one: dict[str, Any]) -> Press:
    seconds = float(one["seconds"])
    is_measured = 0 < seconds < math.inf
    return Press(
        int(one["number"]), str(one["do"]), int(one["response"]), str(one["value"]),
        seconds if is_measured else None,
    )  # fmt: skip
