# `make demo` sets everything up, runs both flows and serves the results; `make test` lints and tests.
PYTHON ?= python3
PY = .venv/bin/python
HOST ?= 127.0.0.1
PORT ?= 8501
KEY ?= plant-key

.PHONY: install install-dev demo run test bench lint audit bundle clean

install:
	@$(PYTHON) -m backend.install

install-dev:
	@$(PYTHON) -m backend.install --dev

demo: install
	$(PY) -m backend demo --port $(PORT)

run: install
	$(PY) -m backend serve --host $(HOST) --port $(PORT)

test: lint
	$(PY) -m pytest -n 2 --dist loadgroup --maxfail 10 tests

bench: install-dev
	$(PY) -m tests.benchmarks

lint: install-dev audit
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m bandit -q -c pyproject.toml -ll -r app.py backend pages
	.venv/bin/hadolint Dockerfile

# Known weaknesses in the pinned packages; without the network it says that it looked at nothing.
audit: install-dev
	@$(PY) -m tests.audit

# One signed file for computers without a network; KEY: the plant's private key.
bundle: install
	$(PY) -m backend.release bundle --key $(KEY)

clean:
	rm -rf .venv
