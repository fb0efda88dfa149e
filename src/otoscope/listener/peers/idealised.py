"""The listener of this package on TRACE's own input: evidence of phones from features, and words that compete for it.

Sounds are what TRACE hears, a frame a slice: patterns of features that rise and fall over eleven frames and overlap
with their neighbours. A phone's likelihood in a frame falls with the squared distance of the frame from its pattern.
Words are paths through their phones between two silences (Viterbi), as everywhere in the listener.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import FrameGrid, Provenance
from otoscope.listener.evidence import Evidence
from otoscope.listener.peers.features import PHONES, SILENCE, feature_table, phone_rows
from otoscope.listener.peers.simulated import Simulated, check_memory
from otoscope.listener.peers.wiring import input_pattern
from otoscope.listener.units import NamedModels

Matrix = NDArray[np.float64]

STEP = 6
"""Frames from the middle of a phone to that of the next, as in TRACE."""


@dataclass(frozen=True)
class IdealParameters:
    """What the listener takes for granted.

    Parameters
    ----------
    variance
        Of each of the 63 feature values of a frame about a phone's pattern.
    to_come
        Natural-log cost of each phone of a word that is still to come. 0 is the partial rule, by which a word is as
        good as its best path so far. `log(6)` is what each such phone will cost at least: the step into it, for phones
        that last six frames.
    """

    variance: float = 1.0
    to_come: float = float(np.log(STEP))


def ideal_scores(inputs: Sequence[str], *, variance: float = 1.0, n_frames: int | None = None) -> Matrix:
    """Return `(n_inputs, n_frames, n_phones)` natural-log likelihoods, each input between silences.

    Parameters
    ----------
    inputs
        Strings of jTRACE phones.
    variance
        Of each feature value about a phone's pattern.
    n_frames
        By default enough for the longest and the silence behind it.

    Raises
    ------
    BadInput
        An input has a sound that TRACE lacks.
    """
    table = feature_table()
    flat = table.reshape(len(table), -1)
    length = n_frames or STEP * (max(map(len, inputs)) + 4)
    found = np.empty((len(inputs), length, len(flat)))
    for number, heard in enumerate(inputs):
        silences = SILENCE * max(1, length // STEP - len(heard))
        frames = input_pattern(phone_rows(SILENCE + heard + silences), length, table, step=STEP).T
        distance = np.square(frames).sum(axis=1)[:, None] - 2 * frames @ flat.T + np.square(flat).sum(axis=1)
        found[number] = -distance / (2 * variance)
    return found


def ideal_evidence(heard: str, *, variance: float = 1.0) -> Evidence:
    """Return the same of one input as the listener takes it: a frame every 10 ms, one state a phone.

    Raises
    ------
    BadInput
        The input has a sound that TRACE lacks.
    """
    scores = ideal_scores([heard], variance=variance)[0]
    phones = tuple(phone for phone in PHONES if phone != SILENCE)
    columns: dict[tuple[str | None, str, int], int] = {(None, phone, 0): row for row, phone in enumerate(PHONES)}
    stay, go = float(np.log(1 - 1 / STEP)), float(-np.log(STEP))
    models = NamedModels(phones, SILENCE, dict.fromkeys(PHONES, 1), columns, ((stay, go, -np.inf),))
    grid = FrameGrid(rate_hz=1000, start=0, hop=10, window=10, n_frames=len(scores))
    origin = Provenance("idealised", "features of TRACE", parameters={"variance": variance, "step": STEP})
    return Evidence(scores.astype(np.float32), grid, models, origin, "phone states")


def listen_ideally(
    words: Sequence[str], inputs: Sequence[str], *, parameters: IdealParameters | None = None
) -> Simulated:
    """Return the activation of every word, in nats, after every frame of every input.

    Parameters
    ----------
    words
        The lexicon, strings of jTRACE phones, all equally likely.
    inputs
        What is heard, each between two silences.
    parameters
        What the listener takes for granted.

    Raises
    ------
    BadInput
        A string has a sound that TRACE lacks.
    NotAble
        The activations would not fit into memory.
    """
    p = parameters or IdealParameters()
    scores = ideal_scores(inputs, variance=p.variance)
    states, left = _paths(words)
    n_inputs, n_frames = scores.shape[:2]
    check_memory(8.0 * n_inputs * len(words) * (n_frames + 4 * states.shape[1]), f"{n_inputs} inputs")
    stay, go = np.log(1 - 1 / STEP), -np.log(STEP)
    silence = PHONES.index(SILENCE)
    best = np.full((n_inputs, *states.shape), -np.inf)
    best[:, :, 0] = scores[:, :1, silence]
    owing = np.where(states >= 0, p.to_come * left, np.inf)
    made = np.empty((n_inputs, n_frames, len(words)))
    made[:, 0] = (best - owing).max(axis=2)
    for frame in range(1, n_frames):
        entered = np.full_like(best, -np.inf)
        entered[:, :, 1:] = best[:, :, :-1] + go
        best = np.maximum(best + stay, entered) + scores[:, frame][:, states]
        made[:, frame] = (best - owing).max(axis=2)
    return Simulated(tuple(inputs), tuple(words), made)


def _paths(words: Sequence[str]) -> tuple[NDArray[np.int64], Matrix]:
    """Return `(n_words, longest + 2)` phones of each path, -1 behind its end, and how many are still to come there."""
    longest = max(map(len, words))
    states = np.full((len(words), longest + 2), -1)
    left = np.zeros(states.shape)
    for row, word in enumerate(words):
        path = phone_rows(SILENCE + word + SILENCE)
        states[row, : len(path)] = path
        left[row, : len(path)] = np.maximum(len(word) - np.arange(len(path)), 0)
    return states, left
