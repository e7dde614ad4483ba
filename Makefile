# make run    the platform, on http://127.0.0.1:8080        make check   lint, formatting, types, floors
# make test   the whole test suite                          make bench   benchmarks
# make demo   a hook registered, verified and delivered to  make venv    the environment alone
#
# Needs python3 (3.11 or newer) with its venv module, and make. Everything else goes into .venv, from the locks, with hashes
# checked. ARGS is passed on: make run ARGS="--port 9090", make test ARGS="tests/domain -x". PYTHON names another interpreter.
# Tests run in two processes, a file in one of them; JOBS=0 runs them in pytest's own, which --pdb and -s need.

PYTHON ?= python3
ARGS ?=
JOBS ?= 2

override VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_TOOLS := pip-tools==7.6.2

# A virtual environment is bound to its directory and its interpreter: when either has changed, it is built anew.
IDENTITY := $(shell $(PYTHON) -c 'import os, sys; print(os.getcwd(), sys.base_prefix, sys.version.split()[0])' 2>/dev/null)
ifneq ($(shell cat $(VENV)/made 2>/dev/null),$(IDENTITY))
.PHONY: $(VENV)/made
endif

.PHONY: run demo test check bench venv lock clean
.DELETE_ON_ERROR:

run: $(VENV)/ready-to-run
	@exec $(BIN)/tenterhook serve $(ARGS)

demo: $(VENV)/ready-to-run
	@exec $(BIN)/tenterhook demo $(ARGS)

test: $(VENV)/ready-to-test
	@exec $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)

check: $(VENV)/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/ready-to-test
	@exec $(BIN)/python -m bench $(ARGS)

venv: $(VENV)/ready-to-test

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Tenterhook needs Python 3.11 or newer. '$(PYTHON)' is: $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "'$(PYTHON)' lacks its venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Building $(VENV), once. This takes a minute." >&2
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@echo '$(IDENTITY)' >$@

# The project goes in editable and without dependencies: those are what the lock says and nothing else.
$(VENV)/ready-to-run: $(VENV)/made requirements.lock pyproject.toml
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready-to-run requirements-dev.lock
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

# Writes both locks from pyproject.toml; LOCK=--upgrade takes the newest versions. The development lock is bound to the pins of
# the other, so that tests run on what users run. No address of a package index may get into either (tests/test_architecture.py).
COMPILE = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL $(VENV)/lock/bin/pip-compile --quiet --no-header --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --build-deps-for=editable $(LOCK)

lock: $(VENV)/made
	@test -x $(VENV)/lock/bin/pip-compile || { $(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet $(PIP_TOOLS); }
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist src/*.egg-info
