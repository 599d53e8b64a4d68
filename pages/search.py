"""Where words stand in the texts that one may see."""

import streamlit as st

from core.services.searching import search
from core.ui.searches import draw_found
from core.ui.shell import page

with page("search") as p:
    words = st.text_input(
        p.t("search.words"), key=p.key("all", "words"), live=True, type="search",
        placeholder=p.t("nav.search"),
        help=p.t("search.help_lead" if "lead" in p.rights else "search.help"),
    )  # fmt: skip
    if words and words.strip():
        draw_found(p, search(p.store, p.study, p.person, words))
