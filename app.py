"""The server's entry, and the home page: where the study stands and what to do next."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.ui import home, sign_in
from core.ui.shell import page

if get_script_run_ctx(suppress_warning=True) is None:
    app = st.App(__file__, routes=sign_in.routes())
else:
    with page("home") as p:
        home.draw(p)
