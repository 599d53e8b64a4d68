"""How do models do on exams, and on all benchmarks of the study?"""

import streamlit as st

from core.store import exams
from core.ui import exam_views
from core.ui.address import one_of
from core.ui.shell import page

VIEWS = {
    "accuracy": exam_views.draw_accuracy,
    "profile": exam_views.draw_profile,
    "places": exam_views.draw_places,
    "unread": exam_views.draw_unread,
    "secondary": exam_views.draw_secondary,
    "overview": exam_views.draw_overview,
}

with page("exams") as p:
    datasets = exams.closed_counts(p.store, p.study.id)
    views = list(VIEWS) if datasets else ["overview", "secondary"]
    if not datasets:
        st.info(p.t("exams.nothing"))
    which, what = st.columns([3, 8], vertical_alignment="bottom")
    with which:
        names = [name for name, _ in datasets]
        dataset = one_of(p, "exam", names, label=p.t("exams.exam")) if names else ""
    with what:
        view = one_of(
            p, "view", views, label=p.t("exams.view"),
            shown=lambda name: p.t(f"exams.views.{name}"),
        )  # fmt: skip
    if datasets and view not in ("overview", "secondary"):
        exam_views.draw_score(p, dict(datasets)[dataset])
    VIEWS[view](p, dataset)
