"""A physician scores responses, blind."""

import streamlit as st

from core.services.reviewing import queue_of, revealed_batch, sheet_of
from core.ui.sheet import draw_batch, draw_last, draw_sheet, draw_undo
from core.ui.shell import page

with page("review") as p:
    queue = queue_of(p.store, p.study, p.person)
    if queue.total == 0:
        st.info(p.t("review.nothing"))
    elif queue.next_response_id is None:
        st.success(p.t("review.done", n=queue.total))
        draw_undo(p)
        draw_last(p)
        draw_batch(p, revealed_batch(p.store, p.study, p.person))
    else:
        sheet = sheet_of(p.store, p.study, p.person, queue.next_response_id)
        st.html(
            '<div class="quiet">'
            + p.t(
                "review.place", number=queue.scored + 1, total=queue.total,
                category=p.t(f"category.{sheet.question.category}"), key=sheet.question.key,
            )
            + "</div>"
        )  # fmt: skip
        draw_sheet(p, sheet)
        draw_last(p)
