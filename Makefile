# The two commands of the README are `make demo` and `make test`; both do all their set-up themselves.
# All that they make lies in .cache, which `make clean` removes. Several checkouts can share the lab's
# programs: TRIMTAB_PROGRAMS=/some/folder make test

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

CACHE    := $(CURDIR)/.cache
BIN      := $(CACHE)/bin
PROGRAMS := go run -C test ./programs/cmd/programs
# A workspace or flags of the machine around the checkout are not ours.
export GOWORK := off
export GOFLAGS := -buildvcs=false
# What `trimtab version` says: the tag, or the commit. Give another with `make build VERSION=v1.2.3`.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: help
help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

.PHONY: demo
demo: go ## show the whole loop on a real control plane, until interrupted (ARGS=--once: then end)
	@$(PROGRAMS) own test ./cmd/demo
	@exec $(BIN)/demo $(ARGS)

.PHONY: test
test: go gcc format vet staticcheck unit lab ## run all tests: format, vet, staticcheck, unit with the race detector, arch, end to end

.PHONY: build
build: go ## build the binary: .cache/bin/trimtab
	@mkdir -p $(BIN)
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN)/trimtab ./cmd/trimtab

.PHONY: format
format:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:" $$unformatted >&2; exit 1; fi

.PHONY: vet
vet:
	@$(PROGRAMS) compile .
	@$(PROGRAMS) compile test
	@echo "== vet"
	@go vet ./...
	@go vet -C test ./...

.PHONY: staticcheck
staticcheck:
	@echo "== staticcheck"
	@$(PROGRAMS) lint
	@check=$$($(PROGRAMS) path staticcheck); $$check ./... && cd test && $$check ./...

.PHONY: lint
lint: go format vet staticcheck ## format, vet and staticcheck

.PHONY: unit
unit: go gcc ## unit tests with the race detector
	@CGO_ENABLED=1 $(PROGRAMS) compile . -race
	@echo "== unit tests, with the race detector"
	@CGO_ENABLED=1 go test -race -timeout 10m ./...

.PHONY: lab
lab: go ## tests on the real control plane: lab, arch, end to end
	@$(PROGRAMS) build
	@$(PROGRAMS) redis
	@echo "== architecture, lab and end-to-end tests"
	@go test -C test -count=1 -timeout 40m -p 1 ./...

.PHONY: conformance
conformance: go ## ask prometheus-adapter and trimtab the same (ARGS=-update: keep the original's answers)
	@$(PROGRAMS) build
	@go test -C test -count=1 -v -timeout 40m ./conformance $(ARGS)

.PHONY: bench
bench: go ## Go benchmarks of all parts, then trimtab beside prometheus-adapter on a real cluster (BENCH=regexp or BENCH=lab: only these; COUNT=n, ARGS=--adapter=trimtab); BENCH=cluster: all parts in a large cluster (ARGS="-nodes 100 -pods 3000"; ARGS=--peers: then the programs that trimtab replaces)
	@if [ "$(BENCH)" != lab ] && [ "$(BENCH)" != cluster ]; then \
	  go test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem -count $(or $(COUNT),1) ./...; \
	fi
	@if [ -z "$(BENCH)" ] || [ "$(BENCH)" = lab ]; then \
	  $(PROGRAMS) own test ./bench; \
	  $(BIN)/bench --json $(CACHE)/bench.json $(ARGS); \
	fi
	@if [ "$(BENCH)" = cluster ]; then \
	  $(PROGRAMS) own test ./bench/cluster; \
	  $(BIN)/cluster -json $(CACHE)/cluster.json -profiles $(CACHE)/profiles $(ARGS); \
	fi

.PHONY: fuzz
fuzz: go ## each fuzz target for a while (TIME=30s)
	@grep -rlE '^func Fuzz' --include='*_test.go' adapter scalers vpa clusterscaler internal cmd | while read -r file; do \
	  for target in $$(grep -oE '^func Fuzz[A-Za-z0-9_]+' $$file | cut -d' ' -f2); do \
	    echo "== $$target in $$(dirname $$file)"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(TIME),30s) ./$$(dirname $$file); \
	  done; \
	done
	@echo "== the simulator beside kube-scheduler"
	@go test -C test -count=1 -v -timeout 0 -run KubeScheduler ./scheduler -args -spend $(or $(TIME),30s) -seed $$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')000000

.PHONY: crds
crds: go ## make deploy/crds anew from the API types of the projects that own them
	@mkdir -p $(CACHE)/crds
	@# The int keys of a checkpoint's buckets are refused by the generator, which still writes the file.
	@go tool -C test/programs/crds controller-gen crd:maxDescLen=0,allowDangerousTypes=true \
	  paths=github.com/kedacore/keda/v2/apis/keda/v1alpha1 \
	  paths=k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1 \
	  output:crd:dir=$(CACHE)/crds || true
	@cp $(CACHE)/crds/keda.sh_{scaledobjects,triggerauthentications}.yaml deploy/crds/
	@cp $(CACHE)/crds/autoscaling.k8s.io_verticalpodautoscaler{s,checkpoints}.yaml deploy/crds/

.PHONY: protos
protos: go ## make the Go code of the protocol of clusterscaler/externalgrpc anew from its .proto file
	@go run -C test/programs/protos . $(CURDIR) clusterscaler/externalgrpc/protocol/externalgrpc.proto $(CURDIR)/clusterscaler/externalgrpc/protocol

.PHONY: clean
clean: ## remove what these commands made, and the processes they started
	@if command -v go >/dev/null; then $(PROGRAMS) clean; else rm -rf $(CACHE); fi

.PHONY: go
go:
	@command -v go >/dev/null || { echo "Go 1.26 is missing; get it from https://go.dev/dl/ and put its bin folder on the PATH" >&2; exit 1; }
	@go version | grep -qE 'go(1\.(2[6-9]|[3-9][0-9])|[2-9])' || { echo "Go 1.26 or newer is needed, this is: $$(go version); get it from https://go.dev/dl/" >&2; exit 1; }

# The race detector needs a C compiler.
.PHONY: gcc
gcc:
	@command -v gcc >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing gcc for Go's race detector ..."; \
	    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y gcc libc6-dev >/dev/null; \
	  else \
	    echo "gcc is missing, which Go's race detector needs; install it with: sudo apt-get install gcc libc6-dev" >&2; exit 1; \
	  fi; }
