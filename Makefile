# Skerry's commands. `make help` lists them; make/*.mk holds the lab's.
SHELL := /bin/sh
.DEFAULT_GOAL := help

export LC_ALL := C.UTF-8
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PY := .venv/bin/python

include $(wildcard make/*.mk)

.PHONY: help .venv lock check test unit docs collection bench proof clean

help: ## this table
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv: .venv/stamp ## the controller's Python with its locked packages

.venv/stamp: requirements/controller.txt requirements/gate.txt
	@tools/make_venv.sh

lock: .venv ## new versions into requirements/ (needs uv)
	for name in controller gate antsibull core-2.20 core-2.21; do \
		uv pip compile --quiet --universal --python-version $$(case $$name in core-*) echo 3.12;; *) echo 3.11;; esac) \
			--upgrade --generate-hashes --no-header requirements/$$name.in --output-file requirements/$$name.txt || exit; \
	done

check: .venv ## the gate: format, lint, types, contracts (two minutes)
	@$(PY) -m tools.check

unit: .venv ## the unit tests (seconds)
	@$(PY) -m pytest -q tests/unit

test: .venv ## the tests that a change needs; all: make test ALL=1; some: make test SUITES="unit proxy"
	@$(PY) -m tools.run_tests $(if $(ALL),--all) $(SUITES)

docs: .venv ## the reference pages, from the roles and modules
	@$(PY) -m tools.gen_docs

collection: .venv ## the collection's tarball, of what git tracks
	@$(PY) -m tools.build_collection

bench: .venv ## the figures: seconds and percentiles
	@$(PY) -m pytest -q --capture=no tests/bench

proof: .venv ## a long proof: make proof NAME=...
	@$(PY) -m tools.run_proof $(NAME)

clean: ## what make made here (the lab's cache stays)
	rm -rf .venv .cache .ansible src/*.egg-info
