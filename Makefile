PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo docs notebook test audit lint soak bench lock clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Daybook needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q .venv/lib > /dev/null || true
	touch $@

demo: setup
	rm -rf sample
	daybook simulate --out sample
	daybook --database sample/warehouse.duckdb land sample
	DAYBOOK_DATABASE=sample/warehouse.duckdb dbt build --quiet
	daybook --database sample/warehouse.duckdb ask
	daybook --database sample/warehouse.duckdb report

# Every table and column in words, with what it is made from: one page that needs no server.
docs: setup
	dbt docs generate --static --quiet
	@echo "open target/static_index.html"

# Shows published/, which daybook nightly and daybook publish write.
notebook: setup
	daybook notebook

lint: setup
	ruff check .
	ruff format --check .

# Two at a time: a dbt that reads its project keeps one core busy.
test: lint
	pytest --numprocesses 2 --dist loadfile

# The data tests of a night look at what it brought; these look at all of history.
audit: setup
	dbt run --select config.materialized:keyed --vars 'compare_only: true'
	dbt test --vars 'audit: true'

# Long runs: more Hypothesis examples, and the mutants of all models.
soak: setup
	pytest -m soak --numprocesses 2
	python tests/mutants.py

# The peers live in a place of their own: they are no part of Daybook.
.venv-peers: benchmarks/peers.txt
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

bench: setup .venv-peers
	python benchmarks/landing.py
	python benchmarks/building.py
	python benchmarks/nights.py

# Needs uv; writes versions and hashes, no registry's address.
lock:
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --no-strip-extras --no-header --quiet -o requirements.lock

clean:
	rm -rf sample target logs warehouse.duckdb report.html published published.nights
