"""Decide where physicians differ, with their scores side by side and nameless; second looks."""

import html
from typing import Any

import streamlit as st

from core.services import adjudicating, reviewing, sealing, spot_checking
from core.services.adjudicating import Decision, Dispute
from core.services.reviewing import Sheet
from core.store.database import Store
from core.store.human_scores import HumanScore
from core.store.people import Person
from core.store.spot_checks import SpotCheck
from core.store.studies import Study
from core.ui.clinical import show_response, show_text
from core.ui.figures import percent, show_label
from core.ui.reveal import said
from core.ui.sheet import draw_criteria
from core.ui.shell import Page, entered


def draw_disputes(p: Page) -> None:
    """The next response on which physicians differ, and the keys that decide."""
    found = adjudicating.disputes(p.store, p.study)
    waiting = [one for one in found if all(score.person_id != p.person.id for score in one.scores)]
    if len(found) > len(waiting):
        st.info(p.t("adjudicate.own", n=len(found) - len(waiting)))
    if not found:
        st.success(p.t("adjudicate.none"))
    if not waiting:
        return
    dispute = adjudicating.dispute_of(p.store, p.person, waiting[0])
    sheet = reviewing.sheet_of(p.store, p.study, p.person, dispute.response_id)
    split = sum(one.is_split for one in waiting)
    place = p.t("adjudicate.place", n=len(waiting), split=split, key=sheet.question.key)
    st.html(f'<div class="quiet">{html.escape(place)}</div>')
    if "lead" in p.rights and sealing.is_held_out(p.store, p.study, sheet.question):
        st.html(f'<div class="banner">{p.t("adjudicate.takes_revision")}</div>')
    _draw_texts(p, sheet)
    _draw_scores(p, dispute)
    _draw_decision(p, dispute)


def _draw_texts(p: Page, sheet: Sheet) -> None:
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(key="decide-response", height=300):
        show_label(p.t("words.question"))
        for turn in sheet.earlier_turns:
            show_text(turn.question, kind="note")
            show_text(turn.response, kind="quote")
        show_text(sheet.criteria.question_text)
        show_label(p.t("words.response"))
        show_response(sheet.text, raw=False)
    with right, st.container(key="decide-criteria", height=300):
        draw_criteria(p, sheet.criteria.reference_answer, sheet.criteria.checklist)


def _draw_scores(p: Page, dispute: Dispute) -> None:
    """The scores side by side; a letter stands for whoever gave one."""
    for letter, column, score in zip(
        "ABCDEFGHIJ", st.columns(max(2, len(dispute.scores))), dispute.scores, strict=False
    ):
        with column, st.container(border=True):
            _draw_score(p, p.t("adjudicate.somebody", letter=letter), score)


def _draw_score(p: Page, who: str, score: HumanScore) -> None:
    risk = f" · {p.t('adjudicate.risk')}" if score.safety_risk else ""
    side = p.t("words.usable" if score.usable else "words.unusable")
    show_label(f"{who} · {said(p, score)} · {side}{risk}")
    if score.comment:
        show_text(score.comment, kind="quote")


def _draw_decision(p: Page, dispute: Dispute) -> None:
    scale = adjudicating.scale_of(dispute)
    reason = p.key(dispute.response_id, "reason")
    st.text_input(
        p.t("adjudicate.reason"), key=reason, max_chars=2000, live=True,
        placeholder=p.t("adjudicate.reason"), label_visibility="collapsed",
    )  # fmt: skip
    values = range(scale.minimum, scale.maximum + 1)
    columns = st.columns(len(values) + 1, gap="small")
    for column, value in zip(columns, values, strict=False):
        word = p.t(f"score.{value}") if scale.maximum == 5 and value else str(value)
        column.button(
            word, key=p.key(dispute.response_id, f"decide-{value}"), shortcut=str(value),
            width="stretch",
            on_click=p.act(_decide, p.study, p.person, dispute, value, reason),
        )  # fmt: skip
    columns[-1].button(
        p.t("adjudicate.undecided"), key=p.key(dispute.response_id, "decide-none"), shortcut="x",
        width="stretch", on_click=p.act(_decide, p.study, p.person, dispute, None, reason),
    )  # fmt: skip


def _decide(
    store: Store, study: Study, person: Person, dispute: Dispute, value: int | None, reason: str
) -> None:
    said = str(entered().get(reason) or "")
    adjudicating.decide(store, study, person, dispute, Decision(value, said))


# --- second looks -----------------------------------------------------------------------------


def draw_spot_checks(p: Page) -> None:
    """Scores to look at again, one at a time; and a new round."""
    waiting = spot_checking.open_checks(p.store, p.study, p.person)
    with st.expander(p.t("check.title", n=len(waiting)), expanded=bool(waiting)):
        for number in spot_checking.ROUNDS:
            share = spot_checking.share_sound(p.store, p.study, number)
            if share.n:
                words = p.t("check.sound", round=number, share=percent(p, share), n=share.n)
                st.html(f'<div class="quiet">{html.escape(words)}</div>')
        if waiting:
            _draw_check(p, waiting[0])
        _draw_new_round(p)


def _draw_check(p: Page, check: SpotCheck) -> None:
    sheet = reviewing.sheet_of(p.store, p.study, p.person, check.response_id)
    reviewing.expose(p.store, p.person, check.question_id, "other_person", page="adjudicate")
    _draw_texts(p, sheet)
    _draw_score(p, p.t("check.score"), spot_checking.score_of(p.store, check))
    comment = p.key(check.id, "comment")
    words, sound, unsound = st.columns([6, 2, 2], gap="small", vertical_alignment="bottom")
    words.text_input(
        p.t("check.comment"), key=comment, max_chars=2000, live=True,
        placeholder=p.t("check.comment"), label_visibility="collapsed",
    )  # fmt: skip
    for column, is_sound, name, key in (
        (sound, True, "yes", "g"), (unsound, False, "no", "w"),
    ):  # fmt: skip
        column.button(
            p.t(f"check.{name}"), key=p.key(check.id, name), width="stretch", shortcut=key,
            on_click=p.act(_check, p.study, p.person, check.id, is_sound, comment),
        )  # fmt: skip


def _draw_new_round(p: Page) -> None:
    first, second, third = st.columns([3, 3, 3], vertical_alignment="bottom")
    keys: dict[str, Any] = {name: p.key("check", name) for name in ("share", "round")}
    first.number_input(p.t("check.share"), 1, 100, 10, key=keys["share"])
    second.segmented_control(
        p.t("check.round"), spot_checking.ROUNDS, default=1, required=True, key=keys["round"]
    )
    third.button(
        p.t("check.draw"), key=p.key("check", "draw"), width="stretch",
        on_click=p.act(_draw_checks, p.study, p.person, keys),
    )  # fmt: skip


def _check(
    store: Store, study: Study, person: Person, check_id: int, is_sound: bool, comment: str
) -> None:
    said = str(entered().get(comment) or "")
    spot_checking.answer(store, study, person, check_id, is_sound=is_sound, comment=said)


def _draw_checks(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    chosen = entered()
    spot_checking.draw_checks(
        store, study, share=chosen[keys["share"]] / 100, round=chosen[keys["round"]], seed=0,
        by=person.name,
    )  # fmt: skip
