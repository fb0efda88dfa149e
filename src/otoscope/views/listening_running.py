"""Running speech as Panels: who competes for the place of each word, drawn some seconds at a time, and who won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from otoscope.core import HeardWord, Panel, Recording
from otoscope.listener.running_speech import RunningSpeech
from otoscope.views.listening import differing_panels, winners_panel
from otoscope.views.sound import waveform_panel

STRETCH_S = 5.0
"""Speech in one picture, at most about so much."""
MOST_PICTURES = 30
"""Pictures of one recording; what comes after is in the tables."""
COLUMNS_PER_S = 240
"""Columns of the waveform."""
BESIDE_S = 0.2
"""A line goes on so long behind the end of its word."""
LEAST_RIVAL = 0.15
"""Rivals that never come to this probability are not drawn."""

CAPTION = (
    "Each word that was heard, in its colour: its probability among the likeliest words that begin there, given the "
    "sound so far, recomputed every 10 ms; in grey its nearest rivals. It stays below one, as speech may be cut "
    "otherwise: of the words decided, as many are right as their highest probability says. A triangle on the sound "
    "marks when the word was far enough ahead of every rival; words without one never were. Framed: recogniser and "
    "listener differ."
)


def running_panels(
    speech: RunningSpeech,
    recording: Recording,
    *,
    said: Sequence[Any] | None = None,
    rows: Sequence[Mapping[str, Any]] = (),
    start_s: float = 0.0,
) -> tuple[Panel, ...]:
    """Return pictures of the competition, the sound to be played, where the two differ, and the winners.

    Parameters
    ----------
    speech
        What the listener did.
    recording
        What was said.
    said
        What the recogniser wrote, with `label`, `start_s`, `end_s`; `None` without one.
    rows
        Both word by word, as from `otoscope.listener.beside.beside`.
    start_s
        Where the recording begins, if it is a piece of a longer one whose times all others are.
    """
    sounds = Panel("sounds", "The recording", {"sounds": [{"label": "as it was heard", "recording": recording}]})
    pictures = competition_panels(speech, recording, said=said, rows=rows, start_s=start_s)
    made = speech.percept.provenance
    in_context = made is not None and "context_model" in made.parameters
    differing = differing_panels(rows, said, in_context=in_context)
    return (*pictures, sounds, *differing, winners_panel(speech.percept, before=speech.before))


def competition_panels(
    speech: RunningSpeech,
    recording: Recording,
    *,
    said: Sequence[Any] | None = None,
    rows: Sequence[Mapping[str, Any]] = (),
    start_s: float = 0.0,
) -> tuple[Panel, ...]:
    """Return pictures of the competition, each of some seconds; parameters as for `running_panels`."""
    envelope = waveform_panel(recording, n_columns=max(1, round(COLUMNS_PER_S * recording.duration_s))).data
    winners = _with_agreement(speech.percept.heard, [row["why"] for row in rows if row["listener"] is not None])
    for winner, word in zip(winners, speech.percept.heard, strict=True):
        winner["decided_s"] = word.decision_time_s
    written = _with_agreement(said or (), [row["why"] for row in rows if row["recogniser"] is not None])
    last = max([start_s + recording.duration_s, *(w.decision_time_s or 0.0 for w in speech.percept.heard)])
    edges = stretches(speech.percept.heard, last, start_s=start_s)
    panels: list[Panel] = []
    for span in list(pairwise(edges))[:MOST_PICTURES]:
        title = "Words compete" if len(edges) == 2 else "Words compete, {:.1f} to {:.1f} s".format(*span)
        data = _stretch(speech, span, winners, written, _part(envelope, span, start_s))
        panels.append(Panel("competition", title, data, "" if panels else CAPTION + _left_out(edges)))
    return tuple(panels)


def stretches(heard: Sequence[HeardWord], end_s: float, *, start_s: float = 0.0) -> tuple[float, ...]:
    """Return where pictures begin and the last one ends: at even distances, moved to where a word begins."""
    duration_s = end_s - start_s
    n = max(1, int(np.ceil(duration_s / STRETCH_S - 0.2)))
    edges = [start_s]
    for even_s in start_s + duration_s * np.arange(1, n) / n:
        near = [word.start_s for word in heard if abs(word.start_s - even_s) <= 0.2 * STRETCH_S]
        edges.append(min(near, key=lambda begins_s: abs(begins_s - even_s), default=float(even_s)))
    return (*edges, end_s)


def _left_out(edges: Sequence[float]) -> str:
    n = len(edges) - 1
    return f" The first {MOST_PICTURES} of {n} stretches are drawn." if n > MOST_PICTURES else ""


def _with_agreement(words: Sequence[Any], why: Sequence[str | None]) -> list[dict[str, Any]]:
    told = [reason in (None, "same") for reason in why] or [True] * len(words)
    return [
        {"label": word.label, "start_s": word.start_s, "end_s": word.end_s, "same": same}
        for word, same in zip(words, told, strict=True)
    ]


def _stretch(
    speech: RunningSpeech,
    span: tuple[float, float],
    winners: Sequence[Mapping[str, Any]],
    written: Sequence[Mapping[str, Any]],
    envelope: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the data of one picture, its times from its own start on."""
    start_s, end_s = span
    times = speech.percept.grid.times_s()
    frames = slice(*np.searchsorted(times, span))
    series = []
    for k, (slot, shown) in enumerate(zip(speech.slots, speech.shown, strict=True)):
        winner = winners[k]
        until = max(winner["end_s"] + BESIDE_S, (winner["decided_s"] or 0.0) + 0.02)
        if until <= start_s or winner["start_s"] >= end_s:
            continue
        for j, (label, posterior) in enumerate(shown):
            first = slot.spoken.first
            n = min(len(posterior), max(2, int(np.searchsorted(times, until)) - first))
            if j and (posterior[:n].max() < LEAST_RIVAL or n < 2):
                continue
            whole = np.full(times.size, np.nan)
            whole[first : first + n] = posterior[:n]
            series.append({"label": label, "y": whole[frames], "won": j == 0, "place": k})
    return {
        "times_s": times[frames] - start_s,
        "series": series,
        "low": 0.0,
        "high": 1.0,
        "y_label": "P(word | sound so far)",
        "start_s": start_s,
        "duration_s": end_s - start_s,
        "winners": _within(winners, span),
        "said": _within(written, span),
        "offset_s": None,
        "waveform": dict(envelope),
    }


def _part(envelope: Mapping[str, Any], span: tuple[float, float], start_s: float) -> dict[str, Any]:
    """Return the waveform of a stretch, from that of a recording that begins at a time."""
    columns = slice(*((np.array(span) - start_s) / envelope["step_s"]).round().astype(int))
    part = {name: envelope[name][columns] for name in ("minimum", "maximum")}
    return {**part, "step_s": envelope["step_s"]}


def _within(words: Sequence[Mapping[str, Any]], span: tuple[float, float]) -> list[dict[str, Any]]:
    """Return the words of a stretch, their times from its start on; `place` is where each stands in the recording.

    Of one of which less than half lies in the stretch, `cut` says so.
    """
    start_s, end_s = span
    found = []
    for k, word in enumerate(words):
        if word["end_s"] <= start_s or word["start_s"] >= end_s:
            continue
        moved = {"start_s": max(word["start_s"] - start_s, 0.0), "end_s": min(word["end_s"], end_s) - start_s}
        if word.get("decided_s") is not None:
            moved["decided_s"] = word["decided_s"] - start_s
        cut = 2 * (moved["end_s"] - moved["start_s"]) < word["end_s"] - word["start_s"]
        found.append({**word, **moved, "place": k, "cut": cut})
    return found
