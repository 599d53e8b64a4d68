"""The score bar: the keys that answer, from one score to five dimensions, and the marks."""

import html
from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.domain import clinic, mtg
from core.domain.scales import ONE_TO_FIVE, Scale
from core.i18n import has_key
from core.services import drafting, reviewing
from core.services.reviewing import NoScore, Scoring, Sheet
from core.store.database import Store
from core.store.people import Person
from core.ui.clinical import text_html
from core.ui.figures import show_label
from core.ui.pressing import Action, Press, button_html
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
        with st.container(key="sheet-bar-dimensions"):
            _draw_dimensions(p, sheet)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _draw_note_and_tools(p, sheet, raw=raw)
    else:  # one row that breaks after the scores: each container is felt at every press
        with st.container(
            key="sheet-bar-score", horizontal=True, vertical_alignment="center", gap="small"
        ):
            st.html(_scores_html(p, sheet))
            _draw_note_and_tools(p, sheet, raw=raw)


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
        key = f"{_marks_of(p, sheet.response_id)}{requirement.id}"
        text, choice = st.columns([7, 3], gap="small", vertical_alignment="top")
        text.html(f'<div class="label">{html.escape(name)}</div>{text_html(requirement.text)}')
        choice.segmented_control(
            name, list(MARK_SIGNS), key=key, format_func=MARK_SIGNS.__getitem__,
            default=sheet.draft.marks.get(requirement.id), label_visibility="collapsed",
            on_change=p.act(_keep_mark, p.person, sheet.response_id, requirement.id, key),
        )  # fmt: skip


def draw_undo(p: Page) -> None:
    """The button that takes the last answer back, where no response is on the sheet."""
    st.button(
        p.t("review.undo"), key=p.key("all", "undo"), shortcut="u", width="stretch",
        disabled=not _can_undo(p), on_click=p.act(_undo, p),
    )  # fmt: skip


def rule_of(p: Page, category: str, score: int) -> str:
    """What a score means in a category."""
    key = f"rules.{category}.{score}"
    return p.t(key if has_key(key) else f"rules.default.{score}")


# --- what is drawn ----------------------------------------------------------------------------


def _scores_html(p: Page, sheet: Sheet) -> str:
    cells = []
    for score in range(1, 6):
        button = button_html(p.t(f"score.{score}"), "score", key=str(score), value=score)
        rule = html.escape(rule_of(p, sheet.question.category, score))
        name = p.key(sheet.response_id, f"score-{score}")
        cells.append(f'<div class="{name}">{button}<div class="rule">{rule}</div></div>')
    return f'<div class="bar" data-of="{sheet.response_id}">{"".join(cells)}</div>'


def _draw_dimensions(p: Page, sheet: Sheet) -> None:
    given = {}
    columns = st.columns(len(sheet.dimensions), gap="small")
    for column, name in zip(columns, sheet.dimensions, strict=True):
        scale, key = dimension_scale(name), f"{_dimensions_of(p, sheet.response_id)}{name}"
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
    is_clinic = sheet.dimensions == clinic.PARTS
    is_complete = clinic.is_complete(given) if is_clinic else mtg.is_complete(given)
    said = _counted(p, given) if is_clinic else _mapped(p, given)
    save = button_html(
        p.t("scoring.save"), "save", key="enter", kind="primary", is_off=not is_complete
    )
    st.html(f'<div class="mapped"><div>{said}</div>{save}</div>')


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


def _draw_note_and_tools(p: Page, sheet: Sheet, *, raw: bool) -> None:
    comment = p.key(sheet.response_id, "comment")
    st.text_input(
        p.t("review.comment"), key=comment, value=sheet.draft.comment, max_chars=4000,
        placeholder=p.t("review.comment"), label_visibility="collapsed", live=True,
        on_change=p.act(_keep_draft, p.person, sheet.response_id, comment),
    )  # fmt: skip
    st.html(_tools_html(p, sheet, raw=raw), width="content")


