# Set-up and checks. `make` alone lists the targets.
#
# PYTHON=/path/to/python chooses the interpreter for .venv; JOBS=4 the number of test processes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
INSTALLED := $(VENV)/installed-dev
INSTALLED_BENCH := $(VENV)/installed-bench
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo test test-all checks lint types imports build clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## create .venv with the neuromem command in it

demo: install  ## store and recall patterns in a small memory
	@$(BIN)/neuromem demo

test: install checks  ## check style, types and import rules; run the tests; try the built wheel
	@echo "== tests"
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow"

test-all: $(INSTALLED_BENCH) checks  ## the same with the peer simulators installed and the slow tests
	@echo "== all tests"
	@$(BIN)/python -m pytest -q -n $(JOBS)

checks: lint types imports

lint: install  ## check style and formatting
	@echo "== lint"
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --check --output-format concise . || { echo "to fix: $(BIN)/ruff format ." >&2; exit 1; }

types: install  ## check types
	@echo "== types"
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

imports: install  ## check that imports run one way between the packages
	@echo "== import rules"
	@$(BIN)/lint-imports --no-cache --no-logo

build: install  ## build the wheel and the source archive into dist/
	@$(BIN)/python -m build --outdir dist .

clean:  ## remove dist/ and caches (.venv and out/ stay)
	@rm -rf dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find neuromem tests benchmarks examples -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(INSTALLED): pyproject.toml neuromem/_version.py | $(BIN)/python
	@echo "Installing neuromem and its tools into $(VENV) (the first time takes a minute or two)"
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@
	@echo "Installed: $(BIN)/neuromem"

$(INSTALLED_BENCH): $(INSTALLED)
	@echo "Installing the peer simulators into $(VENV)"
	@$(PIP_INSTALL) -e '.[dev,bench]'
	@touch $@

# The first interpreter that runs, has a supported version, and can create environments with pip.
$(BIN)/python:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	        echo "Creating $(VENV) with $$("$$python" --version)"; \
	        exec "$$python" -m venv $(VENV); \
	    fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 with the venv module was found." >&2; \
	echo "Install one (on Debian with its -venv package), or name it: make install PYTHON=/path/to/python3.12" >&2; \
	exit 1
