"""A physician scores responses, blind."""

import streamlit as st

from core.services.revealing import revealed_batch
from core.services.reviewing import queue_of, sheet_of
from core.ui.calibration import draw_calibration
from core.ui.reveal import draw_batch, draw_just_revealed, just_revealed
from core.ui.score_bar import draw_undo
from core.ui.sheet import draw_keys, draw_place, draw_sheet
from core.ui.shell import page

with page("review") as p:
    just_shown = just_revealed(p)
    queue = queue_of(p.store, p.study, p.person)
    if queue.total == 0:
        st.info(p.t("review.nothing"))
    elif queue.next_response_id is None and queue.is_calibrating:
        draw_undo(p)
        draw_calibration(p)
    elif queue.next_response_id is None:
        st.success(p.t("review.done", n=queue.total))
        draw_undo(p)
        draw_batch(p, revealed_batch(p.store, p.study, p.person))
    else:
        sheet = sheet_of(p.store, p.study, p.person, queue.next_response_id)
        draw_place(p, queue, sheet)
        draw_sheet(p, sheet)
        draw_keys(p)
        draw_just_revealed(p, just_shown)
