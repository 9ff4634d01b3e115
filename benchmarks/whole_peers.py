"""A whole synthetic table by a peer at its defaults, in an environment of its own; whole_tables.py runs this there.

python benchmarks/whole_peers.py PEER train.csv synthetic.csv N
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pandas as pd


def sdv_copula(train: pd.DataFrame, n: int) -> pd.DataFrame:
    """SDV, https://docs.sdv.dev: GaussianCopulaSynthesizer."""
    return _sdv("GaussianCopulaSynthesizer", train, n)


def sdv_ctgan(train: pd.DataFrame, n: int) -> pd.DataFrame:
    """SDV: CTGANSynthesizer (Xu et al. 2019)."""
    return _sdv("CTGANSynthesizer", train, n)


def mostlyai(train: pd.DataFrame, n: int) -> pd.DataFrame:
    """The mostlyai package with its local engine."""
    from mostlyai.sdk import MostlyAI

    here: Any = MostlyAI(local=True)
    generator = here.train(data=train)
    found: pd.DataFrame = here.generate(generator, size=n).data()
    return found


def _sdv(name: str, train: pd.DataFrame, n: int) -> pd.DataFrame:
    from sdv import single_table
    from sdv.metadata import Metadata

    metadata = Metadata.detect_from_dataframes({"table": train})
    synthesizer = getattr(single_table, name)(metadata)
    synthesizer.fit({"table": train})
    found = synthesizer.sample(n)
    return found["table"] if isinstance(found, dict) else found


PEERS: dict[str, Callable[[pd.DataFrame, int], pd.DataFrame]] = {
    "SDV copula": sdv_copula,
    "SDV CTGAN": sdv_ctgan,
    "mostlyai": mostlyai,
}

if __name__ == "__main__":
    peer, source, target, rows = sys.argv[1:]
    PEERS[peer](pd.read_csv(source), int(rows)).to_csv(target, index=False)
