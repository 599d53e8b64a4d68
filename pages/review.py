"""A physician scores responses, blind."""

import html

import streamlit as st

from core.services.reviewing import queue_of, revealed_batch, sheet_of
from core.ui.sheet import draw_all_revealed, draw_sheet, draw_undo, last_revealed
from core.ui.shell import page

with page("review") as p:
    last = last_revealed(p)
    queue = queue_of(p.store, p.study, p.person)
    if queue.total == 0:
        st.info(p.t("review.nothing"))
    elif queue.next_response_id is None:
        st.success(p.t("review.done", n=queue.total))
        draw_undo(p)
        draw_all_revealed(p, revealed_batch(p.store, p.study, p.person))
    else:
        sheet = sheet_of(p.store, p.study, p.person, queue.next_response_id)
        place = p.t(
            "review.place", number=queue.scored + 1, total=queue.total,
            category=p.named("category", sheet.question.category), key=sheet.question.key,
        )  # fmt: skip
        st.html(f'<div class="quiet">{html.escape(place)}</div>')
        draw_sheet(p, sheet)
        draw_all_revealed(p, [last] if last else [])
