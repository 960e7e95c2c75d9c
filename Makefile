# What a developer types. Everything that needs PostgreSQL, Chromium or Node.js
# goes through .ci/testenv, which brings them up and tears them down.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Test runs at once: each brings its own server load, argon2 and browser.
TESTJOBS ?= 2
TESTARGS ?=
# Where "make pictures" puts the screenshots of the sign-in story.
PICTURES ?= artifacts/pictures

.PHONY: help build test lint vuln cross bench demo pictures fuzz clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## bin/kejitong, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/kejitong ./cmd/kejitong

test: lint ## lint, then all tests with the race detector on PostgreSQL, SQLite and Chromium
	GO=$(GO) TESTJOBS=$(TESTJOBS) .ci/testenv .ci/tests $(TESTARGS)

lint: ## gofmt, vet, staticcheck, errcheck
	.ci/lint

vuln: ## govulncheck, where its database can be reached
	.ci/vuln

cross: ## binaries for linux/amd64, arm64 and loong64
	VERSION=$(VERSION) .ci/cross

bench: ## every figure beside the machine's limits, on PostgreSQL and SQLite
	.ci/testenv $(GO) run ./cmd/bench $(BENCHARGS)

demo: ## the whole story on this machine: http://localhost:8080
	$(GO) run ./cmd/kejitong demo

pictures: ## screenshots of the stories and of every page, and from them the pictures of the manual
	mkdir -p $(PICTURES)/pages
	.ci/testenv $(GO) test -count=1 -timeout 30m -run 'Screens|ManualPictures$$' ./templates -screens $(abspath $(PICTURES))/pages -manual $(abspath templates/static/help)
	KEJITONG_TEST_PICTURES=$(abspath $(PICTURES)) .ci/testenv $(GO) test -count=1 -timeout 10m -run 'Pictures|Story' ./cmd/... ./provider/...

fuzz: ## every fuzz target for ten seconds
	.ci/fuzz

clean: ## what the other targets left
	rm -rf bin artifacts .tools
