# gantry. `make help` lists what there is.
GO       ?= go
BIN      ?= bin/gantry
PREFIX   ?= /usr/local
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
export CGO_ENABLED = 0

.PHONY: help build run deps lint test test-vm services bench pictures install clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -ts '	'

build: ## the static binary, bin/gantry
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) .

run: ## open the workbench
	$(GO) run .

deps: ## install what the tests need (Debian, root)
	testdata/deps

lint: ## gofmt, vet, staticcheck
	testdata/lint

test: deps lint ## everything: lint, all tests as root, the race detector, the cgroup v2 machine
	testdata/check

test-vm: ## the engine's tests in the cgroup v2 machine
	testdata/vm/engine-tests

services: build ## nginx, redis and PostgreSQL as containers (root, apt, an image of Debian)
	testdata/services/run

bench: build ## every budget beside its peers (installs the peers)
	testdata/bench/run

pictures: build ## the pictures of docs/, from the program itself (root)
	$(GO) run ./internal/pictures -gantry bin/gantry

install: build ## into PREFIX/bin
	install -Dm755 $(BIN) $(DESTDIR)$(PREFIX)/bin/gantry

clean: ## remove what was built
	rm -rf bin out
