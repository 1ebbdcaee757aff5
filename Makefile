# The only way to run things in this project: `make help` lists them.
# Every tool comes out of .venv at the exact version that a requirements*.lock names.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
UV_PIP := $(BIN)/uv pip
TO     := --python $(BIN)/python

# Other people's clients, against which the server is tested, other people's programs, by which the back ends of the
# worker are, and the environment of each.
FOREIGN := tests/foreign_clients tests/foreign_programs
FOREIGN_STAMPS := $(FOREIGN:tests/%=$(STAMPS)/%)

# What makes the model that the worker ships; torch and its like stay in an environment of their own.
TRAINING := training

# Tests of the diffusers back end with the real libraries, and their environment.
HEAVY := tests/heavy

# Yours to set: PYTHON=<the Python to build .venv with>, ARGS=<more words for run, test, bench, simulate, train and lock>,
# JOBS=<processes that run tests, each with a PostgreSQL of its own; 0: one, in which a debugger works>.
PYTHON ?=
ARGS   ?=
JOBS   ?= auto

.PHONY: help install run test test-heavy bench simulate train check format lock clean

help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(STAMPS)/install ## Build .venv with the horde command in it
	@echo "ready: $(BIN)/horde"

run: $(STAMPS)/install ## Start a private horde: server, database and web page; Ctrl-C stops it
	@exec $(BIN)/horde up $(ARGS)

test: $(STAMPS)/dev $(FOREIGN_STAMPS) ## Run the tests; e.g. make test ARGS="-k lease"
	@$(BIN)/pytest --numprocesses=$(JOBS) --dist=loadfile $(ARGS)

# One thread each: the models are so tiny that threads would wait for each other longer than they calculate.
test-heavy: $(STAMPS)/heavy ## Run the tests that need torch, 1 GB; HORDE_TEST_DEVICE=cuda runs them on a card
	@PYTHONPATH=src OMP_NUM_THREADS=1 $(VENV)/heavy/bin/pytest --confcutdir=$(HEAVY) --numprocesses=$(JOBS) --dist=loadfile \
		$(HEAVY) $(ARGS)

bench: $(STAMPS)/install ## Measure the server, about 10 minutes; e.g. make bench ARGS="--only cycle --quick"
	@$(BIN)/python -m benchmarks $(ARGS)

simulate: $(STAMPS)/dev ## Simulate 10,000 workers; e.g. make simulate ARGS="--workers 1000 --requests 100000"
	@$(BIN)/python -m benchmarks.simulation $(ARGS)

train: $(STAMPS)/training ## Train the tiny model anew (docs/concepts/tiny-horde.md), hours without a GPU
	@PYTHONPATH=.:src $(VENV)/training/bin/python -m training $(ARGS)

check: $(STAMPS)/dev ## Check format, lint, types, directions of imports, house rules and SQL
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.house_lints
	$(BIN)/pytest -q tests/server/db/test_queries_prepare.py

format: $(STAMPS)/dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

LOCK := $(UV_PIP) compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(ARGS)

lock: $(STAMPS)/bootstrap ## Remake the lock files; make lock ARGS=--upgrade takes newer versions
	$(LOCK) requirements-bootstrap.in --output-file requirements-bootstrap.lock
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	for folder in $(FOREIGN); do \
		$(LOCK) $$folder/requirements.in --output-file $$folder/requirements.lock || exit; done
	$(LOCK) $(TRAINING)/requirements.in --constraint requirements.lock --output-file $(TRAINING)/requirements.lock
	$(LOCK) pyproject.toml --extra diffusers --extra alchemy $(HEAVY)/requirements.in --override $(HEAVY)/without_torch.txt \
		--constraint requirements-dev.lock --output-file $(HEAVY)/requirements.lock

clean: ## Remove .venv, caches and build outputs
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp stands for a finished step of the installation and is redone when a file it was made from changes.
# A new bootstrap lock clears .venv, so that nothing of an older installation stays behind.
$(STAMPS)/bootstrap: requirements-bootstrap.lock tools/find_python.sh
	@python=$$(sh tools/find_python.sh "$(PYTHON)") && "$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/install: $(STAMPS)/bootstrap requirements.lock pyproject.toml
	@$(UV_PIP) install $(TO) --no-deps --compile-bytecode --require-hashes -r requirements.lock
	@$(UV_PIP) install $(TO) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/install requirements-dev.lock
	@$(UV_PIP) install $(TO) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# They are not needed to work on the horde: where a package index lacks them, their tests say so and are skipped.
$(FOREIGN_STAMPS): $(STAMPS)/%: $(STAMPS)/bootstrap tests/%/requirements.lock
	@rm -rf $(VENV)/$*
	@$(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)/$*
	@$(UV_PIP) install --quiet --python $(VENV)/$* --no-deps --require-hashes -r tests/$*/requirements.lock \
		|| { rm -rf $(VENV)/$*; echo "note: the packages of $* could not be installed"; }
	@touch $@

$(STAMPS)/training: $(STAMPS)/bootstrap $(TRAINING)/requirements.lock
	@rm -rf $(VENV)/training
	@$(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)/training
	@$(UV_PIP) install --quiet --python $(VENV)/training --no-deps --require-hashes -r $(TRAINING)/requirements.lock
	@touch $@

# torch comes first and by pip, which knows where this machine finds a build that fits (PIP_FIND_LINKS, pip.conf): on
# Linux the usual one brings 3 GB of CUDA along, which these tests do not need. All else is locked.
$(STAMPS)/heavy: $(STAMPS)/bootstrap $(HEAVY)/requirements.lock $(HEAVY)/torch.txt $(HEAVY)/torchvision_kernels.py
	@rm -rf $(VENV)/heavy
	@$(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)/heavy
	@$(BIN)/python -m pip --python $(VENV)/heavy/bin/python install --quiet --disable-pip-version-check \
		-r $(HEAVY)/torch.txt
	@$(UV_PIP) install --quiet --python $(VENV)/heavy --no-deps --require-hashes -r $(HEAVY)/requirements.lock
	@for site in $(VENV)/heavy/lib/python*/site-packages; do cp $(HEAVY)/torchvision_kernels.py $$site && \
		echo "import torchvision_kernels" > $$site/torchvision_kernels.pth || exit; done
	@touch $@
