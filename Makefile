# `make demo` runs the main job, `make test` passes every test; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check cluster run stories bench bench-ablation bench-core bench-ledgers bench-admission format lock crds clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## Run the main job on a real control plane, about four minutes (ARGS="--fast --keep --report page.html").
	@$(BIN)/python -m e2e.demo $(ARGS)

test: check stories ## Pass every test: the fast gate, then the stories on a real control plane.

check: .venv/ready ## The fast gate: format, lint, types, import contracts and tests, without a cluster.
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .venv/contracts.log || { cat .venv/contracts.log; exit 1; }
	@$(BIN)/pytest -q -n auto

stories: .venv/ready ## The tests on a real control plane.
	@$(BIN)/python -m e2e.rig build
	@$(BIN)/pytest -q -n 2 --dist worksteal -rs e2e || { \
	  echo "These stories share the machine and their deadlines are real: what failed plays once more, alone."; \
	  $(BIN)/pytest -q --last-failed --last-failed-no-failures none -rs e2e; }

bench: bench-core bench-ledgers bench-admission ## All three measurements, one after another.

bench-core: .venv/ready ## Measure what a pass of the core costs, about three minutes; prints a table (ARGS="--size 100x10").
	@$(BIN)/python -m e2e.bench.core $(ARGS)

bench-ablation: .venv/ready ## Measure what each ingredient of the pacing is worth (ARGS="--trace FILE --budget-percent 70").
	@$(BIN)/python -m e2e.bench.ablation $(ARGS)

bench-admission: .venv/ready ## Measure what admission adds to a write; prints a table (ARGS="--writes 200").
	@$(BIN)/python -m e2e.rig build > .venv/rig.log
	@$(BIN)/python -m e2e.bench.admission $(ARGS)

bench-ledgers: .venv/ready ## Measure what ledgers cost the API server, about a minute; prints a table (ARGS="--namespaces 2").
	@$(BIN)/python -m e2e.bench.ledgers $(ARGS)

cluster: .venv/ready ## Start a real control plane, print its KUBECONFIG, wait for Ctrl-C.
	@$(BIN)/python -m e2e.rig up

run: .venv/ready ## Run the operator against $$KUBECONFIG.
	@$(BIN)/python -m plafond $(ARGS)

format: .venv/ready ## Format the code and apply safe fixes.
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

crds: .venv/ready ## Generate crds/ from the models.
	@$(BIN)/python -m plafond.api.generate crds

lock: ## Lock the dependencies again, with hashes (needs uv).
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" \
	  --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" \
	  --extra cli pyproject.toml -c requirements-dev.lock -o requirements.lock

clean: ## Remove the virtual environment and caches of this checkout.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/ready: requirements-dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "plafond needs Python 3.11 or newer; install it or set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "plafond needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V); set PYTHON=/path/to/python3"; exit 1; }
	@echo "preparing .venv (about a minute)"
	@$(PYTHON) -m venv .venv || { echo "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
