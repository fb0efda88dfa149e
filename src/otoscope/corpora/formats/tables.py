"""What the readers share: lines with their places, and lengths of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from otoscope.core import BadAudio, BadInput
from otoscope.corpora.findings import CorpusFault, problem
from otoscope.corpora.stretches import TOLERANCE_S
from otoscope.io.audio import audio_info


def numbered_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line that is not blank with its place, `file:number`.

    Raises
    ------
    BadInput
        The file is missing, cannot be read, or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", line.rstrip("\r")


def file_length_s(path: Path, where: str, utterance: str) -> float | CorpusFault:
    """Return the length of a sound file by its header, or the finding that it cannot be read."""
    try:
        return audio_info(path).duration_s
    except BadAudio as error:
        return CorpusFault("error", "unreadable", str(error), where, utterance)


def stretch_length_s(
    path: Path, stretch: tuple[float, float | None], where: str, utterance: str
) -> float | CorpusFault:
    """Return the length of a stretch of a file, or the finding that it does not lie in the file."""
    start_s, end_s = stretch
    if end_s is not None and not 0 <= start_s < end_s:
        return problem(where, f"a segment must end after it begins, got {start_s:g} to {end_s:g} s", utterance)
    if end_s is not None:
        return end_s - start_s
    whole = file_length_s(path, where, utterance)
    if isinstance(whole, CorpusFault):
        return whole
    if start_s >= whole + TOLERANCE_S:
        return problem(where, f"the segment begins at {start_s:g} s, its file ends at {whole:.3f} s", utterance)
    return whole - start_s
