"""Judge prompts: read, edit, preview and compare them, and let a version serve a judge."""

import streamlit as st

from core.store import prompts
from core.ui.prompt_sheet import (
    draw_activation,
    draw_all,
    draw_choice,
    draw_comparison,
    draw_editor,
    draw_preview,
    draw_suggestions,
    draw_tested,
    draw_versions,
    draw_worklist,
)
from core.ui.shell import page

with page("prompts") as p:
    left, right = st.columns([2, 7])
    serving = prompts.serving(p.store, p.study.id)
    with left:
        versions = draw_choice(p)
        draw_versions(p, versions, serving)
        draw_worklist(p)
    with right:
        names = ("edit", "preview", "compare", "use", "tested", "all")
        edit, preview, compare, activate, tested, every = st.tabs(
            [p.t(f"prompts.tab_{name}") for name in names]
        )
        with edit:
            text = draw_editor(p, versions)
            with st.expander(p.t("suggest.title")):
                draw_suggestions(p, versions[0], text)
        with preview:
            draw_preview(p, versions[0], text)
        with compare:
            draw_comparison(p, versions)
        with activate:
            draw_activation(p, versions, serving)
        with tested:
            draw_tested(p, versions)
        with every:
            draw_all(p, serving)
