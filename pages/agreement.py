"""Agreement of judges with physicians, and the cases behind every number."""

import streamlit as st

from core.services.agreeing_physicians import among_physicians
from core.services.arraying import chosen_columns
from core.services.comparing import comparison_of
from core.ui import agreement_views
from core.ui.address import one_of
from core.ui.agreement_parts import draw_parts
from core.ui.agreement_people import draw_physicians
from core.ui.agreement_tables import (
    draw_cases,
    draw_excluded,
    draw_left_out,
    draw_sentence,
    draw_summary,
    draw_weights,
)
from core.ui.agreement_versions import draw_versions
from core.ui.figure_data import cases_of_chosen, chosen_cases, columns_of_chosen, keeping
from core.ui.judge_choice import chosen_panel
from core.ui.seals import draw_held_out
from core.ui.shell import page

VIEWS = {
    "danger": agreement_views.draw_danger,
    "groups": agreement_views.draw_groups,
    "matrices": agreement_views.draw_matrices,
    "scores": agreement_views.draw_scores,
    "parts": draw_parts,
    "physicians": draw_physicians,
    "versions": draw_versions,
    "held_out": draw_held_out,
    "fine_print": agreement_views.draw_fine_print,
}

with page("agreement") as p:
    who, what = st.columns([2, 7], vertical_alignment="bottom")
    with who:
        panel = chosen_panel(p)
    every = cases_of_chosen(p, panel)
    if not every:
        st.info(p.t("agreement.nothing"))
        st.stop()
    with what:
        whole = columns_of_chosen(p, panel, every)
        choice = chosen_cases(p, whole)
    keep = keeping(p, panel, choice)
    cases = keep("columns", lambda: chosen_columns(whole, choice))
    if panel.is_floor:
        st.html(f'<div class="quiet">{p.t("shell.baseline")}</div>')
    shown = agreement_views.Shown(
        panel, every, cases, keep("comparison", lambda: comparison_of(cases, panel)),
        keep("among", lambda: among_physicians(cases)), keep,
    )  # fmt: skip
    draw_sentence(p, shown.comparison, shown.among)
    draw_summary(p, shown.comparison)
    draw_weights(p, shown.comparison)
    draw_left_out(p, shown.comparison)
    draw_excluded(p, panel, whole, keep)
    view = one_of(
        p, "view", [*VIEWS, "cases"], label=p.t("agreement.view"),
        shown=lambda name: p.t(f"agreement.views.{name}"),
    )  # fmt: skip
    if view == "cases":
        draw_cases(p, shown.cases, st.query_params.get("of", "differ"))
    else:
        VIEWS[view](p, shown)
