"""One contract for every generator the registry finds, and one for every sampler.

A new file in models/ is held to all of this without being listed anywhere; forgetting its recipe fails
`test_recipe_loads[NAME]` and nothing else.
"""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tiny_pipeline import settings, usable

from gensynth.cli.arguments import function_of, parser_of
from gensynth.data.labeled import LabeledData
from gensynth.generator.base import Batch, Generator
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.generator.registry import generator_names, get_generator
from gensynth.kinds.image.generator.source import SourceGenerator
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

GENERATORS = usable(generator_names("image"))
RECIPES = Path(__file__).parent.parent / "configs"
QUICK = TrainConfig(steps=2, batch_size=8, precision="32-true", accelerator="cpu")


class Killed(Exception):
    """Ends a training run in the middle of a step."""


def built(name: str, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> Generator:
    # One that is trained for a target knows it first, then the classes it is made from.
    classes = ("1", "7", "8") if get_generator(name, "image").conditional else ("8", "1", "7")
    return build(name, settings(name), shape, classes, seed)


def trained(name: str, data: LabeledData, folder: Path, config: TrainConfig = QUICK) -> Path:
    cls = get_generator(name, "image")
    scope: dict[str, Any] = {} if cls.conditional else {"label": "8", "source": ("1", "7")}
    return train(data, name, settings(name), config, folder / f"{name}.ckpt", quiet=True, **scope)


DATA = {"image": ["builtin:digits"], "table": ["builtin:adult"], "text": ["spam.csv", "--text=body"]}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("image", n) for n in GENERATORS] + [(k, n) for k in ("table", "text") for n in generator_names(k)],
)
def test_recipe_loads(kind: str, name: str) -> None:
    recipe = RECIPES / f"{name}.yaml"
    assert recipe.exists(), f"models/{name}.py needs the recipe configs/{name}.yaml"
    argv = [name, "--data", *DATA[kind], "--config", str(recipe)]
    parser, _ = parser_of(function_of("train", argv), "train", argv)
    parser.parse_args(argv)
    assert recipe.read_text().startswith("# gensynth "), "a recipe starts with the command that runs it"
    assert yaml.safe_load(recipe.read_text()).get("generator", name) == name


