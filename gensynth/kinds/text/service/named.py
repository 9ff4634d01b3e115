"""Which services were named on this machine: a sampler from a file talks to no other.

A `.sampler` file says where questions go and which variable of the environment holds the key. One from a stranger could
have any key sent to any address; so what is fitted here leaves a mark, and without one nothing is sent.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from platformdirs import user_cache_path

from gensynth.data.files import explained
from gensynth.kinds.text.service.service import Service


def remember(service: Service) -> None:
    """Leave the mark of a service: its address, and the name of the variable that holds its key."""
    mark = _mark(service)
    with explained(mark):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()  # it holds nothing, so that several runs may leave it at once


def check_named(service: Service) -> None:
    """Raise ValueError if a service was never named on this machine."""
    if not _mark(service).exists():
        key = f" with the key in {service.key}" if service.key else ""
        raise ValueError(
            f"the sampler's file asks {service.url}{key}, and was not fitted here; if you trust that address, fit it "
            "here: 'gensynth train llm' with the same settings."
        )


def _mark(service: Service) -> Path:
    name = hashlib.sha256(json.dumps([service.url, service.key]).encode()).hexdigest()
    return user_cache_path("gensynth") / "services" / name
