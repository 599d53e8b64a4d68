"""What a press redraws: the response that is next, the finished batch, or a calibration's end."""

from dataclasses import replace

import streamlit as st

from core.services.offering import queue_of
from core.services.revealing import revealed_batch
from core.services.reviewing import sheet_of
from core.ui.calibration import draw_calibration
from core.ui.pressing import draw_field
from core.ui.reveal import draw_batch, draw_just_revealed, just_revealed
from core.ui.score_bar import ANSWERS, draw_undo
from core.ui.sheet import READING, draw_keys, draw_sheet
from core.ui.shell import Page, draw_notice, told_in_one_sentence


@st.fragment
def draw_scoring(p: Page) -> None:
    """The part of the scoring page that a press draws anew, and nothing around it."""
    with told_in_one_sentence(p.language), p.reopened() as store:
        draw_notice(p.kept, "sheet")
        _draw(replace(p, store=store))


def _draw(p: Page) -> None:
    just_shown = just_revealed(p)
    queue = queue_of(p.store, p.study, p.person)
    if queue.total == 0:
        st.info(p.t("review.nothing"))
    elif queue.next_response_id is not None:
        sheet = sheet_of(p.store, p.study, p.person, queue.next_response_id)
        draw_sheet(p, queue, sheet)
        draw_field(p, ANSWERS | READING)
        draw_keys(p, sheet)
        draw_just_revealed(p, just_shown)
    elif queue.is_calibrating:
        draw_undo(p)
        draw_calibration(p)
    else:
        st.success(p.t("review.done", n=queue.total))
        draw_undo(p)
        draw_batch(p, revealed_batch(p.store, p.study, p.person))
