# `make demo` sets everything up, runs both flows and serves the results; `make test` lints and tests.
PYTHON ?= python3
PY = .venv/bin/python
HOST ?= 127.0.0.1
PORT ?= 8501

.PHONY: install install-dev demo run test bench lint clean

install:
	@$(PYTHON) -m backend.install

install-dev:
	@$(PYTHON) -m backend.install --dev

demo: install
	$(PY) -m backend demo --port $(PORT)

run: install
	$(PY) -m backend serve --host $(HOST) --port $(PORT)

test: lint
	$(PY) -m pytest -n 2 --dist loadgroup tests

bench: install-dev
	$(PY) -m tests.benchmarks

lint: install-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m bandit -q -c pyproject.toml -ll -r app.py backend pages
	.venv/bin/hadolint Dockerfile

clean:
	rm -rf .venv
