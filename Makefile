# make run      opens the editor on the sample portrait (without a display it renders a tour into out/)
# make test     lint, types, import contracts and tests
# make mutants  breaks the document's modules in small ways and tells which faults no test sees
# make fuzz     reads a thousand broken and hostile files and tells what went wrong with any
# make upgrade  installs the newest versions of everything and pins them in .ci/constraints.txt
# make clean    removes .venv and everything generated
# Another Python: make run PYTHON=python3.12
# A smaller torch, without CUDA: make run PIP_EXTRA_INDEX_URL=ADDRESS (the one pytorch.org names for CPU builds)
# Versions other than those pinned: make run CONSTRAINTS=

PYTHON ?= python3
CONSTRAINTS ?= .ci/constraints.txt
VENV := .venv
BIN := $(VENV)/bin
NEWEST := $(BIN)/python -m pip install --disable-pip-version-check --quiet
PIP := $(NEWEST) $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))

# Only on Linux does torch bring CUDA along, unless it is told where to come from.
define say_what_is_downloaded
	@if [ "$$(uname -s)" = Linux ] && [ -z "$(PIP_EXTRA_INDEX_URL)" ]; then \
		echo "It downloads nearly 4 GB and fills 7.6 GB of disk, most of it CUDA, which torch brings along on Linux."; \
		[ -e /proc/driver/nvidia/version ] || { \
			echo "This machine shows no NVIDIA GPU. pytorch.org names an index of builds without CUDA; if you can reach it:"; \
			echo "    make $(1) PIP_EXTRA_INDEX_URL=ADDRESS"; \
			echo "It takes 4 GB less disk. Only the second tracker, py-feat, may not start with it."; \
		}; \
	fi
endef

.DELETE_ON_ERROR:
.PHONY: run test mutants fuzz upgrade clean

run: $(VENV)/.ready
	$(BIN)/python main.py --sample

test: $(VENV)/.ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

mutants: $(VENV)/.ready-to-test
	$(BIN)/python -m tests.mutants

fuzz: $(VENV)/.ready-to-test
	$(BIN)/python -m tests.fuzz

upgrade: $(BIN)/python
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Pin with the oldest Python: what it can \
	install, newer ones can too. Try: make clean upgrade PYTHON=python3.11")'
	$(call say_what_is_downloaded,upgrade)
	$(NEWEST) --upgrade --upgrade-strategy eager --editable ".[test]"
	{ sed '/^[^#]/d' .ci/constraints.txt; $(BIN)/python -m pip list --disable-pip-version-check --format=freeze \
		--exclude-editable --exclude pip | sed 's/+.*//'; } > .ci/constraints.txt.new
	mv .ci/constraints.txt.new .ci/constraints.txt
	@touch $(VENV)/.ready $(VENV)/.ready-to-test
	@echo "Run make test, then commit .ci/constraints.txt."

clean:
	rm -rf $(VENV) out dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ICface Studio needs Python 3.11 or newer; \
	$(PYTHON) is %d.%d. Name another: make run PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing ICface Studio and what it needs into $(VENV): some minutes, once."
	$(call say_what_is_downloaded,run)
	$(PIP) --editable .
	@touch $@

$(VENV)/.ready-to-test: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing ICface Studio, what it needs and the tools that test it into $(VENV): some minutes, once."
	$(call say_what_is_downloaded,test)
	$(PIP) --editable ".[test]"
	@touch $(VENV)/.ready $@
