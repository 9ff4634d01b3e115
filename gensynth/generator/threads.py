"""How many threads a network computes on."""

from __future__ import annotations

from typing import Any

import torch
from threadpoolctl import threadpool_limits


class one_thread(threadpool_limits):  # noqa: N801  # used like a function
    """Compute on one thread: small networks are no slower, and sums come out the same on every machine's cores."""

    def __init__(self) -> None:
        self._torch = torch.get_num_threads()
        torch.set_num_threads(1)
        super().__init__(1)

    def __exit__(self, *error: Any) -> None:
        torch.set_num_threads(self._torch)
        super().__exit__(*error)
