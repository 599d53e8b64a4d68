"""The score bar: the keys that answer, from one score to five dimensions, and the marks."""

import html
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import streamlit as st

from core.domain import clinic, mtg
from core.domain.scales import ONE_TO_FIVE, Scale
from core.i18n import has_key
from core.services import reviewing
from core.services.reviewing import NoScore, Scoring, Sheet
from core.store.database import Store
from core.store.people import Person
from core.ui.clinical import text_html
from core.ui.figures import show_label
from core.ui.shell import Page, entered

_LAST = "last-scored"
#: Symbols of the marks; words would lose a choice when the language changes.
MARK_SIGNS = {2: "✓", 1: "◧", 0: "✗"}


def last_scored(p: Page) -> int | None:
    """The response that was answered last in this session."""
    found: int | None = p.kept.get(_LAST)
    return found


def draw_score_bar(p: Page, sheet: Sheet, *, raw: bool) -> None:
    """Draw the keys that answer; a response is scored by one score or by five dimensions."""
    if sheet.dimensions:
        _draw_dimensions(p, sheet)
    else:
        _draw_scores(p, sheet)
    cannot = p.key(sheet.response_id, "cannot-open")
    is_open = bool(p.kept.get(cannot))
    widths = [5, 2, 3, 2, 2] if is_open else [6, 2, 2, 2, 2]
    note, *rest = st.columns(widths, gap="small", vertical_alignment="bottom")
    with note:
        _draw_note(p, sheet)
    if is_open:
        _draw_no_score(p, sheet, cannot, rest)
    else:
        _draw_tools(p, sheet, cannot, rest, raw=raw)
    _draw_clock(p, sheet)


def draw_marks(p: Page, sheet: Sheet) -> None:
    """The requirements, each with what the response does to it."""
    signs = " · ".join(
        f"{p.t(f'mark.{value}')} ({key})" for value, key in zip(MARK_SIGNS, "ypo", strict=True)
    )
    show_label(f"{p.t('scoring.marks_note')} {signs}")
    numbers: Counter[str] = Counter()
    for requirement in sheet.requirements:
        numbers[requirement.level] += 1
        name = f"{p.t(f'level.{requirement.level}')} {numbers[requirement.level]}"
        key = _mark_key(p, sheet, requirement.id)
        text, choice = st.columns([7, 3], gap="small", vertical_alignment="top")
        text.html(f'<div class="label">{html.escape(name)}</div>{text_html(requirement.text)}')
        choice.segmented_control(
            name, list(MARK_SIGNS), key=key, format_func=MARK_SIGNS.__getitem__,
            default=sheet.draft.marks.get(requirement.id), label_visibility="collapsed",
            on_change=p.act(_keep_mark, p.person, sheet.response_id, requirement.id, key),
        )  # fmt: skip


def draw_undo(p: Page) -> None:
    """The button that takes the last answer back."""
    last = last_scored(p)
    is_open = last is not None and reviewing.can_undo(p.store, p.person, last)
    st.button(
        p.t("review.undo"), key=p.key("all", "undo"), shortcut="u", width="stretch",
        disabled=not is_open, on_click=p.act(_undo, p, last),
    )  # fmt: skip


def toggle(kept: dict[str, Any], name: str) -> None:
    """Turn something on the screen on or off."""
    kept[name] = not kept.get(name, False)


def rule_of(p: Page, category: str, score: int) -> str:
    """What a score means in a category."""
    key = f"rules.{category}.{score}"
    return p.t(key if has_key(key) else f"rules.default.{score}")


def _draw_scores(p: Page, sheet: Sheet) -> None:
    for column, score in zip(st.columns(5, gap="small"), range(1, 6), strict=True):
        with column:
            st.button(
                p.t(f"score.{score}"), key=p.key(sheet.response_id, f"score-{score}"),
                shortcut=str(score), width="stretch", on_click=_answer(p, sheet, score=score),
            )  # fmt: skip
            rule = html.escape(rule_of(p, sheet.question.category, score))
            st.html(f'<div class="rule">{rule}</div>')


