# Targets for people and for CI. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PYENV_ROOT ?= $(HOME)/.pyenv
NEWEST ?= $(shell for python in python3.13 python3.12 $(wildcard $(PYENV_ROOT)/versions/3.13*/bin/python) \
	$(wildcard $(PYENV_ROOT)/versions/3.12*/bin/python); do \
	$$python -c 'import sys' >/dev/null 2>&1 && echo $$python && break; done)
WALKTHROUGH_PORT ?= 8907
OF_DJANGO := $(addprefix tests/,admin checkout customer health selling test_checks.py test_checks_shop.py test_models.py)
NOT_OF_THE_DATABASE := $(addsuffix .py,bad_arguments changed_orders clock_ahead conclude_sales confirmed_orders counterexamples credit \
	currency_changed fallback_faults forbidden foreign_answers given_up held_take_back late_events resolution smallest_units taken_off \
	tell_staff_trouble top_up unknown_outcomes unreadable_bookings voucher_limit \
	line_keys odd_orders part_of_a_line paying_for_vouchers refund_fallback repeated_captures sale_events sale_faults sold_dead_ends \
	sold_orders tell_staff untrue_refusals)  # faults of the remote side, and the course of an order over days
ON_MARIADB := tests/test_mysql.py tests/test_models.py tests/proofs/concurrency/test_mariadb.py $(addprefix tests/gateway/test_,$(addsuffix .py, \
	authorize cancel capture counterexamples expired_holds frozen_worker idempotency_keys locked_order races refund replaced_holds sale_races \
	simultaneous_calls))

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: give it as PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## create .venv and install what is needed, once

.PHONY: demo
demo: install ## start the local Voucher Cloud and the example shop together; ARGS="--fresh" starts over
	$(BIN)/python example_project/manage.py demo $(ARGS)

.PHONY: demo-oscar
demo-oscar: install ## start the local Voucher Cloud and a shop of django-oscar together
	$(BIN)/python -m tests.hosts.oscar.demo $(ARGS)

.PHONY: test
test: install ## run the tests
	$(BIN)/python -m pytest $(ARGS)

.PHONY: test-fast
test-fast: install ## the units alone: no proofs, no browser, no servers (minutes)
	$(BIN)/python -m pytest -n 2 -m "not slow" $(ARGS)

.PHONY: test-postgresql
test-postgresql: install ## the tests that the database matters to, on PostgreSQL
	@case "$$DATABASE_URL" in postgres*) ;; *) start="$(BIN)/python -m tests.postgres_server";; esac; \
	STORM_DAYS=30 $$start $(BIN)/python -m pytest tests/gateway tests/accounts tests/test_models.py tests/proofs/storm/test_storm.py \
	tests/books/test_archive.py tests/books/test_archived_orders.py tests/books/test_closing.py tests/books/test_plans.py tests/books/test_partitions.py tests/admin/test_books.py \
	tests/management/test_doctor_commits.py \
	--ignore tests/gateway/test_reconcile_planted_differences.py $(ARGS)

.PHONY: mariadb
mariadb: install ## the guards, races and verbs on MariaDB, or on the server that DATABASE_URL names
	@case "$$DATABASE_URL" in mysql*|mariadb*) start="";; *) start="$(BIN)/python -m tests.mariadb_server"; \
	$(BIN)/python -c 'import sys, tests.mariadb_server as it; sys.exit(it.program() is None and it.MISSING)' || \
	{ echo "mariadb: skipped"; test -z "$$REQUIRE_ALL_PARTS"; exit; };; esac; \
	$(BIN)/python -m pip install --quiet --group mariadb && \
	$$start $(BIN)/python -m pytest $(ON_MARIADB) $(ARGS)

.PHONY: hosts
hosts: install ## orders through django-payments and django-oscar; with Python 3.12 or newer also django-oscar-api-checkout
	@hosts="django_payments oscar"; \
	if $(BIN)/python -c 'import oscarapicheckout' 2>/dev/null; then hosts="$$hosts oscar_api_checkout"; fi; \
	for host in $$hosts; do echo "== $$host"; \
	$(BIN)/python -m pytest tests/hosts/$$host --ds tests.hosts.$$host.settings --nomigrations $(ARGS) || exit 1; done

