# make run     set up and start the app on http://127.0.0.1:8501
# make test    set up and run every test, in a real browser too
# make check   style, types and tests
# make bench   measure, and write docs/performance.md; ONLY="judging scale" measures some sections

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: run test check bench browser clean

run: $(VENV)/installed
	$(BIN)/streamlit run app.py

# Tests start hundreds of processes: where none may keep what it compiles, each would do so anew.
test: $(VENV)/installed-dev browser
	@$(BIN)/python -m compileall -q -j 0 core
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

bench: $(VENV)/installed-dev
	$(BIN)/python -m tests.bench $(ONLY)

browser: $(VENV)/installed-dev
	$(BIN)/python tests/ensure_browser.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# torch comes first and by itself: asked for together with the rest, pip may fetch a CUDA build.
$(VENV)/installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Attending needs Python 3.11 or newer; say which: make PYTHON=python3.12 run"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt -c constraints.txt
	@touch $@
