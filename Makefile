# make run | test | check | site | bench | bench-gpu: each installs what it needs into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS ?= runs
REPORT ?= report
SITE ?= site
# Whoever is done takes over half of what another still has before it.
TEST := $(BIN)/pytest -n auto --dist worksteal
OLDEST := tests/predictions tests/datasets tests/features tests/cli/test_answers.py tests/test_end_to_end.py

.DEFAULT_GOAL := help
.PHONY: help run site test test-oldest check lint format bench bench-gpu bench-statistics schema clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(VENV)/installed ## Benchmark on the demonstration set, then the report
	$(BIN)/lcbench run --suite core --data demo --offline --backbone tf_efficientnet_lite0 --out $(RUNS)
	$(BIN)/lcbench report $(RUNS) --out $(REPORT)
	@echo "The report is at $(abspath $(REPORT))/README.md; to explore in a browser: index.html beside it"

site: $(VENV)/installed-dev ## Make the site of the published reports and the documentation
	$(BIN)/lcbench site reports --out $(SITE)

test: $(VENV)/installed-dev ## Run the tests
	$(TEST)

check: lint test ## Format, lint, types, tests

lint: $(VENV)/installed-dev ## Format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test-oldest: $(VENV)/oldest/installed ## Run part of the tests with the oldest versions that are allowed
	PYTHONPATH=$(VENV)/oldest $(TEST) -p no:platformdirs $(OLDEST)

format: $(VENV)/installed-dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed-dev ## Measure speed and memory on this machine; OPTIONS='--only NAME', '--record'
	$(BIN)/python -m pip install --quiet --no-deps confidenceinterval==1.0.5 # beside ours; it pins an old setuptools
	-$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: imagededup==0.3.3.post2 PyWavelets==1.9.0 # as above; where it has no wheel, the bench says so
	-$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: vision-data-doctor==0.2.0 # as above
	$(BIN)/python tests/bench $(OPTIONS)

bench-gpu: $(VENV)/installed-dev ## Measure the reference on this machine's GPU; DATA=folder, else drawn images; OPTIONS=--quick
	$(BIN)/python tests/bench/gpu.py $(if $(DATA),--data $(DATA)) $(OPTIONS)

bench-statistics: $(VENV)/installed-dev ## Simulate: coverage of the intervals, error rates of the tests
	$(BIN)/python tests/bench/study.py
	$(BIN)/python tests/bench/coverage_plot.py

schema: $(VENV)/installed-dev ## Write the JSON Schema of the results into docs
	$(BIN)/python -m lcbench.analysis.schema > docs/results.schema.json

clean: ## Remove the environment and what was run
	rm -rf $(VENV) $(RUNS) $(REPORT) $(SITE)

# constraints.txt pins every version, so that a clone of today gives the numbers of today. torch is
# upgraded where an environment has an older one.
INSTALL = $(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt torch torchvision --editable

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lcbench needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) '.[offline]'
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) '.[offline,dev]'
	touch $(VENV)/installed $@

# Before the newest versions on the path, so that torch is not installed twice.
$(VENV)/oldest/installed: $(VENV)/installed-dev constraints-oldest.txt
	rm -rf $(VENV)/oldest
	$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: --target $(VENV)/oldest --requirement constraints-oldest.txt
	touch $@
