# `make demo` and `make test` work on a fresh clone: each sets up what it needs first.
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv
STAMP := $(VENV)/.synced

# A program that starts a real MySQL for the tests: `PROGRAM start PORT FOLDER`. Without one they use MariaDB alone.
export TRADEFREE_TEST_MYSQL_SERVER ?= $(wildcard ../shared/tools/mysql-server)

# Where this is set, every process compiles everything anew, which takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: bench help setup demo demo-distributed test storm chaos check format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(STAMP) ## install everything into .venv (quick when nothing changed)

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
	$(VENV)/bin/pytest -n auto --dist loadgroup -m "not storm"

storm: setup ## the tests that shake a whole system for minutes
	$(VENV)/bin/pytest -m storm

bench: setup ## measure everything beside other task queues, some twenty minutes; rewrites docs/performance.md
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

format: setup ## format and mend what ruff can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean: ## remove what setup and tests made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
