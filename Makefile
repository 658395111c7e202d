# At most ten verbs. `make serve` and `make test` need nothing but Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARTIFACTS ?= artifacts
HOST ?= 127.0.0.1
PORT ?= 8080
SOAK_SECONDS ?= 300

.PHONY: serve test lint build evaluate bench soak openapi clean

serve: $(VENV)/.installed  ## install, build the index if it is missing, start the service
	$(BIN)/icd-cascade serve --artifacts $(ARTIFACTS) --build-missing --host $(HOST) --port $(PORT)

test: lint  ## install for development and run every check
	$(BIN)/pytest

lint: $(VENV)/.installed-dev  ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

build: $(VENV)/.installed  ## build and verify the ICD-10-CM index
	$(BIN)/icd-cascade build --artifacts $(ARTIFACTS)

evaluate: build  ## CORPUS_PATH=... make evaluate: CodiEsp dev metrics
	$(BIN)/icd-cascade evaluate --artifacts $(ARTIFACTS) --corpus codiesp --path $(CORPUS_PATH)

bench: build  ## stage times and cascade against exact search
	$(BIN)/icd-cascade bench --artifacts $(ARTIFACTS)

soak: build $(VENV)/.installed-dev  ## kill a backlog of 2,000 notes 50 times, then load a service; SOAK_SECONDS of each load
	BACKLOG_KILLS=50 BACKLOG_NOTES=2000 $(BIN)/pytest tests/app/backlog/test_durable_queue.py
	$(BIN)/icd-cascade soak --start --artifacts $(ARTIFACTS) --seconds $(SOAK_SECONDS)

openapi: $(VENV)/.installed  ## write openapi.json anew
	$(BIN)/icd-cascade openapi > openapi.json

clean:  ## remove the environment and what was built
	rm -rf $(VENV) $(ARTIFACTS)

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
