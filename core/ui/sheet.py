"""The scoring sheet: texts in boxes that scroll, the score bar always in view."""

import html

import streamlit as st

from core.i18n import has_key
from core.services import reviewing
from core.services.reviewing import Revealed, Scoring, Sheet
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.clinical import show_response, show_text
from core.ui.figures import show_label
from core.ui.shell import Page

_LAST = "last-scored"


def draw_sheet(p: Page, sheet: Sheet) -> None:
    """Draw one response to be scored, and the keys that score it."""
    if sheet.is_exposed:
        st.html(f'<div class="banner">{p.t("review.informed")}</div>')
    left, right = st.columns([3, 2], gap="small")
    raw = bool(st.session_state.get(p.key("all", "raw"), False))
    with left:
        with st.container(key="sheet-question"):
            _draw_question(p, sheet)
        with st.container(key="sheet-response"):
            show_label(p.t("review.response"))
            if sheet.is_cut:
                st.html(f'<div class="banner">{p.t("review.cut")}</div>')
            show_response(sheet.text, raw=raw)
    with right, st.container(key="sheet-criteria"):
        draw_criteria(p, sheet.criteria.reference_answer, sheet.criteria.checklist)
    _draw_score_bar(p, sheet, raw=raw)


def draw_criteria(p: Page, reference_answer: str, checklist: str) -> None:
    """Draw what a response is measured by."""
    show_label(p.t("words.checklist"))
    show_text(checklist or p.t("review.no_checklist"), kind="" if checklist else "note")
    show_label(p.t("words.reference_answer"))
    show_text(
        reference_answer or p.t("review.no_reference"), kind="" if reference_answer else "note"
    )


def last_revealed(p: Page) -> Revealed | None:
    """What the judge said of the response just scored, where the study shows it at once.

    Ask for it before the next response is chosen: it is an exposure.
    """
    response_id = st.session_state.get(_LAST)
    if response_id is None:
        return None
    return reviewing.revealed_at_once(p.store, p.study, p.person, response_id)


def draw_all_revealed(p: Page, shown: list[Revealed]) -> None:
    """What the judge said of responses that were scored, one line each that opens."""
    for found in shown:
        with st.expander(_revealed_line(p, found)):
            draw_revealed(p, found)


def draw_revealed(p: Page, found: Revealed) -> None:
    """Draw the physician's own score beside the judges' verdicts."""
    show_label(p.t("review.own", score=found.own.value))
    if found.own.comment:
        show_text(found.own.comment, kind="note")
    for verdict in found.verdicts:
        said = verdict.value if verdict.value is not None else p.t("words.unscored")
        show_label(f"{verdict.judge} · {said}")
        show_text(verdict.rationale or verdict.unscored_because or "", kind="quote")
    st.page_link(
        "pages/case.py", label=p.t("words.open_case"),
        query_params={"response": str(found.response_id)},
    )  # fmt: skip


def _draw_question(p: Page, sheet: Sheet) -> None:
    for number, turn in enumerate(sheet.earlier_turns, 1):
        with st.expander(p.t("review.earlier_turn", n=number)):
            show_label(p.t("words.question"))
            show_text(turn.question)
            show_label(p.t("words.response"))
            show_text(turn.response)
    show_label(p.t("words.question"))
    show_text(sheet.criteria.question_text)


def _draw_score_bar(p: Page, sheet: Sheet, *, raw: bool) -> None:
    response_id = sheet.response_id
    comment, safety = p.key(response_id, "comment"), p.key(response_id, "safety")
    for column, score in zip(st.columns(5, gap="small"), range(1, 6), strict=True):
        with column:
            st.button(
                p.t(f"score.{score}"), key=p.key(response_id, f"score-{score}"),
                shortcut=str(score), width="stretch",
                on_click=p.act(_score, p.study, p.person, response_id, score, comment, safety),
            )  # fmt: skip
            st.html(
                f'<div class="rule">{html.escape(_rule(p, sheet.question.category, score))}</div>'
            )
    note, flag, text, undo = st.columns([6, 2, 2, 2], gap="small", vertical_alignment="bottom")
    with note:
        st.text_input(
            p.t("review.comment"), key=comment, value=sheet.draft, max_chars=4000,
            placeholder=p.t("review.comment"), label_visibility="collapsed", live=True,
            on_change=p.act(_keep_draft, p.person, response_id, comment),
        )  # fmt: skip
    with flag:
        is_on = bool(st.session_state.get(safety, False))
        st.button(
            p.t("review.safety_on" if is_on else "review.safety"), key=p.key(response_id, "flag"),
            shortcut="s", width="stretch", type="primary" if is_on else "secondary",
            on_click=_toggle, args=(safety,),
        )  # fmt: skip
    with text:
        st.button(
            p.t("review.rendered" if raw else "review.raw"), key=p.key("all", "raw-switch"),
            shortcut="t", width="stretch", on_click=_toggle, args=(p.key("all", "raw"),),
        )  # fmt: skip
    with undo:
        draw_undo(p)


def draw_undo(p: Page) -> None:
    """The button that takes the last score back."""
    last = st.session_state.get(_LAST)
    is_open = last is not None and reviewing.can_undo(p.store, p.person, last)
    st.button(
        p.t("review.undo"), key=p.key("all", "undo"), shortcut="u", width="stretch",
        disabled=not is_open, on_click=p.act(_undo, p.study, p.person, last),
    )  # fmt: skip


def _score(
    store: Store, study: Study, person: Person, response_id: int, score: int,
    comment: str, safety: str,
) -> None:  # fmt: skip
    scoring = Scoring(
        score,
        st.session_state.get(comment, ""),
        True if st.session_state.get(safety) else None,
    )
    reviewing.score(store, study, person, response_id, scoring)
    st.session_state[_LAST] = response_id


def _undo(store: Store, study: Study, person: Person, response_id: int) -> None:
    reviewing.undo(store, study, person, response_id)
    st.session_state.pop(_LAST, None)


def _keep_draft(store: Store, person: Person, response_id: int, comment: str) -> None:
    reviewing.save_draft(store, person, response_id, st.session_state[comment])


def _toggle(name: str) -> None:
    st.session_state[name] = not st.session_state.get(name, False)


def _rule(p: Page, category: str, score: int) -> str:
    key = f"rules.{category}.{score}"
    return p.t(key if has_key(key) else f"rules.default.{score}")


def _revealed_line(p: Page, found: Revealed) -> str:
    said = "; ".join(
        f"{verdict.judge} {verdict.value if verdict.value is not None else p.t('words.unscored')}"
        for verdict in found.verdicts
    )
    key = "review.revealed_different" if found.is_different else "review.revealed"
    return p.t(key, key=found.question, own=found.own.value, said=said)
