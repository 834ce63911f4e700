# make run   opens the editor on the sample portrait (without a display it renders a tour into out/)
# make test  lint, types, import contracts and tests
# make clean removes .venv and everything generated
# Another Python: make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.DELETE_ON_ERROR:
.PHONY: run test clean

run: $(VENV)/.ready
	$(BIN)/python main.py --sample

test: $(VENV)/.ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

clean:
	rm -rf $(VENV) out dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ICface Studio needs Python 3.11 or newer; \
	$(PYTHON) is %d.%d. Name another: make run PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(BIN)/python
	@echo "Installing ICface Studio and what it needs into $(VENV): some minutes, once."
	$(PIP) --editable .
	@touch $@

$(VENV)/.ready-to-test: pyproject.toml | $(BIN)/python
	@echo "Installing ICface Studio, what it needs and the tools that test it into $(VENV): some minutes, once."
	$(PIP) --editable ".[test]"
	@touch $(VENV)/.ready $@
