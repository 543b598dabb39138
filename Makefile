# `make run` starts PhotoVault on this computer, `make test` checks everything. Both install what they need first.

PYTHON ?= python3.11
FOLDER := .photovault
ENVS := $(FOLDER)/envs
BIN := .venv/bin

# An environment is up to date when it holds a stamp named after the hash of what it was made from.
hash = $(shell cat $(1) 2>/dev/null | (sha256sum 2>/dev/null || shasum -a 256) | cut -c1-16)
VENV_LOCKS := infra/uv/requirements.txt layers/dev.txt pyproject.toml
VENV := .venv/.installed-$(call hash,$(VENV_LOCKS))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- Installing ------------------------------------------------------------------------------------------------------

.PHONY: install
install: venv localstack sam clients places ## Everything from locked, hashed requirements; does nothing when it is there

.PHONY: venv
venv: $(VENV)

$(VENV):
	@command -v $(PYTHON) >/dev/null || { echo "PhotoVault needs Python 3.11: install it, or name it with PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r infra/uv/requirements.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode infra/uv/requirements.txt layers/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation --editable .
	@rm -f .venv/.installed-*
	@touch $@

# A tool whose pins conflict with the project's has an environment of its own, .photovault/envs/<name>, made from
# infra/<name>/requirements.txt. A pyproject.toml beside it is installed into it, in place.
define environment
$(1)_STAMP := $(ENVS)/$(1)/.installed-$$(call hash,infra/$(1)/requirements.txt infra/$(1)/pyproject.toml)
.PHONY: $(1)
$(1): $$($(1)_STAMP)
$$($(1)_STAMP): | $(VENV)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(ENVS)/$(1)
	$(BIN)/uv pip sync --quiet --python $(ENVS)/$(1)/bin/python --require-hashes $(if $(filter localstack,$(1)),--compile-bytecode) infra/$(1)/requirements.txt
	test ! -f infra/$(1)/pyproject.toml || \
	  $(BIN)/uv pip install --quiet --python $(ENVS)/$(1)/bin/python --offline --no-deps --no-build-isolation --editable infra/$(1)
	@touch $$@
endef
$(foreach name,localstack sam clients,$(eval $(call environment,$(name))))

# ---- The gallery -----------------------------------------------------------------------------------------------------

# It is made with Node and served without. Where there is none, everything else is made all the same.
WEB := web
GALLERY_FOLDER := shared/photovault/web/gallery
GALLERY_FILES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -name '*.test.*' -not -name openapi.json -not -name schema.d.ts | LC_ALL=C sort)
GALLERY := $(GALLERY_FOLDER)/.built-$(call hash,$(GALLERY_FILES))
MODULES := $(WEB)/node_modules/.installed-$(call hash,$(WEB)/package.json $(WEB)/package-lock.json)
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); console.log(a > 20 || (a == 20 && b >= 19) ? "yes" : "")' 2>/dev/null)
ifeq ($(shell command -v npm),)
NODE :=
endif

ifeq ($(NODE),yes)
.PHONY: gallery
gallery: $(GALLERY) ## Builds the web gallery, which the API serves at /

$(GALLERY): $(MODULES)
	cd $(WEB) && npm run --silent build -- --logLevel warn
	@touch $@

$(MODULES):
	cd $(WEB) && npm ci --silent --prefer-offline --no-audit --no-fund
	@touch $@

# The gallery's types are made from what the API says of itself, so that neither can be changed without the other.
.PHONY: gallery-types
gallery-types: $(MODULES) venv
	@$(BIN)/python -m infra.gallery.describe $(WEB)/openapi.json
	@test $(WEB)/src/lib/schema.d.ts -nt $(WEB)/openapi.json || (cd $(WEB) && npm run --silent types >/dev/null)

.PHONY: test-gallery
test-gallery: gallery-types ## The gallery's style, types and the tests of its modules
	cd $(WEB) && npm run --silent lint && npm run --silent check && npm test --silent -- --silent --reporter dot

# Without the package registry the vault still runs.
.PHONY: gallery-if-possible
gallery-if-possible:
	@$(MAKE) --silent gallery || echo "The gallery was not built, so / says so; everything else runs."
