# The door to Cairn. `make help` lists what there is; CMake presets do the work.
SHELL := /bin/bash
PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)

.PHONY: help build demo test test-fast bench perfcheck fuzz asan lint format install clean

help:
	@echo "make demo       install what is missing, build, train and answer on a drawn world, write build/demo/report.html"
	@echo "make build      build/cairn and build/cairn-train"
	@echo "make test       install what is missing, build, run all tests"
	@echo "make test-fast  the tests that take under a second each"
	@echo "make bench      Cairn and its peers side by side, into docs/benchmarks.md (BENCH=\"--quick embedding\": a part)"
	@echo "make perfcheck BASE=COMMIT   whether Cairn became slower since then, by instructions and times"
	@echo "make fuzz       each fuzz target for FUZZ_SECONDS (60)"
	@echo "make asan       all tests under the address and undefined-behaviour sanitizers"
	@echo "make lint       clang-format and clang-tidy"
	@echo "make install    into PREFIX (/usr/local)"

build: $(BUILD)/build.ninja
	cmake --build $(BUILD) --target cairn cairn-train
	@ln -sf $(PRESET)/cairn build/cairn && ln -sf $(PRESET)/cairn-train build/cairn-train

$(BUILD)/build.ninja: CMakePresets.json
	@scripts/setup.sh
	cmake --preset $(PRESET)

demo: build
	scripts/demo.sh build/demo

test:
	@scripts/setup.sh
	cmake --preset $(PRESET)
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

test-fast: $(BUILD)/build.ninja
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS) -L fast

# Which topics, and --quick: BENCH="--quick embedding=resnet50"
BENCH ?=
bench: build
	@scripts/setup.sh bench peers || echo "bench: peers that could not be installed are left out"
	cmake --build $(BUILD) --target embed_runner export_networks draw_embeddings search_peer_bench graph_peer_bench
	CAIRN_BUILD=$(abspath $(BUILD)) bench/run.sh $(BENCH)

perfcheck: build
	@[ -n "$(BASE)" ] || { echo "make perfcheck BASE=COMMIT" >&2; exit 2; }
	bench/perfcheck.sh $(BASE) $(BUILD)/cairn

FUZZ_SECONDS ?= 60
fuzz:
	@scripts/setup.sh runtime train test tools
	scripts/fuzz.sh $(FUZZ_SECONDS)

asan:
	@$(MAKE) --no-print-directory test PRESET=asan

lint:
	@scripts/setup.sh runtime train test tools
	scripts/lint.sh $(BUILD)

format:
	git ls-files '*.h' '*.cc' | xargs clang-format -i

PREFIX ?= /usr/local
install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build
