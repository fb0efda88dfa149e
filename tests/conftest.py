"""Fixtures every room shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


def _shared_data_folder() -> Path | None:
    named = os.environ.get("OTOSCOPE_DATA")
    candidates = [Path(named)] if named else [p / "shared" / "data" for p in Path(__file__).resolve().parents]
    return next((p for p in candidates if (p / "README.md").is_file()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real speech, or skip: set OTOSCOPE_DATA to it, or put it at ../shared/data beside the checkout."""
    folder = _shared_data_folder()
    if folder is None:
        pytest.skip("needs real speech: set OTOSCOPE_DATA to a folder laid out as docs/how-to/data.md says")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests put beside the models (found heads, conversions) out of the user's own store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTOSCOPE_MODELS", str(tmp_path_factory.mktemp("models")))
        yield
