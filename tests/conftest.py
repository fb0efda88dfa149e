"""Fixtures every room shares."""

from __future__ import annotations

import os
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
