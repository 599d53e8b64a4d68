"""A physician's own work: found again, beside what was shown of it, corrected with a reason."""

import html
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import streamlit as st

from core.services import correcting, drifting
from core.services.correcting import WHICH, Entry, Wanted
from core.services.drafting import Draft
from core.services.revealing import Revealed, reconsider
from core.services.reviewing import Scoring, Sheet
from core.store.criteria import active_version
from core.store.database import Store
from core.store.human_scores import HumanScore, human_scores_of_response
from core.store.offers import Offer
from core.store.own_work import OwnAnswer
from core.store.reviews import LastAnswer
from core.ui.clinical import show_response, show_text
from core.ui.figures import show_label
from core.ui.reveal import draw_causes, draw_revealed, said
from core.ui.score_bar import dimension_scale, dimension_words, rule_of
from core.ui.sheet import draw_criteria
from core.ui.shell import Page, entered

_ROWS = 15
_OPEN = "open-answer"
_KINDS = ("score", "outside_field", "cannot_judge")


def draw_filters(p: Page, entries_of_all: list[Entry]) -> Wanted:
    """What is looked for: words, kind, category, score, dates."""
    categories = sorted({entry.counts.category for entry in entries_of_all})
    values = sorted({e.counts.value for e in entries_of_all if e.counts.value is not None})
    words, which, category, value, since, until = st.columns([4, 3, 3, 2, 3, 3], gap="small")
    containing = words.text_input(p.t("work.search"), key=p.key("all", "search"), live=True)
    chosen = which.selectbox(
        p.t("work.which"), WHICH, key=p.key("all", "which"),
        format_func=lambda name: p.t(f"which.{name}"),
    )  # fmt: skip
    of = category.selectbox(
        p.t("words.category"), ["", *categories], key=p.key("all", "category"),
        format_func=lambda name: p.named("category", name) if name else p.t("work.any"),
    )  # fmt: skip
    score = value.selectbox(
        p.t("work.value"), [None, *values], key=p.key("all", "value"),
        format_func=lambda one: p.t("work.any") if one is None else str(one),
    )  # fmt: skip
    first = since.date_input(p.t("work.since"), value=None, key=p.key("all", "since"))
    last = until.date_input(p.t("work.until"), value=None, key=p.key("all", "until"))
    return Wanted(chosen, of, score, _day(first), _day(last), containing or "")


def draw_offers(p: Page, offers: list[Offer]) -> None:
    """Answers that a new requirement asks to be looked at again, each with its button."""
    if not offers:
        return
    show_label(p.t("work.offers", n=len(offers)))
    for offer in offers[:_ROWS]:
        line, button = st.columns([10, 2], vertical_alignment="center")
        with line:
            show_text(
                p.t("work.offer", key=offer.question, value=offer.value or "–",
                    requirement=offer.requirement),
                kind="note",
            )  # fmt: skip
        button.button(
            p.t("work.open"), key=p.key(offer.response_id, "offer"), width="stretch",
            on_click=open_answer, args=(p.kept, offer.response_id),
        )  # fmt: skip