def _draw_dimensions(p: Page, sheet: Sheet) -> None:
    given = {}
    columns = st.columns(len(sheet.dimensions), gap="small")
    for column, name in zip(columns, sheet.dimensions, strict=True):
        scale, key = dimension_scale(name), _dimension_key(p, sheet, name)
        with column:
            value = st.segmented_control(
                p.t(f"{dimension_words(name)}.{name}"),
                list(range(scale.minimum, scale.maximum + 1)), key=key,
                default=sheet.draft.dimensions.get(name),
                on_change=p.act(_keep_dimension, p.person, sheet.response_id, name, key),
            )  # fmt: skip
            about = p.t(f"{dimension_words(name)}.about.{name}")
            st.html(f'<div class="rule">{html.escape(about)}</div>')
        if value is not None:
            given[name] = value
    mapped, save = st.columns([8, 2], gap="small", vertical_alignment="center")
    is_clinic = sheet.dimensions == clinic.PARTS
    is_complete = clinic.is_complete(given) if is_clinic else mtg.is_complete(given)
    said = _counted(p, given) if is_clinic else _mapped(p, given)
    mapped.html(f'<div class="mapped">{said}</div>')
    save.button(
        p.t("scoring.save"), key=p.key(sheet.response_id, "save"), shortcut="Enter",
        type="primary", width="stretch", disabled=not is_complete, on_click=_answer(p, sheet),
    )  # fmt: skip


def dimension_scale(name: str) -> Scale:
    """The scale of one dimension: of a generated text, or of an answer to a clinic case."""
    return ONE_TO_FIVE if name in clinic.PARTS else mtg.scale_of(name)


def dimension_words(name: str) -> str:
    """Which texts of the catalogue name a dimension."""
    return "part" if name in clinic.PARTS else "mtg"


def _counted(p: Page, given: dict[str, int]) -> str:
    """What the parts of an answer to a clinic case come to."""
    steps = f'<span class="quiet">{html.escape(p.t("part.steps"))}</span>'
    if not clinic.is_complete(given):
        return f"<b>{p.t('part.none')}</b> {steps}"
    score = clinic.score_of(given)
    side = "usable" if score >= ONE_TO_FIVE.usable_from else "unusable"
    return f"<b>{p.t(f'part.{side}', score=score)}</b> {steps}"


def _mapped(p: Page, given: dict[str, int]) -> str:
    steps = f'<span class="quiet">{html.escape(p.t("mtg.steps"))}</span>'
    if not mtg.is_complete(given):
        return f"<b>{p.t('mtg.to_go', n=len(mtg.DIMENSIONS) - len(given))}</b> {steps}"
    side = "usable" if mtg.is_usable(given) else "unusable"
    if not given[mtg.SAFETY]:
        side = "unsafe"
    words = p.t(f"mtg.mapped_{side}", score=mtg.mapped_score(given))
    mark = ' class="danger"' if side == "unsafe" else ""
    return f"<b{mark}>{words}</b> {steps}"


def _draw_note(p: Page, sheet: Sheet) -> None:
    comment = p.key(sheet.response_id, "comment")
    st.text_input(
        p.t("review.comment"), key=comment, value=sheet.draft.comment, max_chars=4000,
        placeholder=p.t("review.comment"), label_visibility="collapsed", live=True,
        on_change=p.act(_keep_draft, p.person, sheet.response_id, comment),
    )  # fmt: skip


def _draw_tools(p: Page, sheet: Sheet, cannot: str, places: list[Any], *, raw: bool) -> None:
    flag, decline, text, undo = places
    if sheet.dimensions != mtg.DIMENSIONS:  # a generated text has its safety among them
        is_on = sheet.draft.safety_risk
        flag.button(
            p.t("review.safety_on" if is_on else "review.safety"),
            key=p.key(sheet.response_id, "flag"), shortcut="s", width="stretch",
            type="primary" if is_on else "secondary",
            on_click=p.act(_flag, p.person, sheet.response_id, not is_on),
        )  # fmt: skip
    decline.button(
        p.t("scoring.cannot"), key=p.key(sheet.response_id, "cannot"), shortcut="x",
        width="stretch", on_click=toggle, args=(p.kept, cannot),
    )  # fmt: skip
    text.button(
        p.t("review.rendered" if raw else "review.raw"), key=p.key("all", "raw-switch"),
        shortcut="t", width="stretch", on_click=toggle, args=(p.kept, p.key("all", "raw")),
    )  # fmt: skip
    with undo:
        draw_undo(p)


