# What can be done with the mall; `make help` lists it. Each word brings what it needs (deploy/bootstrap).
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test prove mutants check fmt bench farm farm-init farm-walk
PYTHON := .venv/bin/python
TEMPLATES = $(shell find . \( -name .venv -o -name .tools -o -name .data \) -prune -o -path '*/templates/*.html' -print)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: ## run the whole mall here, with its demo community, at http://mall.localhost:8000 (PORT=8100 for another)
	@deploy/bootstrap sites
	@$(PYTHON) -m deploy.demo.run

demo-reset: ## throw the demo's data away and start afresh
	@deploy/bootstrap sites
	@$(PYTHON) -m deploy.demo.run --reset

test: ## run every test, the browser's too (ARGS="-k cart" for some)
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.e2e.chromium
	@$(PYTHON) -m pytest $(ARGS)

prove: ## run every test with larger counts (SCALE=10)
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.e2e.chromium
	@SCALE=$${SCALE:-10} $(PYTHON) -m pytest --timeout 1800 $(ARGS)

mutants: ## take the hand-off's defences away one at a time, and see each noticed by a test
	@deploy/bootstrap test sites
	@$(PYTHON) -m sessions_farm.communities.tests.support.mutation

check: ## look at the code without running it: format, lint, types, layers, migrations, templates, settings
	@deploy/bootstrap test sites dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	SECRET_KEY=x DATABASE_URL=postgres://x REDIS_URL=redis://x .venv/bin/mypy .
	.venv/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --settings tests.settings
	$(PYTHON) manage.py check --settings tests.settings
	.venv/bin/djade --target-version 6.1 --check $(TEMPLATES)
	.venv/bin/djangofmt --check $(TEMPLATES)

fmt: ## put code and templates into the project's format
	@deploy/bootstrap test sites dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/djade --target-version 6.1 $(TEMPLATES)
	.venv/bin/djangofmt $(TEMPLATES)

bench: ## measure sessions and hand-offs against raw servers and Django's engines, and pages a second of two nodes
	@deploy/bootstrap sites
	@$(PYTHON) -m tests.benchmarks.run

farm-init: ## make the farm's secrets, once (deploy/secrets/)
	@deploy/init

farm: farm-init ## build and start the farm of containers (deploy/compose.yaml)
	docker compose -f deploy/compose.yaml up -d --build --wait

farm-walk: ## walk through the running farm in a browser, and kill a node on the way
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.e2e.chromium
	@$(PYTHON) -m tests.e2e.walk_farm
