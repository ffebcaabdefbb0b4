# What can be done with the mall; `make help` lists it. Each word brings what it needs (deploy/bootstrap).
.DEFAULT_GOAL := help
.PHONY: help demo mail demo-reset translations test prove mutants django-suites check fmt bench farm farm-init farm-down farm-erase farm-scale farm-rollout farm-reload \
	farm-rotate-key farm-backup farm-restore farm-chaos farm-pools farm-reach farm-walk
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

translations: ## bring the catalogues of the shoppers' languages up to date with code and templates, and compile them
	@deploy/bootstrap test sites dev
	@$(PYTHON) manage.py translations --settings tests.settings

test: ## run every test, the browser's too (ARGS="-k cart" for some, ARGS="-n0" one after another)
	@deploy/bootstrap test sites
	@deploy/openid_clients
	@deploy/openssh_server
	@deploy/pgbouncer
	@$(PYTHON) -m tests.e2e.chromium
	@$(PYTHON) -m pytest $(PARALLEL) $(ARGS)

prove: ## run the tests that chance decides, each many times more often (SCALE=10)
	@deploy/bootstrap test sites
	@deploy/openid_clients
	@deploy/openssh_server
	@deploy/pgbouncer
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
	$(PYTHON) manage.py translations --check --settings tests.settings
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

bench: ## measure shop and checkout beside django-oscar, dispatch beside a bare loop, the support feed beside pub/sub, sessions against raw servers and Django's engines, and two nodes
	@deploy/bootstrap sites
	@$(PYTHON) -m tests.benchmarks.commerce
	@$(PYTHON) -m tests.benchmarks.dispatch
	@$(PYTHON) -m tests.benchmarks.feed
	@$(PYTHON) -m tests.benchmarks.run

FARM_COMMAND = python3 -m deploy.farm

farm: ## build and start the farm of containers (MODE=production without the demo; HA=1 with a second one of each part; HTTPS_PORT=8443 HTTP_PORT=8080)
	@$(FARM_COMMAND) up

farm-init: ## make the farm's secrets, once (deploy/secrets/)
	@$(FARM_COMMAND) init

farm-down: ## stop the farm; its data stays
	@$(FARM_COMMAND) down

farm-erase: ## stop the farm and throw its data away
	@$(FARM_COMMAND) erase

farm-scale: ## more nodes or fewer, while requests go on (WEB=5 for all hosts, LARGE=2 for LARGE_HOSTS)
	@$(FARM_COMMAND) scale $(if $(WEB),--web $(WEB)) $(if $(LARGE),--large $(LARGE))

farm-rollout: ## new code, node by node, while requests go on (BUILD=0: the image is there)
	@$(FARM_COMMAND) rollout $(if $(filter 0,$(BUILD)),--no-build)

farm-reload: ## the balancer reads its configuration anew, while requests go on
	@$(FARM_COMMAND) reload

farm-rotate-key: ## a new secret key, in two rollouts, without a log-out
	@$(FARM_COMMAND) rotate-key

farm-backup: ## database, media and the list of secrets into deploy/backups/, while requests go on
	@$(FARM_COMMAND) backup

farm-restore: ## a new farm out of a backup (BACKUP=deploy/backups/...)
	@$(FARM_COMMAND) restore $(BACKUP)

farm-promote: ## a farm with HA=1: the standby becomes the database, and the database of before its standby
	@$(FARM_COMMAND) promote

farm-chaos: ## run the farm's commands, and kill, freeze and cut off each part of it, under a stream of shoppers (ONLY="redis frozen")
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.chaos

farm-pools: ## what a crowd at the big vendor's host costs the others (a farm with LARGE_HOSTS=fowlers.test and nodes of both pools)
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.chaos.pools

farm-reach: ## which ports each container of the running farm can connect to; fails where one reaches too much (as root)
	@$(FARM_COMMAND) reach

farm-walk: ## walk through the running farm in a browser, and kill a node on the way
	@deploy/bootstrap test sites
	@$(PYTHON) -m tests.e2e.chromium
	@$(PYTHON) -m tests.e2e.walk_farm