.PHONY: kill-sqlite
kill-sqlite: install ## every case of the kill matrix on SQLite (minutes)
	$(BIN)/python -m tests.proofs.crash.run --database-url sqlite: $(ARGS)

.PHONY: kill
kill: install ## every case of the kill matrix, each time that its point is passed, on SQLite and PostgreSQL (hours)
	$(BIN)/python -m tests.proofs.crash.run --every-passing --database-url sqlite:
	$(BIN)/python -m tests.postgres_server $(BIN)/python -m tests.proofs.crash.run --every-passing
	$(BIN)/python -m tests.postgres_server $(BIN)/python -m tests.proofs.crash.run --every-passing --end cut_off

.PHONY: planted
planted: install ## disable one rule at a time: each mutant must be noticed (minutes)
	PLANTED=all $(BIN)/python -m pytest tests/proofs/simulation tests/proofs/orders tests/proofs/storm tests/proofs/crash tests/gateway/test_counterexamples.py \
	-k "planted or without_its_rule" $(ARGS)

.PHONY: crowd
crowd: install ## 5,000 rounds of 8 processes × 8 threads on PostgreSQL (hours)
	for kind in one_order one_voucher confirmations capture_against_settle; do \
	$(BIN)/python -m tests.postgres_server $(BIN)/python -m tests.proofs.concurrency.run $$kind --rounds 5000 || exit 1; done
	$(BIN)/python -m tests.postgres_server $(BIN)/python -m tests.proofs.concurrency.run settlers --rounds 200

.PHONY: bench
bench: install ## measure the tables and plots of docs/explanation/performance.md again (minutes); ARGS="calls --rounds 20" for some
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: lint
lint: install ## formatting, common errors, and the layers of the architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

.PHONY: types
types: install ## mypy, strict, on the package
	$(BIN)/mypy

.PHONY: migrations
migrations: install ## fail if a model changed without a migration
	$(BIN)/python -m django makemigrations --check --dry-run --settings tests.settings
	$(BIN)/python example_project/manage.py makemigrations --check --dry-run

.PHONY: walkthrough
walkthrough: install ## the official guide, step by step, against the local Voucher Cloud over real HTTP
	$(BIN)/python tests/walkthrough.py --port $(WALKTHROUGH_PORT)

.PHONY: coverage
coverage: install ## every branch of the rules about money is tried by their own tests
	$(BIN)/python -m coverage run -m pytest -q tests/rules
	$(BIN)/python -m coverage report --fail-under=100 --show-missing --include="voucher_payment_gateway/rules/*"

.PHONY: mutation
mutation: install ## change the rules a little, in hundreds of ways: their tests must notice; lists what they did not
	$(BIN)/python -m mutmut run
	$(BIN)/python -m mutmut results

.PHONY: audit
audit: install ## known vulnerabilities of the dependencies
	$(BIN)/pip-audit --skip-editable --progress-spinner off

.PHONY: check
check: lint types migrations walkthrough coverage ## all that CI runs besides the tests

.PHONY: matrix
matrix: ## with the newest Django, where a newer Python is found: the tests on PostgreSQL, then the fast ones of what Django shows
	@if [ -z "$(NEWEST)" ]; then echo "matrix: no Python 3.12 or 3.13 found: with the Django that is installed"; \
	$(MAKE) --no-print-directory test-postgresql; else \
	$(MAKE) --no-print-directory test-postgresql VENV=.venv-newest PYTHON=$(NEWEST) \
	ARGS="--ignore tests/accounts $(addprefix --ignore tests/gateway/test_,$(NOT_OF_THE_DATABASE)) $(ARGS)" && \
	$(MAKE) --no-print-directory test VENV=.venv-newest PYTHON=$(NEWEST) ARGS="$(OF_DJANGO) -m 'not slow' --ignore tests/checkout/test_error_trackers.py $(ARGS)" && \
	.venv-newest/bin/python -m tests.postgres_server $(MAKE) --no-print-directory hosts VENV=.venv-newest PYTHON=$(NEWEST) ARGS="$(ARGS)"; fi

.PHONY: screenshots
screenshots: install ## take the screenshots of the README again
	SCREENSHOTS=1 $(BIN)/python -m pytest tests/browser

.PHONY: clean
clean: ## remove what the targets made
	rm -rf .venv .venv-newest .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage mutants
