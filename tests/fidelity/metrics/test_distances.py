"""Tests of gensynth.fidelity.metrics.distances: rows of every kind give exactly what the distance matrix gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import distances

RNG = np.random.default_rng(0)
BASE = RNG.normal(size=(450, 300))
# Wide enough that products come first, and each a way in which rounding could mislead them.
WIDE = {
    "normal": (RNG.normal(size=(350, 300)), BASE),
    "far from the origin": (BASE[:100] + 1e4, BASE + 1e4),
    "copies": (np.concatenate([BASE[:200], BASE[:100]]), np.concatenate([BASE, BASE[:50]])),
    "ties everywhere": (RNG.integers(0, 2, (100, 300)) * 1.0, RNG.integers(0, 2, (450, 300)) * 1.0),
    "one outlier": (BASE[:100] * 1e-3, np.concatenate([BASE * 1e-3, BASE[:1] * 1e6])),
    "tiny": (BASE[:100] * 1e-18, BASE * 1e-18),
    "huge": (BASE[:100] * 1e30, BASE * 1e30),
    "single precision": (BASE[:100].astype(np.float32), BASE.astype(np.float32)),
    "all equal": (np.ones((100, 300)), np.ones((450, 300))),
}


@pytest.mark.parametrize("block", [1024, 97])
@pytest.mark.parametrize("name", WIDE)
def test_wide_rows_give_exactly_the_distance_matrix(name, block, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", block)
    query, reference = WIDE[name]
    full, own = cdist(query, reference), cdist(reference, reference)
    np.fill_diagonal(own, np.inf)
    for k in (1, 5, 60):
        found, positions = metrics.nearest(query, reference, k)
        assert np.array_equal(found, np.sort(full)[:, :k])
        assert np.array_equal(found, np.take_along_axis(full, positions, axis=1))
        assert all(len(set(row)) == k for row in positions)
        others, positions = metrics.leave_one_out_nearest(reference, k)
        assert np.array_equal(others, np.sort(own)[:, :k])
        assert (positions != np.arange(len(reference))[:, None]).all()
    radii, query_radii = others[:, 4], np.sort(full)[:, 3]  # on which other rows lie
    masks = [m for _, m in distances.closer(query, reference, [query_radii], [radii, np.nextafter(radii, np.inf)])]
    below_query, below, at_most = (np.concatenate(m) for m in zip(*masks, strict=True))
    assert np.array_equal(below_query, full < query_radii[:, None])
    assert np.array_equal(below, full < radii)
    assert np.array_equal(at_most, full <= radii)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), n=st.integers(2, 40), m=st.integers(1, 20), block=st.integers(1, 50))
def test_nearest_is_the_sorted_distance_matrix(seed, n, m, block):
    rng = np.random.default_rng(seed)
    reference, query = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    k = min(3, n - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "BLOCK", block)
        found, positions = metrics.nearest(query, reference, k)
        others, _ = metrics.leave_one_out_nearest(reference, k)
    full = cdist(query, reference)
    assert np.array_equal(found, np.sort(full)[:, :k])
    assert np.array_equal(found, np.take_along_axis(full, positions, axis=1))
    assert others == pytest.approx(np.sort(cdist(reference, reference))[:, 1 : k + 1])
