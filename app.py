"""The server's entry, and the home page: where the study stands and what to do next."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.ui import auth_routes, home
from core.ui.shell import database_path, page

if get_script_run_ctx(suppress_warning=True) is None:
    auth_routes.announce_code(database_path())
    app = st.App(__file__, routes=auth_routes.routes(), middleware=auth_routes.middleware())
else:
    with page("home") as p:
        home.draw(p)
