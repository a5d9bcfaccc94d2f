# Every target installs what it needs. What is missing on the machine is said in one line.
SHELL := /bin/bash
PYTHON ?= python3
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PYTHONDONTWRITEBYTECODE :=

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-strip-extras

# $(call environment,FOLDER,LOCK): a virtual environment that holds exactly what LOCK pins.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@echo "Installing $(2) into $(1)" >&2
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --seed --python $(PYTHON) $(1) && \
		uv pip install --quiet --require-hashes --python $(1)/bin/python -r $(2); \
	else \
		$(PYTHON) -m venv --clear $(1) && \
		$(1)/bin/python -m pip --quiet --disable-pip-version-check install --no-compile --require-hashes -r $(2) \
			2> >(grep -v 'is ignored: it is neither a file nor a directory' >&2); \
	fi
endef

# $(call modules,FOLDER): the packages that FOLDER's package-lock.json pins.
define modules
	@command -v npm >/dev/null || { echo "Node.js 20.19 or later with npm is needed; there is no npm" >&2; exit 1; }
	@echo "Installing $(1)/package-lock.json into $(1)/node_modules" >&2
	@npm ci --prefix $(1) --loglevel=error
	@touch $@
endef

# Processes that run tests, some of which wait for what they have deployed.
WORKERS ?= 4
SEEDS ?= 10000
FIRST ?= 0
JOBS ?= 2

.PHONY: help install release demo test clients notebook soak lint types compiled bench seconds format docs lock clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1|\2/' | column -t -s '|'

install: ## Install everything into this folder
	@$(MAKE) --silent --jobs=4 .venv/.stamp .envs/aws/.stamp .envs/awscli/.stamp .envs/clients/.stamp \
		node_modules/.package-lock.json tests/clients/node_modules/.package-lock.json

.venv/.stamp: dev.lock pyproject.toml
	$(call environment,.venv,dev.lock)
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python .venv/bin/python --no-build-isolation --no-deps -e .; \
	else \
		.venv/bin/python -m pip --quiet install --no-build-isolation --no-deps --no-index -e .; \
	fi
	@touch $@

.envs/%/.stamp: %.lock
	$(call environment,.envs/$*,$<)
	@touch $@

# npm writes it, so that whoever has run `npm ci` has this already.
node_modules/.package-lock.json: package.json package-lock.json
	$(call modules,.)

tests/clients/node_modules/.package-lock.json: tests/clients/package.json tests/clients/package-lock.json
	$(call modules,tests/clients)

demo: install ## Deploy to an embedded AWS, upload a site, watch what readers get
	@.venv/bin/python -m infra.local.demo

test: install ## Run every check and test
	@$(MAKE) --jobs=2 lint types compiled
	@.venv/bin/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder --cov --cov-report=
	@.venv/bin/coverage report --fail-under=100

clients: install ## Let every client of S3 sync a site, and write docs/clients.md
	@.venv/bin/python -m tests.clients

notebook: .venv/.stamp ## Run the cost notebook, and write its outputs in place
	@.venv/bin/python -m notebooks

soak: .venv/.stamp ## Run the faults and the viewers' stories over SEEDS seeds, faults in JOBS processes
	@.venv/bin/python -m tests.faults.soak --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)
	@.venv/bin/python -m tests.viewers.soak --seeds $(SEEDS) --first $(FIRST)

lint: .venv/.stamp ## Check style and import contracts
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-logo 2>/dev/null || .venv/bin/lint-imports

types: .venv/.stamp
	@.venv/bin/mypy

release: install ## Build what deploys without Node: template, zip and wheel, in dist/
	@.venv/bin/python -m infra.local.release dist

# Else each process that runs tests would compile them all; a test that cannot be found fails there.
compiled: .venv/.stamp
	-@.venv/bin/pytest --collect-only -q >/dev/null

bench: install ## Measure speed, cost, staleness and precision
	@.venv/bin/python -m bench $(if $(HISTORY_DIR),--histories $(HISTORY_DIR))

seconds: install ## Measure the seconds from an upload to a fresh page, and read after waits; let nothing else run
	@.venv/bin/python -m bench.seconds

format: .venv/.stamp ## Format the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

docs: .venv/.stamp ## Write the reference of the command from its code
	@.venv/bin/python -m infra.local.reference > docs/cli.md

lock: ## Pin every Python package by hash again; needs uv
	@uv pip compile $(LOCK_OPTIONS) --group functions -o runtime.lock
	@uv pip compile $(LOCK_OPTIONS) pyproject.toml --extra notebook --group dev -c runtime.lock -o dev.lock
	@uv pip compile $(LOCK_OPTIONS) aws.in -o aws.lock
	@uv pip compile $(LOCK_OPTIONS) awscli.in -o awscli.lock
	@uv pip compile $(LOCK_OPTIONS) clients.in -o clients.lock

clean: ## Remove everything that was installed or built here
	@rm -rf .venv .envs .local .serverless .cache build dist node_modules tests/clients/node_modules
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
