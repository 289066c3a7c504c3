# Two commands to know: `make demo` and `make test`. Both install what they need on a bare Debian with Python 3.11.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
# Without its compiled modules every process that a test starts would compile them anew.
unexport PYTHONDONTWRITEBYTECODE
# The certificates that this machine trusts, so that a proxy of its own is no obstacle.
export UV_SYSTEM_CERTS ?= 1

.PHONY: demo test thorough races fast check fix docs edges bench bench-edge bench-imaging bench-simulate fuzz lock image clean

demo: .venv/demo ## start the embedded default with sample documents and print clickable links
	@$(BIN)/ostiary demo

test: .venv/dev ## lint, type check and every test, real Varnish, nginx, Chromium, PostgreSQL, Node and moto included
	@sh deploy/debian-packages.sh test
	$(MAKE) check
	@$(BIN)/coverage erase
	$(BIN)/pytest -q -n auto --dist loadfile --cov --cov-report=term:skip-covered
	@$(BIN)/coverage report --include='signing/*,cdn/*' --fail-under=100 > /dev/null || { echo 'signing and cdn are covered to 100 % or not at all'; exit 1; }

thorough: .venv/dev ## the tests with ten times the examples of every property
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -q -n auto --dist loadfile

races: .venv/dev ## a thousand revocations against reads and refills through each VCL of a real Varnish
	@sh deploy/debian-packages.sh test
	OSTIARY_RACES=1000 $(BIN)/pytest -q -s tests/engines/edges/test_races.py

fast: .venv/dev ## the tests without real parts
	$(BIN)/pytest -q -n auto --dist loadfile -m "not engines and not slow"

check: .venv/dev ## ruff, mypy, pyright and the import rule
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/pyright && $(BIN)/lint-imports

fix: .venv/dev ## let ruff mend and format
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: .venv/dev ## write docs/settings.md and the vectors anew
	$(BIN)/python -m gateway.settings > docs/settings.md && $(BIN)/python tests/signing/make_vectors.py

edges: .venv/dev ## write the examples of deploy/edges anew
	$(BIN)/python deploy/edges/render.py

bench: .venv/dev ## the table of docs/performance.md, in one run
	@sh deploy/debian-packages.sh bench
	$(BIN)/python -m bench

bench-edge: .venv/dev ## caches that verify links: hits, crowds, purges, a dead gateway, what verifying costs
	@sh deploy/debian-packages.sh bench-edge
	$(BIN)/python -m bench.edge

bench-imaging: .venv/dev ## renditions beside ipx, thumbor and nginx; BENCH_PICTURES=folder for real documents
	@sh deploy/debian-packages.sh bench-imaging
	@$(BIN)/uv pip install --quiet --python $(BIN)/python "ssimulacra2>=0.3"
	$(BIN)/python -m bench.imaging

bench-simulate: .venv/dev ## ostiary simulate over a million lines of each format
	$(BIN)/python -m bench.simulate

FUZZ_SECONDS ?= 60
fuzz: .venv/dev ## feed the engine mutants of tests/fuzz/seeds; what breaks it is left in var/fuzz
	@$(BIN)/uv pip install --quiet --python $(BIN)/python "atheris>=3.0"
	@mkdir -p var/fuzz/found
	$(BIN)/python tests/fuzz/target.py var/fuzz/found tests/fuzz/seeds -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2000 -max_len=65536 -close_fd_mask=2 -artifact_prefix=var/fuzz/

lock: .venv/uv ## requirements.lock: names, versions, hashes, no addresses
	$(BIN)/uv pip compile -q --universal --all-extras --group dev --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.lock

image: ## the container image (needs a Docker engine)
	docker build -t ostiary .

clean:
	rm -rf .venv var dist .coverage* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/uv:
	@sh deploy/debian-packages.sh venv
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet --disable-pip-version-check "uv>=0.9"
	@touch $@

# The lock also names the tools of the tests; the demo takes from it what the product itself needs.
.venv/demo: .venv/uv pyproject.toml requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c requirements.lock -e ".[all]"
	@touch $@

.venv/dev: .venv/uv pyproject.toml requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@ .venv/demo
