"""The precision that is fast on this machine and safe."""

from __future__ import annotations

from pathlib import Path

import torch


def native_precision(accelerator: str) -> str:
    """Return `"bf16-mixed"` where the accelerator multiplies bf16 matrices natively, else `"32-true"`."""
    cuda = accelerator != "cpu" and torch.cuda.is_available()
    native = torch.cuda.is_bf16_supported(including_emulation=False) if cuda else _cpu_has_bf16()
    return "bf16-mixed" if native else "32-true"


def _cpu_has_bf16() -> bool:
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.exists() else ""
    return "avx512_bf16" in text or "amx_bf16" in text
