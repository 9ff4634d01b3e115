"""FID, KID and PRDC: gensynth against torch-fidelity, torchmetrics and prdc, time and memory on the same arrays.

    python benchmarks/metrics_speed.py                    # n = 10,000 rows of d = 2048 features: about 15 minutes
    python benchmarks/metrics_speed.py --n 2000 --d 512   # a minute

Features are float32, as extractors give them: non-negative, correlated, with a decaying spectrum. Each contender
has a process of its own, one after the other. Ratios are to gensynth; that of CPU seconds, over all threads, holds
on a shared machine, too. Peak memory is the largest resident size less that with the arrays loaded and the package
imported. KID uses all rows once, precision and the rest k = 5. torch-fidelity has no density and coverage, and
prdc's coverage is plain, so gensynth's is shown times its expectation.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

K = 5
Values = dict[str, float]
Contender = Callable[[np.ndarray, np.ndarray], Values]


def gensynth_fid(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """FID of gensynth."""
    from gensynth.fidelity import metrics

    return {"fid": metrics.fid(real, synthetic)}


def gensynth_kid(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """KID of gensynth."""
    from gensynth.fidelity import metrics

    return {"kid": metrics.kid(real, synthetic)}


def gensynth_prdc(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """Precision, recall, density and plain coverage of gensynth."""
    from gensynth.fidelity import metrics

    found = metrics.prdc(real, synthetic, K)
    plain = found.coverage * metrics.expected_coverage(len(real), len(synthetic), K)
    return {"precision": found.precision, "recall": found.recall, "density": found.density, "coverage": plain}


def torch_fidelity_fid(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """FID of torch-fidelity."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (real, synthetic)]
    return {"fid": fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]}


def torch_fidelity_kid(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """KID of torch-fidelity, one subset of all rows."""
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = torch.from_numpy(real), torch.from_numpy(synthetic)
    found = kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=len(real), verbose=False)
    return {"kid": found["kernel_inception_distance_mean"]}


def torch_fidelity_prdc(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """Precision and recall of torch-fidelity."""
    import torch
    from torch_fidelity.metric_prc import prc_features_to_metric

    x, y = torch.from_numpy(real), torch.from_numpy(synthetic)
    found = prc_features_to_metric(y, x, prc_neighborhood=K, verbose=False)
    return {"precision": found["precision"], "recall": found["recall"]}


def torchmetrics_fid(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """FID of torchmetrics with features instead of images."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    return {"fid": _torchmetrics(FrechetInceptionDistance, real, synthetic).compute().item()}


def torchmetrics_kid(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """KID of torchmetrics with features instead of images, one subset of all rows."""
    from torchmetrics.image.kid import KernelInceptionDistance

    found = _torchmetrics(KernelInceptionDistance, real, synthetic, subsets=1, subset_size=len(real))
    return {"kid": found.compute()[0].item()}


def prdc_prdc(real: np.ndarray, synthetic: np.ndarray) -> Values:
    """Precision, recall, density and coverage of prdc."""
    from prdc import compute_prdc

    return {name: float(value) for name, value in compute_prdc(real, synthetic, nearest_k=K).items()}


def _torchmetrics(kind: Callable, real: np.ndarray, synthetic: np.ndarray, **options: int) -> Any:
    import torch

    class Features(torch.nn.Identity):
        num_features = real.shape[1]

    metric = kind(feature=Features(), **options)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(synthetic), real=False)
    return metric


CONTENDERS: dict[str, dict[str, tuple[str, Contender]]] = {
    "FID": {
        "gensynth": ("gensynth.fidelity.metrics", gensynth_fid),
        "torch-fidelity": ("torch_fidelity.metric_fid", torch_fidelity_fid),
        "torchmetrics": ("torchmetrics.image.fid", torchmetrics_fid),
    },
    "KID": {
        "gensynth": ("gensynth.fidelity.metrics", gensynth_kid),
        "torch-fidelity": ("torch_fidelity.metric_kid", torch_fidelity_kid),
        "torchmetrics": ("torchmetrics.image.kid", torchmetrics_kid),
    },
    "PRDC": {
        "gensynth": ("gensynth.fidelity.metrics", gensynth_prdc),
        "torch-fidelity": ("torch_fidelity.metric_prc", torch_fidelity_prdc),
        "prdc": ("prdc", prdc_prdc),
    },
}


def arrays(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Real and synthetic features, float32, shape (n, d) each."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) / np.sqrt(d * np.sqrt(np.arange(1, d + 1)))[:, None]
    real, synthetic = (
        np.maximum(rng.normal(size=(n, d)) @ mixing * scale + shift, 0) for scale, shift in ((1, 0.1), (1.02, 0.11))
    )
    return real.astype(np.float32), synthetic.astype(np.float32)


def measure(metric: str, package: str, folder: Path) -> None:
    """Print as JSON what one contender gives, its seconds and its peak memory in MB; for a process of its own."""
    module, contender = CONTENDERS[metric][package]
    real, synthetic = np.load(folder / "real.npy"), np.load(folder / "synthetic.npy")
    importlib.import_module(module)
    before, start, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
    values = contender(real, synthetic)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"values": values, "seconds": seconds, "cpu": cpu, "mb": peak}))


def main() -> None:
    """Run all contenders and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000, help="rows of either kind (default 10000)")
    parser.add_argument("--d", type=int, default=2048, help="features (default 2048)")
    parser.add_argument("--seed", type=int, default=0, help="of the arrays (default 0)")
    parser.add_argument("--only", nargs=3, metavar=("METRIC", "PACKAGE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measure(options.only[0], options.only[1], Path(options.only[2]))
        return
    print(f"n = {options.n:,} real and synthetic rows, d = {options.d}, float32, k = {K}\n")
    print(f"{'':6}{'package':16}{'seconds':>9}{'ratio':>8}{'CPU s':>9}{'ratio':>8}{'peak MB':>9}  values")
    with tempfile.TemporaryDirectory() as folder:
        for name, x in zip(("real", "synthetic"), arrays(options.n, options.d, options.seed), strict=True):
            np.save(Path(folder) / f"{name}.npy", x)
        for metric, contenders in CONTENDERS.items():
            own = None
            for package in contenders:
                done = subprocess.run(
                    [sys.executable, __file__, "--only", metric, package, folder], capture_output=True, text=True
                )
                if done.returncode:
                    reason = "not installed" if "ModuleNotFoundError" in done.stderr else done.stderr.strip()[-200:]
                    print(f"{metric:6}{package:16}  {reason}", flush=True)
                    continue
                found = json.loads(done.stdout.splitlines()[-1])
                own = own or found
                values = "  ".join(f"{name} {value:.9g}" for name, value in found["values"].items())
                times = "".join(f"{found[t]:9.2f}{found[t] / own[t]:8.2f}" for t in ("seconds", "cpu"))
                print(f"{metric:6}{package:16}{times}{found['mb']:9.0f}  {values}", flush=True)


if __name__ == "__main__":
    main()
