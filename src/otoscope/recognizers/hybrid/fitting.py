"""Whether a text is what a recording says: every word against all successions of phones at its place."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from otoscope.core import DoesNotFit, FrameGrid, Interval, Target
from otoscope.decoding.tree import ForcedPath
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.scoring import Lexicon, passage_of

MARGIN_FRAMES = 2
"""Frames by which a word's ends may move when it is judged."""


def word_scores(
    scores: NDArray[np.float32], path: ForcedPath, lexicon: Lexicon, acoustic: AcousticScores
) -> tuple[float, ...]:
    """Return each word's log posterior at the place a path gives it, in nats a frame."""
    words = path.graph.words
    grid = FrameGrid(1000, 0, 1000, 1000, len(scores))
    found = []
    for position, (first, stop) in enumerate(path.word_frames()):
        target = Target("word", words[position], Interval(first, stop, words[position]), position, words)
        passage = passage_of(target, grid, lexicon, acoustic.table, margin_s=MARGIN_FRAMES)
        found.append(passage.score(scores, acoustic.loop) / (stop - first))
    return tuple(found)


def check_said(
    scores: NDArray[np.float32], path: ForcedPath, lexicon: Lexicon, acoustic: AcousticScores
) -> tuple[float, ...]:
    """Return how sure each word is, exp of its score; raise unless all can be what the sound says.

    Raises
    ------
    DoesNotFit
        A word's score is below `least_fit` of the card, in nats a frame; the message names the worst.
    """
    if not path.graph.words:
        return ()
    found = word_scores(scores, path, lexicon, acoustic)
    least, name = acoustic.card.least_fit, acoustic.card.name
    worst = int(np.argmin(found))
    if found[worst] < least:
        raise DoesNotFit(
            f"the text does not fit the sound: {name} finds {found[worst]:.2f} nats a frame for "
            f"{path.graph.words[worst]!r}, where {least:.2f} are allowed; check that text and recording belong together"
        )
    return tuple(math.exp(score) for score in found)
