# Everything a fresh machine with Python >= 3.11 and make needs. `make demo` and `make test` do all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: install install-dev demo demo-modal live-modal test lint types contracts bench reference pictures fmt clean

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# constraints.txt pins every package. See .setup/install.py for uv, pip and torch's CPU build.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) .setup/install.py

$(VENV)/.installed-dev: pyproject.toml constraints.txt
	@$(PYTHON) .setup/install.py --dev

# The main job, end to end, on embedded defaults: make data, train v5 and v6 scaled down, compare them.
demo: install
	@$(BIN)/mabe demo

# Launching on Modal, following, preemption and fetching, against a stand-in on this computer.
demo-modal: install-dev
	@$(BIN)/python -m tests.loopback.modal_server --demo

# What only modal.com itself can answer: a few cents of CPU containers. Asks before it starts.
live-modal: install-dev
	@$(BIN)/python -m tests.live_modal

test: install-dev lint types contracts
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: install-dev
	@$(BIN)/ruff format --check --quiet . || (echo "run 'make fmt'" && exit 1)
	@$(BIN)/ruff check --quiet .

types: install-dev
	@$(BIN)/mypy
	@MYPYPATH=.setup $(BIN)/mypy .setup/install.py

contracts: install-dev
	@$(BIN)/lint-imports --no-cache

# Prints ratios against stated references; docs/performance.md keeps the results. Takes a while.
bench: install-dev
	@for benchmark in tests/bench/bench_*.py; do echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

# The references of commands and keys, from the commands' own help and the key table.
reference: install
	@$(BIN)/python -m mabe_tui.cli.reference > docs/commands.md.new && mv docs/commands.md.new docs/commands.md
	@$(BIN)/python -m mabe_tui.tui.reference > docs/keys.md.new && mv docs/keys.md.new docs/keys.md

# The README's pictures of the dashboard, over made-up runs.
pictures: install-dev
	@$(BIN)/python -m tests.pictures

fmt: install-dev
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
