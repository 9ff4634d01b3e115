"""The verbs for images that are not the same for all kinds of data, one function each; see `gensynth.cli.commands`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.files import refuse_inside
from gensynth.data.lock import locked
from gensynth.data.settings import given, refuse_unused
from gensynth.data.split import SPLIT_SETTINGS
from gensynth.data.words import counted, some
from gensynth.kinds.image.config import TRAIN_ONLY
from gensynth.report.printed import (
    say,
    say_data_notes,
)
from gensynth.sampler import SAMPLER

if TYPE_CHECKING:  # a verb imports what it needs, and the parser the settings of the one verb that is called
    from gensynth.generator.config import TrainConfig
    from gensynth.kinds.image.classifier.config import EvaluateConfig
    from gensynth.kinds.image.config import DataConfig, ImageChooseConfig
    from gensynth.kinds.image.rebalance_config import RebalanceConfig
    from gensynth.kinds.image.style.config import StylizeConfig


def explore(data: str, *, data_config: DataConfig, json: bool = False, recipes: bool = False) -> int:
    """Show what is in a data set, before anything is made.

    Args:
        data: A folder with one sub-folder per class, an .npz file, builtin:NAME or torchvision:NAME.
        data_config: How it is read; where it says how to split, only the training images are shown.
        json: Print JSON instead of text.
        recipes: Also measure after which changes (flips, turns, noise, ...) images are no longer known as their class.
    """
    from gensynth.kinds.image.explore import explore as look
    from gensynth.kinds.image.explore import explore_recipes
    from gensynth.kinds.image.read import parts_of, read

    images = read(data, data_config)
    asked = given(data_config, SPLIT_SETTINGS)
    parts = parts_of(images, data, data_config) if asked or recipes else None
    if asked and parts is not None:
        note = f"Only the images that a training would see are counted here, as {', '.join(asked)} was given."
        images = replace(parts.train, notes=(note, *parts.train.notes))
    found = look(images)
    if not json:
        print(found.as_text())
    safety, told = explore_recipes(parts) if recipes and parts is not None else ({}, "")
    if json:
        print(_json(asdict(found) | safety))
    elif told:
        print(f"\n{told}")
    return 0


def train(
    generator: str,
    *,
    data: str,
    out: Path = Path("checkpoints"),
    label: str | None = None,
    source: str = "auto",
    source_domain: str | None = None,
    target_domain: str | None = None,
    init: Path | None = None,
    per_class: bool = False,
    settings: dict[str, Any] | None = None,
    quiet: bool = False,
    data_config: DataConfig,
    train_config: TrainConfig,
    model: Any,
) -> int:
    """Train a generator on the training part of real images; the same command continues a killed run.

    Args:
        generator: Name of a file in models/, such as vae, dcgan, cyclegan or style_transfer; or smote or recipes, which
            keep the images in OUT/NAME.sampler.
        data: Real data: a folder, an .npz file, builtin:NAME or torchvision:NAME.
        out: Folder for the checkpoint.
        label: Train on this class only; for cyclegan and diffusion, the class that images of other classes become.
        source: For cyclegan and diffusion: the classes they make images from, separated by commas; auto takes the
            nearest one.
        source_domain: For cyclegan: translate from this domain (see --domain) instead of from other classes.
        target_domain: For cyclegan: the domain to translate to; the class stays what it is.
        init: A shared checkpoint to start from; its settings are used.
        per_class: Train one model for each class.
        settings: Settings of smote or recipes, such as {"k_neighbors": 3} or {"recipe": "affine"}.
        quiet: Show no progress bar.
        data_config: How the data are read and split.
        train_config: How to train.
        model: Settings of the generator.
    """
    from gensynth.data.names import folder_name
    from gensynth.generator.names import model_names
    from gensynth.kinds.image.generator.scope import named, scope_of
    from gensynth.kinds.image.generator.train import train as learn
    from gensynth.kinds.image.read import read_parts

    _check_train(data, out, data_config, per_class and label is not None, (source_domain, target_domain))
    if generator not in model_names():
        of_networks = {"label": label, "source": source, "source_domain": source_domain, "init": init}
        of_networks |= {"per_class": per_class} | asdict(train_config)
        usual = {"source": "auto", "per_class": False} | asdict(type(train_config)())
        if unused := [f"--{name}" for name, value in of_networks.items() if value != usual.get(name)]:
            raise ValueError(f"{', '.join(unused)} would change nothing here: {generator!r} trains no network.")
        _keep(generator, settings, data, out, data_config)
        return 0
    if settings is not None:
        raise ValueError(f"--settings are for smote, recipes and tables; those of {generator!r} begin with --model.")
    parts = read_parts(data, data_config)
    say_data_notes(parts)
    labels = list(parts.train.classes) if per_class else [label]
    domains = (source_domain, target_domain) if source_domain is not None and target_domain is not None else None
    sources = named(source, parts.train.classes)
    for name in labels:
        scope_of(parts.train, generator, name, sources, domains, shared=init is not None)
    for name in labels:
        path = out / f"{generator if name is None else folder_name(name)}.ckpt"
        with locked(path):
            learn(
                parts.train,
                generator,
                model,
                train_config,
                path,
                label=name,
                source=sources,
                domains=domains,
                init=init,
                download=data_config.download,
                quiet=quiet,
            )
        say(f"checkpoint: {path}")
        _say_notes(path)
    return 0


def _check_train(
    data: str, out: Path, data_config: DataConfig, both: bool, domains: tuple[str | None, str | None]
) -> None:
    """Raise ValueError for options that exclude or need each other; `both` is --per-class with --label."""
    if both:
        raise ValueError("--per-class trains every class and --label one of them; give one of the two.")
    if (domains[0] is None) != (domains[1] is None):
        raise ValueError("--source_domain and --target_domain go together: give both, or neither.")
    if out.suffix == ".ckpt" or out.is_file():
        raise ValueError(f"--out is the folder of the checkpoint, not a file: got {out}.")
    refuse_inside(out, data, data_config.test_data)
    if domains[0] is None:
        refuse_unused(data_config, ("domain",), "it needs --source_domain and --target_domain")


def _keep(name: str, settings: dict[str, Any] | None, data: str, out: Path, config: DataConfig) -> None:
    """Fit a sampler without a network to the training part, and write its file."""
    from gensynth.kind import kinds
    from gensynth.kinds.image.read import read_parts

    made = kinds()["image"].made(name, settings)
    path = out / f"{name}{SAMPLER}"
    with locked(path):
        if path.exists():
            raise ValueError(f"{path} exists; choose another --out, or remove it to fit again.")
        parts = read_parts(data, config)
        say_data_notes(parts)
        made.fit(parts.train).save(path)
    say(f"sampler: {path}, which holds the training images and draws {some(map(repr, made.labels))}")


def translate(checkpoint: Path, images: str, out: Path, *, direction: str = "AtoB", device: str = "auto") -> int:
    """Translate a folder of images with a cyclegan checkpoint, to files of the same names.

    Args:
        checkpoint: A .ckpt file of a cyclegan.
        images: Folder of images, at any depth.
        out: New folder for the translated images, as PNG.
        direction: AtoB, from source to target, or BtoA.
        device: cpu, cuda, or auto.
    """
    from gensynth.kinds.image.style.translate import translate as run

    refuse_inside(out, images)
    with locked(out):
        done = run(checkpoint, Path(images), out, direction, device)
    say(f"{counted(done, 'image')} in {out}")
    return 0


def stylize(content: str, style: str, *, out: Path, quiet: bool = False, stylize_config: StylizeConfig) -> int:
    """Give a picture, or each picture of a folder, the look of another.

    Args:
        content: A picture, or a folder of pictures.
        style: A picture, or a folder of pictures.
        out: The file to write (-o), or a new folder where CONTENT is one.
        quiet: Show no progress bar.
        stylize_config: How.
    """
    from gensynth.kinds.image.style.stylize import stylize as run

    refuse_inside(out, content, style)
    with locked(out):
        written = run(Path(content), Path(style), out, stylize_config, quiet)
    for path in written:
        print(path)
    return 0


def rebalance(
    data: str,
    *,
    out: Path,
    generator: str = "deformation",
    quiet: bool = False,
    rebalance_config: RebalanceConfig,
    data_config: DataConfig,
    train_config: TrainConfig,
    model: Any,
    choose: ImageChooseConfig,
    evaluate: EvaluateConfig,
) -> int:
    """Train, sample, check, test, mix and report with one command; the same command continues a killed run.

    Args:
        data: Real data: a folder with one sub-folder per class, an .npz file, builtin:NAME or torchvision:NAME.
        out: Folder of the run.
        generator: Name of a file in models/, such as deformation, vae or dcgan.
        quiet: Show no progress bars.
        rebalance_config: What to make.
        data_config: How the data are read and split.
        train_config: How to train.
        model: Settings of the generator.
        choose: How the sampler auto chooses.
        evaluate: How to test.
    """
    from gensynth.kind import kinds
    from gensynth.kinds.image.rebalance import ImageAsked
    from gensynth.rebalance.rebalance import run_asked

    refuse_unused(data_config, ("domain",), TRAIN_ONLY)
    asked = ImageAsked(
        source=data,
        out=out,
        rebalance=rebalance_config,
        data=data_config,
        choose=choose,
        evaluate=evaluate,
        quiet=quiet,
        generator=generator,
        model=model,
        train=train_config,
    )
    return run_asked(kinds()["image"], asked)


def _say_notes(checkpoint: Path) -> None:
    from gensynth.generator.checkpoint import load_checkpoint

    for note in load_checkpoint(checkpoint).notes:
        say(f"warning: {note}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