def draw_entries(p: Page, entries: list[Entry]) -> None:
    """One's own answers in lines, each with the button that opens it."""
    st.html(f'<div class="quiet">{p.t("work.found", n=len(entries))}</div>')
    pages = -(-len(entries) // _ROWS)
    at = st.pagination(pages, key=p.key("all", f"page-{pages}")) if pages > 1 else 1
    for entry in entries[(at - 1) * _ROWS : at * _ROWS]:
        line, button = st.columns([10, 2], vertical_alignment="center")
        line.html(_line(p, entry))
        button.button(
            p.t("work.open"), key=p.key(entry.response_id, "open"), width="stretch",
            on_click=open_answer, args=(p.kept, entry.response_id),
        )  # fmt: skip


def open_answer(kept: dict[str, Any], response_id: int | None) -> None:
    """Open one of one's answers, to be found by `answer_opened`; None goes back to the list."""
    kept[_OPEN] = {} if response_id is None else {"response": str(response_id)}


def answer_opened(p: Page) -> str:
    """What the page's address opens: the id of a response, or ''."""
    if _OPEN in p.kept:
        st.query_params.from_dict(p.kept[_OPEN])
        del p.kept[_OPEN]
    return st.query_params.get("response", "")


def draw_answer(p: Page, sheet: Sheet, revealed: Revealed | None) -> None:
    """One answer: the texts, what was said, and how to correct it."""
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(key="work-texts"):
        show_label(f"{p.t('words.question')} · {sheet.question.key}")
        show_text(sheet.criteria.question_text)
        show_label(p.t("review.response"))
        show_response(sheet.text, raw=False)
        with st.expander(p.t("words.checklist")):
            draw_criteria(p, sheet.criteria.reference_answer, sheet.criteria.checklist)
    with right:
        _draw_history(p, sheet)
        if revealed is not None:
            if revealed.cause is not None:
                cause = p.t(f"cause.{revealed.cause}")
                show_label(p.t("reveal.said_why", cause=cause))
            if revealed.is_different:
                draw_causes(p, revealed)
            draw_revealed(p, revealed)
        _draw_correction(p, sheet, revealed)


def _draw_history(p: Page, sheet: Sheet) -> None:
    show_label(p.t("work.history"))
    for score in human_scores_of_response(p.store, sheet.response_id):
        if score.person_id == p.person.id:
            _draw_attempt(p, score)


def _draw_attempt(p: Page, score: HumanScore) -> None:
    line = p.t(
        "work.attempt", said=said(p, score), phase=p.t(f"phase.{score.phase}"),
        time=score.created_at[:16].replace("T", " "),
    )  # fmt: skip
    risk = f' <span class="danger">⚑ {p.t("words.safety_risk")}</span>' if score.safety_risk else ""
    st.html(html.escape(line) + risk)
    for text in (score.comment, p.written(score.reason)):
        if text:
            show_text(text, kind="note")


def _draw_correction(p: Page, sheet: Sheet, revealed: Revealed | None) -> None:
    """A new answer beside the old one; informed where something was shown."""
    last, before = correcting.given_before(p.store, p.person, sheet.response_id)
    is_asked = st.query_params.get("reconsider") == "1" and revealed is not None
    opened = p.key(sheet.response_id, "correcting")
    if not is_asked and not p.kept.get(opened):
        st.button(
            p.t("work.correct"), key=p.key(sheet.response_id, "correct"), shortcut="e",
            on_click=partial(p.kept.update, {opened: True}),
        )  # fmt: skip
        return
    with st.container(border=True):
        show_label(p.t("work.informed_ask" if is_asked else "work.correct"))
        stays = "work.stays_blind" if sheet.is_exposed else "work.stays"
        show_text(p.t(stays), kind="note")
        kind = st.segmented_control(
            p.t("work.kind"), _KINDS, key=p.key(sheet.response_id, "kind"), required=True,
            default=last.unscored_because or "score", label_visibility="collapsed",
            format_func=lambda name: p.t("work.value" if name == "score" else f"no_score.{name}"),
        )  # fmt: skip
        if kind == "score":
            _draw_new_score(p, sheet, last, before)
        st.text_input(
            p.t("work.comment"), value=before.comment, max_chars=4000,
            key=p.key(sheet.response_id, "comment"),
        )  # fmt: skip
        if not is_asked:
            st.text_input(p.t("work.reason"), key=p.key(sheet.response_id, "reason"), max_chars=500)
        st.button(
            p.t("work.do_reconsider" if is_asked else "work.do_correct"), type="primary",
            key=p.key(sheet.response_id, "save"), shortcut="Enter",
            on_click=p.act(_save, p, sheet, before, is_asked),
        )  # fmt: skip


def _draw_new_score(p: Page, sheet: Sheet, last: LastAnswer, before: Draft) -> None:
    for name in sheet.dimensions:
        scale = dimension_scale(name)
        st.segmented_control(
            p.t(f"{dimension_words(name)}.{name}"), list(range(scale.minimum, scale.maximum + 1)),
            key=p.key(sheet.response_id, f"dimension-{name}"), default=before.dimensions.get(name),
        )  # fmt: skip
    if not sheet.dimensions:
        key = p.key(sheet.response_id, "dimension-score")
        score = st.segmented_control(
            p.t("work.value"), list(range(1, 6)), key=key, default=last.value
        )
        if score is not None:
            show_text(rule_of(p, sheet.question.category, score), kind="note")


def _save(store: Store, p: Page, sheet: Sheet, before: Draft, is_asked: bool) -> None:
    state, response_id = entered(), sheet.response_id

    def of(field: str) -> Any:
        return state.get(p.key(response_id, field))

    no_score = None if of("kind") == "score" else of("kind")
    dimensions = {
        name: of(f"dimension-{name}")
        for name in sheet.dimensions
        if no_score is None and of(f"dimension-{name}") is not None
    }
    score = None if no_score or sheet.dimensions else of("dimension-score")
    scoring = Scoring(
        score, of("comment") or "", True if before.safety_risk else None,
        dimensions=dimensions, marks=before.marks, no_score=no_score,
    )  # fmt: skip
    if is_asked:
        reconsider(store, p.study, p.person, response_id, scoring)
    else:
        reason = of("reason") or ""
        asked = drifting.offered_to(store, p.study, p.person)
        if any(offer.response_id == response_id for offer in asked):
            scoring = replace(scoring, claimed_phase="informed")
        correcting.correct(store, p.study, p.person, response_id, scoring, reason=reason)
        p.kept.pop(p.key(response_id, "correcting"), None)
    open_answer(p.kept, response_id)


def _line(p: Page, entry: Entry) -> str:
    counts = entry.counts
    marks = [
        p.t(f"work.{name}")
        for name, holds in (
            ("noted", bool(counts.comment)),
            ("corrected", entry.attempts > 1),
            ("differs", entry.differs is True),
        )
        if holds
    ]
    if entry.cause is not None:
        marks.append(p.t(f"cause.{entry.cause}"))
    line = p.t(
        "work.entry", key=counts.question, said=_said(p, entry),
        time=counts.created_at[:16].replace("T", " "),
    )  # fmt: skip
    risk = f' <span class="danger">⚑ {p.t("words.safety_risk")}</span>'
    quiet = f' <span class="quiet">{html.escape(" · ".join(marks))}</span>'
    asked = active_version(p.store, p.study.id, counts.question_id).criteria.question_text
    begins = f'<div class="one-line">{html.escape(asked)}</div>'  # whole once it is opened
    return html.escape(line) + (risk if counts.safety_risk else "") + quiet + begins


def _said(p: Page, entry: Entry) -> str:
    def word(answer: OwnAnswer) -> str:
        if answer.value is None:
            return p.t(f"no_score.{answer.unscored_because}")
        return f"{answer.value}/{answer.maximum}"

    if entry.informed is None:
        return word(entry.counts)
    return f"{word(entry.counts)} → {word(entry.informed)} ({p.t('phase.informed')})"


def _day(chosen: date | None) -> str:
    return "" if chosen is None else chosen.isoformat()
