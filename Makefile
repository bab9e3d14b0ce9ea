# Everything a fresh machine with Python >= 3.11 and make needs. `make demo` and `make test` do all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.PHONY: install demo demo-modal live-modal test lint types contracts bench reference pictures fmt clean

install: $(STAMP)

# pip resolves nothing freely: constraints.txt pins every package, torch's CPU build among them.
$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit("mabe needs Python 3.11 or newer: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

# The main job, end to end, on embedded defaults: make data, train v5 and v6 scaled down, compare them.
demo: install
	@$(BIN)/mabe demo

# Launching on Modal, following, preemption and fetching, against a stand-in on this computer.
demo-modal: install
	@$(BIN)/python -m tests.loopback.modal_server --demo

# What only modal.com itself can answer: a few cents of CPU containers. Asks before it starts.
live-modal: install
	@$(BIN)/python -m tests.live_modal

test: install lint types contracts
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: install
	@$(BIN)/ruff format --check --quiet . || (echo "run 'make fmt'" && exit 1)
	@$(BIN)/ruff check --quiet .

types: install
	@$(BIN)/mypy

contracts: install
	@$(BIN)/lint-imports --no-cache

# Prints ratios against stated references; docs/performance.md keeps the results. Takes a while.
bench: install
	@for benchmark in tests/bench/bench_*.py; do echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

# The references of commands and keys, from the commands' own help and the key table.
reference: install
	@$(BIN)/python -m mabe_tui.cli.reference > docs/commands.md.new && mv docs/commands.md.new docs/commands.md
	@$(BIN)/python -m mabe_tui.tui.reference > docs/keys.md.new && mv docs/keys.md.new docs/keys.md

# The README's pictures of the dashboard, over made-up runs.
pictures: install
	@$(BIN)/python -m tests.pictures

fmt: install
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
