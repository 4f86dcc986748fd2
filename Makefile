# Needs Python 3.11 or newer and nothing else; everything below goes into .venv. Choose one with make PYTHON=…
.DEFAULT_GOAL := help
# The targets share .venv and two cores: one after the other, whatever -j says.
.NOTPARALLEL:
SHELL := /bin/sh
BIN := .venv/bin
STAMP := .venv/.installed
#: How many processes the tests run in.
JOBS ?= auto
#: The same for those against real servers, which wait half of their time: one more than there are processors.
WAITING_JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
#: The same for the rows of the fault matrix, which mostly wait: for leases, and for whatever was killed.
FAULT_JOBS ?= 3
#: Which share of the full numbers `make scoreboard` runs.
SHARE ?= 0.1
PYTEST := $(BIN)/pytest -q
#: One row at a time to whoever is free: handed out in batches, the long ones would be one process's.
ROWS := $(PYTEST) -n $(FAULT_JOBS) --dist loadgroup
COMPOSE = $(shell if docker compose version >/dev/null 2>&1; then echo docker compose; else echo docker-compose; fi)

.PHONY: help demo run test install check lint types imports unit integration acceptance django-versions coverage \
	faults faults-full scoreboard bench bench-full bench-parts fmt lock schema screenshots up down clean

help: ## Say what there is to make
	@awk 'sub(/^##@ /, "") { print "\n" $$0 } /^[a-z-]+:.* ## / { name = $$0; sub(/:.*/, "", name); sub(/.* ## /, ""); printf "  %-17s%s\n", name, $$0 }' $(MAKEFILE_LIST)

##@ Start here
demo: $(STAMP) ## Send four mails through a queue, a worker and a mail server, all on this machine
	@$(BIN)/postroom demo

run: $(STAMP) ## Keep broker, worker, Flower and a mail catcher running until Ctrl-C
	@deploy/run || test $$? -eq 130

test: check unit integration acceptance ## Everything that a change must pass

install: $(STAMP) ## Set up .venv; instant when it is up to date

$(STAMP): pyproject.toml requirements/dev.txt requirements/generator.txt requirements/install
	@PYTHON='$(PYTHON)' requirements/install
	@touch $@

##@ Checks
check: lint types imports ## Lint, types and the directions of imports

lint: $(STAMP) ## Style and likely mistakes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## Types, strictly
	@$(BIN)/mypy

imports: $(STAMP) ## Who may import whom
	@$(BIN)/lint-imports

fmt: $(STAMP) ## Rewrite the code in the house's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

##@ Tests
unit: $(STAMP) ## Pure functions and doubles: seconds
	@$(PYTEST) -n $(JOBS) tests/unit

integration: $(STAMP) ## Against real mail servers and a real broker
	@$(PYTEST) -n $(WAITING_JOBS) tests/integration

acceptance: $(STAMP) ## The Procfile's processes: started, killed, asked
	@$(PYTEST) -n $(WAITING_JOBS) --dist loadgroup -m "not long" tests/acceptance

django-versions: $(STAMP) ## The copied file in every Django that it is for; 6.x wants a Python 3.12 or newer
	@$(PYTEST) -n 0 tests/acceptance/web_apps/test_django.py

coverage: $(STAMP) ## Which lines the unit and integration tests do not reach
	@$(BIN)/coverage run -m pytest -q tests/unit tests/integration
	@$(BIN)/coverage report --show-missing --skip-covered

faults: $(STAMP) ## The rows of the fault matrix, each once
	@$(ROWS) -m "faults or long" tests

faults-full: $(STAMP) ## The same with the full numbers, and the journal's state machine at length
	@POSTROOM_FAULTS=full $(ROWS) -m faults tests
	@POSTROOM_FAULTS=full $(PYTEST) --timeout 0 tests/integration/journal

scoreboard: $(STAMP) ## What is lost, doubled, late: run it, print it, write it into docs (SHARE=1 for the full numbers)
	@rm -rf .scoreboard
	@POSTROOM_FAULTS=$(SHARE) POSTROOM_SCOREBOARD=.scoreboard $(ROWS) -m scored tests; \
		status=$$?; $(BIN)/python -m tests.scoreboard .scoreboard docs/reliability.md; exit $$status

bench: $(STAMP) ## Measure side by side with BullMQ, django-celery-email and others: about a quarter of an hour
	@$(BIN)/python -m benchmarks $(ARGS)

bench-full: $(STAMP) ## The same at full size: hours (ARGS=--write puts the tables into docs/performance.md)
	@$(BIN)/python -m benchmarks --size full $(ARGS)

bench-parts: $(STAMP) ## Measure single parts: the writer of messages, the SMTP engine, delivery, the journal, the gateway
	@for file in benchmarks/[!_]*.py; do echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" || exit; done

##@ Containers
up: ## Build and start the services of docker-compose.yml
	@deploy/passwords
	@$(COMPOSE) up --build --detach

down: ## Stop them; the journal stays in its volume
	@$(COMPOSE) down

##@ House-keeping
lock: $(STAMP) ## Write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@requirements/lock $(ARGS)

schema: $(STAMP) ## Write anew what is made of the code: JSON Schema, references of settings, the examples' integrations
	@$(BIN)/python -m tasks.contract.schema docs/contract
	@$(BIN)/python -m worker.settings_reference docs/reference
	@$(BIN)/python -m producers.web.settings_reference docs/reference
	@$(BIN)/python -m producers.integrations.bundle .
	@$(BIN)/python -m producers.hooks.settings_reference docs/reference

screenshots: $(STAMP) ## Make the pictures in docs/images anew; needs Chromium
	@$(BIN)/python -m tests.screenshots docs/images

clean: ## Remove whatever can be made again: .venv, caches, the data of run and demo
	@rm -rf .venv .bench .djangos .demo .run .scoreboard .coverage htmlcov dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
