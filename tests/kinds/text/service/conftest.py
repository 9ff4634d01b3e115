"""The stub service of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stub_service import StubService, stub_service


@pytest.fixture
def stub() -> Iterator[StubService]:
    with stub_service() as service:
        yield service
