"""Who is usable, and how sure are we?"""

import streamlit as st

from core.services.ranking import benchmarks
from core.services.rating import Order
from core.ui import leaderboard_tables
from core.ui.address import one_of
from core.ui.judge_choice import chosen_panel
from core.ui.leaderboard_more import draw_dimensions, draw_exclusions
from core.ui.leaderboard_next import draw_next
from core.ui.leaderboard_tables import FIGURES, drawn
from core.ui.model_groups import draw_model_groups
from core.ui.report_view import draw_report
from core.ui.shell import page

VIEWS = {
    "table": leaderboard_tables.draw_table,
    "compare": leaderboard_tables.draw_compare,
    "ranks": leaderboard_tables.draw_ranks,
    "dimensions": draw_dimensions,
    "next": draw_next,
    "exclusions": draw_exclusions,
    "groups": draw_model_groups,
    "report": draw_report,
    "cases": leaderboard_tables.draw_listed,
}

with page("leaderboard") as p:
    who, which, how = st.columns([3, 6, 4], vertical_alignment="bottom")
    with who:
        panel = chosen_panel(p)
    with which:
        figure = one_of(
            p, "figure", FIGURES, label=p.t("leaderboard.figure"),
            shown=lambda name: p.t(f"leaderboard.{name}"),
        )  # fmt: skip
    with how:
        unscored = one_of(
            p, "unscored", ["left_out", "not_usable"], label=p.t("leaderboard.unscored"),
            shown=lambda name: p.t(f"leaderboard.{name}"),
        )  # fmt: skip
    known = benchmarks(p.store, p.study)
    benchmark = ""
    if len(known) > 1:
        benchmark = one_of(p, "benchmark", list(known), label=p.t("leaderboard.benchmark"))
    categories = known[benchmark or next(iter(known))] if known else ()
    by_place, category_place, excluded_place = st.columns([4, 5, 4])
    with by_place:
        by = one_of(
            p, "by", ["category", "category2", "difficulty"], label=p.t("leaderboard.columns"),
            shown=lambda name: p.t(f"words.{name}"),
        )  # fmt: skip
    with category_place:
        category = one_of(
            p, "within", ["all", *categories], label=p.t("words.category"),
            shown=lambda name: p.t("choice.all") if name == "all" else name,
        )  # fmt: skip
    with excluded_place:
        excluded = one_of(
            p, "excluded", ["without", "with"], label=p.t("leaderboard.excluded"),
            shown=lambda name: p.t(f"leaderboard.{name}_excluded"),
        )  # fmt: skip
    order = Order(
        unscored, by, None if category == "all" else category, excluded == "with", benchmark
    )
    found = drawn(p, panel, order)
    if panel.is_floor:
        st.html(f'<div class="quiet">{p.t("shell.baseline")}</div>')
    view = one_of(
        p, "view", list(VIEWS), label=p.t("agreement.view"),
        shown=lambda name: p.t(f"leaderboard.views.{name}"),
    )  # fmt: skip
    if not found.board.rows:
        key = "nothing" if category == "all" else "nothing_in"
        st.info(p.t(f"leaderboard.{key}", category=category))
        st.stop()
    VIEWS[view](p, found, figure)