else
.PHONY: gallery gallery-types test-gallery gallery-if-possible
gallery gallery-types test-gallery gallery-if-possible:
	@echo "The web gallery needs Node 20.19 or later with npm, which is not here; everything else runs."
endif

# ---- Running ---------------------------------------------------------------------------------------------------------

.PHONY: run
run: venv localstack places gallery-if-possible ## Postgres, LocalStack with the deployed template, the API at http://127.0.0.1:8999
	@exec $(BIN)/python -m infra.local

.PHONY: demo
demo: venv places ## Fills an account with pictures that are drawn on the spot; needs `make run` beside it
	@exec $(BIN)/python -m infra.local.demo

.PHONY: screenshots
screenshots: venv ## Pictures of the gallery for the documents; after `make demo`, needs Chromium
	@exec $(BIN)/python -m infra.gallery.screenshots

# ---- Checking --------------------------------------------------------------------------------------------------------

.PHONY: test
test: install lint types gallery test-gallery ## Style, types, all tests, the template's among them
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not slow" --ignore tests/benchmarks

.PHONY: lint
lint: venv
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

.PHONY: types
types: venv
	$(BIN)/mypy

.PHONY: format
format: venv ## Formats the code and mends what can be mended
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

BENCH ?= $(patsubst tests/benchmarks/bench_%.py,%,$(sort $(wildcard tests/benchmarks/bench_*.py)))

.PHONY: bench
bench: install ## The benchmarks: ratios measured in one run; BENCH="imports vision" for some of them
	@for name in $(BENCH); do echo "== $$name"; $(BIN)/python -m tests.benchmarks.bench_$$name || exit; done

# ---- The template and its packages -----------------------------------------------------------------------------------

SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$(or $(AWS_DEFAULT_REGION),eu-central-1) PATH="$(CURDIR)/$(BIN):$$PATH" $(ENVS)/sam/bin/sam
PLACES := shared/photovault/data/places.bin

.PHONY: lint-template
lint-template: sam ## sam validate --lint and cfn-lint over the templates
	$(ENVS)/sam/bin/cfn-lint template.yaml infra/database.yaml
	$(SAM) validate --lint >/dev/null

.PHONY: places
places: $(PLACES) ## The table of places, which the library brings along
run test bench: places

$(PLACES): infra/places/build.py shared/photovault/places.py layers/dev.txt | $(VENV)
	$(BIN)/python -m infra.places.build $@

.PHONY: build
build: sam places gallery ## What `sam deploy` uploads: arm64 layers and functions, without containers
	$(SAM) build

.PHONY: sizes
sizes: places gallery ## Builds the arm64 packages and prints what each function weighs
	$(BIN)/python -m infra.packaging.build --arch arm64 --out $(FOLDER)/packages/arm64

# ---- Keeping ---------------------------------------------------------------------------------------------------------

# What a layer leaves to the runtime: boto3 and all that comes with it.
RUNTIME := boto3 botocore s3transfer jmespath python-dateutil six urllib3
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 $(UPGRADE)
LAYERS := api vision embedding search albums

.PHONY: compile
compile: venv ## Locks all requirements again; with UPGRADE=--upgrade, to the newest versions
	$(COMPILE) pyproject.toml --all-extras -o layers/dev.txt
	$(COMPILE) infra/uv/requirements.in -c layers/dev.txt -o infra/uv/requirements.txt
	for layer in $(LAYERS); do \
	  $(COMPILE) pyproject.toml --extra $$layer \
	    -c layers/dev.txt --no-annotate \
	    $(addprefix --no-emit-package ,$(RUNTIME)) -o layers/$$layer.txt || exit; \
	done
	for tool in localstack sam clients; do \
	  $(COMPILE) infra/$$tool/requirements.in -o infra/$$tool/requirements.txt || exit; \
	done

.PHONY: clean
clean: ## Removes environments, caches, logs and scratch; photos, database and secrets stay
	rm -rf $(WEB)/node_modules $(GALLERY_FOLDER)
	rm -rf .venv $(ENVS) $(FOLDER)/localstack $(FOLDER)/layers $(FOLDER)/logs .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
