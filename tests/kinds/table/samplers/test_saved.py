"""What a saved sampler of tables may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table.samplers.catalog import get_table_sampler, load_sampler, table_sampler_names
from gensynth.kinds.table.tables import from_frame

QUICK: dict[str, dict[str, Any]] = {"tabular_vae": {"steps": 2, "model": {"width": 16}}}
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "amount": np.where(RNG.random(60) < 0.5, 0.0, RNG.normal(size=60)),
        "score": pd.Series(RNG.normal(size=60)).mask(RNG.random(60) < 0.2),
        "town": [f"t{i}" for i in RNG.integers(0, 70, 60)],
        "y": np.repeat(["common", "rare"], [45, 15]),
    }
)


@pytest.mark.parametrize("name", table_sampler_names())
def test_a_file_with_an_array_of_another_shape_is_refused(name: str, tmp_path: Path) -> None:
    """Such an array would be spread over the drawn rows: a file of some megabytes took all memory."""
    fitted = get_table_sampler(name)(**QUICK.get(name, {})).fit(from_frame(FRAME, "y"))
    fitted.save(path := tmp_path / "some.sampler")
    load_sampler(path)
    for holder, key in arrays_in(vars(fitted), ["counts_", "ids_", "pools_", *fitted.state]):
        right = holder[key]
        holder[key] = np.broadcast_to(right.reshape(-1)[:1], (2, 1000, 3))
        fitted.save(path)
        with pytest.raises(ValueError, match="shape.*fit it again"):
            load_sampler(path)
        holder[key] = right


def arrays_in(holder: Any, keys: Any) -> list[tuple[Any, Any]]:
    """Return the list or dict, and the place in it, of each array but those of networks, which are checked later."""
    found = []
    for key in keys:
        value = holder[key]
        if isinstance(value, np.ndarray) and value.size:
            found.append((holder, key))
        elif isinstance(value, list | dict) and key != "weights_":
            found += arrays_in(value, list(value) if isinstance(value, dict) else range(len(value)))
    return found
