"""What stood while the listener heard each item of a fit: candidates of any weight of frequency, tracked together."""

from __future__ import annotations

import numpy as np

from otoscope.core import Recording
from otoscope.listener.competing import compete
from otoscope.listener.fitting.predicting import HeardItem, heard_item
from otoscope.listener.listening import WordListener, likeliest
from otoscope.listener.spans import speech_span

N_CANDIDATES = 60
"""Of each weight of frequency."""
WEIGHTS = (0.3, 3.0, 10.0)
"""λ under which candidates are looked for; the fit may go anywhere between and beyond."""


def heard_for_fit(listener: WordListener, sound: Recording, *, onset_s: float, offset_s: float) -> HeardItem:
    """Return the activations of the likeliest words while an item is heard.

    Parameters
    ----------
    listener
        Whose lexicon competes.
    sound
        The item.
    onset_s
        From where reaction times count, on the time axis of the sound.
    offset_s
        Where the speech ends; the listener's own end of it is taken where it hears one.
    """
    evidence = listener.evidence(sound)
    tree, settings = listener.tree(evidence.models), listener.settings
    span = speech_span(evidence)
    end_s = offset_s if span is None else span[1]
    found: list[int] = []
    for weight in WEIGHTS:
        made = compete(evidence, tree, frequency_weight=weight, acoustic_scale=settings.acoustic_scale, offset_s=end_s)
        found += likeliest(made, N_CANDIDATES)
    final = np.array([made.final[form] for form in found])
    chosen: list[int] = []
    taken: set[int] = set()
    for k in np.argsort(-final, kind="stable"):
        words = set(listener.forms.words[found[k]])
        if not words & taken:  # of the ways to say one word, the best
            chosen.append(found[k])
            taken |= words
    tracked = compete(
        evidence, tree, frequency_weight=settings.frequency_weight, acoustic_scale=settings.acoustic_scale, n_kept=1,
        track=chosen, offset_s=end_s,
    )  # fmt: skip
    return heard_item(tracked, onset_s=onset_s, offset_s=end_s)
