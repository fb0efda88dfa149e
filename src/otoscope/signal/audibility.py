"""Is there anything to hear? Refuses what no recogniser could use, whole or block by block."""

from __future__ import annotations

import numpy as np

from otoscope.core import BadAudio, Recording
from otoscope.signal.levels import peak_db

SHORTEST_S = 0.1
SILENT_BELOW_DB = -70.0


class Audibility:
    """Hears a recording block by block, and judges at the end.

    Examples
    --------
    >>> audibility = Audibility("talk.wav")
    >>> audibility.hear(Recording(np.zeros(16000), 16000))
    >>> audibility.check()
    Traceback (most recent call last):
        ...
    otoscope.core.errors.BadAudio: talk.wav is silent: its peak is -inf dB re full scale, at least -70 dB is needed
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._duration_s = 0.0
        self._peak_db = -np.inf

    def hear(self, block: Recording) -> None:
        """Take in the next block."""
        self._duration_s += block.duration_s
        self._peak_db = max(self._peak_db, peak_db(block))

    def check(self) -> None:
        """Refuse what was heard if it is shorter than 0.1 s or its peak lies below -70 dB re full scale.

        Raises
        ------
        BadAudio
            It is too short or silent.
        """
        if self._duration_s < SHORTEST_S:
            raise BadAudio(f"{self.name} lasts {self._duration_s:.3f} s; at least {SHORTEST_S} s of speech is needed")
        if self._peak_db < SILENT_BELOW_DB:
            raise BadAudio(
                f"{self.name} is silent: its peak is {self._peak_db:.0f} dB re full scale, "
                f"at least {SILENT_BELOW_DB:.0f} dB is needed"
            )


def check_audible(recording: Recording) -> None:
    """Refuse a recording that is shorter than 0.1 s or silent; see `Audibility.check`."""
    audibility = Audibility(recording.source or "the recording")
    audibility.hear(recording)
    audibility.check()
