# The commands of the project. `make help` lists them.

# The first Python that is new enough; `make install PYTHON=/path/to/python3` chooses another.
RECENT = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(RECENT)' 2>/dev/null && echo "$$python" && break; done)

PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-deps
# Which PostgreSQL there is makes no difference to these: they send no SQL, or none that the tests of the use cases, the
# repositories and the old client do not send as well.
SAME_EVERYWHERE := tests/benchmarks tests/browser tests/client tests/docs tests/domain tests/infrastructure/auth \
	tests/infrastructure/embedded tests/infrastructure/providers tests/infrastructure/stories \
	tests/infrastructure/test_smtp.py tests/interfaces/api tests/interfaces/web tests/simulator \
	$(filter-out tests/interfaces/cli/test_migrate%,$(wildcard tests/interfaces/cli/test_*.py)) \
	$(patsubst %,tests/acceptance/test_%.py,budget fuzz limits metrics odd_answers processes remote restarts terminal wheel workers)

# Empty: Python keeps what it has compiled, also where the environment tells it not to. Each worker of the tests and each
# command that they run would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

# .venv/installed names the folder that .venv was made in: programs in a .venv hold its path. A .venv that was left half
# made, came from another folder, or has lost its Python, is made anew; one that is only old is brought up to date.
USABLE := $(shell [ "$$(cat .venv/installed 2>/dev/null)" = "$$(pwd -P)" ] && $(PY) -c '' 2>/dev/null && echo yes)

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast test-postgresql test-deep lint format audit lock bench bench-generations bench-workers bench-flood bench-reports bench-recount bench-stories bench-fuzz docs catalogues client clean anew

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## Serve http://127.0.0.1:8000 on the embedded database
	@.venv/bin/tales serve

test: install ## Run the whole test suite on the embedded PostgreSQL
	$(PY) -m pytest -n 5 --dist worksteal

test-fast: install ## Run the tests that need no database, in half a minute
	$(PY) -m pytest -n 2 tests/domain tests/test_settings.py tests/docs/test_links.py tests/docs/test_size.py \
		tests/docs/test_glossary.py

test-postgresql: install ## Run the database's tests on the server that TALES_TEST_DATABASE_URL names
	@[ -n "$$TALES_TEST_DATABASE_URL" ] || { echo "Set TALES_TEST_DATABASE_URL to a superuser's URL." >&2; exit 2; }
	$(PY) -m pytest -n 3 $(addprefix --ignore=,$(SAME_EVERYWHERE))

test-deep: install ## Run the suite deeper, with coverage: 300 legacy databases of any shape, more workers killed
	TALES_TEST_DEEP=1 TALES_SHAPES=$${TALES_SHAPES:-300} $(PY) -m pytest -n 2 --cov

lint: install ## Check style, types, the arrows of the architecture, and the SQL
	$(PY) -m ruff check --quiet .
	$(PY) -m ruff format --quiet --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/deptry src
	.venv/bin/squawk src/tales/infrastructure/migrations/*.sql src/tales/legacy/sql/*.sql

format: install ## Put the code into its shape
	$(PY) -m ruff check --quiet --fix .
	$(PY) -m ruff format --quiet .

docs: install ## Write the generated parts of the documents anew
	$(PY) docs/data_model.py
	PYTHONPATH=. $(PY) docs/security_tables.py
	PYTHONPATH=. $(PY) docs/operations.py

catalogues: install ## Bring the pages' languages up to date with what the pages say
	$(PY) -m tools.catalogues

client: install ## Write the client without asyncio out of the one with it
	$(PY) tools/sync_client.py

bench: install ## Run the benchmarks
	@set -- benchmarks/bench_*.py; \
	if [ ! -e "$$1" ]; then echo "There are no benchmarks yet. benchmarks/README.md says what belongs there."; exit; fi; \
	for benchmark; do name=$$(basename "$$benchmark" .py); echo "$$name"; $(PY) -m "benchmarks.$$name" || exit; done

bench-generations: install ## Measure whole generations a second, and write docs/performance.md
	$(PY) -m benchmarks.bench_generations --in-flight 1000 5000 --present 10000 1000000 5000000 \
		--json docs/performance.json --page docs/performance.md

bench-workers: install ## Kill and stop workers while 2,000 stories are written, and count what is lost or double
	GENERATIONS=2000 $(PY) -m pytest -q tests/acceptance/test_workers.py -k no_generation_is_lost

bench-flood: install ## Flood a server as one user in four ways, and measure what another user waits
	$(PY) -m benchmarks.bench_flood

bench-reports: install ## Measure each report over ATTEMPTS (1,000,000), from rollups and without, and beside DuckDB
	$(PY) -m benchmarks.bench_reports --attempts $${ATTEMPTS:-1000000} $${BENCH_HOME:+--home "$$BENCH_HOME"} $${ONLY_REPORTS:+--only-reports}

bench-recount: install ## Measure how long the first budgets of a month of ATTEMPTS (1,000,000) take to be set
	$(PY) -m benchmarks.bench_recount --attempts $${ATTEMPTS:-1000000} $${BENCH_HOME:+--home "$$BENCH_HOME"}

bench-stories: install ## Let the small model write 100 stories, count what is refused, and write twenty into docs/stories.md
	$(PY) -m benchmarks.bench_stories --stories $${STORIES:-100} --page docs/stories.md

bench-fuzz: install ## Send 10,000 requests of all kinds to the three versions of the API
	$(PY) -m benchmarks.fuzz

install: .venv/installed ## Make .venv with everything that the project needs

.venv/installed: requirements.lock pyproject.toml $(if $(USABLE),,anew)
	@[ -n "$(PYTHON)" ] || { echo "Tales needs Python 3.11 or later. Install it, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c '$(RECENT)' || { echo "Tales needs Python 3.11 or later, and $(PYTHON) is none." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv. Then try again." >&2; exit 1; }
	@echo "Installing into .venv. That takes about a minute."
	@$(if $(USABLE),rm -f $@,rm -rf .venv && "$(PYTHON)" -m venv .venv)
	@$(PIP) --only-binary :all: --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@pwd -P > $@

audit: ## Look the locked versions up in the Python advisory database (needs uv and the network)
	uv tool run pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements.lock

lock: ## Resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--no-header --group dev --group model --group build pyproject.toml -o requirements.lock

clean: ## Remove what was built; the stories stay
	rm -rf .venv build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
