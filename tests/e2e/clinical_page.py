"""A page that draws a list of texts through `core.ui.clinical`, for the tests of it.

`CLINICAL_TEXTS` names a JSON file with the list; the address says which of it, and how.
"""

import json
import os
from pathlib import Path

import streamlit as st

from core.ui import clinical
from core.ui.clinical import show_response, show_text

st.set_page_config(layout="wide")
st.html(Path(clinical.__file__).with_name("style.css"))
texts = json.loads(Path(os.environ["CLINICAL_TEXTS"]).read_text(encoding="utf-8"))
first, last = int(st.query_params["first"]), int(st.query_params["last"])
for text in texts[first:last]:
    with st.container():
        if st.query_params["how"] == "rendered":
            show_response(text, raw=False)
        else:
            show_text(text)
st.html('<div class="end">end</div>')
