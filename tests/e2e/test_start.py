"""A start of the app is quick: no page brings in a library that only models need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.served import ROOT, copy_of

_SCRIPTS = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]

_DRAW = """
import importlib, json, pkgutil, sys
from streamlit.testing.v1 import AppTest
import core.ui

def draw(script):
    page = AppTest.from_file(script, default_timeout=60).run()
    return [error.value for error in (*page.exception, *page.error)]

wrong = {script: draw(script) for script in sys.argv[1:]}
for module in pkgutil.walk_packages(core.ui.__path__, "core.ui."):
    importlib.import_module(module.name)
heavy = {"torch", "transformers", "openai", "scipy", "statsmodels", "sklearn", "plotly"}
print(json.dumps({"wrong": wrong, "heavy": sorted(heavy & set(sys.modules))}))
"""


@pytest.fixture(scope="module")
def drawn(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What came of drawing every page in a process of its own."""
    database = copy_of(sample_database, tmp_path_factory.mktemp("start"))
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, *map(str, _SCRIPTS)],
        cwd=ROOT, env=os.environ | {"ATTENDING_DB": str(database)}, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_page_is_drawn_without_an_error(drawn):
    assert drawn["wrong"] == {str(script): [] for script in _SCRIPTS}


def test_no_page_imports_a_library_of_models(drawn):
    assert {"torch", "transformers"} & set(drawn["heavy"]) == set()
