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
SLACK_FRAMES = 5.0
"""Added to the frames of a word: a short one has little to be judged by."""
POWER = 2 / 3
"""Of a word's frames, by which its score is divided: scores of true words grow slower than their frames, those of wrong
ones as these do. 1 misses wrong words that are long, 0 those that are short."""


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


def word_fits(scores_of_words: Sequence[float], path: ForcedPath) -> NDArray[np.float64]:
    """Return how well each word fits, `(n_words,)`: its score over its frames and some more, to a power below 1."""
    frames = np.array([stop - first for first, stop in path.word_frames()])
    return np.asarray(scores_of_words) / (frames + SLACK_FRAMES) ** POWER


def mean_fit(scores_of_words: Sequence[float], path: ForcedPath) -> float:
    """Return the words' scores in nats a frame, over all frames in which a word is said."""
    return sum(scores_of_words) / sum(stop - first for first, stop in path.word_frames())


def check_said(
    scores: NDArray[np.float32], path: ForcedPath, lexicon: Lexicon, acoustic: AcousticScores
) -> tuple[float, ...]:
    """Return how sure each word is, exp of its score a frame; raise unless all can be what the sound says.

    Raises
    ------
    DoesNotFit
        A word fits worse than `least_word` of the card, or all of them together worse than `least_fit`; the message
        names the words that do not fit, or the worst.
    """
    if not path.graph.words:
        return ()
    found = word_scores(scores, path, lexicon, acoustic)
    fits, mean, card = word_fits(found, path), mean_fit(found, path), acoustic.card
    wrong = np.flatnonzero(fits < card.least_word)
    if len(wrong) or mean < card.least_fit:
        named = wrong if len(wrong) else [int(np.argmin(fits))]
        words = ", ".join(f"{path.graph.words[k]!r} ({fits[k]:.2f})" for k in named)
        raise DoesNotFit(
            f"the text does not fit the sound at {words}: {card.name} allows {card.least_word:.2f} for a word, and for "
            f"all together {card.least_fit:.2f} nats a frame, which are {mean:.2f}; check that text and recording "
            "belong together"
        )
    lengths = [stop - first for first, stop in path.word_frames()]
    return tuple(math.exp(score / length) for score, length in zip(found, lengths, strict=True))