def _draw_no_score(p: Page, sheet: Sheet, cannot: str, places: list[Any]) -> None:
    outside, cannot_judge, back, undo = places
    declined: tuple[tuple[Any, NoScore, str], ...] = (
        (outside, "outside_field", "f"), (cannot_judge, "cannot_judge", "b"),
    )  # fmt: skip
    for place, name, key in declined:
        place.button(
            p.t(f"scoring.{name}"), key=p.key(sheet.response_id, name), shortcut=key,
            width="stretch", on_click=_answer(p, sheet, no_score=name),
        )  # fmt: skip
    back.button(
        p.t("scoring.back"), key=p.key(sheet.response_id, "cannot"), shortcut="x",
        width="stretch", on_click=toggle, args=(p.kept, cannot),
    )  # fmt: skip
    with undo:
        draw_undo(p)


def _draw_clock(p: Page, sheet: Sheet) -> None:
    """A field that the browser fills with the active seconds; it comes with the next press."""
    st.text_input(
        "seconds", key=_clock_key(p, sheet), on_change="ignore", live=True,
        label_visibility="collapsed",
    )  # fmt: skip


def _answer(
    p: Page, sheet: Sheet, *, score: int | None = None, no_score: NoScore | None = None
) -> Callable[[], None]:
    return p.act(_give, p, sheet, score, no_score)


def _give(store: Store, p: Page, sheet: Sheet, score: int | None, no_score: NoScore | None) -> None:
    """Store an answer with all that is on the screen, whichever of it came with this press."""
    state, response_id = entered(), sheet.response_id
    flagged = sheet.draft.safety_risk
    if state.get(p.key(response_id, "flag")):
        flagged = not flagged
    dimensions = {
        name: state[_dimension_key(p, sheet, name)]
        for name in sheet.dimensions
        if no_score is None and state.get(_dimension_key(p, sheet, name)) is not None
    }
    marks = {
        requirement.id: state.get(_mark_key(p, sheet, requirement.id), known)
        for requirement in sheet.requirements
        for known in [sheet.draft.marks.get(requirement.id)]
    }
    scoring = Scoring(
        score,
        state.get(p.key(response_id, "comment"), ""),
        True if flagged else None,
        dimensions=dimensions,
        marks={found: value for found, value in marks.items() if value is not None},
        no_score=no_score,
        seconds=_seconds(state.get(_clock_key(p, sheet), "")),
    )
    reviewing.score(store, p.study, p.person, response_id, scoring)
    p.kept[_LAST] = response_id


def _seconds(shown: str) -> float | None:
    """What the browser's clock says; None where it never ran."""
    try:
        seconds = float(shown)
    except ValueError:
        return None
    return seconds if 0 < seconds < math.inf else None


def _undo(store: Store, p: Page, response_id: int) -> None:
    reviewing.undo(store, p.study, p.person, response_id)
    p.kept.pop(_LAST, None)


def _keep_draft(store: Store, person: Person, response_id: int, comment: str) -> None:
    reviewing.save_draft(store, person, response_id, entered()[comment])


def _keep_dimension(store: Store, person: Person, response_id: int, name: str, key: str) -> None:
    reviewing.enter(store, person, response_id, dimensions={name: entered()[key]})


def _keep_mark(store: Store, person: Person, response_id: int, requirement: int, key: str) -> None:
    reviewing.enter(store, person, response_id, marks={requirement: entered()[key]})


def _flag(store: Store, person: Person, response_id: int, is_on: bool) -> None:
    reviewing.enter(store, person, response_id, safety_risk=is_on)


def _dimension_key(p: Page, sheet: Sheet, name: str) -> str:
    return p.key(sheet.response_id, f"dimension-{name}")


def _mark_key(p: Page, sheet: Sheet, requirement_id: int) -> str:
    return p.key(sheet.response_id, f"mark-{requirement_id}")


def _clock_key(p: Page, sheet: Sheet) -> str:
    return p.key(sheet.response_id, "seconds")
