"""Effects of human word recognition, one after another, on one listener: direction, size, what is missed.

Words and pseudowords are spoken by synthetic voices that nothing was learned from or chosen by; settings are the
listener's defaults. Each measure is written so that people's direction is above 0.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from typing import Any

from otoscope.core import BadInput, Panel
from otoscope.core.protocols import Progress
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.ears.voices import JUDGED
from otoscope.listener.listening import Settings, WordListener
from otoscope.studies.effects_ambiguity import ganong, restoration
from otoscope.studies.effects_anadromes import anadromes
from otoscope.studies.effects_density import densities_over_time
from otoscope.studies.effects_frequency import frequency_early
from otoscope.studies.effects_laboratory import Laboratory
from otoscope.studies.effects_latency import frequency_by_neighbours
from otoscope.studies.effects_lexicon import embedded_words
from otoscope.studies.effects_mismatch import mispronunciation, subcategorical_mismatch
from otoscope.studies.effects_noise import in_noise_by_neighbours
from otoscope.studies.effects_pseudowords import pseudowords
from otoscope.studies.effects_words import gating, plain_words
from otoscope.studies.result import StudyResult

N_ITEMS = 72
AMERICAN = tuple(voice for voice in JUDGED if voice.startswith("gmw/en-US+"))
"""The voices that the study speaks with: those of the judged ones whose phones have times."""
SHOWN = 6.0
"""Half-widths of its interval that an effect is drawn to."""
Rows = list[dict[str, Any]]
Found = Rows | tuple[Rows, Panel]
EFFECTS: tuple[Callable[[Laboratory], Found], ...] = (
    frequency_early,
    frequency_by_neighbours,
    plain_words,
    densities_over_time,
    gating,
    in_noise_by_neighbours,
    pseudowords,
    ganong,
    restoration,
    embedded_words,
    mispronunciation,
    subcategorical_mismatch,
    anadromes,
)


def run(
    *,
    scale: float = 1.0,
    lexicon: MentalLexicon | None = None,
    settings: Settings | None = None,
    voices: Sequence[str] = AMERICAN,
    seed: int = 0,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Measure every effect.

    Parameters
    ----------
    scale
        Times the items of each effect; 1 is about 72 (at first 24, which left many intervals on both sides of 0).
    lexicon, settings
        Of the listener; English and its defaults.
    voices
        American ones; they speak in turn.
    seed
        Draws items and resamples.
    n_workers
        Effects measured at a time; as many as there are processors. It changes no figure.
    progress
        Called with (effects measured, all).

    Returns
    -------
    StudyResult
        A row for each effect: `value` with a 95 % interval over items (bootstrap), what people do, whether the
        direction is theirs, and whether it `holds`: the whole interval is on their side.
    """
    if scale <= 0 or not voices:
        raise BadInput(f"scale above 0 and a voice or more are needed, got {scale:g} and {len(voices)} voices")
    began = time.perf_counter()
    lab = Laboratory(WordListener(lexicon, settings=settings), voices, max(4, round(N_ITEMS * scale)), seed)
    rows: Rows = []
    panels: list[Panel] = []
    for found in _measured(lab, n_workers or os.cpu_count() or 1, progress):
        own, *pictures = found if isinstance(found, tuple) else (found,)
        rows += own
        panels += pictures
    panels.insert(0, _overview(rows))
    missed = [row["effect"] for row in rows if not row["holds"]]
    summary = f"{len(rows) - len(missed)} of {len(rows)} effects hold."
    if missed:
        summary += f" Not shown (interval reaches 0 or below): {'; '.join(missed)}."
    provenance = {
        "voices": list(voices), "n_items": lab.n_items, "seed": seed, "n_words": len(lab.listener.lexicon),
        "listener": lab.listener.provenance(lab.listener.ears.provenance).parameters["ears"],
        "versions": {"otoscope": version("otoscope")},
    }  # fmt: skip
    return StudyResult("listener-effects", summary, tuple(rows), tuple(panels), provenance, time.perf_counter() - began)


def _overview(rows: Rows) -> Panel:
    """Return the picture of all effects, each in half-widths of its interval, so that what is beyond 1 holds.

    Beyond `SHOWN` half-widths all look alike, as do effects without any spread.
    """
    halves = [max((row["high"] - row["low"]) / 2, abs(row["value"]) / SHOWN, 1e-12) for row in rows]
    scaled = [[min(max(row[name] / half, -SHOWN), SHOWN) for row, half in zip(rows, halves, strict=True)]
              for name in ("value", "low", "high")]  # fmt: skip
    data = {
        "labels": [row["effect"] for row in rows], "values": scaled[0], "low": scaled[1], "high": scaled[2],
        "y_label": "effect in people's direction, half-widths of its 95 % interval",
    }  # fmt: skip
    told = f"To the right: as in people; it holds where the whole interval is right of 0. Cut off at {SHOWN:g}."
    return Panel("bars", "Effects of human word recognition", data, told)


def _measured(lab: Laboratory, n_workers: int, progress: Progress | None) -> list[Found]:
    """Return what was found of each effect, in their order."""
    lab.listener.tree(lab.listener.ears.card)  # What all share is made before they do.
    assert len(lab.usual)
    with ThreadPoolExecutor(n_workers) as pool:
        waiting = [pool.submit(effect, lab) for effect in EFFECTS]
        try:
            for done, _ in enumerate(as_completed(waiting), start=1):
                if progress is not None:
                    progress(done, len(EFFECTS))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [one.result() for one in waiting]
