"""Scores of one class as a set that examples of every kind have."""

from __future__ import annotations

import numpy as np

from gensynth.fidelity import metrics
from gensynth.fidelity.class_verdict import Limit
from gensynth.fidelity.verdict import Score

FEWEST_FRESH = 20
"""Held-out examples of a class that the test of copying needs."""
COPYING = Limit(
    "The samples lie nearer to the training {noun}s than held-out real ones, in {value:.0%} of all pairs (p = {p:.2g} "
    "over all classes and tests): they may be copied.",
    asks=0.1,
    test=True,
)
"""Memorisation is suspected in more than 60 % of all pairs, beyond chance."""


def label_agreement(agrees: np.ndarray, of_real: np.ndarray) -> Score:
    """Score how often the judge sees the wanted class.

    Args:
        agrees: Whether it does, bool, shape (n,), n >= 1.
        of_real: Whether judges that had not seen them do in the real examples, bool, shape (m,).
    """
    return Score(
        "label_agreement",
        float(agrees.mean()),
        True,
        float(of_real.mean()),
        metrics.wilson_interval(int(agrees.sum()), len(agrees)),
        note="The yardstick is the judge's agreement on real examples that it was not fitted on.",
    )


def copies(copied: np.ndarray, of_real: np.ndarray) -> Score:
    """Score how many samples are undeclared copies.

    Args:
        copied: Which are, bool, shape (n,), n >= 1.
        of_real: Which held-out real examples would be called copies, bool, shape (m,), m may be 0.
    """
    return Score(
        "copies",
        float(copied.mean()),
        False,
        float(of_real.mean()) if len(of_real) else 0.0,
        metrics.wilson_interval(int(copied.sum()), len(copied)),
        note="Samples that (nearly) equal each other or a real example that is not their parent; the yardstick is the "
        "share of held-out real examples that do.",
    )


def copying(real: np.ndarray, synthetic: np.ndarray, fresh: np.ndarray, made_from: bool) -> Score:
    """Test whether samples lie nearer to the training examples than held-out ones do.

    Args:
        real: Points of the training examples, float64, shape (n, d).
        synthetic: Points of the samples, float64, shape (m, d).
        fresh: Points of held-out real examples, float64, shape (h, d); h may be 0.
        made_from: Whether samples were made from real examples that they name, near which they lie by design.
    """
    if len(fresh) < FEWEST_FRESH:
        note = f"Not given: {FEWEST_FRESH} held-out real examples of the class are needed, there are {len(fresh)}."
        return Score("copying", None, False, note=note)
    test = metrics.copying_test(real, fresh, synthetic)
    note = "Chance that a sample lies nearer to the training data than a held-out real one does (Meehan et al. 2020)."
    if made_from:
        return Score("copying", test.effect, None, 0.5, note=f"{note} Samples made from real ones do so by design.")
    return Score("copying", test.effect, False, 0.5, p_value=test.p_value, note=note)
