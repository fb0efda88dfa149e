"""A first model from nothing but texts: each utterance is cut into equal parts (Rabiner & Juang 1993, 6.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.decoding.gaussians import Occupancy, single_gaussians
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.estimation import variance_floor
from otoscope.recognizers.hmm.examples import Examples
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.topology import SILENCE, SILENCE_STATES, StateTying, UntiedStates

FIRST_LOOP = 0.75
FRAMES_A_STATE = 4.0
"""Of a whole-word model: states = mean frames of the word / this."""
FEWEST_STATES, MOST_STATES = 3, 24


def equal_segmentation(examples: Examples, tying: StateTying) -> NDArray[np.int64]:
    """Return the column of each frame, `(n_frames,)`: the states of an utterance share its frames equally.

    Silences between words are left out, those at the edges are not.
    """
    columns = np.full(len(examples.cepstra), -1, np.int64)
    for index, spoken in enumerate(examples.spoken):
        chain = spoken.chain(tying)
        inner = np.array([free and 0 < k < len(spoken.units) - 1 for k, free in enumerate(spoken.optional)])
        firm = chain.columns[~inner[chain.unit_of]]
        span = examples.span(index)
        n_frames = span.stop - span.start
        columns[span] = firm[np.arange(n_frames) * firm.size // max(1, n_frames)]
    return columns


def flat_model(examples: Examples, front_end: FrontEnd, tying: StateTying) -> HmmModel:
    """Return a model of one Gaussian a state from the equal segmentation."""
    transform = FrameTransform()
    frames = examples.frames(transform)
    occupancy = Occupancy.of_path(equal_segmentation(examples, tying), len(tying.names))
    mixtures, _ = single_gaussians(frames, occupancy, floor=variance_floor(frames))
    return HmmModel(front_end, transform, tying, mixtures, np.full(len(tying.names), np.log(FIRST_LOOP)))


def word_states(examples: Examples, lexicon: Mapping[str, Sequence[Phones]]) -> UntiedStates:
    """Return the topology of whole-word models: a state for every `FRAMES_A_STATE` frames of a word.

    How long a word lasts is told by its utterances, whose frames its words share equally.

    Parameters
    ----------
    lexicon
        Word → its one unit, named as the word.
    """
    frames: dict[str, list[float]] = {unit: [] for word in lexicon for unit in lexicon[word][0]}
    for index, words in enumerate(examples.words):
        span = examples.span(index)
        for word in words:
            frames[lexicon[word][0][0]].append((span.stop - span.start) / len(words))
    n_states = {SILENCE: SILENCE_STATES}
    for unit, seen in frames.items():
        mean = float(np.mean(seen)) if seen else FEWEST_STATES * FRAMES_A_STATE
        n_states[unit] = int(np.clip(round(mean / FRAMES_A_STATE), FEWEST_STATES, MOST_STATES))
    return UntiedStates(n_states)
