"""What a reader chooses is kept in the page's address, so that a link shows what they saw."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import streamlit as st

from core.ui.shell import Page, entered


def several(
    p: Page,
    name: str,
    options: Sequence[str],
    *,
    label: str,
    shown: Callable[[str], str] = str,
) -> tuple[str, ...]:
    """Any number of options; none stands for all."""
    asked = [one for one in st.query_params.get_all(name) if one in options]
    key = p.key(p.study.id, name)
    found = st.multiselect(
        label, options, default=asked, format_func=shown, key=key, placeholder=p.t("choice.all"),
        on_change=_keep, args=(name, key),
    )  # fmt: skip
    return tuple(found)


def one_of_many(
    p: Page,
    name: str,
    options: Sequence[str],
    *,
    label: str,
    shown: Callable[[str], str] = str,
) -> str:
    """One option of a list, the first by default."""
    asked = st.query_params.get(name, "")
    key = p.key(p.study.id, name)
    return st.selectbox(
        label, options, index=options.index(asked) if asked in options else 0, format_func=shown,
        key=key, on_change=_keep, args=(name, key),
    )  # fmt: skip


def one_of(
    p: Page,
    name: str,
    options: Sequence[str],
    *,
    label: str,
    shown: Callable[[str], str] = str,
    first: str | None = None,
    is_labelled: bool = False,
) -> str:
    """One option of a few, the first by default or the one that `first` names."""
    asked = st.query_params.get(name, "")
    key = p.key(p.study.id, name)
    return st.segmented_control(
        label, options, default=asked if asked in options else first or options[0], required=True,
        format_func=shown, key=key, label_visibility="visible" if is_labelled else "collapsed",
        on_change=_keep, args=(name, key),
    )  # fmt: skip


def day(p: Page, name: str, *, label: str) -> str:
    """A day such as 2026-11-21, or ''."""
    key = p.key(p.study.id, name)
    return st.text_input(
        label, value=st.query_params.get(name, ""), key=key, placeholder="2026-11-21",
        max_chars=10, on_change=_keep, args=(name, key),
    )  # fmt: skip


def written(p: Page, name: str, *, label: str, placeholder: str, help: str) -> str:
    """Words that are taken up while they are written, or ''."""
    key = p.key(p.study.id, name)
    found = st.text_input(
        label, value=st.query_params.get(name, ""), key=key, placeholder=placeholder, help=help,
        live=True, type="search", on_change=_keep, args=(name, key),
    )  # fmt: skip
    return found or ""


def link_to(page: str, **changed: str | Sequence[str] | None) -> str:
    """Address of a page with what is chosen now; None takes a choice away."""
    kept: dict[str, str | Sequence[str]] = {
        name: st.query_params.get_all(name) for name in st.query_params
    }
    for name, value in changed.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = value
    return f"{page}?{urlencode(kept, doseq=True)}"


def _keep(name: str, key: str) -> None:
    value = entered()[key]
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
