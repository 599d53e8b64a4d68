"""Revise a question's criteria, judge again what changed, and see what it did."""

import streamlit as st

from core.services.agreeing import cases_of
from core.services.revising import before_after, worklist
from core.ui.editor import (
    draw_before_after,
    draw_editor,
    draw_history,
    draw_question_cases,
    draw_rejudge,
    draw_worklist,
)
from core.ui.judge_choice import chosen_judge
from core.ui.shell import page

with page("checklists") as p:
    left, right = st.columns([2, 5])
    with left:
        judge, rounds = chosen_judge(p)
        entries = {entry.key: entry for entry in worklist(p.store, p.study, judge, rounds)}
        chosen = draw_worklist(p, entries)
        entry = entries[chosen]
        draw_history(p, entry)
    with right:
        draw_editor(p, entry)
        draw_rejudge(p, judge, entry)
        draw_question_cases(p, entry, cases_of(p.store, p.study, judge, rounds))
        change = before_after(p.store, p.study, judge, rounds, entry.question)
        if change is not None:
            draw_before_after(p, change)
