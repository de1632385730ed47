# The few commands people run. CI runs every test of these (.ci/run).

CARGO ?= cargo
NPM ?= npm
WEB := resources/web
TARGET := $(or $(CARGO_TARGET_DIR),target)
SCOPE := $(TARGET)/release/goggles-scope

.PHONY: help build demo demo-stop test test-nested test-games test-lab lint bench fuzz setup-build setup-check setup-test

help:
	@echo 'make demo         install what is missing, build, and start a program to be seen in a browser'
	@echo 'make demo-stop    end the demo'
	@echo 'make test         lint, and the tests that run anywhere'
	@echo 'make test-nested  the real binary with real programs and Chromium'
	@echo 'make test-games   large programs under it: Chromium, Wine, RetroArch, SuperTuxKart'
	@echo 'make test-lab     tests in kernels with devices: User Mode Linux, and an emulated machine'
	@echo 'make lint         formatting, clippy, TypeScript'
	@echo 'make bench        the figures: a table, and target/bench/*.json (ARGS="flip --size 720p" for a part)'
	@echo 'make fuzz         every decoder of the wire, for FUZZ_SECONDS each'

setup-build:
	@tools/setup.sh build

setup-check:
	@tools/setup.sh build run check

setup-test:
	@tools/setup.sh build run check test

build: setup-build
	$(CARGO) build --release --locked --bin goggles-scope

demo:
	@tools/setup.sh build run
	$(CARGO) build --release --locked --bin goggles-scope
	@tools/demo.sh start $(SCOPE)

demo-stop:
	@tools/demo.sh stop

# As build.rs does it, and with the stamp it looks for; needed only where a cached build didn't have to bundle the page.
NODE_MODULES := $(WEB)/node_modules/.made-from
$(NODE_MODULES): $(WEB)/package-lock.json | setup-build
	cd $(WEB) && $(NPM) ci --include=dev --ignore-scripts --no-audit --no-fund
	cp $< $@

lint: setup-check $(NODE_MODULES)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	cd $(WEB) && $(NPM) run lint

test: lint
	cd $(WEB) && $(NPM) test
	$(CARGO) test --locked -p goggles-scope -p goggles-protocols -p goggles-viewer --no-fail-fast
	$(CARGO) test --locked -p nested-tests --lib --bins
	tools/wlcs.sh
	@echo
	@echo 'Not run here:'
	@echo '  the real binary with real programs and Chromium: make test-nested'
	@echo '  large programs (Chromium, Wine, RetroArch, SuperTuxKart) under it: make test-games'
	@echo '  DMA-BUFs and timelines, which need a kernel with devices (the tests named as ignored above): make test-lab'
	@echo '  fuzzing of the decoders: make fuzz'
	@echo '  figures: make bench'

# What drives Chromium.
BROWSER := nested-tests/browser
BROWSER_MODULES := $(BROWSER)/node_modules/.made-from
$(BROWSER_MODULES): $(BROWSER)/package-lock.json | setup-build
	cd $(BROWSER) && $(NPM) ci --ignore-scripts --no-audit --no-fund
	cp $< $@

# One at a time: they share the machine's two cores with an encoder, a decoder and a browser.
test-nested: setup-test $(BROWSER_MODULES)
	$(CARGO) build --locked --workspace --bins
	$(CARGO) build --locked --example page
	cd $(BROWSER) && SERVER=$(abspath $(TARGET))/debug/examples/page $(NPM) test
	$(CARGO) test --locked -p nested-tests --tests --no-fail-fast -- --test-threads=1

# Large to fetch, so that they are not among the others.
test-games: setup-test
	@tools/setup.sh games
	$(CARGO) build --locked --workspace --bins
	$(CARGO) test --locked -p nested-tests --test games --no-fail-fast -- --ignored --test-threads=1

# Boots a kernel with devices.
VMTEST ?= ../shared/vmtest.sh
test-lab: setup-test
	VMTEST='$(VMTEST)' tools/lab.sh

bench: setup-test $(BROWSER_MODULES)
	$(CARGO) build --locked --release -p goggles-scope -p nested-tests --bins
	$(TARGET)/release/bench $(ARGS)

FUZZ_SECONDS ?= 30
fuzz: setup-build
	@tools/fuzz.sh $(FUZZ_SECONDS)
