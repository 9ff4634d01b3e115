"""Language models of the user's: what samplers share that draw with weights in a folder, as transformers saves them.

Only JSON, vocabularies and safetensors of a folder are read, so nothing in it can run code.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.data.plain import read_json
from gensynth.data.weights import Stamps, check_hash, fetch, hash_of, local_folder, stamps
from gensynth.kinds.text.samplers.base import TextSampler

if TYPE_CHECKING:
    import torch

READ = ("*.json", "*.safetensors", "*.spm", "*.model", "vocab.txt", "merges.txt")
"""The files of a folder that are read and hashed."""
SAVED = ("model.safetensors", "model.safetensors.index.json")
"""One of these must be there."""
MOST_TOKENS = 512
"""A model is given no more at once, even if it would read more."""
DOWNLOAD = "--settings.download true"
TAKES = "give a folder of a model of language, as save_pretrained of transformers writes it, with its tokenizer"


def find(name: str, sha256: str = "") -> str:
    """Return the hash of the weights in a folder, or in the copy that a download left of a model on Hugging Face.

    Args:
        name: The folder, or OWNER/MODEL.
        sha256: The hash that they must have; empty for any.

    Raises:
        FileNotFoundError: if there is no such folder, a file is missing, or they have another hash.
        ValueError: if they have more to them than tensors: an adapter, or a quantisation.
    """
    folder = local_folder(name, sha256, DOWNLOAD)
    files = sorted(path.name for path in folder.iterdir() if any(fnmatch(path.name, known) for known in READ))
    found = _hash(folder, stamps(folder, files))
    check_hash(name, found, sha256)
    return found


@cache
def _hash(folder: Path, files: Stamps) -> str:
    names = [name for name, *_ in files]
    if "config.json" not in names:
        raise FileNotFoundError(f"{str(folder)!r} holds no config.json; {TAKES}.")
    if not {*SAVED} & {*names}:
        raise FileNotFoundError(
            f"{str(folder)!r} holds no {SAVED[0]}; {TAKES}, with safetensors, for other formats can run code."
        )
    config = read_json(folder / "config.json", dict[str, Any], "a description of a model", "save the model again")
    if "adapter_config.json" in names or "quantization_config" in config:
        raise ValueError(
            f"{str(folder)!r} holds an adapter or a quantised model; {TAKES}, merged and in 16 or 32 bits."
        )
    return hash_of(folder, files)


@final
@dataclass(frozen=True)
class Weights:
    """Which weights a sampler was fitted with; there is none of weights that are not at hand.

    Attributes:
        sha256: The hash of what is in each folder, by its name.
    """

    sha256: dict[str, str]

    def __post_init__(self) -> None:
        for name, sha256 in self.sha256.items():
            find(name, sha256)


@final
@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A network and its tokenizer.

    Attributes:
        tokenizer: Text to numbers of tokens, and back.
        network: Of torch, in float32, on a GPU where there is one.
        most: How many tokens it reads at once.
    """

    tokenizer: Any
    network: Any
    most: int

    def reads(self, text: str) -> bool:
        """Return whether a text has no more tokens than the network reads."""
        return len(self.tokenizer(text, truncation=True, max_length=self.most + 1).input_ids) <= self.most

    def encoded(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return what the network takes of n texts, each an int64 tensor (n, tokens); what is too long is cut."""
        options = {"padding": True, "truncation": True, "max_length": self.most, "return_tensors": "pt"}
        found = self.tokenizer(list(texts), **options)
        return {name: found[name].to(self.network.device) for name in ("input_ids", "attention_mask")}


@lru_cache(maxsize=2)  # there and back
def load(task: str, name: str, sha256: str) -> LanguageModel:
    """Load a model, from local files alone.

    Args:
        task: The class of transformers that loads it, such as AutoModelForMaskedLM.
        name: As `find`.
        sha256: Its hash, which tells folders of equal name apart.

    Raises:
        FileNotFoundError: as `find`.
        ValueError: if the files do not fit together, or are of a model for something else.
    """
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    find(name, sha256)  # others may be there by now
    folder, local = local_folder(name), {"local_files_only": True, "trust_remote_code": False}
    # Eager attention: a configuration could name one that is code to be fetched.
    options = local | {"use_safetensors": True, "attn_implementation": "eager", "output_loading_info": True}
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that a tokenizer would like, and can do without
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
            network, told = getattr(transformers, task).from_pretrained(folder, dtype=torch.float32, **options)
        if missing := sorted(told["missing_keys"]):
            raise ValueError(f"there are no weights {missing[0]}")
    except Exception as error:  # transformers raises many kinds, all of them about the files
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise ValueError(f"the weights in {name!r} cannot be loaded by {task} ({said}); {TAKES}.") from error
    positions = getattr(network.config, "max_position_embeddings", None) or MOST_TOKENS
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    most = min(tokenizer.model_max_length, positions, MOST_TOKENS)
    return LanguageModel(tokenizer, network.eval().requires_grad_(False).to(device), most)


class ModelSampler(TextSampler):
    """Draws with language models, whose weights stay where they are: its file names their folders and hashes.

    A concrete one writes `needs` and `_folders` beside what every `TextSampler` writes, and takes `download`.

    Attributes:
        weights_: Which weights.
    """

    learned: ClassVar[dict[str, Any]] = {"weights_": Weights}
    download: bool
    weights_: Weights

    @property
    @abstractmethod
    def _folders(self) -> Sequence[Any]:
        """The folders that the settings name; None where one is missing."""

    @property
    def stamp(self) -> str:
        """Which weights made a document, for the manifest."""
        return "weights " + " ".join(sha256[:12] for sha256 in self.weights_.sha256.values())

    def model(self, task: str, name: str) -> LanguageModel:
        """Return the model in a folder, as `load` does; it is loaded when the first document is drawn.

        Raises:
            ValueError: if the sampler was fitted with another folder.
        """
        if name not in self.weights_.sha256:
            raise ValueError(f"{self.name} was not fitted with the weights in {name!r}; fit it again.")
        return load(task, name, self.weights_.sha256[name])

    def _check(self) -> None:
        super()._check()
        if not all(isinstance(name, str) and name for name in self._folders):
            raise ValueError(f"{self.name} needs {self.needs}.")
        if self._folders and find_spec("transformers") is None:
            raise ModuleNotFoundError(
                f"{self.name} needs transformers, which is not installed; pip install 'gensynth[text-models]'."
            )

    def _learn(self) -> None:
        if self.download:
            for name in self._folders:
                fetch(name, READ)
        self.weights_ = Weights({name: find(name) for name in self._folders})
