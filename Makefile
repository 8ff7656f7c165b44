# SPDX-License-Identifier: Apache-2.0
# Every chore of the project; `make` alone lists them.

PYTHON ?= python3
SWIFT ?= $(or $(shell command -v swift 2>/dev/null),/usr/bin/swift)
export SWIFT
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The wheel is built from the folder that `swift build` uses, so that nothing is compiled twice.
export PYACLMDL_BUILD_PATH := $(CURDIR)/.build

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
RELEASE := $(SWIFT) build -c release -Xswiftc -static-stdlib --scratch-path .build
SANITIZE_PATH := .build-sanitize
FUZZ_PATH := .build-fuzz
FUZZ_TARGET ?= model onnx aipp json jpeg
FUZZ_SECONDS ?= 60

SOURCES := $(shell find Sources python scripts -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -not -name '*.so' 2>/dev/null) \
	Package.swift setup.cfg setup.py pyproject.toml
SWIFT_FILES = $(shell git ls-files '*.swift' | grep -v '\.pb\.swift$$')
C_FILES = $(shell git ls-files '*.c' '*.h')

# Before any step: what was built elsewhere cannot be used here. `make clean` mends it, and the list needs nothing.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),help)),)
ifneq ($(shell bash scripts/check-place.sh && echo fine),fine)
$(error the checkout was moved)
endif
endif

say = @printf '==> %s\n'

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-swift test-python bench format lint reference wheel sanitize fuzz clean

help: ## list the chores
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/installed ## build everything and install it into .venv

demo: $(STAMPS)/demo $(STAMPS)/installed ## read a page with three models loaded from memory
	@$(BIN)/python examples/read_page.py

test: test-swift test-python ## run all tests

test-swift: $(STAMPS)/build ## run the Swift tests only
	$(say) "Swift tests (the first debug build takes a few minutes)"
	@$(SWIFT) test --scratch-path .build

test-python: $(STAMPS)/demo $(STAMPS)/test $(STAMPS)/installed ## run the Python tests only
	$(say) "Python tests"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest Tests/Python Tests/CABI $(PYTEST_OPTIONS)

bench: $(STAMPS)/bench $(STAMPS)/installed ## compare with ONNX Runtime and OpenVINO (BENCH_OPTIONS="--quick")
	@$(BIN)/python Benchmarks/bench.py $(BENCH_OPTIONS)

format: $(STAMPS)/lint ## format Swift, C and Python
	@$(SWIFT) format format --in-place --parallel $(SWIFT_FILES)
	@$(BIN)/clang-format -i $(C_FILES)
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

lint: $(STAMPS)/lint ## check formatting and lint Swift, C, Python and shell
	$(say) "swift-format"
	@$(SWIFT) format lint --strict --parallel $(SWIFT_FILES)
	$(say) "clang-format"
	@$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(say) "ruff"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@bash -n .ci/run scripts/*.sh Fuzz/run.sh

reference: ## write the reference of the Python functions into docs/reference
	@$(PYTHON) scripts/generate_reference.py
	@ls docs/reference

wheel: $(STAMPS)/packed ## build the wheel into dist/
	@ls -l dist/*.whl

sanitize: $(STAMPS)/test $(STAMPS)/installed ## run the Swift tests and random calls under two sanitizers
	@$(MAKE) --no-print-directory sanitize-address sanitize-thread

# The stress makes 8 x 10,000 calls with each seed and looks for leaks. The Swift tests do not: what Swift keeps in globals
# under tagged pointers, such as long strings, counts as leaked.
sanitize-%:
	$(say) "Swift tests under the $* sanitizer"
	@ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/Stress/thread.supp" \
		$(SWIFT) test --sanitize=$* --scratch-path $(SANITIZE_PATH)-$*
	$(say) "Random calls under the $* sanitizer"
	@$(BIN)/python Tests/Stress/run.py $* $(SANITIZE_PATH)-$*/debug

# Optimized, as each file is one of millions, and with coverage for libFuzzer. gold cannot link that.
fuzz: $(STAMPS)/seeds ## feed damaged files to what reads them (FUZZ_TARGET="model onnx aipp json jpeg" FUZZ_SECONDS=60)
	$(say) "The fuzzing program (the first build takes many minutes)"
	@$(SWIFT) build --package-path Fuzz --scratch-path $(FUZZ_PATH) --sanitize=address \
		-Xswiftc -O -Xswiftc -sanitize=fuzzer -Xswiftc -use-ld=lld
	@set -e; for target in $(FUZZ_TARGET); do \
		printf '==> %s\n' "$$target for $(FUZZ_SECONDS) seconds"; \
		bash Fuzz/run.sh $(CURDIR)/$(FUZZ_PATH) $$target $(FUZZ_SECONDS) $(FUZZ_OPTIONS); done

clean: ## remove everything that was built, downloaded or installed here
	rm -rf .build $(SANITIZE_PATH)-* $(FUZZ_PATH) .venv .cache build dist python/*.egg-info

# The steps behind `make setup`. A stamp is made when its step has succeeded.

$(STAMPS)/venv:
	@bash scripts/system-packages.sh $(PYTHON) $(SWIFT)
	$(say) "Virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && pwd -P > $(STAMPS)/place && touch $@

# Each requirements file holds every package it needs, the indirect ones too.
$(STAMPS)/build $(STAMPS)/wheel $(STAMPS)/demo $(STAMPS)/test $(STAMPS)/bench $(STAMPS)/lint: $(STAMPS)/%: requirements/%.txt $(STAMPS)/venv
	$(say) "PyPI packages: $<"
	@bash scripts/pip-install.sh $(BIN)/python $<
	@touch $@

$(STAMPS)/release: $(STAMPS)/build $(SOURCES)
	$(say) "Release build (a few minutes the first time)"
	@$(RELEASE) --product ascendcl || { test -d .build/checkouts/swift-protobuf || \
		echo "Swift could not fetch swift-protobuf from github.com: connect to the network and run make again." >&2; exit 1; }
	@$(RELEASE) --product atc
	@touch $@

$(STAMPS)/seeds: $(STAMPS)/demo $(STAMPS)/test $(STAMPS)/installed Fuzz/seeds.py
	$(say) "Seeds"
	@rm -rf $(FUZZ_PATH)/seeds
	@$(BIN)/python Fuzz/seeds.py $(FUZZ_PATH)/seeds .build/release/atc
	@touch $@

$(STAMPS)/packed: $(STAMPS)/release $(STAMPS)/wheel
	$(say) "Wheel into dist"
	@rm -rf build/wheel dist/pyaclmdl-*.whl
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel .
	@$(BIN)/python scripts/repair_wheel.py build/wheel/pyaclmdl-*.whl dist >/dev/null
	@touch $@

# What is tested is the wheel that others get.
$(STAMPS)/installed: $(STAMPS)/packed
	$(say) "Wheel into $(VENV)"
	@$(BIN)/python -m pip install --quiet --no-deps --no-index --force-reinstall dist/pyaclmdl-*.whl
	@$(BIN)/python -c 'import acl'
	@touch $@
