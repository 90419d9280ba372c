# What people and CI run. `make demo` and `make test` do everything on a fresh machine, set-up included.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c

# Absolute, so that no cargo started from another folder takes target/ (a crate) for its output.
export CARGO_TARGET_DIR := $(CURDIR)/build
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/groundswell/tools
export PATH := $(TOOLS)/bin:$(PATH)
BINARY := $(CARGO_TARGET_DIR)/release/groundswell
export GROUNDSWELL_BIN := $(BINARY)
VENV := $(CARGO_TARGET_DIR)/venv
export GROUNDSWELL_PYTHON := $(VENV)/bin/python

CARGO_DENY := 0.20.2
CARGO_DEB := 3.8.0

.PHONY: help demo test build lint dashboard unit e2e faults simulate readme reference pictures package check-package soak bench bench-micro bench-peers kafka setup setup-test cargo-deny cargo-deb venv clean

help: ## lists the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup build ## a real test on this machine: embedded Kafka, orchestrator, two drivers, target
	scripts/demo

test: setup-test build lint unit e2e readme check-package ## everything that must hold

build: ## the binary, build/release/groundswell
	cargo build --release --locked -p groundswell

lint: cargo-deny dashboard ## format, clippy, rustdoc, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	cargo deny --locked check bans licenses sources
	@! grep -rn --include='*.rs' --exclude-dir=build '^ *//[/!] *```' . || { echo 'lint: code in a comment would be a test that `make unit` does not run' >&2; exit 1; }

# `cargo build` takes the committed dashboard/dist: it has to be what the sources make.
dashboard: ## the pages: types, lint, unit tests, size, and whether dashboard/dist is what they build
	cd dashboard && npm ci --silent && npm run --silent build && npm run --silent check
	@git add --intent-to-add dashboard/dist && git diff --exit-code --stat -- dashboard/dist || { echo 'dashboard/dist is not what its sources build: commit it' >&2; exit 1; }

# Without the tests in comments: there are none, and rustdoc would read every crate to find that out. `lint` holds it so.
unit: ## tests beside the code
	cargo test --workspace --exclude e2e --exclude bench --locked --lib --bins --tests

# Files whose tests count and wait, two at a time. All others are about times, cores, or what a node does alone: one at a time.
E2E_IN_PAIRS := abort classic classic_again classic_counts classic_ends classic_led pause plan_commands plan_try \
	redirects_and_splits secrets session_refusals sessions
E2E_ALONE := $(filter-out $(E2E_IN_PAIRS),$(basename $(notdir $(wildcard e2e/tests/*.rs))))

e2e: build kafka venv ## the real binaries, on the embedded broker and on Apache Kafka; a tiny run of the benchmark
	cargo test -p e2e -p bench --locked --bins --tests --no-run
	cargo test -p e2e -p bench --locked $(E2E_IN_PAIRS:%=--test %) -- --test-threads=2
	cargo test -p e2e -p bench --locked $(E2E_ALONE:%=--test %) --test quick --bins -- --test-threads=1

faults: build kafka ## nodes killed at random instants, the long form, and its tables; again: make faults FAULTS_SEED=...
	FAULTS_RUNS=$${FAULTS_RUNS:-100} cargo test -p e2e --locked --test faults_run -- --test-threads=1 --nocapture
	FAULTS_RUNS=$${FAULTS_RUNS:-60} cargo test -p e2e --locked --test faults_orchestrator -- --test-threads=1 --nocapture

simulate: ## how often a comparison of tests is wrong: the tables of docs/compare.md, ten minutes
	SIMULATED_PAIRS=200 cargo test -p orchestrator --locked --lib -- simulated recorded --nocapture

readme: build ## every command of the README and of docs/
	scripts/check-readme

reference: ## docs/cli.md, docs/rest.md and dashboard/openapi.json, written anew from the help and the OpenAPI document
	UPDATE_DOCS=1 cargo test -p groundswell -p orchestrator --locked --lib --bins reference

pictures: setup-test build ## docs/pictures/, taken anew of real tests on this machine; eleven minutes
	[ -d dashboard/node_modules ] || (cd dashboard && npm ci --silent)
	scripts/pictures

package: setup build cargo-deb ## build/debian/*.deb: the binary, units, man pages, completions; the symbols apart
	scripts/package $(BINARY) $(CARGO_TARGET_DIR)

check-package: setup-test package ## what the package holds, lintian, and an installation in a scratch root
	scripts/check-package $(CARGO_TARGET_DIR)/debian

soak: build ## ten minutes at 2,000/s; prints the memory of each node a minute
	scripts/soak

bench: build bench-peers ## side by side with the peers, an hour on a quiet machine: bench/RESULTS.md; flags in BENCH="..."
	cargo build --release --locked -p bench
	$(CARGO_TARGET_DIR)/release/bench run $(BENCH)

bench-micro: ## what a sample, a window and a tick cost
	cargo bench --locked -p bench

bench-peers: ## wrk, h2load, oha, vegeta, Goose and Locust, pinned, once a machine
	scripts/bench-peers $(TOOLS)

kafka: ## brings Apache Kafka for the tests into build/kafka
	scripts/kafka fetch

setup: ## system packages that the build needs; says what it installs
	scripts/setup build

setup-test: ## and those that the tests need
	scripts/setup test

cargo-deny: ## checks dependencies; compiled at its pinned version, once a machine
	scripts/install-tool cargo-deny $(CARGO_DENY) $(TOOLS)

cargo-deb: ## builds packages; likewise
	scripts/install-tool cargo-deb $(CARGO_DEB) $(TOOLS)

venv: ## Python for the fixtures: classic nodes, schemathesis
	scripts/venv $(VENV)

clean: ## what the build made
	rm -rf build
