# make demo   set up, then play, train and measure for a few minutes; leaves a report
# make test   set up, then run the test suite
# make help   all targets

PYTHON ?= python3
PIP_OPTIONS ?= --quiet --disable-pip-version-check
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := agents envs networks scripts tests

# Several processes on few cores: one thread each, or they wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help setup demo pictures test test-slow check format clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## make .venv and install everything into it

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Advantage needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	@echo "setting up $(VENV) (a minute or two, once)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_OPTIONS) --editable '.[dev]'
	@touch $@

demo: $(READY)  ## play, train and measure for a few minutes; leaves a report in runs/demo/
	$(BIN)/python scripts/demo.py

WATCH := $(ONE_THREAD) $(BIN)/python scripts/watch.py
DUEL := connect_four mcts:value=learned,simulations=400 alpha_beta:value=handcrafted,depth=8

pictures: $(READY)  ## the README's pictures and its film, made anew
	$(WATCH) $(DUEL) --screenshot docs/images/connect_four.png --at 12
	$(WATCH) $(DUEL) --page tree --screenshot docs/images/tree.png --at 12
	$(WATCH) pong --screenshot docs/images/pong.png --at 350
	$(WATCH) breakout --page inside --screenshot docs/images/inside.png --at 350
	$(WATCH) $(DUEL) --record docs/images/connect_four.gif --size 960x600 --steps 24

test: $(READY)  ## the whole test suite but for what is marked slow
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --quiet

test-slow: $(READY)  ## the tests that take minutes: training runs and long comparisons
	$(ONE_THREAD) $(BIN)/python -m pytest -m slow --timeout 3600 --quiet

check: $(READY)  ## format, lint, types, import layers
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_layers.py

format: $(READY)  ## put the code into its one format and mend what lint can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

clean:  ## remove the environment and the caches of the tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
