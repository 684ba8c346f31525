# Everything a person does with this checkout. `make` alone lists it.
# Needs only make and Python 3.11 or newer; uses uv where it is on the PATH.

PYTHON ?= python3
LISTEN ?= 127.0.0.1:8008
DATA   ?= data
ARGS   ?=

VENV := .venv
BIN  := $(VENV)/bin
UV   := $(shell command -v uv 2>/dev/null)
PIP   = $(if $(UV),$(UV) pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check)
FROM  = $(PIP) --require-hashes -r
TEST  = $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run dev test check ci slow bench lock docs format clean

help: ## Print this list
	@echo "Qingxin 清信: a messaging service that you run yourself"
	@echo
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-15s %s\n", $$1, $$2}'
	@echo
	@echo "  LISTEN=$(LISTEN)  DATA=$(DATA)  PYTHON=$(PYTHON)  may be given after make."

install: $(VENV)/.server ## Make .venv with the qingxin command in it
	@echo "Installed: $(BIN)/qingxin"

run: $(VENV)/.server ## Install, then serve a sample world from ./data
	@exec $(BIN)/qingxin serve --sample --data $(DATA) --listen $(LISTEN) $(ARGS)

dev: $(VENV)/.dev ## Like run, starting anew whenever a source file changes
	@exec $(BIN)/qingxin serve --sample --reload --data $(DATA) --listen $(LISTEN) $(ARGS)

test: $(VENV)/.dev ## Run the tests, on every database
	$(TEST) -n logical --dist worksteal $(ARGS)

check: $(VENV)/.dev ## Format, lint, strict types, architecture, documentation
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(TEST) tests/architecture

ci: test check slow ## Everything, the long judges included

slow: $(VENV)/.dev
	$(TEST) -m slow $(ARGS)

bench: $(VENV)/.dev ## Measure; ARGS are those of `python -m bench`
	@exec $(BIN)/python -m bench $(ARGS)

format: $(VENV)/.dev ## Put the sources into shape
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

docs: $(VENV)/.dev ## Write docs/reference anew from the sources
	$(BIN)/python -m tests.architecture.reference

lock: $(BIN)/python ## Choose the newest dependencies that fit and lock them with hashes
	@$(if $(UV),,test -x $(BIN)/uv || $(PIP) uv)
	$(or $(UV),$(BIN)/uv) $(LOCKING) --group build -o requirements.lock
	$(or $(UV),$(BIN)/uv) $(LOCKING) --group build --group dev -c requirements.lock -o requirements-dev.lock

LOCKING = pip compile pyproject.toml -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

clean: ## Remove .venv and the caches (never ./data)
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Qingxin needs Python 3.11 or newer; name it with make PYTHON=python3.12 …"; exit 1; }
	@$(if $(UV),$(UV) venv -q --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV)) \
	  || { rm -rf $(VENV); echo "No virtual environment: on Debian and Ubuntu, apt install python3-venv."; exit 1; }

$(VENV)/.server: $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing Qingxin into $(VENV) …"
	@$(FROM) requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.server requirements-dev.lock
	@echo "Installing what the tests need …"
	@$(FROM) requirements-dev.lock
	@touch $@
