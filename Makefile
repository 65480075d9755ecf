# Everything a contributor types. `make demo` and `make test` need git, make, Python >= 3.11 and a package index.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
GO     := $(shell command -v go 2>/dev/null)
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint format simulate check-statistics proto clean bench bench-accuracy bench-startup bench-load bench-pprof bench-screen bench-versions

help:
	@echo "make demo      find the planted leaks of the example service"
	@echo "make test      all tests"
	@echo "make lint      ruff, mypy, import-linter"
	@echo "make simulate  false alarms and detections on simulated services"
	@echo "make check-statistics  the claims of docs/explanation/statistics.md against simulation, with figures"
	@echo "make bench     the figures of docs/explanation/benchmarks.md"
	@echo "make bench-accuracy  the corpus judged and compared with the truth: docs/explanation/accuracy.md"
	@echo "make bench-versions  a part of the corpus on every packaged version of Go"
	@echo "make bench-screen    what --goleak-screen gains on fifty endpoints"

$(STAMP): pyproject.toml
	@echo "==> virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed; say which with: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@echo "==> installing pytest-goleak and its development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@$(BIN)/python tools/go_toolchain.py --install
	@touch $@

demo: $(STAMP)
	@$(BIN)/python examples/run_demo.py

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

simulate: $(STAMP)
	$(BIN)/python -m benchmarks.simulation --runs 200

check-statistics: $(STAMP)
	@$(BIN)/python -c 'import matplotlib' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --group plots
	$(BIN)/python -m benchmarks.check_statistics --write $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks.bench_verdict

bench-accuracy: $(STAMP)
	$(BIN)/python -m benchmarks.bench_accuracy $(ARGS)

bench-screen: $(STAMP)
	$(BIN)/python -m benchmarks.bench_screen $(ARGS)

bench-versions: $(STAMP)
	$(BIN)/python -m benchmarks.bench_versions $(ARGS)

bench-startup: $(STAMP)
	$(BIN)/python -m benchmarks.bench_startup

bench-load: $(STAMP)
	$(BIN)/python -m benchmarks.bench_load

bench-pprof: $(STAMP)
	$(BIN)/python -m benchmarks.bench_pprof

clean:
	rm -rf $(VENV) .build .goleak .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