def _tools_html(p: Page, sheet: Sheet, *, raw: bool) -> str:
    """The buttons beside the note: what else can be said, and how the text is shown."""
    is_on = sheet.draft.safety_risk
    flag = button_html(
        p.t("review.safety_on" if is_on else "review.safety"), "flag", key="s",
        value=int(not is_on), kind="primary" if is_on else "",
    )  # fmt: skip
    back = "" if not is_declining(p, sheet) else p.t("scoring.back")
    cannot = button_html(back or p.t("scoring.cannot"), "cannot", key="x")
    text = button_html(p.t("review.rendered" if raw else "review.raw"), "raw", key="t")
    has_flag = sheet.dimensions != mtg.DIMENSIONS  # a generated text has its safety among them
    tools = [flag if has_flag else "", cannot, f'<div class="raw-switch">{text}</div>']
    if back:
        tools = [
            button_html(p.t("scoring.outside_field"), "outside_field", key="f"),
            button_html(p.t("scoring.cannot_judge"), "cannot_judge", key="b"),
            cannot,
        ]
    can = _can_undo(p)
    why = "" if can else p.t("review.no_undo")
    undo = button_html(p.t("review.undo"), "undo", key="u", says=why, is_off=not can)
    return f'<div class="tools" data-of="{sheet.response_id}">{"".join(tools)}{undo}</div>'


def is_declining(p: Page, sheet: Sheet) -> bool:
    """Whether the ways to give no score are open."""
    return bool(p.kept.get(p.key(sheet.response_id, "cannot-open")))


def _can_undo(p: Page) -> bool:
    last = last_scored(p)
    return last is not None and reviewing.can_undo(p.store, p.person, last)


# --- what a press does ------------------------------------------------------------------------


def _score(store: Store, p: Page, press: Press) -> None:
    _give(store, p, press, score=int(press.value) if press.value.isdecimal() else None)


def _save(store: Store, p: Page, press: Press) -> None:
    _give(store, p, press)


def _outside_field(store: Store, p: Page, press: Press) -> None:
    _give(store, p, press, no_score="outside_field")


def _cannot_judge(store: Store, p: Page, press: Press) -> None:
    _give(store, p, press, no_score="cannot_judge")


def _give(
    store: Store,
    p: Page,
    press: Press,
    *,
    score: int | None = None,
    no_score: NoScore | None = None,
) -> None:
    """Store an answer with all that is on the screen, whichever of it came with this press."""
    state, response_id = entered(), press.response_id
    draft = drafting.draft_of(store, p.person, response_id)
    dimensions = _held(state, _dimensions_of(p, response_id), draft.dimensions)
    marks = _held(
        state, _marks_of(p, response_id), {str(one): mark for one, mark in draft.marks.items()}
    )
    scoring = Scoring(
        score, state.get(p.key(response_id, "comment"), draft.comment),
        True if draft.safety_risk else None,
        dimensions=dimensions if no_score is None else {},
        marks={int(requirement): mark for requirement, mark in marks.items()},
        no_score=no_score, seconds=press.seconds,
    )  # fmt: skip
    reviewing.score(store, p.study, p.person, response_id, scoring)
    p.kept[_LAST] = response_id


def _held(state: Mapping[str, Any], prefix: str, draft: Mapping[str, int]) -> dict[str, int]:
    """What the widgets of that prefix hold, over what was kept before, without emptied ones."""
    shown = {name[len(prefix) :]: one for name, one in state.items() if name.startswith(prefix)}
    return {name: one for name, one in {**draft, **shown}.items() if one is not None}


def _flag(store: Store, p: Page, press: Press) -> None:
    drafting.enter(store, p.person, press.response_id, safety_risk=press.value == "1")


def _decline(_store: Store, p: Page, press: Press) -> None:
    name = p.key(press.response_id, "cannot-open")
    p.kept[name] = not p.kept.get(name, False)


def _undo_pressed(store: Store, p: Page, _press: Press) -> None:
    _undo(store, p)


def _undo(store: Store, p: Page) -> None:
    last = last_scored(p)
    if last is not None:
        reviewing.undo(store, p.study, p.person, last)
        p.kept.pop(_LAST, None)


ANSWERS: dict[str, Action] = {
    "score": _score,
    "save": _save,
    "outside_field": _outside_field,
    "cannot_judge": _cannot_judge,
    "flag": _flag,
    "cannot": _decline,
    "undo": _undo_pressed,
}


def _keep_draft(store: Store, person: Person, response_id: int, comment: str) -> None:
    drafting.save_draft(store, person, response_id, entered()[comment])


def _keep_dimension(store: Store, person: Person, response_id: int, name: str, key: str) -> None:
    drafting.enter(store, person, response_id, dimensions={name: entered()[key]})


def _keep_mark(store: Store, person: Person, response_id: int, requirement: int, key: str) -> None:
    drafting.enter(store, person, response_id, marks={requirement: entered()[key]})


def _dimensions_of(p: Page, response_id: int) -> str:
    return p.key(response_id, "dimension-")


def _marks_of(p: Page, response_id: int) -> str:
    return p.key(response_id, "mark-")
