"""Put recordings together and take them apart, without clicks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.signal.masking import raised_cosine


def concatenated(recordings: Sequence[Recording], *, crossfade_s: float = 0.0) -> Recording:
    """Return recordings one after the other, each faded into the next over `crossfade_s`.

    The result is shorter than the sum of its parts by one cross-fade at each join. The fade is a raised cosine whose
    two halves add to one: what is the same on both sides stays as it is.

    Raises
    ------
    BadInput
        There is no recording, their rates differ, or one is shorter than its cross-fades.

    Examples
    --------
    >>> part = Recording(np.ones(1600), 16000)
    >>> joined = concatenated([part, part], crossfade_s=0.01)
    >>> joined.n_samples, bool(np.allclose(joined.samples, 1))
    (3040, True)
    """
    if not recordings:
        raise BadInput("there is no recording to join")
    rates = {recording.rate_hz for recording in recordings}
    if len(rates) > 1:
        raise BadInput(f"recordings of rates {sorted(rates)} Hz cannot be joined; resample them first")
    fade = round(crossfade_s * recordings[0].rate_hz)
    shortest = min(recording.n_samples for recording in recordings)
    if fade < 0 or (fade > 0 and len(recordings) > 1 and 2 * fade > shortest):
        raise BadInput(
            f"a cross-fade of {crossfade_s:g} s needs recordings of twice that, got one of {shortest} samples"
        )
    parts = [recording.samples for recording in recordings]
    return recordings[0].with_samples(_joined(parts, fade))


def inserted(recording: Recording, other: Recording, at_s: float, *, crossfade_s: float = 0.0) -> Recording:
    """Return the recording with another spliced in at a time."""
    before, after = recording.cut(0.0, at_s), recording.cut(at_s, recording.duration_s)
    return concatenated([before, other, after], crossfade_s=crossfade_s)


def without(recording: Recording, start_s: float, end_s: float, *, crossfade_s: float = 0.0) -> Recording:
    """Return the recording with a stretch cut out: shorter, unlike a mask."""
    before, after = recording.cut(0.0, start_s), recording.cut(end_s, recording.duration_s)
    return concatenated([before, after], crossfade_s=crossfade_s)


def _joined(parts: Sequence[NDArray[np.float32]], fade: int) -> NDArray[np.float32]:
    rising = raised_cosine(fade)
    joined = np.zeros(sum(part.size for part in parts) - fade * (len(parts) - 1), np.float32)
    first = 0
    for index, part in enumerate(parts):
        weight = np.ones(part.size, np.float32)
        if index > 0:
            weight[:fade] = rising
        if index < len(parts) - 1 and fade:
            weight[-fade:] = rising[::-1]
        joined[first : first + part.size] += part * weight
        first += part.size - fade
    return joined
