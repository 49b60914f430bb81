# The commands of the project. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

.PHONY: help install run test lint format lock bench clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv with everything that the project needs

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tales needs Python 3.11 or later: make install PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: install ## Serve http://127.0.0.1:8000 on the embedded database
	$(BIN)/tales serve

test: install ## Run the whole test suite, with coverage
	$(BIN)/python -m pytest -n 2 --cov-config=pyproject.toml

lint: install ## Check style, types, the arrows of the architecture, and the SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: install ## Put the code into its shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
		--group dev --group model --group build pyproject.toml -o requirements.lock

clean: ## Remove what was built
	rm -rf .venv dist .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache
