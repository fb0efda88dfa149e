"""What a simulated listener did, as Panels: words that compete, the winners, and the recogniser beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Panel, Percept, Recording
from otoscope.listener.rates import rates_of
from otoscope.views.sound import waveform_panel

MOST_WORDS = 14
"""Words drawn: all that won, then those that were likeliest at some time."""
ENVELOPE = 1200
"""Columns of the waveform above the competition."""
HALF = 0.5
"""Where no probability comes to more, as in running speech, the axis ends sooner."""
LOWEST_NATS = 30.0
"""How far below the leader activations are drawn."""

CAPTION = (
    "Probability of each word given the sound so far, among all words of the lexicon, recomputed every 10 ms: what the "
    "sound says of the word plus how often it is said. Words that won are in colour; a triangle marks when the winner "
    "was far enough ahead of every rival."
)


def percept_panels(
    percept: Percept, *, duration_s: float, said: Sequence[Any] = (), warning: str = ""
) -> tuple[Panel, ...]:
    """Return the picture of the competition and the table of winners.

    Parameters
    ----------
    percept
        What the listener did; with posteriors, these are drawn, else activations below the leader's.
    duration_s
        How long the recording is.
    said
        What the recogniser wrote, with `label`, `start_s`, `end_s`.
    warning
        Why it should not be believed.
    """
    return (
        competition_panel(percept, duration_s=duration_s, said=said, warning=warning),
        winners_panel(percept, warning=warning),
    )


def listening_panels(
    percept: Percept, recording: Recording, *, said: Sequence[Any] = (), warning: str = ""
) -> tuple[Panel, ...]:
    """Return the competition with the waveform above it, the winners, and the sound to be played."""
    picture, winners = percept_panels(percept, duration_s=recording.duration_s, said=said, warning=warning)
    envelope = waveform_panel(recording, n_columns=ENVELOPE).data
    drawn = dict(picture.data) | {"waveform": {key: envelope[key] for key in ("minimum", "maximum", "step_s")}}
    sounds = Panel("sounds", "The recording", {"sounds": [{"label": "as it was heard", "recording": recording}]})
    return replace(picture, data=drawn), sounds, winners


def competition_panel(percept: Percept, *, duration_s: float, said: Sequence[Any] = (), warning: str = "") -> Panel:
    """Return the picture of the competition."""
    values, low, high, label = _heights(percept)
    won = {word.label for word in percept.heard}
    peaks = np.nanmax(values, axis=0, initial=low, where=np.isfinite(values)) if values.size else np.zeros(0)
    order = sorted(range(len(percept.words)), key=lambda k: (percept.words[k] not in won, -peaks[k]))
    shown = order[: max(MOST_WORDS, len(won))]
    data = {
        "times_s": percept.grid.times_s(),
        "series": [{"label": percept.words[k], "y": values[:, k], "won": percept.words[k] in won} for k in shown],
        "low": low,
        "high": high,
        "y_label": label,
        "duration_s": max([duration_s, *(w.decision_time_s or 0.0 for w in percept.heard)]),
        "winners": [
            {"label": w.label, "start_s": w.start_s, "end_s": w.end_s, "decided_s": w.decision_time_s}
            for w in percept.heard
        ],
        "said": [{"label": w.label, "start_s": w.start_s, "end_s": w.end_s} for w in said],
        "offset_s": percept.offset_s,
    }
    return Panel("competition", "Words compete", data, CAPTION, warning)


def _heights(percept: Percept) -> tuple[NDArray[Any], float, float, str]:
    if percept.posteriors is not None:
        peak = np.max(percept.posteriors, initial=0.0, where=np.isfinite(percept.posteriors))
        high = 1.0 if peak > HALF else max(np.ceil(11 * peak) / 10, 0.1)
        return percept.posteriors, 0.0, float(high), "P(word | sound so far)"
    values = np.where(np.isfinite(percept.activations), percept.activations, np.nan)
    leader = np.max(values, axis=1, keepdims=True, initial=-np.inf, where=np.isfinite(values))
    below = np.where(np.isfinite(leader), values - leader, np.nan)
    return np.where(below >= -LOWEST_NATS, below, np.nan), -LOWEST_NATS, 0.0, "activation below the leader's (nats)"


def winners_panel(percept: Percept, *, before: Sequence[str | None] = (), warning: str = "") -> Panel:
    """Return the table of winners: where each lies, when it was decided, when a person would have answered.

    `before`: for each the word that had won in its place first and was given up, as in running speech.
    """
    columns = ["word", "from (s)", "to (s)", "decided at (s)", "after its onset (s)", "answered at (s)", "probability"]
    rows = [
        [
            word.label,
            round(word.start_s, 3),
            round(word.end_s, 3),
            _rounded(word.decision_time_s),
            _rounded(None if word.decision_time_s is None else word.decision_time_s - word.start_s),
            _rounded(word.reaction_time_s),
            _rounded(word.confidence),
        ]
        for word in percept.heard
    ]
    caption = "Decided: the word was ahead of every rival by the criterion. Answered: the decision and its execution."
    if any(before):
        columns.append("won first")
        rows = [[*row, given_up or ""] for row, given_up in zip(rows, before, strict=True)]
        caption += " Won first: another word that was ahead so far in this place, and was given up."
    rates = rates_of(percept)
    if rates.n_words > 1 and rates.words_per_s is not None and rates.winners_per_s is not None:
        caption += (f" {rates.n_words} words in {rates.speech_s:.1f} s of speech, {rates.words_per_s:.1f} a second; "
                    f"{rates.n_decided} of them decided, {rates.winners_per_s:.1f} a second.")  # fmt: skip
    return Panel("table", "Winners", {"columns": columns, "rows": rows}, caption, warning)


def differing_panels(
    rows: Sequence[Mapping[str, Any]], said: Sequence[Any] | None, *, in_context: bool = False
) -> tuple[Panel, ...]:
    """Return the table of words on which recogniser and listener differ, and why; nothing where there is no recogniser.

    Parameters
    ----------
    rows
        As from `otoscope.listener.beside.beside`.
    said
        The recogniser's words; `None` without one.
    in_context
        The listener heard in a context, not by frequency.
    """
    if said is None:
        return ()
    prior = "context" if in_context else "frequency"
    columns = ["from (s)", "recogniser", "listener", "sound (nats)", f"{prior} (nats)", "why"]
    differing = [
        [row["start_s"], row["recogniser"], row["listener"], row["sound_nats"], row["prior_nats"], row["why"]]
        for row in rows if row["why"] != "same"
    ]  # fmt: skip
    if not differing:
        return (Panel("text", "Where they differ, and why", {"text": "They agree on every word."}),)
    caption = (
        f"Both words in the same stretch of sound, in the listener's ears: what the sound and what {prior} (times its "
        "weight) say for the listener's word; below zero they speak for the recogniser's."
    )
    return (Panel("table", "Where they differ, and why", {"columns": columns, "rows": differing}, caption),)


def _rounded(value: float | None) -> float | str:
    return "never" if value is None else round(float(value), 3)
