"""From trials to a fit: items are heard, parameters fitted, and set beside the baseline and the ceiling."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import BadInput, Finding, Recording
from otoscope.core.errors import OtoscopeError
from otoscope.core.protocols import Progress
from otoscope.listener.fitting.fit import bootstrapped, fit_rts
from otoscope.listener.fitting.hearing import heard_for_fit
from otoscope.listener.fitting.judging import judged
from otoscope.listener.fitting.predicting import DecisionTimes, HeardItem
from otoscope.listener.fitting.report import fit_finding, fit_record, item_rows, parameter_rows
from otoscope.listener.fitting.trial_table import TrialTable, of_items
from otoscope.listener.listening import WordListener
from otoscope.listener.stimuli.items import with_quiet_around
from otoscope.listener.stimuli.speaking import Speaker

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
RATE_HZ = 16000
BEFORE_S = 0.1
LEAST_ITEMS = 10
N_FOLDS = 5


def fitted_listener(
    table: TrialTable, listener: WordListener, *, sounds: str | os.PathLike[str] | None = None,
    voice: str | None = None, fixed: Mapping[str, float] | None = None, n_bootstrap: int = 100, seed: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], Finding]:  # fmt: skip
    """Fit the listener to words answered rightly, and return the fit for JSON and as a Finding.

    Parameters
    ----------
    table
        Trials with what is said in each item.
    listener
        Who hears the items.
    sounds
        Folder of recordings, the item's name or the table's `sound`; their start is where reaction times count from.
        `None`: the words are spoken by a synthetic voice, and times count from the onset of its speech.
    voice
        That voice.
    fixed
        Parameters that are known.
    n_bootstrap, seed
        Of the intervals.
    progress
        Called with (items heard, all).

    Raises
    ------
    BadInput
        Fewer than ten items are left of which the listener knows and hears the word.
    """
    trials = table.trials.answered()
    names = [trials.items[k] for k in np.unique(trials.item)]
    heard, left_out = hear_all(names, table.words, table.sounds, listener, sounds=sounds, voice=voice,
                               progress=progress)  # fmt: skip
    part = of_items(trials, list(heard))
    lasts = np.array([duration for _, duration in heard.values()])
    part = replace(part, duration_s=np.where(np.isfinite(part.duration_s), part.duration_s, lasts))
    times = DecisionTimes([item for item, _ in heard.values()])
    fit = fit_rts(part, times, fixed=fixed)
    intervals = bootstrapped(part, times, fit, n=n_bootstrap, seed=seed)
    judgement = judged(part, times, fixed=fixed, n_folds=N_FOLDS, seed=seed)
    rows = parameter_rows(fit, intervals)
    about = {"items": len(part.items), "trials": len(part),
             "trials_read": len(table.trials) + table.trials.n_unanswered,
             "without_time": table.trials.n_unanswered, "voice": None if sounds else voice or Speaker().voice,
             "n_bootstrap": n_bootstrap, "folds": N_FOLDS, "seed": seed, "version": version("otoscope"),
             "ears": listener.ears.sha256}  # fmt: skip
    record = {**fit_record(fit, rows, judgement, item_rows(part, fit)), "left_out": left_out, "provenance": about}
    return record, fit_finding(part, fit, intervals, judgement, left_out=left_out, provenance=about)


def hear_all(
    names: Sequence[str], words: Mapping[str, str], files: Mapping[str, str], listener: WordListener, *,
    sounds: str | os.PathLike[str] | None, voice: str | None, progress: Progress | None,
) -> tuple[dict[str, tuple[HeardItem, float]], dict[str, str]]:  # fmt: skip
    """Return what stood while each item was heard with its duration, and why others could not be.

    Raises
    ------
    BadInput
        Fewer than ten items are left.
    """
    heard: dict[str, tuple[HeardItem, float]] = {}
    left_out: dict[str, str] = {}
    for done, name in enumerate(names):
        try:
            heard[name] = _heard(listener, words.get(name, name).lower(), name, files.get(name), sounds, voice)
        except OtoscopeError as error:
            left_out[name] = str(error)
        if progress is not None:
            progress(done + 1, len(names))
    if len(heard) < LEAST_ITEMS:
        why = "; {}: {}".format(*next(iter(left_out.items()))) if left_out else ""
        raise BadInput(f"a fit needs {LEAST_ITEMS} words that were answered and can be heard, got {len(heard)}{why}")
    return heard, left_out


def _heard(
    listener: WordListener, word: str, name: str, file: str | None, sounds: str | os.PathLike[str] | None,
    voice: str | None,
) -> tuple[HeardItem, float]:  # fmt: skip
    """Return what stood while an item was heard, and how long it lasts, seconds."""
    listener.lexicon.position(word)
    if sounds is None:
        item = (Speaker() if voice is None else Speaker(voice)).word(word, listener.lexicon)
        return heard_for_fit(listener, item.sound, onset_s=item.onset_s, offset_s=item.offset_s), item.duration_s
    recording = Recording.read(_file(Path(sounds), name, file), rate_hz=RATE_HZ)
    sound = with_quiet_around(recording, BEFORE_S)
    end_s = BEFORE_S + recording.duration_s
    return heard_for_fit(listener, sound, onset_s=BEFORE_S, offset_s=end_s), recording.duration_s


def _file(folder: Path, name: str, given: str | None) -> Path:
    paths = [folder / given] if given is not None else [folder / f"{name}{ending}" for ending in ENDINGS]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise BadInput(f"{folder} has no recording {given or name}")
    return found
