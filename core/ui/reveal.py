"""What judges and others said of a response that was answered, and the one key that says why."""

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from core.services import revealing
from core.services.revealing import Revealed
from core.store.database import Store
from core.store.differences import Cause
from core.store.human_scores import HumanScore
from core.store.marks import RequirementMark
from core.store.people import Person
from core.store.studies import Study
from core.ui.clinical import show_text
from core.ui.figures import show_label
from core.ui.score_bar import MARK_SIGNS, last_scored
from core.ui.shell import Page

#: The key of each cause.
CAUSE_KEYS: dict[Cause, str] = {
    "judge_wrong": "j",
    "checklist_wrong": "k",
    "reference_wrong": "a",
    "question_flawed": "q",
    "reconsidered": "i",
}


def just_revealed(p: Page) -> list[Revealed]:
    """What was said of the question just finished, where the study shows it at once.

    Ask for it before the next response is chosen: it is an exposure.
    """
    last = last_scored(p)
    return [] if last is None else revealing.revealed_at_once(p.store, p.study, p.person, last)


def draw_just_revealed(p: Page, shown: list[Revealed]) -> None:
    """The question just finished: one line in view that asks why, and below it what was said."""
    if not shown:
        return
    asked = next((found for found in shown if found.asks_why), None)
    with st.container(key="reveal-strip", horizontal=True, vertical_alignment="center"):
        line = p.t("reveal.just", line=_line(p, shown[0]))
        if asked is not None and asked is not shown[0]:
            line += f" · {p.t('reveal.same_question', line=_line(p, asked))}"
        st.html(f'<div class="quiet">{html.escape(line)}</div>', width="content")
        if asked is not None:
            _draw_cause_keys(p, asked)
    for found in shown:
        line = _line(p, found)
        title = line if found is shown[0] else p.t("reveal.same_question", line=line)
        with st.expander(title):
            draw_revealed(p, found)


def draw_batch(p: Page, shown: list[Revealed]) -> None:
    """A finished batch: what differs, the farthest first, one response at a time."""
    different = [found for found in shown if found.is_different]
    if not shown:
        return
    if not different:
        st.html(f'<div class="quiet">{p.t("scoring.done_alike")}</div>')
    else:
        waiting = [found for found in different if found.asks_why]
        words = p.t("scoring.done_different", n=len(different), total=len(shown), open=len(waiting))
        st.html(f"<b>{words}</b>")
        if waiting:
            with st.container(border=True):
                show_label(_line(p, waiting[0]))
                draw_causes(p, waiting[0])
                draw_revealed(p, waiting[0])
    st.page_link("pages/work.py", label=p.t("scoring.all_work"))


def draw_revealed(p: Page, found: Revealed) -> None:
    """Draw the physician's own answer beside what the judges and others said."""
    show_label(p.t("reveal.you", said=said(p, found.own)))
    if found.own.comment:
        show_text(found.own.comment, kind="note")
    if found.informed is not None:
        show_label(p.t("reveal.informed", said=said(p, found.informed)))
    for verdict in found.verdicts:
        value = p.t("words.unscored") if verdict.value is None else str(verdict.value)
        show_label(f"{verdict.judge} · {value}")
        show_text(verdict.rationale or verdict.unscored_because or "", kind="quote")
        draw_marks_given(found.marks.get(verdict.id, []))
    for other in found.others:
        show_label(p.t("reveal.other", said=said(p, other)))
        if other.comment:
            show_text(other.comment, kind="quote")
    st.page_link(
        "pages/case.py", label=p.t("words.open_case"),
        query_params={"response": str(found.response_id)},
    )  # fmt: skip


def draw_marks_given(marks: list[RequirementMark]) -> None:
    """What somebody says of each requirement."""
    for mark in marks:
        show_text(f"{MARK_SIGNS[mark.value]} {mark.text}", kind="note")
        if mark.quote:
            show_text(mark.quote, kind="quote")


def draw_causes(p: Page, found: Revealed) -> None:
    """The keys that say why physician and judge differ."""
    show_label(p.t("reveal.why"))
    with st.container(key=f"causes-{found.response_id}", horizontal=True, gap="small"):
        _draw_cause_keys(p, found)


def _draw_cause_keys(p: Page, found: Revealed) -> None:
    for cause, key in CAUSE_KEYS.items():
        action: Callable[[], None] = partial(_ask_again, p.kept, found.response_id)
        if cause != "reconsidered":
            action = p.act(_why, p.study, p.person, found.response_id, cause)
        st.button(
            p.t(f"cause.{cause}"), key=p.key(found.response_id, f"cause-{cause}"), shortcut=key,
            on_click=action,
        )  # fmt: skip
    if p.kept.pop(_RECONSIDER, None) == found.response_id:
        asked = {"response": str(found.response_id), "reconsider": "1"}
        st.switch_page("pages/work.py", query_params=asked)


def said(p: Page, score: HumanScore) -> str:
    """A person's answer in a word: the score, or why there is none."""
    if score.value is None:
        return p.t(f"no_score.{score.unscored_because}")
    return f"{score.value}/{score.maximum}"


_RECONSIDER = "reconsider"


def _ask_again(kept: dict[str, Any], response_id: int) -> None:
    kept[_RECONSIDER] = response_id


def _why(store: Store, study: Study, person: Person, response_id: int, cause: Cause) -> None:
    revealing.say_why(store, study, person, response_id, cause)


def _line(p: Page, found: Revealed) -> str:
    verdicts = "; ".join(
        f"{verdict.judge} {verdict.value if verdict.value is not None else p.t('words.unscored')}"
        for verdict in found.verdicts
    )
    key = "review.revealed_different" if found.is_different else "review.revealed"
    return p.t(key, key=found.question.key, own=said(p, found.own), said=verdicts)
