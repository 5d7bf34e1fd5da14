# What a person does with this tree. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
# Where Cargo puts programs: a target directory set from outside is respected.
TARGET := $(or $(CARGO_TARGET_DIR),target)/debug
# All that running things leaves behind; ignored by git.
BUILD := build
CHART := charts/devolutions-migration-operator
# Plain for kubectl, and for the chart.
CRD_FOLDERS := crds $(CHART)/files/crds
# The image, as the chart expects it unless it is told another; what builds it; and where its Rust comes from (empty: as the Dockerfile says).
IMAGE ?= localhost/devolutions-migration-operator:$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n1)
BUILDER ?= docker podman buildah
RUST_IMAGE ?=
# The world of the sandbox alone, as `sandbox serve` has it: provisioning is enabled, so that SCIM can be tried.
WORLD ?= --provisioning

##@ Demo

.PHONY: demo
demo: build ## Move two sandbox tenants to a new application, bring everybody across and replace groups, on a real cluster; leaves it running
	@$(TARGET)/testbed demo up --dir $(BUILD)/demo

.PHONY: demo-env
demo-env: ## Print exports for a shell that works with the demo: eval "$(make -s demo-env)"
	@if [ ! -x $(TARGET)/testbed ]; then echo "error: no demo runs: start one with \`make demo\`" >&2; exit 1; fi
	@$(TARGET)/testbed demo env --dir $(BUILD)/demo

.PHONY: demo-down
demo-down: ## End the demo: cluster, sandbox and operator
	@if [ -x $(TARGET)/testbed ]; then $(TARGET)/testbed demo down --dir $(BUILD)/demo; fi

##@ Everyday

.PHONY: help
help: ## List what can be made
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build everything
	$(CARGO) build --workspace

.PHONY: test
test: build ## Run all tests (the first time, the cluster for them is built too: some 8 minutes)
# First and by itself: its progress would be lost among the tests'.
	@$(TARGET)/testbed cluster build >/dev/null
	$(CARGO) test --workspace --no-fail-fast

.PHONY: lint
lint: check-generated chart ## Check format, lints, shell scripts, the chart, and that generated files are up to date
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@scripts="$$(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)"; \
	if [ -z "$$scripts" ]; then exit 0; fi; \
	if ! command -v shellcheck >/dev/null; then \
	  echo "error: shellcheck is needed to check shell scripts (Debian: apt install shellcheck)" >&2; exit 1; \
	fi; \
	echo "shellcheck $$scripts"; shellcheck $$scripts

.PHONY: generate
generate: ## Write the generated files: crds/, and the same in the chart
	@for folder in $(CRD_FOLDERS); do $(CARGO) run -q --bin operator -- crds --out "$$folder"; done

.PHONY: check-generated
check-generated:
	@rm -rf $(BUILD)/generated
	@mkdir -p $(BUILD)/generated/crds
	$(CARGO) run -q --bin operator -- crds --out $(BUILD)/generated/crds
	@for folder in $(CRD_FOLDERS); do diff -ru "$$folder" $(BUILD)/generated/crds || \
	  { echo "error: $$folder is not what the sources generate: run \`make generate\`" >&2; exit 1; }; done

.PHONY: chart
chart: ## Check the Helm chart with each of its values files in ci/ (needs the cluster's helm, which is built the first time)
	@$(CARGO) build -q -p testbed
	@for values in $(CHART)/ci/*-values.yaml; do \
	  echo "helm lint, helm template: $$values"; \
	  $(TARGET)/testbed helm lint --strict --quiet $(CHART) --values "$$values"; \
	  $(TARGET)/testbed helm template release $(CHART) --namespace release --values "$$values" >/dev/null; \
	done

.PHONY: clean
clean: demo-down ## Remove all that was built in this tree; ends the demo and the cluster
	@if [ -x $(TARGET)/testbed ]; then $(TARGET)/testbed cluster down --dir $(BUILD)/cluster; fi
	$(CARGO) clean
	rm -rf $(BUILD)

##@ Parts on their own

.PHONY: cluster
cluster: ## Start a Kubernetes control plane in the background (the first time it is built)
	@$(CARGO) build -q -p testbed
	@$(TARGET)/testbed cluster up --dir $(BUILD)/cluster

.PHONY: cluster-down
cluster-down: ## End that cluster
	@$(CARGO) build -q -p testbed
	@$(TARGET)/testbed cluster down --dir $(BUILD)/cluster

.PHONY: sandbox
sandbox: ## Run the sandbox alone until Ctrl-C; exports for a shell go to build/sandbox/env; WORLD=… for another world
	@$(CARGO) build -q -p sandbox
	@mkdir -p $(BUILD)/sandbox
	@echo "In another shell, once it serves: source $(BUILD)/sandbox/env"
	@exec $(TARGET)/sandbox serve $(WORLD) --dir $(BUILD)/sandbox --env-file $(BUILD)/sandbox/env

##@ Image

.PHONY: image
image: ## Build the operator's image with docker, podman or buildah; IMAGE=name:tag names it
	@for builder in $(BUILDER); do \
	  if $$builder version >/dev/null 2>&1; then \
	    set -x; exec $$builder build $(if $(RUST_IMAGE),--build-arg RUST_IMAGE=$(RUST_IMAGE)) --tag $(IMAGE) .; \
	  fi; \
	done; \
	echo "error: building an image needs one of these at work: $(BUILDER)" >&2; exit 1

.PHONY: image-check
image-check: ## Build the image with buildah, look into it, and run the operator out of it
	@tests/image/check.sh $(IMAGE)
