"""Differentially private training: the bound is the accountant's, no image moves a step by more than it may."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import kstest, norm

from gensynth.cli.arguments import function_of, parser_of
from gensynth.data.labeled import LabeledData
from gensynth.generator.base import Batch
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.generator.config import DPConfig, TrainConfig
from gensynth.generator.private import (
    PoissonBatches,
    PrivateGradients,
    bound_of,
    ignore_expected_warnings,
    sampling_rates,
    secret_uniform,
)
from gensynth.generator.registry import generator_names, get_generator
from gensynth.kinds.image.generator.scope import scope_of
from gensynth.kinds.image.generator.train import train
from gensynth.kinds.image.images import Pixels

pytest.importorskip("opacus", reason="the extra 'dp' is not installed")

QUICK = TrainConfig(steps=3, batch_size=8, accelerator="cpu", dp=DPConfig(epsilon=1.0))
SMALL = {"z_dim": 4, "width": 4, "max_width": 8, "store_codes": False}


def small(**options: Any) -> Any:
    return get_generator("vae", "image").Config(**(SMALL | options))


def exact_epsilon(noise: float, steps: int, delta: float) -> float:
    """Of `steps` Gaussian mechanisms without sampling: Balle & Wang 2018, arXiv 1805.06530, theorem 8."""
    s = noise / np.sqrt(steps)

    def failure(eps: float) -> float:
        return float(norm.cdf(1 / (2 * s) - eps * s) - np.exp(eps) * norm.cdf(-1 / (2 * s) - eps * s)) - delta

    return float(brentq(failure, 0, 200))


@pytest.mark.parametrize(("epsilon", "rate", "steps"), [(8.0, 0.05, 1000), (3.0, 0.25, 400), (1.0, 0.01, 50)])
def test_bound_is_the_accountants(epsilon: float, rate: float, steps: int) -> None:
    from opacus.accountants import RDPAccountant

    bound = bound_of(DPConfig(epsilon=epsilon), np.array([rate / 2, rate]), steps)
    accountant = RDPAccountant()
    for _ in range(steps):
        accountant.step(noise_multiplier=bound.noise_multiplier, sample_rate=rate)
    assert 0.98 * epsilon < bound.epsilon <= epsilon
    assert accountant.get_epsilon(1e-5) - 1e-9 <= bound.epsilon <= 1.01 * accountant.get_epsilon(1e-5)
    assert (bound.rate, bound.steps, bound.delta) == (rate, steps, 1e-5)


@pytest.mark.parametrize("epsilon", [0.2, 3.0, 8.0])
def test_bound_holds_where_the_exact_one_is_known(epsilon: float) -> None:
    bound = bound_of(DPConfig(epsilon=epsilon), np.ones(10), 100)
    exact = exact_epsilon(bound.noise_multiplier, 100, 1e-5)
    assert exact <= bound.epsilon < 1.15 * exact


def test_common_classes_are_drawn_no_more_often_than_the_bound_says() -> None:
    y = np.repeat([0, 1], [90, 10])
    for balance, shares in ((1.0, (0.9, 0.1)), (0.0, (0.5, 0.5))):
        rates = sampling_rates(y, 8, balance)
        assert rates.sum() == pytest.approx(8)
        assert [rates[y == c].sum() / 8 for c in (0, 1)] == pytest.approx(shares)
    with pytest.raises(ValueError, match="lower batch_size to at most 20, or bring balance 0.0 nearer to 1"):
        sampling_rates(y, 30, 0.0)


def test_batches_take_each_image_independently(tiny: LabeledData) -> None:
    rates = np.linspace(0.05, 0.9, len(tiny))
    steps = 1500
    drawn = np.zeros((steps, len(tiny)))
    batches = list(PoissonBatches(scope_of(tiny, "vae"), rates, steps + 4, start=4))
    assert [b.progress for b in batches[:2]] == [4 / (steps + 4), 5 / (steps + 4)] and len(batches) == steps
    for at, batch in enumerate(batches):
        drawn[at, batch.ids] = 1
        assert torch.equal(batch.x[:], tiny.x[batch.ids]) and np.array_equal(batch.y, tiny.y[batch.ids])
    z = (drawn.mean(0) - rates) / np.sqrt(rates * (1 - rates) / steps)
    assert np.abs(z).max() < 4.5
    assert drawn.sum(1).var() == pytest.approx((rates * (1 - rates)).sum(), rel=0.2), "sizes vary as Poisson's do"
    assert len({b.seed for b in batches}) == steps


def test_chance_is_uniform_and_never_0_or_1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kstest(secret_uniform(20_000), "uniform").pvalue > 1e-4
    for byte in (b"\x00", b"\xff"):
        monkeypatch.setattr(os, "urandom", lambda n, byte=byte: byte * n)
        assert 0 < secret_uniform(1)[0] < 1


def stepped(model: Any, optimizer: Any, data: LabeledData, rows: list[int]) -> tuple[torch.Tensor, Any]:
    """Return the sum of clipped gradients that a step of the model works with, and the optimizer."""
    at = torch.tensor(rows, dtype=torch.int64)
    batch = Batch(data.x[at], torch.from_numpy(data.y)[at], 5, 0.5, at, torch.ones(len(at), dtype=torch.bool))
    model.optimizers = lambda: optimizer
    model.manual_backward = lambda loss: loss.backward()
    with warnings.catch_warnings():
        ignore_expected_warnings()
        model.training_step(batch, 0)
    return torch.cat([p.summed_grad.flatten() for p in model.parameters()]), optimizer


def private_model(data: LabeledData, dp: DPConfig, **options: Any) -> tuple[Any, Any]:
    model = build("vae", small(**options), data.x.layout, data.classes, seed=0)
    # At the start some layers are zero, and so are gradients behind them.
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    privacy = PrivateGradients(dataclasses.replace(QUICK, dp=dp), data.y)
    model.learn_privately(privacy)
    return model, model.configure_optimizers()


def test_gradients_of_single_images_add_up_to_the_ordinary_one(tiny: LabeledData) -> None:
    """Opacus 1.6's own rule for convolutions would give zeros here."""
    model, optimizer = private_model(tiny, DPConfig(epsilon=1.0, clip=1e9), lr=1e-12)
    private, _ = stepped(model, optimizer, tiny, list(range(12)))
    ordinary: Any = build("vae", small(), tiny.x.layout, tiny.classes, seed=0)
    ordinary.load_state_dict(model.state_dict())
    plain = torch.optim.SGD(ordinary.parameters(), lr=0.0)
    ordinary.optimizers = lambda: plain
    ordinary.manual_backward = lambda loss: loss.backward()
    ordinary.log_dict = lambda values: None
    at = torch.arange(12)
    ordinary.training_step(
        Batch(tiny.x[at], torch.from_numpy(tiny.y)[at], 5, 0.5, at, torch.ones(12, dtype=torch.bool)), 0
    )
    expected: Any = torch.cat([p.grad.flatten() for p in ordinary.parameters()])
    assert torch.allclose(private / 12, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    assert (expected != 0).float().mean() > 0.9


@pytest.mark.parametrize("clip", [0.1, 2.0])
def test_no_image_moves_a_step_by_more_than_the_clipping_norm(tiny: LabeledData, clip: float) -> None:
    x = tiny.x[torch.arange(len(tiny))]
    x[11] = torch.randint(0, 2, (1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8) * 255
    outlier = dataclasses.replace(tiny, x=Pixels(x))
    sums = []
    # 16 numbers of noise for an image, since PyTorch's generator draws in sixteens: else one more image would change
    # the noise of its neighbours, which in a real training is a secret and so only has to be alike in distribution.
    for data, rows in ((tiny, list(range(11))), (tiny, list(range(12))), (outlier, list(range(12)))):
        sums.append(stepped(*private_model(data, DPConfig(epsilon=1.0, clip=clip), z_dim=16), data, rows)[0])
    for with_one_more in sums[1:]:
        assert 0.5 * clip < float((with_one_more - sums[0]).norm()) <= clip * (1 + 1e-5)


def test_noise_is_what_the_bound_accounts_for(tiny: LabeledData) -> None:
    model, optimizer = private_model(tiny, DPConfig(epsilon=1.0, clip=0.5), width=16)
    assert not stepped(model, optimizer, tiny, [])[0].any(), "an empty batch is a step like any other"
    noise = torch.cat([p.grad.flatten() for p in model.parameters()]) * QUICK.batch_size
    scale = model.privacy.bound.noise_multiplier * 0.5
    assert kstest(noise.numpy() / scale, "norm").pvalue > 1e-4
    _, again = stepped(model, optimizer, tiny, [])
    assert not torch.equal(noise, torch.cat([p.grad.flatten() for p in model.parameters()]) * QUICK.batch_size)
    for p in model.parameters():
        assert p.grad.stride() == p.stride(), "a fused optimizer walks both in one order"


def test_a_checkpoint_holds_weights_and_the_bound_alone(
    tiny: LabeledData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = train(tiny, "vae", small(), QUICK, tmp_path / "vae.ckpt", quiet=True)
    checkpoint = load_checkpoint(path)
    bound = checkpoint.provenance["privacy"]
    assert 0.98 < bound["epsilon"] <= 1 and bound["steps"] == 3 and bound["delta"] == 1e-5
    assert f"epsilon {bound['epsilon']:.3g} at delta 1e-05" in capsys.readouterr().err
    assert "not which samples were chosen with real images in hand" in bound["covers"]
    model: Any = checkpoint.model
    assert model.draws == ("prior",) and not len(model.codes) and model.code_ids == []
    assert not model.class_mean.any() and (model.class_std == 1).all()
    assert set(checkpoint.history) == {"step"}
    assert tiny.fingerprint not in path.read_bytes().decode("latin-1")
    assert model.sample("7", np.arange(3), 0).x.shape == (3, 1, 8, 8)
    with pytest.raises(ValueError, match="'gaussian' is not a way .*allowed: prior"):
        model.sample("7", np.arange(3), 0, draw="gaussian")
    assert [p.name for p in tmp_path.iterdir()] == ["vae.ckpt"]


def test_the_seed_does_not_repeat_a_run_and_a_finished_one_is_kept(tiny: LabeledData, tmp_path: Path) -> None:
    one = train(tiny, "vae", small(), QUICK, tmp_path / "1.ckpt", quiet=True)
    two = train(tiny, "vae", small(), QUICK, tmp_path / "2.ckpt", quiet=True)
    states = [load_checkpoint(path).model.state_dict() for path in (one, two)]
    assert not torch.equal(states[0]["decoder.project.weight"], states[1]["decoder.project.weight"])
    before = one.read_bytes()
    assert train(tiny, "vae", small(), QUICK, one, quiet=True).read_bytes() == before
    with pytest.raises(ValueError, match="other settings"):
        train(tiny, "vae", small(), dataclasses.replace(QUICK, dp=DPConfig(epsilon=4.0)), one, quiet=True)


def test_a_killed_run_goes_on_with_new_chance_and_counts_each_step_once(
    tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls, seeds, steps = get_generator("vae", "image"), [], []
    step = cls.training_step

    def dying(self: Any, batch: Batch, batch_idx: int) -> None:
        seeds.append(batch.seed)
        steps.append(round(batch.progress * 6))
        if len(seeds) == 4:
            raise KeyError("killed")
        step(self, batch, batch_idx)

    monkeypatch.setattr(cls, "training_step", dying)
    config = dataclasses.replace(QUICK, steps=6, save_every=2)
    with pytest.raises(KeyError, match="killed"):
        train(tiny, "vae", small(), config, tmp_path / "vae.ckpt", quiet=True)
    path = train(tiny, "vae", small(), config, tmp_path / "vae.ckpt", quiet=True)
    assert steps == [0, 1, 2, 3, 2, 3, 4, 5] and len(set(seeds)) == len(seeds)
    bound = load_checkpoint(path).provenance["privacy"]
    assert bound["steps"] == 6
    assert bound["epsilon"] == bound_of(DPConfig(epsilon=1.0), sampling_rates(tiny.y, 8, 0.5), 6).epsilon


def test_errors_say_what_to_do(tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.ckpt"

    def learn(name: str = "vae", model: Any = None, config: TrainConfig = QUICK, **options: Any) -> None:
        train(tiny, name, model or small(), config, path, quiet=True, **options)

    for name in set(generator_names("image")) - {"vae"}:
        with pytest.raises(ValueError, match=f"{name} cannot be trained with a privacy bound; .* one of: vae"):
            learn(name, get_generator(name, "image").Config())
    with pytest.raises(ValueError, match="set --model.store_codes false"):
        learn(model=small(store_codes=True))
    with pytest.raises(ValueError, match="leave out init"):
        learn(init=path)
    for options in ({"devices": 2}, {"precision": "bf16-mixed"}):
        with pytest.raises(ValueError, match="one device in precision 32-true"):
            learn(config=dataclasses.replace(QUICK, **options))
    with pytest.raises(ValueError, match=r"dp.delta must be below 1 / \(number of images\) = 0.014, got 0.1"):
        learn(config=dataclasses.replace(QUICK, dp=DPConfig(delta=0.1)))
    with pytest.raises(ValueError, match="lower batch_size to at most 72"):
        learn(config=dataclasses.replace(QUICK, batch_size=80))
    for wrong in ({"epsilon": 0.0}, {"clip": -1.0}, {"delta": 1.0}):
        with pytest.raises(ValueError, match="dp.epsilon and dp.clip must be positive"):
            DPConfig(**wrong)
    monkeypatch.setitem(sys.modules, "opacus", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gensynth\[dp\]'"):
        learn()
    assert not path.exists()


def test_dp_is_set_on_the_command_line_and_in_a_recipe(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("dp:\n  epsilon: 3\n  clip: 0.5\n")
    expected = {
        ("--dp.epsilon", "2"): DPConfig(epsilon=2.0),
        ("--config", str(recipe)): DPConfig(epsilon=3.0, clip=0.5),
        ("--config", str(recipe), "--dp.delta=1e-6"): DPConfig(epsilon=3.0, clip=0.5, delta=1e-6),
        (): None,
    }
    for options, dp in expected.items():
        argv = ["vae", "--data", "builtin:digits", *options]
        parser, _ = parser_of(function_of("train", argv), "train", argv)
        assert TrainConfig(dp=parser.parse_args(argv).dp).dp == dp
    with pytest.raises(ValueError, match="dp.epsilon"):
        TrainConfig(dp=parser.parse_args([*argv, "--dp.epsilon", "-1"]).dp)


def test_without_dp_the_provenance_is_what_it_was(tiny: LabeledData, tmp_path: Path) -> None:
    config = dataclasses.replace(QUICK, dp=None)
    checkpoint = load_checkpoint(train(tiny, "vae", small(), config, tmp_path / "vae.ckpt", quiet=True))
    assert "dp" not in checkpoint.provenance["train"] and "privacy" not in checkpoint.provenance
    assert checkpoint.provenance["data"] == tiny.fingerprint
    json.dumps(checkpoint.provenance)
