# One door to everything: `make demo`, `make test`, `make test-all`, `make lint`, `make bench`, `make fuzz`, `make audit`.
# Each target makes its own virtual environment in .venv from the locked requirements.

PYTHON ?= python3
PORT ?= 8000
DEMO_HOME ?= var/demo
VENV := .venv
BIN := $(VENV)/bin
# Two processes: the suite is made for machines with two cores.
WORKERS ?= 2

DOCS := $(VENV)/.docs

.PHONY: install demo docs test test-all lint bench golden fuzz audit lock clean system

$(VENV)/.installed: setup.cfg requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "searchd needs Python 3.11 or newer, found " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m searchd.warm
	touch $@

install: $(VENV)/.installed

# What builds the documentation is not needed to run anything, so it is not among the requirements of a demo.
$(DOCS): $(VENV)/.installed requirements-docs.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-docs.lock
	touch $@

# Browser tests want chromium and a font with Chinese characters; elsewhere than on Debian they are installed by hand.
system:
	@sh scripts/install-system-packages

demo: $(VENV)/.installed
	$(BIN)/python -m searchd.demo --home $(DEMO_HOME) --port $(PORT)

# The whole documentation as files in site/, read from the disk or served by any web server; a warning is an error.
docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "built: site/index.html"

test: $(DOCS) system lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(DOCS) system lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/mypy

# Results of the day go to benchmarks/results; collections and indexes lie in BENCH_WORK and are removed first: they may be another program's.
BENCH_WORK ?= var/bench
BENCH_OUTPUT ?= benchmarks/results/$(shell date +%F)

bench: $(VENV)/.installed
	@sh scripts/install-pisa $(BIN)/python
	rm -rf $(BENCH_WORK)
	$(BIN)/python benchmarks/build.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/size.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/retrieval.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/reorder.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/threads.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/analysis.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/open.py --work $(BENCH_WORK) --output $(BENCH_OUTPUT)
	rm -rf $(BENCH_WORK)
	$(BIN)/python benchmarks/validate.py --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/scale.py --output $(BENCH_OUTPUT)
	$(BIN)/python benchmarks/plots.py

golden: $(VENV)/.installed
	$(BIN)/python -m pytest tests/test_golden.py --update-golden

# Guided by coverage, FUZZ_SECONDS (600) for each of the six parsers of other people's bytes; what is found lies in var/fuzz.
fuzz: $(VENV)/.installed
	@sh scripts/fuzz $(BIN)/python

# Known vulnerabilities of what the locks name, and a list of it all (var/sbom.json), where the network gives advisories.
audit: $(VENV)/.installed
	@sh scripts/audit $(BIN)/python

# Resolve the newest versions that setup.cfg allows, with the hash of every file.
lock: $(VENV)/.installed
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	    --no-header --extra test --extra bench --output-file requirements.lock setup.cfg
	echo mkdocs-material | $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	    --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate --constraint requirements.lock --output-file requirements-docs.lock -
	for tool in atheris:fuzz pip-audit:audit; do echo $${tool%:*} | $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate --output-file requirements-$${tool#*:}.lock -; done

clean:
	rm -rf $(VENV) site build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
