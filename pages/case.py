"""Everything about one response."""

from functools import partial

import streamlit as st

from core.services.inspecting import case_of
from core.services.reviewing import expose
from core.ui.case_sheet import draw_choice, draw_people, draw_response, draw_seal, draw_verdicts
from core.ui.shell import page

with page("case") as p:
    asked = st.query_params.get("response", "")
    if not asked.isdecimal():
        st.info(p.t("case.none"))
        st.stop()
    found = case_of(p.store, p.study, p.person, int(asked))
    is_shown = bool(p.kept.get(p.key(asked, "shown")))
    draw_response(p, found, is_named=found.is_named or is_shown)
    if found.closed is not None:
        draw_choice(p, found)
        st.stop()
    draw_seal(p, found)
    if not (found.is_exposed or found.is_scored or is_shown):
        st.html(f'<div class="banner">{p.t("case.blind")}</div>')
        st.button(
            p.t("case.show"), key=p.key(asked, "show"),
            on_click=partial(p.kept.update, {p.key(asked, "shown"): True}),
        )  # fmt: skip
        st.stop()
    if found.verdicts:
        expose(p.store, p.person, found.question.id, "machine_verdict", page=p.name)
    if any(score.person_id != p.person.id for score in found.scores):
        expose(p.store, p.person, found.question.id, "other_person", page=p.name)
    draw_people(p, found)
    draw_verdicts(p, found)
