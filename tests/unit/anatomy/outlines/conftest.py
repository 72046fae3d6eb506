"""The made spine and the made shaft, once for all tests."""

from __future__ import annotations

import made_spine
import pytest

from iceball.nouns import Case


@pytest.fixture(scope="session")
def spine() -> made_spine.Spine:
    return made_spine.make_spine()


@pytest.fixture(scope="session")
def shaft() -> Case:
    return made_spine.make_shaft()
