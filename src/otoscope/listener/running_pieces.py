"""A long recording of running speech, heard piece by piece: however long it is, a piece is what memory holds.

A piece is heard as far as `AHEAD_S` beyond its end and cut in the longest pause between words of its last third, so
that what comes later hardly changes what was heard; the next one begins there. The listener's own ears go on from piece
to piece as in one recording, and so does what a context expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Emissions, Recording, Trace
from otoscope.core.arrays import ByValue
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.ears.ears import Ears
from otoscope.listener.ears.hearing import RATE_HZ, grid_of
from otoscope.listener.evidence import HOP_S, Evidence, evidence_from
from otoscope.listener.listening import AFTER_S, WordListener
from otoscope.listener.running import SpokenForm
from otoscope.listener.running_speech import RunningSpeech, open_listening, sequence_of, speech_of
from otoscope.listener.slots import AFTER_FRAMES
from otoscope.signal.resampling import resampled

PIECE_S = 60.0
"""How long pieces are, at most about."""
AHEAD_S = 2.0
"""Sound behind a piece that is heard before its words are told: words become certain within 0.8 s of nineteen in
twenty (`RunningStream` in benchmarks/running_speech.py)."""
BLOCK = 10 * RATE_HZ
"""Samples given to the ears at a time."""

Through = Callable[[Recording], Trace | Emissions]


@dataclass(frozen=True, eq=False)
class Piece(ByValue):
    """A piece of a long recording.

    Parameters
    ----------
    start_s, end_s
        Where it lies.
    speech
        What was heard in it, at times of the whole recording.
    evidence
        What it was heard by, as far as the competition for its last word goes.
    """

    start_s: float
    end_s: float
    speech: RunningSpeech
    evidence: Evidence


def pieces_of(
    listener: WordListener,
    recording: Recording,
    *,
    context: NGramModel | None = None,
    through: Through | None = None,
    piece_s: float = PIECE_S,
) -> Iterator[Piece]:
    """Yield a recording piece by piece.

    Parameters
    ----------
    listener
        Its lexicon, ears and settings.
    recording
        Of any length and rate.
    context
        An n-gram model, as for `otoscope.listener.running_speech.hear_running`.
    through
        What makes a stretch of the recording heard, where the listener does not hear through its own ears.
    piece_s
        How long pieces are, at most about.

    Raises
    ------
    BadInput
        Pieces are to be shorter than what is heard ahead.
    """
    if not piece_s >= 2 * AHEAD_S:
        raise BadInput(f"pieces last {2 * AHEAD_S:g} s or more, got {piece_s:g}")
    sound = _Borrowed(recording, through) if through is not None else _Own(listener.ears, recording)
    n_piece, n_ahead = round(piece_s / HOP_S), round(AHEAD_S / HOP_S)
    first, before, n_history = 0, list[str](), 0 if context is None else context.order - 1
    while first < sound.n_frames:
        left = sound.n_frames - first
        n = left if left <= n_piece + n_ahead else n_piece + n_ahead
        evidence = sound.stretch(first, n)
        listening = open_listening(listener, evidence.models)
        listening.feed(evidence.scores)
        sequence = sequence_of(listener, listening, context, before=before)
        behind = n if n == left else where_to_cut([spoken for spoken, _ in sequence], n_piece)
        kept = [(spoken, label) for spoken, label in sequence if spoken.behind <= behind]
        here = _beginning(evidence, min(behind + AFTER_FRAMES, evidence.n_frames))
        speech = speech_of(listener, listening, here, kept, context, before=before)
        ends = round(HOP_S * first, 6), min(round(HOP_S * (first + behind), 6), recording.duration_s)
        yield Piece(*ends, speech, here)
        first += behind
        before = [*before, *(label for _, label in kept)][-n_history:] if n_history else []


def where_to_cut(sequence: Sequence[SpokenForm], n_frames: int) -> int:
    """Return the frame in the middle of the longest pause between words in the last third of a stretch.

    Of equal ones the last is taken; where no word begins there, the stretch is cut at its end.
    """
    least = 2 * n_frames // 3
    begins, ends = [*(word.first for word in sequence), n_frames], [0, *(word.behind for word in sequence)]
    pauses = [(max(end, least), min(begin, n_frames)) for end, begin in zip(ends, begins, strict=True)]
    possible = [(behind - first, (first + behind) // 2) for first, behind in pauses if first <= behind]
    return max(possible, default=(0, n_frames))[1]


class _Own:
    """A recording heard through the listener's own ears, which go on from one stretch to the next."""

    def __init__(self, ears: Ears, recording: Recording) -> None:
        samples = resampled(recording, RATE_HZ).samples
        n_after = round(AFTER_S * RATE_HZ)
        self._ears, self._stream, self._samples, self._fed = ears, ears.stream(), samples, 0
        self._grid = grid_of(samples.size + n_after)
        self.n_frames = self._grid.n_frames
        self._after = np.zeros(n_after, np.float32)
        self._first, self._scores = 0, np.zeros((0, len(ears.card.columns)), np.float32)

    def stretch(self, first: int, n_frames: int) -> Evidence:
        """Return frames that lie behind the ones asked for before, or begin among them."""
        parts = [self._scores[first - self._first :]]
        while sum(map(len, parts)) < n_frames:
            parts.append(self._more())
        self._first, self._scores = first, np.concatenate(parts)
        grid = replace(self._grid, start=self._grid.start + first * self._grid.hop, n_frames=n_frames)
        return Evidence(self._scores[:n_frames], grid, self._ears.card, self._ears.provenance, "phone states")

    def _more(self) -> NDArray[np.float32]:
        if self._fed < self._samples.size:
            block = self._samples[self._fed : self._fed + BLOCK]
            self._fed += BLOCK
            return self._stream.feed(block)
        rest = self._stream.feed(self._after), self._stream.finish()
        return np.concatenate(rest)


class _Borrowed:
    """A recording heard through a recogniser, stretch by stretch."""

    def __init__(self, recording: Recording, through: Through) -> None:
        self._recording, self._through = recording, through
        self.n_frames = int(recording.duration_s / HOP_S)

    def stretch(self, first: int, n_frames: int) -> Evidence:
        """Return frames, heard by themselves."""
        evidence = evidence_from(self._through(self._recording.cut(first * HOP_S, (first + n_frames) * HOP_S)))
        n = min(n_frames, evidence.n_frames)
        if n < n_frames - 2 * AFTER_FRAMES:
            raise BadInput(f"{n_frames} frames of 10 ms were to be heard at {first * HOP_S:g} s, got {n}")
        start = evidence.grid.start + round(first * HOP_S * evidence.grid.rate_hz)
        return _beginning(replace(evidence, grid=replace(evidence.grid, start=start)), n)


def _beginning(evidence: Evidence, n_frames: int) -> Evidence:
    grid = replace(evidence.grid, n_frames=n_frames)
    return replace(evidence, scores=evidence.scores[:n_frames], grid=grid)
