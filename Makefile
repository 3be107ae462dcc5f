# Everything a person or CI does here. Needs make and Python 3.12 or newer; uses uv where it is installed.

VENV := .venv
PYTHON := $(VENV)/bin/python
WORKERS ?= 2
TEST_ARGS ?=
LOCK_ARGS ?=
BENCH_ARGS ?=

# The first of these that runs and is new enough makes the .venv. A name on PATH may be a pyenv shim for a version
# nobody chose, and python3 is often older than its neighbours. 3.14 is late: not every package has a build for it.
INTERPRETERS := python3.13 python3.12 python3.14 python3 python
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 12))

# Fail at once rather than fetch an interpreter from the internet.
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without the bytecode that Python keeps, each of the many processes here would compile all of Django, and each worker of
# the tests all of them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL: # `check` goes from the quick to the slow
.PHONY: help run test check scan audit migrations deploy bench bench-check pictures lint format lock clean FORCE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

run: $(VENV)/installed-requirements.txt ## serve the demo (web, worker and gRPC) on 127.0.0.1 until Ctrl-C: PORT, GRPC_PORT, DATABASE_URL
	@DEBUG=$${DEBUG:-true} GRPC_ANONYMOUS_USER=$${GRPC_ANONYMOUS_USER-admin} exec $(PYTHON) manage.py run_all

test: $(VENV)/installed-requirements-dev.txt ## run every test on SQLite and on PostgreSQL: TEST_ARGS="-k claim"
	@trap 'exit 130' INT TERM; failed=; \
	for database in sqlite postgresql; do \
	  echo "== tests on $$database"; \
	  USERTASKS_TEST_DATABASE=$$database $(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup $(TEST_ARGS) || failed="$$failed $$database"; \
	done; \
	if [ -n "$$failed" ]; then echo "== tests failed on$$failed" >&2; exit 1; fi

check: lint scan audit migrations deploy test bench-check ## what CI runs: lint, scan, audit, migrations in step, check --deploy, test, bench-check

scan: $(VENV)/installed-requirements-dev.txt ## look for insecure code
	@echo '== bandit'
	@$(PYTHON) -m bandit --quiet --configfile pyproject.toml --recursive config inbox usertasks scanners manage.py

audit: $(VENV)/installed-requirements-dev.txt ## look for known vulnerabilities of what is locked
	@echo '== pip-audit'
	@$(PYTHON) -m scanners.known_vulnerabilities requirements.txt requirements-dev.txt

migrations: $(VENV)/installed-requirements-dev.txt
	@echo '== migrations in step'
	@DATABASE_URL=sqlite://:memory: $(PYTHON) manage.py makemigrations --check --dry-run

deploy: $(VENV)/installed-requirements-dev.txt
	@echo '== check --deploy'
	@SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))') DEBUG=false \
	  ALLOWED_HOSTS=tasks.example.com DATABASE_URL=sqlite://:memory: \
	  $(PYTHON) manage.py check --deploy --fail-level WARNING

bench: $(VENV)/installed-requirements-dev.txt ## measure at a million runs, into var/benchmarks, in 40 minutes or so: BENCH_ARGS="--runs 100000"
	@$(PYTHON) -m benchmarks $(BENCH_ARGS)

bench-check: $(VENV)/installed-requirements-dev.txt ## fail where ratios, plans or numbers of statements got worse, in a minute
	@echo '== benchmarks --check'
	@$(PYTHON) -m benchmarks --check

pictures: $(VENV)/installed-requirements-dev.txt ## take the pictures of docs/images anew; needs Chromium
	@$(PYTHON) docs/pictures.py

translations: $(VENV)/installed-requirements-dev.txt ## gather what is to be translated, compile the catalogs, say what is missing
	@$(PYTHON) -m scanners.translations

lint: $(VENV)/installed-requirements-dev.txt ## style and types, changing nothing
	@echo '== ruff'
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@echo '== mypy'
	@$(PYTHON) -m mypy

format: $(VENV)/installed-requirements-dev.txt ## put the style right
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format

lock: $(VENV)/made ## write requirements*.txt from pyproject.toml: LOCK_ARGS=--upgrade
	@uv=$$(command -v uv) || { $(ENSURE_PIP); $(PYTHON) -m pip install -qq uv; uv=$(VENV)/bin/uv; }; \
	compile() { \
	  "$$uv" pip compile pyproject.toml --extra littlehorse --quiet --python $(PYTHON) --python-version 3.12 --universal --generate-hashes \
	    --no-emit-index-url --custom-compile-command 'make lock' $(LOCK_ARGS) "$$@"; \
	}; \
	compile --output-file requirements.txt && \
	compile --group dev --constraints requirements.txt --output-file requirements-dev.txt

clean: ## remove the .venv and the caches, keep var/
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis test-results build dist staticfiles
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The .venv. It is made anew unless it was finished, its interpreter still runs, and no installation into it broke off.
VENV_IS_SOUND := $(shell test -f $(VENV)/made && test ! -f $(VENV)/installing && \
  $(PYTHON) -c '$(IS_NEW_ENOUGH)' 2>/dev/null && echo yes)

$(VENV)/made: $(if $(VENV_IS_SOUND),,FORCE)
	@rm -rf $(VENV); python=; \
	for name in $(INTERPRETERS); do \
	  if $$name -c '$(IS_NEW_ENOUGH)' >/dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ] && command -v uv >/dev/null; then python=$$(uv python find '>=3.12' 2>/dev/null); fi; \
	if [ -z "$$python" ]; then \
	  echo 'No Python 3.12 or newer found among: $(INTERPRETERS).' >&2; \
	  echo 'Install one (Debian: apt-get install python3.13 python3.13-venv, pyenv: pyenv install 3.12),' >&2; \
	  echo 'or name one: make INTERPRETERS=/path/to/python3.12 ...' >&2; \
	  exit 1; \
	fi; \
	python=$$($$python -c 'import sys; print(sys.executable)'); \
	echo "== making $(VENV) with $$python, $$($$python --version)"; \
	if command -v uv >/dev/null; then uv venv --quiet --python "$$python" $(VENV); \
	else "$$python" -m venv $(VENV) || { echo "No venv module: install python3-venv, or uv." >&2; exit 1; }; fi
	@touch $@

# An interrupted installation leaves half a package that looks whole, so `installing` condemns the .venv.
$(VENV)/installed-%: % $(VENV)/made
	@echo '== installing $<'
	@touch $(VENV)/installing
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(PYTHON) --require-hashes -r $<; \
	else $(ENSURE_PIP); $(PYTHON) -m pip install -qq --require-hashes -r $<; fi
	@rm $(VENV)/installing
	@touch $@

# uv makes a .venv without pip; uv may be gone the next time.
ENSURE_PIP = { $(PYTHON) -c 'import pip' 2>/dev/null || $(PYTHON) -m ensurepip >/dev/null; }
