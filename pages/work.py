"""A physician's own work."""

import streamlit as st

from core.services.correcting import Wanted, own_entries
from core.services.drifting import offered_to
from core.services.revealing import revealed_before
from core.services.reviewing import sheet_of
from core.ui.key_list import draw_key_list
from core.ui.shell import page
from core.ui.work_sheet import (
    answer_opened,
    draw_answer,
    draw_entries,
    draw_filters,
    draw_offers,
    open_answer,
)

with page("work") as p:
    everything = own_entries(p.store, p.study, p.person, Wanted())
    asked = answer_opened(p)
    is_own = asked.isdecimal() and any(e.response_id == int(asked) for e in everything)
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_own:
            st.button(
                p.t("work.close"), key=p.key("all", "close"), shortcut="b",
                on_click=open_answer, args=(p.kept, None),
            )  # fmt: skip
        st.page_link("pages/review.py", label=p.t("work.to_scoring"))
        draw_key_list(p, ("correct", "dimensions", "why", "close", "help"))
    if is_own:
        sheet = sheet_of(p.store, p.study, p.person, int(asked))
        draw_answer(p, sheet, revealed_before(p.store, p.study, p.person, int(asked)))
    elif not everything:
        st.info(p.t("work.none"))
    else:
        draw_offers(p, offered_to(p.store, p.study, p.person))
        wanted = draw_filters(p, everything)
        found = own_entries(p.store, p.study, p.person, wanted)
        if found:
            draw_entries(p, found)
        else:
            st.info(p.t("work.none_found"))
