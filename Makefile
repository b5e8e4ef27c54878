# What `swift format` covers.
SOURCES := $(wildcard Sources Tests Benchmarks) Package.swift

.PHONY: demo test build format lint setup

# Adapts the bundled model to an unheard accent, and prints what that changed.
demo:
	Scripts/demo

# Waiting workers sleep soon, as in the program: other work on the machine then costs little.
test: export GOMP_SPINCOUNT ?= 2000
test: setup
	swift build -c release --build-tests
	swift test -c release --skip-build

build: setup
	swift build -c release

format:
	swift format --in-place --recursive $(SOURCES)

lint:
	swift format lint --strict --recursive $(SOURCES)

# Installs the libraries; does nothing where they are present.
setup:
	Scripts/setup
