# `make` alone lists the targets. Everything is made below .venv/ and var/, both ignored by git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := schemas handover brokers gateway streams sinks console cli
T ?=
ARGS ?=

# Stamps: what has been done is not done again until what it came from changes.
VENV_DONE := $(VENV)/.made
INSTALLED := $(VENV)/.installed
SYSTEM_DONE := var/.system
BROWSER_DONE := var/.browser
JARS_DONE := var/kafka/.fetched
METASCHEMA_DONE := schemas/metaschema/node_modules/.package-lock.json
CLIENTS_DONE := var/clients/.made
CONSOLE_DONE := console/static/node_modules/.package-lock.json
COMPILED := var/compiled/.made
DECIDES := $(shell find handover schemas -name '*.py' -not -path '*/node_modules/*')
AS_COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/var/compiled:$(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help setup compiled demo test test-fast lint format bench bench-peers screenshots chaos fuzz lock clean reset
.DELETE_ON_ERROR:

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(SYSTEM_DONE) $(INSTALLED) $(JARS_DONE) $(METASCHEMA_DONE) $(CONSOLE_DONE) $(CLIENTS_DONE) ## install everything that demo and tests need (again: instant)
	@echo "setup: all is here"

demo: setup ## a simulated city on real Kafka, alerts live in this terminal; Ctrl-C stops all
	@$(BIN)/handover demo $(ARGS)

test: setup $(BROWSER_DONE) ## lint and all tests; one only: make test T=tests/handover/test_x.py::test_y
ifeq ($(T),)
	@set -e; $(MAKE) --no-print-directory lint; \
	echo "test: without servers"; $(BIN)/pytest -q -m "not servers" -n 2; \
	nice $(MAKE) --no-print-directory compiled >var/compiled.log 2>&1 & compiling=$$!; \
	echo "test: with real Kafka and PostgreSQL"; $(BIN)/pytest -q -m servers; \
	wait $$compiling || { cat var/compiled.log; exit 1; }; \
	echo "test: the domain as machine code"; \
	$(AS_COMPILED) $(BIN)/python -c "import handover.cases.advance as m; assert m.__file__.endswith('.so'), m.__file__"; \
	$(AS_COMPILED) $(BIN)/pytest -q tests/golden tests/handover -m "not servers" -n 2
else
	@$(BIN)/pytest $(T)
endif

test-fast: $(INSTALLED) $(METASCHEMA_DONE) ## contract, domain, engine and documents, in a minute
	@$(BIN)/pytest -q -m "not servers and not slow" -n 2 tests/schemas tests/golden tests/handover tests/streams tests/docs

lint: $(INSTALLED) ## formatting, lint, types, direction of imports
	@echo "lint: ruff, mypy, lint-imports"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports

format: $(INSTALLED) ## write the code as lint wants it
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

compiled: $(COMPILED) ## the domain as machine code in var/compiled, as the image carries it (see docs/adr/0008)

bench: setup $(COMPILED) ## measure this machine (see benchmarks/)
	@$(AS_COMPILED) $(BIN)/python -m benchmarks $(ARGS)

screenshots: setup $(BROWSER_DONE) ## a picture of each page of the console in var/screenshots; ARGS="queue person": of some
	@$(BIN)/python -m tests.browser.screenshots var/screenshots $(ARGS)

bench-peers: setup $(COMPILED) ## the same job on our engine and on its peers, on one broker (see benchmarks/peers/)
	@$(AS_COMPILED) $(BIN)/python -m benchmarks.peers $(ARGS)

chaos: setup ## faults upon a seeded city, judged at the end; ARGS="--seed 2 --faults 20"
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: $(INSTALLED) ## a million spoilt records through the worker's step, rule books and files; ARGS="--seed 2 --records 50000"
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(INSTALLED) ## write requirements*.txt anew from requirements*.in
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		-c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## remove what setup and tests made; the demo's data stay
	@rm -rf $(VENV) var/.system var/.browser var/kafka var/compiled var/clients dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: done (the demo's data stay; make reset removes them)"

reset: ## remove the demo's data: the city begins anew
	@rm -rf var/data
	@echo "reset: done"

$(SYSTEM_DONE): deploy/system.sh
	@echo "setup: Java, Maven, PostgreSQL"
	@PYTHON="$(PYTHON)" deploy/system.sh
	@mkdir -p var && touch $@

$(BROWSER_DONE): deploy/browser.sh $(SYSTEM_DONE)
	@deploy/browser.sh
	@mkdir -p var && touch $@

$(VENV_DONE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "setup: Python 3.11 or newer is needed: make setup PYTHON=python3.11" >&2; exit 1; }
	@echo "setup: virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(INSTALLED): $(VENV_DONE) requirements-dev.txt pyproject.toml
	@echo "setup: Python packages, each checked against its hash"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(COMPILED): $(INSTALLED) deploy/compile.py $(DECIDES)
	@echo "compiled: handover and schemas (minutes)"
	@$(BIN)/python deploy/compile.py var/compiled
	@touch $@

$(JARS_DONE): $(INSTALLED) $(SYSTEM_DONE) deploy/kafka/pom.xml deploy/kafka/tools/pom.xml deploy/kafka/jars.sha256
	@echo "setup: Apache Kafka, each jar checked against its hash"
	@$(BIN)/python -m cli.stack.jars
	@$(BIN)/python -m cli.stack.archive
	@touch $@

# Publishers of tests: without a Go that is new enough their test is skipped, and builds nothing.
$(CLIENTS_DONE): $(SYSTEM_DONE) tests/clients/js/package-lock.json tests/clients/go/go.sum $(wildcard tests/clients/go/*/*.go)
	@echo "setup: publishers in other languages, each package checked against its hash"
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix tests/clients/js
	@mkdir -p $(@D)
	@! command -v go >/dev/null || (cd tests/clients/go && GOTOOLCHAIN=local GOFLAGS=-mod=readonly \
		go build -o ../../../var/clients/ ./franz ./sarama) || echo "setup: Go is too old for two publishers: their tests are skipped" >&2
	@touch $@
$(METASCHEMA_DONE): $(SYSTEM_DONE) schemas/metaschema/package-lock.json
	@echo "setup: the public schema of AsyncAPI and a validator, checked against their hashes"
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix schemas/metaschema
	@touch $@

$(CONSOLE_DONE): $(SYSTEM_DONE) console/static/package-lock.json
	@echo "setup: what the console's pages load, checked against its hash"
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix console/static
	@touch $@
