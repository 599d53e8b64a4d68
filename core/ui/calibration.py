"""A finished calibration: one's own answers beside those of the others."""

import streamlit as st

from core.services import reviewing
from core.services.calibrating import Compared, compared
from core.ui.clinical import show_response, show_text
from core.ui.figures import show_label
from core.ui.manual import show_manual
from core.ui.reveal import said
from core.ui.sheet import draw_criteria
from core.ui.shell import Page


def draw_calibration(p: Page) -> None:
    """Where physicians differ, the farthest first, until the lead ends the calibration."""
    found = compared(p.store, p.study, p.person)
    differing = sum(one.spread > 0 for one in found)
    st.info(p.t("calibration.done", n=len(found), differing=differing))
    for one in found:
        with st.expander(_line(p, one), expanded=one.is_split):
            _draw_compared(p, one)
    with st.expander(p.t("assign.manual_title")):
        show_manual(p)


def _line(p: Page, one: Compared) -> str:
    others = ", ".join(said(p, other) for other in one.others) or p.t("calibration.nobody")
    key = "calibration.split" if one.is_split else "calibration.line"
    return p.t(key, key=one.question.key, own=said(p, one.own), others=others)


def _draw_compared(p: Page, one: Compared) -> None:
    """What was scored on the left; who said what, and by what it is measured, on the right."""
    sheet = reviewing.sheet_of(p.store, p.study, p.person, one.response_id)
    left, right = st.columns([3, 2], gap="small")
    with left:
        show_label(p.t("words.question"))
        show_text(sheet.criteria.question_text)
        show_label(p.t("words.response"))
        show_response(one.text, raw=False)
    with right:
        _draw_said(p, one)
        draw_criteria(p, sheet.criteria.reference_answer, sheet.criteria.checklist)


def _draw_said(p: Page, one: Compared) -> None:
    show_label(p.t("reveal.you", said=said(p, one.own)))
    if one.own.comment:
        show_text(one.own.comment, kind="quote")
    for other in one.others:
        show_label(p.t("reveal.other", said=said(p, other)))
        if other.comment:
            show_text(other.comment, kind="quote")
