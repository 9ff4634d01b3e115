"""Weights of a text-to-image model in a folder of the user's: found, checked and hashed before anything is loaded.

The folder is what diffusers writes of a `StableDiffusionPipeline` (Stable Diffusion 1.x and 2.x and what was tuned from
them). Only JSON and safetensors files of it are read, so nothing in it can run code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from gensynth.data.plain import read_json, typed
from gensynth.data.weights import Stamps, check_hash, hash_of, local_folder, stamps

PIPELINE = "StableDiffusionPipeline"
CLASSES = {
    "unet": "UNet2DConditionModel",
    "vae": "AutoencoderKL",
    "text_encoder": "CLIPTextModel",
    "tokenizer": "CLIPTokenizer",
}
"""What the parts of a pipeline must be."""
UNET = "unet/diffusion_pytorch_model.safetensors"
NEEDED = (
    *("model_index.json", "scheduler/scheduler_config.json", "unet/config.json", UNET, "vae/config.json"),
    *("vae/diffusion_pytorch_model.safetensors", "text_encoder/config.json", "text_encoder/model.safetensors"),
)
VOCABULARIES = (("tokenizer/vocab.json", "tokenizer/merges.txt"), ("tokenizer/tokenizer.json",))
"""One of these must be there, too; which of them depends on the version that saved it."""
SPARE = ("tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json", "tokenizer/added_tokens.json")
READ = (*NEEDED, *chain.from_iterable(VOCABULARIES), *SPARE)
"""The files that are read where they are there; no others are."""
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
"""The layers of a UNet that a LoRA changes."""
MOST_SIDE = 2048
TAKES = f"diffusion takes the folder of a {PIPELINE} (Stable Diffusion 1.x or 2.x), as diffusers saves it"


@dataclass(frozen=True)
class Weights:
    """What a folder says of its pipeline.

    Attributes:
        folder: The folder.
        sha256: Hash of all that is read of it.
        side: Side of the pictures it was made for, in pixels.
        factor: Pixels along one side of a latent value.
        multiple: What the sides of pictures must be multiples of.
        channels: Channels of the latents.
        width: Length of a token's vector.
        layers: Shape (out, in) of each layer of the UNet that a LoRA changes, by name.
    """

    folder: Path
    sha256: str
    side: int
    factor: int
    multiple: int
    channels: int
    width: int
    layers: dict[str, tuple[int, int]]

    def sides(self, height: int, width: int) -> tuple[int, int]:
        """Return the sides of a picture with the proportions of `height` to `width` and about the area side^2."""
        scale = self.side / (height * width) ** 0.5
        rows, columns = (max(1, round(length * scale / self.multiple)) * self.multiple for length in (height, width))
        return rows, columns


def find_weights(name: str, sha256: str = "") -> Weights:
    """Return what is in a folder, or in the copy that an earlier download left of a model on Hugging Face.

    Args:
        name: The folder, or OWNER/MODEL.
        sha256: The hash that it must have; empty for any.

    Raises:
        FileNotFoundError: if there is no such folder, a file is missing, or it has another hash.
        ValueError: if it holds something else than the pipeline that is needed.
    """
    folder = local_folder(name, sha256)
    weights = _read(folder, stamps(folder, READ))
    check_hash(name, weights.sha256, sha256)
    return weights


@cache
def _read(folder: Path, files: Stamps) -> Weights:
    if not (folder / "model_index.json").is_file():
        raise FileNotFoundError(f"{str(folder)!r} holds no model_index.json; {TAKES}.")
    index = _json(folder / "model_index.json")
    if index.get("_class_name") != PIPELINE:
        raise ValueError(f"{str(folder)!r} holds a pipeline of the class {index.get('_class_name')!r}; {TAKES}.")
    for part, cls in CLASSES.items():
        found = index.get(part)
        if not isinstance(found, list) or found[-1:] not in ([cls], [f"{cls}Fast"]):
            raise ValueError(f"the {part} in {str(folder)!r} is {found!r}, and must be a {cls}; {TAKES}.")
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if not any(all((folder / name).is_file() for name in names) for names in VOCABULARIES):
        missing.append(" or ".join(" and ".join(names) for names in VOCABULARIES))
    if missing:
        raise FileNotFoundError(
            f"{str(folder)!r} holds no {missing[0]}; {TAKES}, with safetensors, for other formats can run code."
        )
    unet, vae, text = (_json(folder / part / "config.json") for part in ("unet", "vae", "text_encoder"))
    if "quantization_config" in unet | vae:
        raise ValueError(f"the weights in {str(folder)!r} are quantised; {TAKES}, in 16 or 32 bits.")
    factor, channels = 2 ** (len(_entry(vae, "block_out_channels", list[int])) - 1), _entry(vae, "latent_channels", int)
    side = factor * _entry(unet, "sample_size", int)
    if _entry(unet, "in_channels", int) != channels or not 8 <= side <= MOST_SIDE:
        raise ValueError(f"the UNet in {str(folder)!r} does not take the latents of its autoencoder; {TAKES}.")
    return Weights(
        folder=folder,
        sha256=hash_of(folder, files),
        side=side,
        factor=factor,
        multiple=factor * 2 ** (len(_entry(unet, "block_out_channels", list[int])) - 1),
        channels=channels,
        width=_entry(text, "hidden_size", int),
        layers=_layers(folder / UNET),
    )


def _json(path: Path) -> dict[str, Any]:
    return read_json(path, dict[str, Any], "a description of a pipeline", "save the pipeline again with diffusers")


def _entry(config: dict[str, Any], name: str, hint: Any) -> Any:
    if name not in config:
        raise ValueError(f"the configuration of the weights has no entry {name!r}; {TAKES}.")
    return typed(hint, config[name], name)


def _layers(path: Path) -> dict[str, tuple[int, int]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = [n for n in file.keys() if n.endswith(tuple(f".{layer}.weight" for layer in ATTENTION))]  # noqa: SIM118
            shapes = {name.removesuffix(".weight"): tuple(file.get_slice(name).get_shape()) for name in sorted(names)}
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} is no safetensors file ({error}); save it again with diffusers.") from error
    if not shapes or any(len(shape) != 2 for shape in shapes.values()):
        raise ValueError(f"{str(path)!r} has no attention layers that a LoRA could change; {TAKES}.")
    return shapes
