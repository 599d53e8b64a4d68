"""A start of the app is quick: no page brings in a library that only models need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.served import ROOT, copy_of

_PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("*.py"))

# AppTest has no cookies of its own: it is given the one of a person who may open every page.
_DRAW = """
import importlib, json, os, pathlib, pkgutil, sys
from streamlit.runtime.context import ContextProxy, StreamlitCookies
from streamlit.testing.v1 import AppTest
import core.ui
from core.services.authenticating import sign_in_first
from core.store.database import opened

with opened(pathlib.Path(os.environ["ATTENDING_DB"])) as store:
    token = sign_in_first(store, "Dr First", "correct horse battery")
ContextProxy.cookies = StreamlitCookies({"attending_session": token})

def draw(page):
    app = AppTest.from_file(sys.argv[1], default_timeout=60)
    app.query_params["response"] = "1"
    (app.switch_page(page) if page else app).run()
    return [error.value for error in (*app.exception, *app.error)]

wrong = {page: draw(page) for page in ["", *sys.argv[2:]]}
for module in pkgutil.walk_packages(core.ui.__path__, "core.ui."):
    importlib.import_module(module.name)
print(json.dumps({"wrong": wrong, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def drawn(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What came of drawing every page in a process of its own."""
    database = copy_of(sample_database, tmp_path_factory.mktemp("start"))
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, str(ROOT / "app.py"), *_PAGES],
        cwd=ROOT, env=os.environ | {"ATTENDING_DB": str(database)}, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_page_is_drawn_without_an_error(drawn):
    assert drawn["wrong"] == {page: [] for page in ("", *_PAGES)}


def test_no_page_imports_a_library_of_models(drawn):
    assert {"torch", "transformers"} & set(drawn["modules"]) == set()
    assert "core.ui.shell" in drawn["modules"]
