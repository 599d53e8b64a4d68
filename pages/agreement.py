"""Agreement of judges with physicians, and the cases behind every number."""

import streamlit as st

from core.services import agreeing
from core.ui.agreement_tables import (
    draw_cases,
    draw_groups,
    draw_left_out,
    draw_matrices,
    draw_summary,
)
from core.ui.judge_choice import chosen_judge
from core.ui.shell import page

with page("agreement") as p:
    judge, rounds = chosen_judge(p)
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
