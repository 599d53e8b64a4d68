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
    draw_versions,
)
from core.ui.shell import page

with page("prompts") as p:
    left, right = st.columns([2, 7])
    serving = prompts.serving(p.store, p.study.id)
    with left:
        versions = draw_choice(p)
        draw_versions(p, versions, serving)
    with right:
        edit, preview, compare, activate, every = st.tabs(
            [p.t(f"prompts.tab_{name}") for name in ("edit", "preview", "compare", "use", "all")]
        )
        with edit:
            text = draw_editor(p, versions)
        with preview:
            draw_preview(p, versions[0], text)
        with compare:
            draw_comparison(p, versions)
        with activate:
            draw_activation(p, versions, serving)
        with every:
            draw_all(p, serving)
