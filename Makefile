# What can be done with the mall; `make help` lists it. Each word brings what it needs (deploy/bootstrap).
.DEFAULT_GOAL := help
.PHONY: help demo mail demo-reset test prove mutants django-suites check fmt bench farm farm-init farm-walk
PYTHON := .venv/bin/python
# A test run starts many programs, and each would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=
PARALLEL := -p tests.workers -n auto --dist worksteal
SOURCES = find . \( -name .venv -o -name .tools -o -name .data -o -name node_modules \) -prune -o
TEMPLATES = $(shell $(SOURCES) -path '*/templates/*.html' -print)
LUA = $(shell $(SOURCES) -name '*.lua' -print)
FRONT = PATH="$(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$$PATH:$(CURDIR)/.tools/luacheck"

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: ## run the whole mall here, with its demo community, at http://mall.localhost:8000 (PORT=8100 for another)
	@deploy/bootstrap sites
	@$(PYTHON) -m deploy.demo.run

mail: ## read the demo's mail: accounts, invitations, orders, dispatches
	@deploy/bootstrap sites
	@$(PYTHON) deploy/vendor_sites/mailbox.py --maildir $${MALL_DATA:-.data}/departments/mailbox --read

demo-reset: ## throw the demo's data away and start afresh
	@deploy/bootstrap sites
	@$(PYTHON) -m deploy.demo.run --reset

test: ## run every test, the browser's too (ARGS="-k cart" for some, ARGS="-n0" one after another)
	@deploy/bootstrap test sites
	@deploy/openid_clients
	@deploy/openssh_server
	@$(PYTHON) -m tests.e2e.chromium
	@$(PYTHON) -m pytest $(PARALLEL) $(ARGS)

prove: ## run the tests that chance decides, each many times more often (SCALE=10)
	@deploy/bootstrap test sites
	@deploy/openid_clients
	@deploy/openssh_server
	@$(PYTHON) -m tests.e2e.chromium
	@SCALE=$${SCALE:-10} $(PYTHON) -m pytest $(PARALLEL) -m scale $(ARGS)

mutants: ## take the defences of hand-off and checkout away one at a time, and see each noticed by a test
	@deploy/bootstrap test sites
	@$(PYTHON) -m sessions_farm.communities.tests.support.mutation
	@$(PYTHON) -m tests.support.checkout_mutation

django-suites: ## run Django's own tests over the session engine (ARGS=mixin for one run, ARGS=--stock for a control)
	@deploy/bootstrap test
	@$(PYTHON) -m tests.django_suites $(ARGS)

check: ## look at all code without running it: format, lint, types, layers, migrations, templates, settings
	@deploy/bootstrap test sites dev
	@deploy/front_tools
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	SECRET_KEY=x DATABASE_URL=postgres://x REDIS_URL=redis://x .venv/bin/mypy .
	.venv/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --settings tests.settings
	$(PYTHON) manage.py check --settings tests.settings
	.venv/bin/djade --target-version 6.1 --check $(TEMPLATES)
	.venv/bin/djangofmt --check $(TEMPLATES)
	$(FRONT) biome ci .
	$(FRONT) stylelint --ignore-path .gitignore '**/*.css'
	$(FRONT) node deploy/format_lua.mjs --check $(LUA)
	$(FRONT) luacheck -q $(LUA)

fmt: ## put code, templates, CSS, JS and Lua into the project's format
	@deploy/bootstrap test sites dev
	@deploy/front_tools
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/djade --target-version 6.1 $(TEMPLATES)
	.venv/bin/djangofmt $(TEMPLATES)
	$(FRONT) biome check --write .
	$(FRONT) stylelint --ignore-path .gitignore --fix '**/*.css'
	$(FRONT) node deploy/format_lua.mjs $(LUA)

bench: ## measure shop and checkout beside django-oscar, dispatch beside a bare loop, sessions against raw servers and Django's engines, and two nodes
	@deploy/bootstrap sites
	@$(PYTHON) -m tests.benchmarks.commerce
	@$(PYTHON) -m tests.benchmarks.dispatch
	@$(PYTHON) -m tests.benchmarks.run

farm-init: ## make the farm's secrets, once (deploy/secrets/)
	@deploy/init

farm: farm-init ## build and start the farm of containers (deploy/compose.yaml)
	docker compose -f deploy/compose.yaml up -d --build --wait

farm-walk: ## walk through the running farm in a browser, and kill a node on the way
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.e2e.chromium
	@$(PYTHON) -m tests.e2e.walk_farm
