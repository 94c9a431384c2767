# Everything from nothing: `make demo`, `make test`, `make lint`. Needs Python 3.11 or newer with venv.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.installed-core
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo figures test coverage lint format check-wheel clean

help:
	@echo "make demo    solve a ray-traced city with every scheme; tables here, pictures in out/"
	@echo "make figures  every figure of every paper on five networks each, into out/figures/report.html"
	@echo "make test    run all tests"
	@echo "make coverage    the same, and which lines they do not reach"
	@echo "make lint    style and types"
	@echo "make format  rewrite the code in the project's style"
	@echo "make check-wheel  build the wheel, install it afresh elsewhere, run the demo there"
	@echo "make clean   remove what the targets made"

demo: $(CORE)
	$(BIN)/trinode demo

figures: $(CORE)
	$(BIN)/trinode reproduce --all --trials 5 --quickly --out out/figures

test: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

coverage: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov=trinode --cov-report=term:skip-covered

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

format: $(DEV)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

check-wheel: $(DEV)
	$(BIN)/python benchmarks/check_wheel.py

clean:
	rm -rf $(VENV) out .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(CORE)
