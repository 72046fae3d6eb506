# Every task of the house. `make` alone lists them. A fresh machine needs make, git and Python 3.11 to 3.13 (with venv).
SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install -qq --no-input --disable-pip-version-check
JOBS ?= 2
OUT ?= demo-out
say = @printf '==> %s\n'

.PHONY: help demo test test-all check lint verify verify-page bench docs commands system clean

help: ## list these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.runtime ## plan, simulate and judge a real case; leaves demo-out/
	$(say) "running the demo; it writes to $(OUT)/"
	@code=0; $(VENV)/bin/iceball demo --out "$(OUT)" || code=$$?; \
	if [ $$code -eq 3 ]; then echo "==> done: a finding of the report says stop (exit code 3 of iceball)"; \
	elif [ $$code -ne 0 ]; then exit $$code; fi

test: check ## lint, types, layers, docs and every test but the long ones: what CI runs
	$(say) "tests, without the long ones"
	@$(VENV)/bin/pytest -n $(JOBS) -m "not long" --durations=10

test-all: check ## the same, and the tests that take minutes
	$(say) "all tests"
	@$(VENV)/bin/pytest -n $(JOBS) --durations=20

check: system lint docs

lint: $(VENV)/.dev ## style, types and layers
	$(say) "style (ruff), types (pyright), layers (import-linter)"
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet || { echo "run: $(VENV)/bin/ruff format"; exit 1; }
	@$(VENV)/bin/pyright
	@$(VENV)/bin/lint-imports --no-logo --no-cache

verify: $(VENV)/.dev ## are the equations solved right? every exact case, then the contract of every backend
	$(say) "iceball verify"
	@$(VENV)/bin/iceball verify
	$(say) "verification beyond those cases, and contracts"
	@$(VENV)/bin/pytest tests/verification tests/contracts -v -k "not test_the_case"

verify-page: $(VENV)/.dev ## write docs/reference/verification.md anew from what `iceball verify` measures
	@$(PY) scripts/write_verification.py

bench: $(VENV)/.dev ## how fast is it on this machine?
	$(say) "benchmarks"
	@for script in bench/*.py; do $(PY) "$$script"; done

docs: $(VENV)/.dev ## the documentation, into docs/_build/html; a warning is an error
	$(say) "documentation (sphinx)"
	@$(VENV)/bin/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	$(say) "open docs/_build/html/index.html"

commands: $(VENV)/.dev ## write docs/reference/commands.md anew from the commands' own help
	@$(PY) scripts/write_commands.py

clean: ## remove the environment and everything that was built
	@rm -rf $(VENV) docs/_build dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +
	$(say) "clean ($(OUT)/ was left alone)"

system: ## as root on Debian: install the system packages the tests need
	@sh scripts/system-packages

$(PY):
	$(say) "making the environment in $(VENV)"
	@python=$$(sh scripts/find-python) && "$$python" -m venv --clear $(VENV)
	@$(PIP) --upgrade 'pip>=25.1'

$(VENV)/.runtime: pyproject.toml hatch_build.py $(wildcard src/iceball/thermal/backends/native/*.?pp) | $(PY)
	$(say) "installing iceball and what it needs (minutes, the first time)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.runtime
	$(say) "installing the tools for tests and documentation"
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --group dev --group docs
	@touch $@
