# Every task of the project. Each target does all the set-up it needs and says what it is doing;
# what is done already takes no time.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The interpreter to build for: the newest supported one found, or PYTHON=/path/to/python.
PYTHON ?=
# How long `make fuzz` looks for harm, each target.
SECONDS ?= 60
ARGS ?=
NEED_PYTHON := setup demo build test test-web test-long screenshots sanitize tsan fuzz lint fmt bench bench-replay \
	bench-web wheel
# The window is built where a node that can do it is found; WEB=no leaves it out.
WEB ?= $(shell node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' \
	2>/dev/null && command -v npm >/dev/null && echo yes || echo no)
WEB := $(WEB)

.PHONY: help test-all clean system lint-system browser web vsix $(NEED_PYTHON)

help: ## list the tasks
	@echo "make TARGET [PYTHON=/path/to/python3.13] [ARGS='what pytest or the benchmark gets']"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# A stamp gets the time at which its work began: what changed meanwhile is newer.
begin = @touch "$@.begun"; echo "==> $(1)"
end = @mv "$@.begun" "$@"

# ---- The window: web/dist, which the build embeds into ct ----

WINDOW := $(if $(filter yes,$(WEB)),$(if $(wildcard web/package.json),web/node_modules/.built))
WITHOUT := $(if $(WINDOW),, (without the window, which needs node 20 to be built))
WEB_SOURCES := $(shell find web -mindepth 1 -name node_modules -prune -o -name dist -prune -o -print)

web: web/node_modules/.built ## build the window into web/dist (needs node 20)

%/node_modules/.installed: %/package.json %/package-lock.json
	@echo "==> $(@D): what npm has for it"
	@cd $* && npm ci --loglevel=error --no-progress
	@touch $@

web/node_modules/.built: web/node_modules/.installed $(WEB_SOURCES)
	$(call begin,web/dist: build the window)
	@cd web && npm run --silent build -- --logLevel warn
	$(end)

# ---- The extension for VS Code, and the client that tests the debug adapter ----

CLIENT := $(if $(filter yes,$(WEB)),editors/vscode/node_modules/.installed)

vsix: ## pack the extension for VS Code into dist/
	@python3 tools/vsix.py

# ---- For one Python ----

ifneq ($(filter $(NEED_PYTHON),$(MAKECMDGOALS)),)
FOUND := $(shell PYTHON='$(PYTHON)' tools/find_python.sh 2>/dev/null | head -n 1)
endif

ifneq ($(FOUND),)

VERSION := $(firstword $(FOUND))
INTERPRETER := $(wordlist 2,99,$(FOUND))
VENV := .venv-$(VERSION)
BIN := $(VENV)/bin
UNIT := build/unit-$(VERSION)
ASAN_VENV := .venv-asan-$(VERSION)
ASAN_UNIT := build/unit-asan-$(VERSION)
TSAN_UNIT := build/unit-tsan-$(VERSION)
CHECK_VENV := .venv-self-check-$(VERSION)
BENCH_VENV := .venv-bench-$(VERSION)

# Folders are listed too: their time changes when a file goes away.
SOURCES := $(shell find src python meson.build meson.options pyproject.toml README.md LICENSE \
	tools/embed.py -not -path '*/__pycache__*') $(WINDOW)

# What the tests run can be made to fail; what users get cannot.
FAILURES := -Csetup-args=-Dinject_failures=true
WITH_WINDOW := -Csetup-args=-Dweb=$(if $(WINDOW),enabled,auto)
SANITIZE := b_sanitize=address,undefined b_lundef=false b_ndebug=false

system:
	@tools/system_packages.sh build

lint-system:
	@tools/system_packages.sh lint

.venv-%/.requirements: requirements-dev.txt | system
	@mkdir -p $(@D)
	$(call begin,$(@D): a virtual environment of Python $(VERSION) with the build and test tools)
	@$(INTERPRETER) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(end)

# A real install: an editable one has no `ct`, and would start a build inside recorded programs.
# Meson cannot set an option that is newer than its build folder.
install = @[ ! meson.options -nt $(1)/build.ninja ] || rm -rf $(1); \
	PATH="$(CURDIR)/$(@D)/bin:$$PATH" $(@D)/bin/pip install --quiet --disable-pip-version-check \
	--no-build-isolation --no-deps --force-reinstall -Cbuild-dir=$(1) $(2) .

$(VENV)/.installed: $(VENV)/.requirements $(SOURCES)
	$(call begin,$(@D): build and install the package$(WITHOUT))
	$(call install,build/wheel-$(VERSION),$(FAILURES))
	$(end)

$(ASAN_VENV)/.installed: $(ASAN_VENV)/.requirements $(SOURCES)
	$(call begin,$(@D): build and install the package with ASan and UBSan)
	$(call install,build/wheel-asan-$(VERSION),$(FAILURES) $(SANITIZE:%=-Csetup-args=-D%))
	$(end)

$(CHECK_VENV)/.installed: $(CHECK_VENV)/.requirements $(SOURCES)
	$(call begin,$(@D): build and install the package with the recorder's self-check)
	$(call install,build/wheel-self-check-$(VERSION),-Csetup-args=-Dself_check=true)
	$(end)

# What users get: no build that can be made to fail, and the layout of a wheel.
$(BENCH_VENV)/.installed: $(BENCH_VENV)/.requirements $(SOURCES) tools/wheel.sh $(wildcard tools/exercise.*)
	$(call begin,$(@D): build a wheel and install it)
	@rm -rf build/bench-$(VERSION)-wheel
	@tools/wheel.sh $(BENCH_VENV)/bin build/bench-$(VERSION) build/bench-$(VERSION)-wheel $(WITH_WINDOW)
	@$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
		build/bench-$(VERSION)-wheel/*.whl
	$(end)

$(UNIT)/build.ninja: | $(VENV)/.requirements
	@echo "==> $(@D): configure the C unit tests"
	@PATH="$(CURDIR)/$(BIN):$$PATH" meson setup $(@D) -Dtests=enabled >/dev/null

$(ASAN_UNIT)/build.ninja: | $(ASAN_VENV)/.requirements
	@echo "==> $(@D): configure the C unit tests with ASan and UBSan"
	@PATH="$(CURDIR)/$(ASAN_VENV)/bin:$$PATH" meson setup $(@D) -Dtests=enabled $(SANITIZE:%=-D%) >/dev/null

$(TSAN_UNIT)/build.ninja: | $(VENV)/.requirements
	@echo "==> $(@D): configure the C unit tests with TSan"
	@PATH="$(CURDIR)/$(BIN):$$PATH" meson setup $(@D) -Dtests=enabled -Dweb=disabled \
		-Db_sanitize=thread -Db_lundef=false >/dev/null

# An offset of 0 from no memory is harmless, and said to be so by the next C.
build/fuzz/build.ninja: | $(VENV)/.requirements
	@tools/system_packages.sh fuzz
	@echo "==> $(@D): configure the fuzz targets"
	@PATH="$(CURDIR)/$(BIN):$$PATH" CC=clang-14 meson setup $(@D) -Dfuzz=true -Dtests=enabled \
		-Dweb=disabled -Db_sanitize=address,undefined -Db_lundef=false \
		'-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize=pointer-overflow' >/dev/null

setup: $(VENV)/.requirements ## system packages and a virtual environment

build: $(VENV)/.installed ## build the package and install it into the virtual environment
	@echo "$(BIN)/ct and $(BIN)/codetracer-python-recorder are up to date"

demo: $(VENV)/.installed ## record an example program and print what was recorded
	@tools/demo.sh $(BIN)

test: $(VENV)/.installed $(UNIT)/build.ninja $(CLIENT) ## C unit tests and the Python suite, for one Python
	@$(BIN)/python tests/run $(UNIT) $(ARGS)

# The browser's driver keeps an event loop in the main thread: a run of its own.
test-web: $(VENV)/.installed $(WINDOW) | browser ## tests of the window, in a browser
	@$(BIN)/python tests/run --web $(UNIT) $(ARGS)

screenshots: $(VENV)/.installed $(WINDOW) | browser ## pictures of the window, for the documents and to look at
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/web/screenshots.py $(ARGS)

browser:
	@tools/system_packages.sh browser

# The C campaigns feed the reader what is broken: with ASan and UBSan.
test-long: $(VENV)/.installed $(CHECK_VENV)/.installed $(ASAN_UNIT)/build.ninja ## only the campaigns that take minutes
	@$(BIN)/python tests/run --long $(ASAN_UNIT) $(ARGS)

sanitize: $(ASAN_VENV)/.installed $(ASAN_UNIT)/build.ninja $(CLIENT) ## the tests under ASan and UBSan
	@$(ASAN_VENV)/bin/python tests/run --sanitized $(ASAN_UNIT) $(ARGS)

# Of the Python tests those whose engine is the probe, which is built with TSan too. One Python is
# enough: what has threads does not know it.
tsan: $(VENV)/.installed $(TSAN_UNIT)/build.ninja ## the C tests and those of the engine under TSan
	@$(BIN)/python tests/run --threads $(TSAN_UNIT) $(ARGS)

# Not for each Python: what reads bytes does not know it.
fuzz: build/fuzz/build.ninja ## libFuzzer for what reads hostile bytes (SECONDS=60 each)
	@PATH="$(CURDIR)/$(BIN):$$PATH" ninja -C build/fuzz --quiet \
		$(patsubst tests/fuzz/%.c,tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
	@tests/fuzz/run build/fuzz $(SECONDS)

bench: $(BENCH_VENV)/.installed ## measure speed and size of the wheel
	@$(BENCH_VENV)/bin/python bench/run.py $(ARGS)
	@$(BENCH_VENV)/bin/python bench/filters.py --out target/perf/filters.json
	@CODETRACER_TRACE_FILTER_PERF=1 $(BENCH_VENV)/bin/python -m pytest -q -p no:cacheprovider tests/python/perf

bench-replay: $(VENV)/.installed ## measure the debug adapter on up to 100 million steps
	@$(BIN)/python bench/replay.py --ct $(BIN)/ct $(ARGS)

bench-web: $(VENV)/.installed $(WINDOW) | browser ## measure the window
	@$(BIN)/python bench/web.py $(ARGS)

wheel: $(VENV)/.requirements $(WINDOW) ## build a wheel into dist/, laid out by what programs make it do
	@tools/wheel.sh $(BIN) build/dist-$(VERSION) dist $(WITH_WINDOW)
	@ls dist/*.whl

lint: $(VENV)/.installed $(UNIT)/build.ninja | lint-system ## format, static checks, layers, lists, types
	@tools/lint.sh $(BIN) $(UNIT)

fmt: $(VENV)/.requirements ## format the sources and bring the build's lists of them up to date
	@$(BIN)/python tools/source_lists.py
	@$(BIN)/clang-format -i $(wildcard src/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch])
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

else

# No supported Python: the system's archive may have one; else the finder's advice is the answer.
$(NEED_PYTHON):
	@[ -n '$(PYTHON)' ] || tools/system_packages.sh python || true
	@PYTHON='$(PYTHON)' tools/find_python.sh >/dev/null
	@$(MAKE) $@

endif

test-all: ## everything, on every Python found: tests, sanitizers, long campaigns, the window
	@.ci/run test sanitize test-long test-web
	@$(MAKE) tsan
	@$(MAKE) fuzz

clean: ## remove whatever make made
	rm -rf build dist web/dist web/node_modules editors/vscode/node_modules .venv-* .mesonpy-* .pytest_cache .mypy_cache .ruff_cache .hypothesis
