# What `swift format` covers.
SOURCES := $(wildcard Sources Tests Benchmarks) Package.swift

.PHONY: demo test build format lint setup

# Adapts the bundled model to an unheard accent, and prints what that changed.
demo:
	Scripts/demo

# Workers that spin for milliseconds slow the tests tenfold on a busy machine.
test: setup
	swift build -c release --build-tests
	GOMP_SPINCOUNT=2000 swift test -c release --skip-build

build: setup
	swift build -c release

format:
	swift format --in-place --recursive $(SOURCES)

lint:
	swift format lint --strict --recursive $(SOURCES)

# Installs the libraries; does nothing where they are present.
setup:
	Scripts/setup
