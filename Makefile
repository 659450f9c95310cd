# `make demo` and `make test` work on a fresh clone: each sets up what it needs first.
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv
STAMP := $(VENV)/.synced

# A program that starts a real MySQL for the tests: `PROGRAM start PORT FOLDER`. Without one they use MariaDB alone.
export TRADEFREE_TEST_MYSQL_SERVER ?= $(wildcard ../shared/tools/mysql-server)

# The web console needs Node 20 or newer to be built; all else works without.
NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && echo yes)
BUILT := src/tradefree/service/console
PAGES := $(BUILT)/index.html

# Where this is set, every process compiles everything anew, which takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: audit bench help setup console console-types demo demo-distributed test test-dify-live chaos check check-deploy format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(STAMP) $(if $(NODE),$(PAGES)) ## install everything into .venv, and build the console (quick when nothing changed)

console: $(PAGES) ## build the web console (Node 20 or newer; quick when nothing changed)

console/node_modules/.synced: console/package.json console/package-lock.json console/.npmrc
	@$(if $(NODE),,echo 'Node 20 or newer is needed to build the console; everything else works without it.'; exit 1)
	cd console && npm ci --silent
	@touch $@

$(PAGES): console/node_modules/.synced $(shell find console -name node_modules -prune -o -type f -print)
	cd console && npm run --silent build -- --logLevel warn
	@touch $@

console-types: setup ## tell the console's sources what the API is like now
	PYTHONPATH=tests $(VENV)/bin/python -m console.contract

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet uv

$(STAMP): pyproject.toml uv.lock | $(UV)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --inexact
	@touch $(STAMP)

demo: setup ## set up and run the main job
	$(VENV)/bin/python examples/demo.py

demo-distributed: setup ## many processes on MariaDB and Redis, three get killed (ARGS="--mysql --tasks 200")
	cd examples && ../$(VENV)/bin/python -m demo_distributed $(ARGS)

test: setup ## set up and run all tests
	$(if $(NODE),cd console && npm test --silent,@echo 'Without Node 20 or newer there is no console: its tests are left out.')
	$(VENV)/bin/pytest -n auto --dist loadgroup --no-loadscope-reorder $(if $(NODE),,--ignore=tests/console)

test-dify-live: setup ## a short look at a real Dify app, run twice (DIFY_BASE_URL=… DIFY_API_KEY=… DIFY_INPUTS=JSON)
	@PYTHONPATH=tests $(VENV)/bin/python -m dify.live

bench: setup ## measure everything beside other task queues, half an hour or more; rewrites docs/performance.md
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --inexact --group bench
	$(VENV)/bin/python -m bench all --keep
	$(VENV)/bin/python -m bench page

chaos: setup ## a storm of faults over a whole system (TASKS=10000 SEED=7 REPORT=FILE)
	PYTHONPATH=tests $(VENV)/bin/python -m faults.chaos $(if $(TASKS),--tasks $(TASKS)) $(if $(SEED),--seed $(SEED)) $(if $(REPORT),--report $(REPORT))

check: setup ## format, lint, types, import contracts, docs
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/pytest tests/docs
	$(if $(NODE),cd console && npm run --silent check)

check-deploy: setup ## look at Dockerfile, compose file and Helm chart with the tools that others use
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --inexact --group deploy
	$(VENV)/bin/python deploy/check.py

audit: setup ## look for known holes in what is installed, and write what it is made of to dist/ (needs the Internet)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --inexact --group audit
	@mkdir -p dist
	$(UV) export --quiet --locked --no-dev --no-emit-project --no-header --output-file dist/requirements.txt >/dev/null
	$(VENV)/bin/cyclonedx-py requirements dist/requirements.txt --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json
	$(if $(NODE),cd console && npm sbom --sbom-format cyclonedx --omit=dev > ../dist/sbom-console.json)
	$(VENV)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r dist/requirements.txt
	$(if $(NODE),cd console && npm audit --omit=dev)

format: setup ## format and mend what ruff can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean: ## remove what setup and tests made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist console/node_modules $(BUILT)
