"""Agreement of judges with physicians, and the cases behind every number."""

import streamlit as st

from core.services import agreeing
from core.services.judging import judge_of_study
from core.store.judges import judges_of_study
from core.ui.agreement_tables import (
    draw_cases,
    draw_groups,
    draw_left_out,
    draw_matrices,
    draw_summary,
)
from core.ui.shell import page

with page("agreement") as p:
    names = [judge.name for judge, _ in judges_of_study(p.store, p.study.id)]
    if not names:
        st.info(p.t("agreement.no_judge"))
        st.stop()
    name = st.selectbox(
        p.t("words.judge"), names, index=len(names) - 1, key="judge", bind="query-params", width=300
    )
    judge, rounds = judge_of_study(p.store, p.study, name)
    cases = agreeing.cases_of(p.store, p.study, judge, rounds)
    comparison = agreeing.comparison_of(cases, judge)
    if judge.engine == "baseline":
        st.html(f'<div class="quiet">{p.t("shell.baseline")}</div>')
    draw_summary(p, comparison)
    draw_left_out(p, comparison)
    if not cases:
        st.info(p.t("agreement.nothing"))
        st.stop()
    draw_groups(p, "category", agreeing.grouped(cases, lambda case: case.category), judge)
    draw_groups(p, "model", agreeing.grouped(cases, lambda case: case.model), judge)
    draw_matrices(p, comparison)
    draw_cases(p, agreeing.disagreements(cases))
