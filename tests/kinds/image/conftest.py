"""What several tests of images need."""

from __future__ import annotations

from pathlib import Path

import pytest
from photographs import folder_of_photographs


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of several classes, which no test changes."""
    return folder_of_photographs(tmp_path_factory.mktemp("photographs"), 4, quality=92)
