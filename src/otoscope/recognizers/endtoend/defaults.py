"""Options that follow from the corpus where the user leaves them open: rate, joining, vocabulary, batches, epochs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import median_low
from typing import Any

from otoscope.core import BadInput
from otoscope.io.audio import audio_info
from otoscope.recognizers.endtoend.presets import Options

WIDE_HZ, TELEPHONE_HZ = 16000, 8000
LEAST_STEPS, LEAST_EPOCHS, MOST_EPOCHS = 1300, 24, 200
BATCHES, BATCH_S = 55, (6.0, 30.0)
"""Batches that an epoch should have, and the least and most seconds of one: networks learn little in few steps."""
N_LOOKED_AT = 25


def filled(options: Options, corpus: Sequence[Any], texts: Sequence[Sequence[str]], *, effort: float = 1.0) -> Options:
    """Return the options with nothing left open but the learning rate, which is the preset's.

    Parameters
    ----------
    options
        Where `None` stands, the corpus decides.
    corpus
        Utterances with `duration_s`, and `path` where they are files.
    texts
        Their words.
    effort
        Of the preset: factor on the epochs.

    Raises
    ------
    BadInput
        `epochs`, `batch_s` or `rate_hz` is given and not above 0.
    """
    for name in ("epochs", "batch_s", "rate_hz"):
        if (given := getattr(options, name)) is not None and not given > 0:
            raise BadInput(f"{name} must be above 0, or None for what suits the corpus, got {given}")
    single = sum(len(words) for words in texts) < 2 * len(texts)
    total_s = sum(float(utterance.duration_s) for utterance in corpus)
    usual_s = min(max(total_s / BATCHES, BATCH_S[0]), BATCH_S[1])
    batch_s = options.batch_s if options.batch_s is not None else usual_s
    epochs = min(max(LEAST_EPOCHS, math.ceil(LEAST_STEPS * batch_s / total_s)), MOST_EPOCHS)
    return dataclasses.replace(
        options,
        rate_hz=options.rate_hz if options.rate_hz is not None else rate_of(corpus),
        joined=options.joined or ((1, 3) if single else (1, 1)),
        closed=single if options.closed is None else options.closed,
        batch_s=batch_s,
        epochs=options.epochs if options.epochs is not None else round(effort * epochs),
    )


def rate_of(corpus: Sequence[Any]) -> int:
    """Return 8000 where most of the files hold no sound above 4 kHz by their rate, else 16000.

    Sound of a telephone taken to 16 kHz has an empty upper half: noise added in training would fill it, and what is
    heard later would not look like what was learnt.
    """
    chosen = corpus[:: max(1, len(corpus) // N_LOOKED_AT)]
    rates = [audio_info(utterance.path).rate_hz for utterance in chosen if hasattr(utterance, "path")]
    return TELEPHONE_HZ if rates and median_low(rates) <= TELEPHONE_HZ else WIDE_HZ
