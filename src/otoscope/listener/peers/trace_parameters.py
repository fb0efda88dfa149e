"""What TRACE can be told: its parameters, and how often words are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput


@dataclass(frozen=True)
class TraceParameters:
    """Parameters of TRACE; the defaults are those of McClelland and Elman (1986) as jTRACE has them.

    Between levels, `input_feature`, `feature_phone`, `phone_word` and `word_phone` excite; within a level,
    `feature_rivals`, `phone_rivals` and `word_rivals` inhibit. Each level decays (`…_decay`) to its rest (`…_rest`).
    Activations stay between `lowest` and `highest`, the sum of squares that inhibits words below `most_rivalry`.
    There are `n_slices` of input; phones follow one another every `step` slices and rise and fall over `spread`, 6 in
    the paper and jTRACE, 3 in a later copy of the first program (Stanford, `trace.tar.gz`). Words compete from
    `early` places before their start: 0 in jTRACE, 1 in the first program. Frequent words rest higher by
    `frequency_rest` and heed phones more by `frequency_weight`, each times log10 of a word's count (Dahan, Magnuson
    & Tanenhaus 2001, who took 0.06 or 0.13).
    """

    input_feature: float = 1.0
    feature_phone: float = 0.02
    phone_word: float = 0.05
    word_phone: float = 0.03
    feature_rivals: float = 0.04
    phone_rivals: float = 0.04
    word_rivals: float = 0.03
    feature_decay: float = 0.01
    phone_decay: float = 0.03
    word_decay: float = 0.05
    feature_rest: float = -0.1
    phone_rest: float = -0.1
    word_rest: float = -0.01
    lowest: float = -0.3
    highest: float = 1.0
    most_rivalry: float = 3.0
    n_slices: int = 99
    step: int = 6
    spread: int = 6
    early: int = 0
    frequency_rest: float = 0.0
    frequency_weight: float = 0.0


def checked_counts(counts: Sequence[float] | None, n_words: int, p: TraceParameters) -> NDArray[np.float64]:
    """Return `(n_words,)` counts; none are 0, where nothing asks for them.

    Raises
    ------
    BadInput
        They are missing, negative, or not one a word.
    """
    if counts is None:
        for name in ("frequency_rest", "frequency_weight"):
            if getattr(p, name):
                raise BadInput(f"{name} needs counts, one for each word")
        return np.zeros(n_words)
    found = np.asarray(counts, dtype=np.float64)
    if found.shape != (n_words,):
        raise BadInput(f"{n_words} words need {n_words} counts, got {found.shape}")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise BadInput("counts must be finite, 0 or more")
    return found
