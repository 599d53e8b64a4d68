"""The settings of an order that are rarely needed, folded; an empty one means the usual."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from core.engines.catalogue import Entry
from core.ui.shell import Page, entered


def _always(entry: Entry) -> bool:
    return entry.generates


def _at_an_address(entry: Entry) -> bool:
    return entry.needs_address


def _loaded_here(entry: Entry) -> bool:
    return entry.loads_model


@dataclass(frozen=True, slots=True)
class Setting:
    """One field.

    Attributes:
        applies: whether it means anything to an engine; where not, it is shown and not read.
        least, most: of a number, None for no bound.
        usual: what stands in the field while it is empty.
    """

    name: str
    kind: Literal["whole", "fraction", "text", "passage", "flag"]
    applies: Callable[[Entry], bool] = _always
    least: int = 1
    most: int | None = None
    usual: str = ""


_CALLS = (
    Setting("concurrency", "whole", most=1024, usual="16"),
    Setting("rpm", "whole", _at_an_address),
    Setting("tpm", "whole", _at_an_address),
)
JUDGE = (
    Setting("name", "text"),
    Setting("temperature", "fraction", least=0, most=2),
    Setting("tokens", "whole", most=65_536),
    Setting("limit", "whole", lambda entry: True),
    *_CALLS,
    Setting("gpus", "text", _loaded_here, usual="auto"),
)
GENERATE = (
    Setting("topp", "fraction", least=0, most=1),
    Setting("seed", "whole", least=0, usual="0"),
    Setting("limit", "whole"),
    Setting("gpus", "text", _loaded_here, usual="auto"),
    Setting("concurrency", "whole", most=1024, usual="64"),
    *_CALLS[1:],
    Setting("code", "flag", _loaded_here),
    Setting("system", "passage"),
)
_A_ROW = 4


def draw_settings(
    p: Page, kind: str, some: Sequence[Setting], keys: Mapping[str, str], entry: Entry
) -> None:
    """The fields, four to a row; a passage takes a row of its own."""
    with st.expander(p.t("runs.more")):
        st.html(f'<div class="quiet">{p.t(f"runs.more_note_{kind}")}</div>')
        short = [one for one in some if one.kind != "passage"]
        for start in range(0, len(short), _A_ROW):
            columns = st.columns(_A_ROW, vertical_alignment="bottom")
            for column, one in zip(columns, short[start : start + _A_ROW], strict=False):
                with column:
                    _draw(p, kind, one, keys[one.name], is_disabled=not one.applies(entry))
        for one in some:
            if one.kind == "passage":
                st.text_area(p.t(f"runs.{one.name}"), key=keys[one.name], height=100)


def given(some: Sequence[Setting], keys: Mapping[str, str], entry: Entry) -> dict[str, Any]:
    """What stands in the fields that mean something to an engine; None where one is empty."""
    state, found = entered(), dict[str, Any]()
    for one in some:
        value = state.get(keys[one.name]) if one.applies(entry) else None
        if isinstance(value, str):
            value = (value if one.kind == "passage" else value.strip()) or None
        found[one.name] = value
    return found


def _draw(p: Page, kind: str, one: Setting, key: str, *, is_disabled: bool) -> None:
    label = p.t(f"runs.{kind}_{one.name}" if one.name in ("name", "limit") else f"runs.{one.name}")
    if one.kind == "flag":
        st.checkbox(label, key=key, disabled=is_disabled)
    elif one.kind == "text":
        st.text_input(label, key=key, placeholder=one.usual, disabled=is_disabled)
    elif one.kind == "whole":
        st.number_input(
            label, one.least, one.most, None, 1, key=key, placeholder=one.usual or "–",
            disabled=is_disabled,
        )  # fmt: skip
    else:
        most = None if one.most is None else float(one.most)
        st.number_input(
            label, float(one.least), most, None, 0.1, key=key, placeholder=one.usual or "–",
            disabled=is_disabled,
        )  # fmt: skip