@pytest.mark.parametrize("name", GENERATORS)
class TestGenerator:
    def test_documents_itself(self, name: str) -> None:
        cls = get_generator(name, "image")
        assert dataclasses.is_dataclass(cls.Config)
        module = inspect.getmodule(cls)
        assert module is not None and any(year in (module.__doc__ or "") for year in map(str, range(2012, 2030))), (
            "the module docstring cites the paper"
        )

    @pytest.mark.parametrize("shape", [(1, 8, 8), (3, 10, 13), (1, 28, 28), (3, 32, 24)])
    def test_shapes_and_range(self, name: str, shape: tuple[int, int, int]) -> None:
        model = built(name, shape)
        x = torch.randint(0, 256, (9, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        model.remember(iter([(x, torch.arange(9) % 3, tuple(f"{i}.png" for i in range(9)))]))
        drawn = model.sample("7", np.array([0, 40, 1]), seed=1, draw=model.draws[-1])
        assert drawn.x.shape == (3, *shape)
        assert drawn.x[:].dtype == torch.uint8
        assert len(drawn.parents) == 3

    def test_two_steps_change_all_networks_and_stay_finite(self, name: str, tiny: LabeledData, tmp_path: Path) -> None:
        before = built(name).state_dict()
        checkpoint = load_checkpoint(trained(name, tiny, tmp_path))
        after = checkpoint.model.state_dict()
        parameters = {n for n, _ in checkpoint.model.named_parameters()}
        children = {n.split(".")[0] for n in parameters}
        for child in children:
            mine = [n for n in parameters if n.split(".")[0] == child]
            assert any(not torch.equal(before[n], after[n]) for n in mine), f"{child} did not learn"
        assert all(torch.isfinite(after[n]).all() for n in parameters)
        assert checkpoint.history["step"] and all(
            n == "step" or n.startswith(("train/", "val/")) for n in checkpoint.history
        )

    def test_honours_the_label_and_the_seed(self, name: str, tiny: LabeledData, tmp_path: Path) -> None:
        model = load_checkpoint(trained(name, tiny, tmp_path)).model
        index = np.arange(8)
        for draw in model.draws:
            first = model.sample("7", index, 3, draw).x
            assert torch.equal(first, model.sample("7", index, 3, draw).x[:])
            assert not torch.equal(first, model.sample("7", index, 4, draw).x[:])
            assert not torch.equal(first, model.sample("8", index, 3, draw).x[:])

    def test_saves_and_loads(self, name: str, tiny: LabeledData, tmp_path: Path) -> None:
        path = trained(name, tiny, tmp_path)
        one, two = load_checkpoint(path), load_checkpoint(path)
        assert one.sha256 == two.sha256 and one.model.config == built(name, tiny.x.layout).config
        assert torch.equal(one.model.sample("1", np.arange(5), 0).x[:], two.model.sample("1", np.arange(5), 0).x[:])
        pickle.loads(pickle.dumps(one.model))

    def test_resumes_to_the_same_weights(
        self, name: str, tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = dataclasses.replace(QUICK, steps=6, save_every=2)
        whole = trained(name, tiny, tmp_path / "whole", config)
        path = tmp_path / "cut" / f"{name}.ckpt"
        for stop in (3, 5):  # dies in its 4th step, then in its 6th
            step, cls = get_generator(name, "image").training_step, get_generator(name, "image")

            def dying(self: Generator, batch: Batch, batch_idx: int, step: Any = step, stop: int = stop) -> None:
                if batch.progress * 6 > stop - 0.5:
                    raise Killed
                step(self, batch, batch_idx)

            with monkeypatch.context() as patch, pytest.raises(Killed):
                patch.setattr(cls, "training_step", dying)
                trained(name, tiny, tmp_path / "cut", config)
        assert not path.exists()
        trained(name, tiny, tmp_path / "cut", config)
        assert path.read_bytes() == whole.read_bytes()
        assert sorted(p.name for p in path.parent.iterdir()) == [path.name]

    def test_leaves_the_global_random_state_alone(self, name: str, tiny: LabeledData, tmp_path: Path) -> None:
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
        model = load_checkpoint(trained(name, tiny, tmp_path)).model
        model.train()
        model.sample("1", np.arange(3), 0)
        assert model.training
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])  # type: ignore[index]

    def test_needs_source_or_not(self, name: str, tiny: LabeledData, tmp_path: Path) -> None:
        model = load_checkpoint(trained(name, tiny, tmp_path)).model
        assert isinstance(model, SourceGenerator) == model.needs_source
        if isinstance(model, SourceGenerator):
            parents = {parent for each in model.sample("8", np.arange(64), 0).parents for parent in each}
            assert parents and parents <= set(model.source_ids) <= set(tiny.ids)
            for direction in model.directions:
                x = tiny.x[:40]
                changed = model.translate(x, direction)
                assert changed.shape == x.shape and changed.dtype == torch.uint8
                assert torch.equal(changed[7:9], model.translate(x[7:9], direction)), "an image depends on itself only"
            with pytest.raises(ValueError, match="direction 'CtoD' is not one of this model's; allowed: "):
                model.translate(tiny.x[:1], "CtoD")

    def test_says_what_is_wrong(self, name: str, tiny: LabeledData, tmp_path: Path) -> None:
        model = load_checkpoint(trained(name, tiny, tmp_path)).model
        with pytest.raises(ValueError, match="label '3' was not trained; this checkpoint draws .*'1'.*'7'"):
            model.sample("3", np.arange(2), 0)
        with pytest.raises(ValueError, match="allowed: "):
            model.sample("1", np.arange(2), 0, draw="nonsense")
        with pytest.raises(ValueError, match="must not be negative"):
            model.sample("1", np.arange(2), -1)
        with pytest.raises(ValueError, match="1 or 3 channels and at least 8 x 8"):
            built(name, (2, 8, 8))


@pytest.fixture(scope="module")
def checkpoints(tiny: LabeledData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: trained(name, tiny, folder) for name in GENERATORS}


FITTED = {"smote": SmoteSampler, "recipes": Recipes}
SAMPLERS = [*GENERATORS, *FITTED]


@pytest.fixture(params=SAMPLERS)
def sampler(request: pytest.FixtureRequest, checkpoints: dict[str, Path], tiny: LabeledData) -> Sampler:
    if request.param in FITTED:
        return FITTED[request.param]().fit(tiny)
    return NeuralSampler(checkpoints[request.param])


def same(a: Synthetic, b: Synthetic) -> bool:
    return (
        torch.equal(a.x[:], b.x[:])
        and np.array_equal(a.y, b.y)
        and np.array_equal(a.index, b.index)
        and (a.parents, a.how, a.checkpoint_sha256) == (b.parents, b.how, b.checkpoint_sha256)
    )


class TestSampler:
    def test_sample_i_depends_on_its_number_only(self, sampler: Sampler) -> None:
        whole = sampler.sample("8", 100, seed=7)
        assert len(whole) == 100 and whole.x[:].dtype == torch.uint8
        assert [whole.classes[label] for label in whole.y] == ["8"] * 100
        halves = [sampler.sample("8", 50, 7), sampler.sample("8", 50, 7, start=50)]
        assert same(whole, Synthetic.concat(halves))
        sevens = [sampler.sample("8", min(7, 100 - at), 7, start=at) for at in range(0, 100, 7)]
        assert same(whole, Synthetic.concat(sevens))

    def test_parents_are_training_images(self, sampler: Sampler, tiny: LabeledData) -> None:
        drawn = sampler.sample("7", 20, seed=0)
        assert len(drawn.parents) == 20
        assert {parent for each in drawn.parents for parent in each} <= set(tiny.ids)

    def test_seed_matters(self, sampler: Sampler) -> None:
        assert not torch.equal(sampler.sample("1", 8, 0).x[:], sampler.sample("1", 8, 1).x[:])

    def test_leaves_the_global_random_state_alone(self, sampler: Sampler) -> None:
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
        sampler.sample("1", 40, 0)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])  # type: ignore[index]

    def test_says_what_is_wrong(self, sampler: Sampler) -> None:
        with pytest.raises(ValueError, match="'9' is not one of the classes .*'1'.*'7'"):
            sampler.sample("9", 3, 0)
        for n, seed, start in ((0, 0, 0), (1, -1, 0), (1, 0, -1)):
            with pytest.raises(ValueError, match="(n|seed|start) must be at least"):
                sampler.sample("1", n, seed, start)

    @pytest.mark.parametrize("strategy", ["auto", "minority", {"8": 30}, {"1": 24, "8": 25}])
    def test_fit_resample(self, sampler: Sampler, tiny: LabeledData, strategy: object) -> None:
        keep = np.r_[0:24, 24:44, 48:60]  # 24, 20 and 12 images
        x, y = tiny.x[:].numpy()[keep], np.array(tiny.classes)[tiny.y[keep]]
        sampler.set_params(sampling_strategy=strategy, random_state=5)
        x_new, y_new = sampler.fit_resample(x, y)
        assert np.array_equal(x_new[: len(x)], x) and np.array_equal(y_new[: len(y)], y)
        assert x_new.dtype == x.dtype and y_new.dtype == y.dtype and x_new.shape[1:] == x.shape[1:]
        wanted = {"auto": (24, 24, 24), "minority": (24, 20, 24)}.get(str(strategy))
        if wanted is None:
            wanted = (24, 20, strategy["8"])  # type: ignore[index]
        assert tuple((y_new == name).sum() for name in ("1", "7", "8")) == wanted
        flat = x.reshape(len(x), -1)
        sampler.set_params(image_shape=(1, 8, 8))
        assert np.array_equal(sampler.fit_resample(flat, y)[0], x_new.reshape(len(x_new), -1))


def test_one_thousand_samples_at_three_batch_sizes(checkpoints: dict[str, Path]) -> None:
    for name in GENERATORS:
        model = load_checkpoint(checkpoints[name]).model
        n = 1000 if model.block is None else 40  # one by one, 1,000 of them would take minutes
        draws = {
            size: torch.cat([model.sample("7", np.arange(n)[at : at + size], 3).x for at in range(0, n, size)])
            for size in (7, 256, 500, 1000)
        }
        assert all(torch.equal(draws[1000], other) for other in draws.values())
        one = torch.cat([model.sample("7", np.array([i]), 3).x for i in range(0, n, 13)])
        assert torch.equal(one, draws[1000][::13])


def test_fit_trains_a_generator_inside_a_pipeline(tiny: LabeledData) -> None:
    sampler = NeuralSampler(generator="vae", train=QUICK, sampling_strategy={"8": 26})
    x, y = sampler.fit_resample(tiny.x[:].numpy(), np.array(tiny.classes)[tiny.y])
    assert len(x) == len(y) == 74
