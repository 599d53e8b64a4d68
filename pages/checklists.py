"""Revise a question's criteria, judge again what changed, and see what it did."""

import streamlit as st

from core.services.agreeing import cases_of
from core.services.judging import judge_of_study
from core.services.revising import before_after, worklist
from core.store.judges import judges_of_study
from core.ui.editor import (
    draw_before_after,
    draw_editor,
    draw_history,
    draw_question_cases,
    draw_rejudge,
    draw_worklist,
)
from core.ui.shell import page

with page("checklists") as p:
    names = [judge.name for judge, _ in judges_of_study(p.store, p.study.id)]
    if not names:
        st.info(p.t("agreement.no_judge"))
        st.stop()
    left, right = st.columns([2, 5])
    with left:
        name = st.selectbox(
            p.t("words.judge"), names, index=len(names) - 1, key="judge", bind="query-params"
        )
        judge, rounds = judge_of_study(p.store, p.study, name)
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
