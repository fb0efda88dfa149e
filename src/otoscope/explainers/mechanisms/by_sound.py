"""Sparse codes and steering asked by sounds alone: what is learnt, and where to push, comes from recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otoscope.core import BadInput, Finding, Recognizer, Recording
from otoscope.core.protocols import Intervenable, Progress
from otoscope.explainers.layers.sites import last_layer, layer_sites
from otoscope.explainers.mechanisms.feature_sounds import sparse_features
from otoscope.explainers.mechanisms.running import need
from otoscope.explainers.mechanisms.sparse_code import fit_sparse_code
from otoscope.explainers.mechanisms.steering import mean_difference, steer


def sparse_codes(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    at: str | None = None,
    n_features: int | None = None,
    k: int = 8,
    n_steps: int = 1500,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Learn a sparse code of a layer from half of a corpus, and tell which sounds of the other half excite it.

    Parameters
    ----------
    recognizer
        One whose inside is open.
    utterances
        Of a corpus; every second one is kept for the description.
    at
        The layer, by default the last.
    n_features, k, n_steps, seed
        See `sparse_code.fit_sparse_code`.
    progress
        Told (learnt and described, all).

    Returns
    -------
    Finding
        As of `feature_sounds.sparse_features`.

    Raises
    ------
    BadInput
        There are fewer than two utterances, or no such site.
    NotAble
        The recogniser's inside is not open.
    """
    need(recognizer, Intervenable)
    learnt, told = list(utterances[::2]), list(utterances[1::2])
    if not told:
        raise BadInput(f"a sparse code is learnt from one half and described by the other; got {len(learnt)} utterance")
    n_first, n_all = len(learnt) + n_steps, len(learnt) + n_steps + len(told)

    def after(n_before: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(n_before + done, n_all)

    site = at or last_layer(layer_sites(recognizer))
    code = fit_sparse_code(
        recognizer, learnt, at=site, n_features=n_features, k=k, n_steps=n_steps, seed=seed, progress=after(0)
    )
    return sparse_features(recognizer, told, code=code, seed=seed, progress=after(n_first))


def steer_by_sound(
    recognizer: Recognizer,
    recording: Recording,
    *,
    towards: Recording,
    away: Recording | None = None,
    at: str | None = None,
    n_random: int = 8,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Push a layer towards what it is in another recording, and tell at which strength the text changes.

    Parameters
    ----------
    recognizer
        One whose inside is open.
    recording
        What it hears.
    towards, away
        The push is the mean of the layer in `towards` less that in `away`, by default the recording itself.
    at
        The layer, by default the last.
    n_random, seed, progress
        See `steering.steer`, which tells what is found.

    Raises
    ------
    BadInput
        No such site, or the two recordings leave the same there.
    NotAble
        The recogniser's inside is not open.
    """
    need(recognizer, Intervenable)
    site = at or last_layer(layer_sites(recognizer))
    direction = mean_difference(recognizer, [towards], [recording if away is None else away], at=site)
    return steer(recognizer, recording, at=site, direction=direction, n_random=n_random, seed=seed, progress=progress)
