"""Revise a question's criteria, try what was revised, and decide on it."""

import streamlit as st

from core.services import sealing, weighing
from core.services.empanelling import Panel
from core.services.revising_effects import all_revisions
from core.services.revising_worklist import worklist
from core.store import responses
from core.ui.decision_sheet import draw_decision
from core.ui.editor import draw_editor, draw_sealed, draw_views, draw_worklist, editing_of
from core.ui.figure_data import active_cases, known_questions
from core.ui.judge_choice import chosen_judge
from core.ui.shell import page
from core.ui.suggestion_sheet import draw_row_suggestions
from core.ui.trial_sheet import draw_last_trial, draw_outstanding, draw_trial
from core.ui.version_sheet import (
    draw_all_revisions,
    draw_changes,
    draw_history,
    draw_question_cases,
    draw_versions,
)

with page("checklists") as p:
    left, right = st.columns([2, 7])
    with left:
        judge, rounds = chosen_judge(p)
        sealed = sealing.seals_of(p.store, p.study)
        cases = active_cases(p, Panel(judge.name, ((judge, rounds),)))
        known = known_questions(p)
        found = worklist(p.store, p.study, cases, sealed, list(known.values()))
        entries = {entry.key: entry for entry in found}
        closed = [key for key, one in known.items() if one.id in sealed.held_out]
        question = known[draw_worklist(p, entries, closed)]
    with right:
        if question.key in closed:
            draw_sealed(p, question)
            st.stop()
        own = [case for case in cases if case.question_id == question.id]
        history = weighing.history_of_criteria(
            p.store, p.study, judge, rounds, question, own, sealed
        )
        waiting = next((one.version for one in history if one.state == "candidate"), None)
        view = draw_views(p)
        if view == "edit":
            text, case = st.columns([5, 4])
            with text:
                editing = editing_of(p, question, waiting)
                answers = responses.responses_to_question(p.store, question.id)
                draw_editor(p, editing, answered=sum(one.text is not None for one in answers))
                with st.expander(p.t("suggest.title")):
                    draw_row_suggestions(p, judge, editing)
            with case:
                draw_question_cases(p, question.key, own, sealed)
        elif view == "try":
            draw_history(p, question.key, history)
            draw_outstanding(p, judge, entries[question.key])
            if waiting is None:
                draw_last_trial(p, judge, history)
            else:
                draw_changes(p, history, waiting)
                draw_trial(p, judge, waiting)
                draw_decision(p, judge, waiting)
        elif view == "compare":
            draw_versions(p, question.key, history)
        else:
            draw_all_revisions(p, all_revisions(p.store, p.study, judge, rounds))
