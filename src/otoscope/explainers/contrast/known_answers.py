"""Answers known in advance about changed recordings."""

from __future__ import annotations

from typing import Any

import numpy as np

from otoscope.core import Recording, Segment
from otoscope.explainers.contrast.edits import SoundEdits

WORD_S = (0.060, 0.300)
CLIP_S = 1.0


def word_removed_by_fill() -> tuple[dict[str, Any], ...]:
    """Return checks of a clip of 1,000 ms whose word at 60 to 300 ms was taken away: `name`, `expected`, `got`, ….

    The clip stays as long, to the sample, under every edit, and what lies outside the word stays as it was.
    """
    rng = np.random.default_rng(0)
    clip = Recording(rng.normal(scale=0.1, size=round(CLIP_S * 16000)).astype(np.float32), 16000)
    first, last = (round(edge * clip.rate_hz) for edge in WORD_S)
    checks = []
    for edit in ("silence", "mean", "noise", "attenuate", "splice"):
        donor = Recording(clip.samples[: clip.n_samples // 2], clip.rate_hz) if edit == "splice" else None
        edits = SoundEdits(clip, [Segment(*WORD_S, label="word")], edit=edit, donor=donor)
        changed = edits(np.array([True]))
        outside = np.concatenate([(changed.samples - clip.samples)[:first], (changed.samples - clip.samples)[last:]])
        told = {"expected": 1000.0 * CLIP_S, "got": 1000.0 * changed.duration_s, "tolerance": 0.0}
        checks.append({"name": f"milliseconds of a clip without its word, edit {edit}", **told})
        kept = {"expected": 0.0, "got": float(np.abs(outside).max()), "tolerance": 0.0}
        checks.append({"name": f"greatest change outside the word, edit {edit}", **kept})
    return tuple(checks)
