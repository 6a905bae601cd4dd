# Needs make and Python 3.11 or newer with pip; every target that needs more sets itself up in $(VENV) first.
PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
TORCH  := $(shell sed -n '/^torch==/p' constraints.txt)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-matrix test-ray test-tpu test-xla cases lint types bench docs zipapp matrix mutate fuzz kill constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## make .venv and install into it the versions that were tested together

# torch comes alone and first: while pip tries its other versions it would fetch gigabytes of device libraries.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@echo "installing the tested versions into $(VENV): a few minutes, once"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet -c constraints.txt '$(TORCH)'
	@$(RUN) -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## the main job on a real model: resolve, preflight, train, score, validate
	@$(RUN) examples/demo.py

test: $(STAMP) ## all tests
	$(RUN) -m pytest

test-matrix: $(STAMP) ## the guard beside each transformers that Kaggle's images have had, 4.41 to the newest
	@$(RUN) scripts/run_matrix.py --environments $(VENV)-matrix

# Ray has 600 MB and is no part of $(VENV); all else that it needs is looked for there.
$(VENV)-ray/.installed: $(STAMP)
	@$(PYTHON) -m venv $(VENV)-ray
	@$(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)-ray/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tested.pth"
	@$(VENV)-ray/bin/python -m pip install --quiet 'ray[data]==2.60.0'
	@touch $@

test-ray: $(VENV)-ray/.installed ## arena score --engine ray, killed in the middle and gone on with, in an environment of its own
	PYTHONPATH=$(CURDIR) $(VENV)-ray/bin/python -m pytest -rP tests/scoring/test_ray_engine.py

# A TPU is simulated: torch_tpu over XLA's plugin for CPUs, which is of an unknown author and therefore pinned by its
# hash, for this test alone. Both are installed as they are: they would ask for a TPU's library and other versions.
$(VENV)-tpu/.installed: $(STAMP)
	@$(PYTHON) -m venv $(VENV)-tpu
	@$(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)-tpu/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tested.pth"
	@$(VENV)-tpu/bin/python -m pip install --quiet absl-py==2.5.1 portpicker==1.6.0 frozendict==2.5.1 immutabledict==4.3.1
	@$(VENV)-tpu/bin/python -m pip install --quiet --no-deps torch_tpu==0.2.0
	@echo 'xla-cpu-pjrt==0.0.1 --hash=sha256:55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc' > $(VENV)-tpu/plugin.txt
	@$(VENV)-tpu/bin/python -m pip install --quiet --no-deps -r $(VENV)-tpu/plugin.txt
	@touch $@

test-tpu: $(VENV)-tpu/.installed ## arena's training on a simulated TPU (torch_tpu), in an environment of its own
	TORCH_DEVICE_BACKEND_AUTOLOAD=0 PYTHONPATH=$(CURDIR) \
		$(VENV)-tpu/bin/python -m pytest -rP tests/training/test_placements_tpu.py

# torch_xla goes with one torch, which there is with CUDA only and which is not imported without its 4 GB of libraries.
$(VENV)-xla/.installed: $(STAMP)
	@$(PYTHON) -m venv $(VENV)-xla
	@$(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)-xla/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tested.pth"
	@$(VENV)-xla/bin/python -m pip install --quiet absl-py==2.5.1
	@$(VENV)-xla/bin/python -m pip install --quiet --no-deps torch==2.9.0 torch_xla==2.9.0
	@$(VENV)-xla/bin/python -c 'from importlib.metadata import requires; \
		print(*(each.split(";")[0] for each in requires("torch") if each.startswith("nvidia-")), sep="\n")' \
		> $(VENV)-xla/libraries.txt
	@$(VENV)-xla/bin/python -m pip install --quiet --no-deps -r $(VENV)-xla/libraries.txt
	@touch $@

test-xla: $(VENV)-xla/.installed ## the same on eight devices of torch_xla, simulated (downloads 4 GB)
	PYTHONPATH=$(CURDIR) $(VENV)-xla/bin/python -m pytest -rP tests/training/test_placements_xla.py

cases: $(STAMP) ## write the reports into the pages of tests/cases, then read the diff
	CASES=write $(RUN) -m pytest -q tests/test_cases.py -k report

lint: $(STAMP) ## ruff, every rule that pyproject.toml gives no reason against
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: $(STAMP) ## mypy --strict
	$(RUN) -m mypy

bench: $(STAMP) ## our figures beside the peers', as ratios of one run
	$(RUN) benchmarks/bench_resolver.py
	$(RUN) benchmarks/bench_integrity.py
	$(RUN) benchmarks/bench_scoring.py

docs: $(STAMP) ## write the pages of the rules and the report's schema from the code
	$(RUN) scripts/write_docs.py

zipapp: ## resolver.pyz, one file that needs nothing but Python
	$(PYTHON) scripts/build_zipapp.py resolver.pyz

fuzz: $(STAMP) ## hostile bytes, many more than `make test` tries: by chance, then guided by coverage
	FUZZ_EXAMPLES=10000 $(RUN) -m pytest $$(grep -rl FUZZ_EXAMPLES tests)
	$(RUN) fuzz/run.py --cases 100000

matrix: $(STAMP) ## every family x every damage: our verdict beside what the libraries do, as a table
	MATRIX=all $(RUN) -m pytest tests/proof/test_matrix.py

mutate: $(STAMP) ## damage at random places in every family: found, or proven harmless by loading
	MUTATE=all $(RUN) -m pytest tests/proof/test_mutation.py

kill: $(STAMP) ## kill -9 at random points, 50 times what writes and 100 times arena score: nothing is lost or half
	KILLS=50 $(RUN) -m pytest $$(grep -rl --include='test_*.py' KILLS tests | grep -v tests/scoring)
	KILLS=100 $(RUN) -m pytest -s tests/scoring/test_kill.py

constraints: $(STAMP) ## write constraints.txt from what is installed
	{ sed -n '/^#/p' constraints.txt; $(RUN) -m pip freeze --exclude-editable | sed 's/+.*//'; } > constraints.new
	mv constraints.new constraints.txt

clean: ## remove what was installed, built or cached
	rm -rf $(VENV) $(VENV)-matrix $(VENV)-ray $(VENV)-tpu $(VENV)-xla build dist *.egg-info resolver.pyz demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
