"""Long recordings: the network hears chunks with context on both sides, and the text is read stretch by stretch.

The chunks are those of transformers' pipeline (`chunk_length_s`, `stride_length_s`): what a chunk makes of its context
is thrown away, and what is left is put together. Nothing grows with the length of the recording but what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.recognizers.wav2vec2.symbols import Symbols

PATIENCE = 4
"""A stretch is this many times as long as wanted before it is cut within a word."""


def chunks(n_samples: int, *, size: int, context: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield `(start, stop, left, right)` of chunks of `size` samples; `left` and `right` samples of each are context.

    Examples
    --------
    >>> list(chunks(10, size=6, context=1))
    [(0, 6, 0, 1), (4, 10, 1, 0)]
    """
    if size <= 2 * context:
        raise BadInput(f"chunks of {size} samples must be longer than twice their context of {context}")
    for start in range(0, n_samples, size - 2 * context):
        stop = min(start + size, n_samples)
        last = start + size >= n_samples
        yield start, stop, context if start else 0, 0 if last else context
        if last:
            return


def stretches(rows: Iterable[NDArray[np.float64]], symbols: Symbols, *, n_frames: int) -> Iterator[NDArray[np.float64]]:
    """Yield log-probabilities in stretches of about `n_frames`, cut between words.

    A stretch ends where the best path is between two words, in the longest pause of its second half; after
    `PATIENCE * n_frames` without such a place it ends in a blank, or anywhere.

    Parameters
    ----------
    rows
        Consecutive `(n, n_symbols)` log-probabilities.
    symbols
        What the columns write.
    n_frames
        How long a stretch may become before it is cut.
    """
    waiting: list[NDArray[np.float64]] = []
    for block in rows:
        waiting.append(block)
        while sum(len(each) for each in waiting) > n_frames:
            joined = np.concatenate(waiting)
            waiting = [joined]
            if (cut := _cut(joined.argmax(1), symbols, n_frames)) is None:
                break
            yield joined[:cut]
            waiting = [joined[cut:]]
    if waiting:
        yield np.concatenate(waiting)


def _cut(best: NDArray[np.int64], symbols: Symbols, n_frames: int) -> int | None:
    """Return before which frame to cut, `None` where no place is good yet."""
    half = n_frames // 2
    places = _between_words(best, symbols)
    places = places[places >= half]
    early = places[places < n_frames]
    if places.size:
        places = early if early.size else places
        return int(places[np.argmax(_pauses(best, symbols)[places])])
    if best.size < PATIENCE * n_frames:
        return None
    blank = np.flatnonzero(best[half:] == symbols.blank) + half
    return int(blank[-1]) if blank.size else best.size - 1


def _between_words(best: NDArray[np.int64], symbols: Symbols) -> NDArray[np.int64]:
    """Return the frames before which no word is open: where a gap begins, and blanks behind a gap or before any word.

    Phones are words: every blank is between two. So it is where no mark stands between words.
    """
    silent = best == symbols.blank
    if not symbols.gaps:
        return np.flatnonzero(silent)
    gap = best == symbols.gaps[0]
    begins = gap & ~np.concatenate([[False], gap[:-1]])
    said = np.where(silent, -1, np.arange(best.size))
    last = np.maximum.accumulate(said)
    closed = (last < 0) | gap[np.maximum(last, 0)]
    return np.flatnonzero(begins | (silent & closed))


def _pauses(best: NDArray[np.int64], symbols: Symbols) -> NDArray[np.int64]:
    """Return for each frame how long the run of blanks and gaps is that it stands in."""
    quiet = np.isin(best, (symbols.blank, *symbols.gaps))
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8), prepend=2))
    lengths = np.diff(np.append(edges, best.size))
    return np.where(quiet, np.repeat(lengths, lengths), 0)
