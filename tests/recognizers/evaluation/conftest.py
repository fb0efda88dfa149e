"""A corpus of hums and parrots that hear them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from parrots import HEARD, TEXTS, Parrot, hum

from otoscope.io.audio import write_recording


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Five hums of half a second to 1.3 s."""
    folder = tmp_path / "hums"
    folder.mkdir()
    rows = ["id\tpath\tspeaker\ttext\tduration_s\tsplit"]
    for index, (name, (speaker, text)) in enumerate(TEXTS.items()):
        recording = hum(0.5 + 0.2 * index, index)
        write_recording(recording, folder / f"{name}.wav")
        rows.append(f"{name}\t{name}.wav\t{speaker}\t{text}\t{recording.duration_s}\ttest")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def parrot() -> Callable[..., Parrot]:
    """Make a parrot; without words of its own it says `HEARD`."""

    def made(name: str = "parrot", says: dict[str, str] | None = None, **given: object) -> Parrot:
        return Parrot(name, dict(HEARD if says is None else says), **given)

    return made
