"""Whether a text is what a recording says: every word against all successions of phones at its place."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    """Return each word's log posterior at the place a path gives it, in nats."""
    words = path.graph.words
    grid = FrameGrid(1000, 0, 1000, 1000, len(scores))
    found = []
    for position, (first, stop) in enumerate(path.word_frames()):
        target = Target("word", words[position], Interval(first, stop, words[position]), position, words)
        passage = passage_of(target, grid, lexicon, acoustic.table, margin_s=MARGIN_FRAMES)
        found.append(passage.score(scores, acoustic.loop))
    return tuple(found)


def check_said(
    scores: NDArray[np.float32], path: ForcedPath, lexicon: Lexicon, acoustic: AcousticScores
) -> tuple[float, ...]:
    """Return how sure each word is, exp of its score a frame; raise unless all can be what the sound says.

    Raises
    ------
    DoesNotFit
        A word's score is below `least_word` of the card, or all of them together are below `least_fit` a frame; the
        message names the worst word.
    """
    if not path.graph.words:
        return ()
    found = word_scores(scores, path, lexicon, acoustic)
    card, lengths = acoustic.card, [stop - first for first, stop in path.word_frames()]
    worst, mean = int(np.argmin(found)), mean_fit(found, path)
    if found[worst] < card.least_word or mean < card.least_fit:
        raise DoesNotFit(
            f"the text does not fit the sound: {card.name} finds {mean:.2f} nats a frame, {found[worst]:.1f} for "
            f"{path.graph.words[worst]!r}, where {card.least_fit:.2f} and {card.least_word:.1f} are allowed; "
            "check that text and recording belong together"
        )
    return tuple(math.exp(score / length) for score, length in zip(found, lengths, strict=True))


def mean_fit(scores_of_words: Sequence[float], path: ForcedPath) -> float:
    """Return the words' scores in nats a frame, over all frames in which a word is said."""
    return sum(scores_of_words) / sum(stop - first for first, stop in path.word_frames())
