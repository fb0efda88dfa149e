"""Pocketsphinx's decoder, made stateless: the same samples give the same result, whatever was heard before.

In: 16 kHz 16-bit samples. Out: the words of the best path, alternatives and the lattice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import FrameGrid
from otoscope.recognizers.pocketsphinx.lattice import Link, Segment, read_lattice

RATE_HZ = 16000
HOP, WINDOW = 160, 410
"""Samples between frames and in a frame: 10 ms and 25.6 ms."""
MAX_DURATION_S = 300.0
"""Pocketsphinx ends the whole process at 32,767 frames in one utterance; this stays below."""
_FILLERS = ("<", "[", "+")


@dataclass(frozen=True)
class Decoded:
    """What one decoding found; `log_score` is that of the best path in the lattice."""

    segments: tuple[Segment, ...]
    alternatives: tuple[tuple[str, ...], ...]
    links: tuple[Link, ...]
    log_score: float | None

    @property
    def words(self) -> tuple[Segment, ...]:
        """The segments that are words."""
        return tuple(s for s in self.segments if not is_filler(s.label))


def is_filler(label: str) -> bool:
    """Whether a label is silence or noise rather than a word."""
    return label.startswith(_FILLERS) or label == "(NULL)"


def n_frames(n_samples: int) -> int:
    """Return how many frames pocketsphinx makes of `n_samples`: all whole windows, and one for what is left."""
    whole = max(0, 1 + (n_samples - WINDOW) // HOP)
    return whole + (n_samples > whole * HOP)


def grid_of(frames: int) -> FrameGrid:
    """Return where the frames lie in a recording (in samples at 16 kHz)."""
    return FrameGrid(RATE_HZ, 0, HOP, WINDOW, frames)


class Engine:
    """A decoder, made when first needed.

    Parameters
    ----------
    folder
        The acoustic model.
    options
        Further settings of `pocketsphinx.Decoder`, such as `{"beam": 1e-60}`.
    """

    def __init__(self, folder: Path, options: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._options = dict(options or {})
        self._decoder: Any = None

    def prepare(self) -> None:
        """Read the dictionary and language model now."""
        if self._decoder is None:
            self._decoder = self._fresh(self._options)

    def decode(self, samples: NDArray[np.int16], *, n_best: int = 1) -> Decoded:
        """Recognise a whole utterance, as `pocketsphinx single` does."""
        self.prepare()
        decoder = self._decoder
        decoder.activate_search()
        _run(decoder, samples)
        best = decoder.hyp()
        if best is None:
            return Decoded((), (), (), None)
        segments = tuple(
            Segment(s.word, s.start_frame, s.end_frame + 1, s.prob, tuple((decoder.lookup_word(s.word) or "").split()))
            for s in decoder.seg()
        )
        score = 1024 * float(np.log(best.score)) if best.score > 0 else None
        return Decoded(segments, self._alternatives(decoder, n_best), self._lattice(decoder), score)

    def _fresh(self, options: Mapping[str, Any]) -> Any:
        from pocketsphinx import Decoder

        return Decoder(**{"loglevel": "FATAL", "hmm": str(self._folder), **options})

    def _alternatives(self, decoder: Any, n_best: int) -> tuple[tuple[str, ...], ...]:
        """The next best word sequences, best first, without fillers and repeats."""
        if n_best < 2:
            return ()
        best = decoder.hyp().hypstr
        found: dict[tuple[str, ...], None] = {tuple(best.split()): None}
        entries = decoder.nbest()
        for tried, entry in enumerate(entries or ()):
            if entry is None or len(found) >= n_best or tried >= 50 * n_best:
                break
            found.setdefault(tuple(w for w in entry.hypstr.split() if not is_filler(w)))
        return tuple(found)[1:]

    def _lattice(self, decoder: Any) -> tuple[Link, ...]:
        lattice = decoder.get_lattice()
        if lattice is None:
            return ()
        with tempfile.TemporaryDirectory(prefix="otoscope-lattice-") as folder:
            path = Path(folder) / "lattice.htk"
            lattice.write_htk(str(path))
            return read_lattice(path)


def _run(decoder: Any, samples: NDArray[np.int16]) -> None:
    """Decode a whole utterance from a clean state: noise estimate and means of the utterance before are dropped."""
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
