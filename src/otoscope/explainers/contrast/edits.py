"""Edits of a sound by parts: filled, attenuated, or spliced from another recording, always exactly as long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Differentiable, Recognizer, Recording, Segment, Target
from otoscope.core.arrays import frozen_array
from otoscope.explainers.contrast.courses import onto
from otoscope.signal.masking import Masker
from otoscope.signal.resampling import resampled

Edit = Literal["silence", "mean", "noise", "attenuate", "splice"]
DEEPEST_DB = 60.0


class SoundEdits:
    """Makes edited recordings: those parts that are marked are changed, everything else stays.

    Parameters
    ----------
    recording, segments
        What is edited, in which parts (stretches of time, bands, or cells of both).
    edit
        `silence`, `mean`, `noise` (a fill of `otoscope.signal.masking.Masker`), `attenuate` (by `depth_db`) or `splice`
        (the same part of `donor`, brought to the recording's course of time).
    donor
        For `splice`: a recording, such as one of the rival.
    depth_db
        For `attenuate`; at 60 dB the parts are taken away altogether.
    seed
        Of the fill.

    Raises
    ------
    BadInput
        No such edit, or a splice without a donor.
    """

    def __init__(
        self,
        recording: Recording,
        segments: Sequence[Segment],
        *,
        edit: Edit = "silence",
        donor: Recording | None = None,
        depth_db: float = DEEPEST_DB,
        seed: int = 0,
    ) -> None:
        if edit not in get_args(Edit):
            raise BadInput(f"unknown edit {edit!r}; one of {', '.join(get_args(Edit))}")
        if edit == "splice" and donor is None:
            raise BadInput("a splice needs a donor: a recording in which the rival is said")
        self.recording, self.segments, self.edit = recording, tuple(segments), edit
        self.depth_db = depth_db
        fill: str | NDArray[np.float32] = "silence" if edit == "attenuate" else edit
        if edit == "splice" and donor is not None:
            fill = onto(donor, recording).samples
        self.masker = Masker(recording, self.segments, fill=fill, seed=seed)

    def __call__(self, edited: NDArray[np.bool_], *, share: float | None = None) -> Recording:
        """Return the recording with the marked parts edited, `(n_segments,)`.

        `share` says how far: 0 leaves all as it was, 1 edits wholly; by default as `depth_db` says.
        """
        changed = self.masker(~np.asarray(edited, dtype=bool))
        how_far = self.share if share is None else share
        if how_far == 1 or changed is self.recording:
            return changed
        mixed = self.recording.samples + np.float32(how_far) * (changed.samples - self.recording.samples)
        return self.recording.with_samples(frozen_array(mixed, n_dims=1, name="samples", dtype=np.float32))

    @property
    def share(self) -> float:
        """How far a marked part is changed."""
        return share_of_depth(self.depth_db) if self.edit == "attenuate" else 1.0


def share_of_depth(depth_db: float) -> float:
    """Return how far towards silence an attenuation goes; 60 dB and more is all the way.

    Examples
    --------
    >>> round(share_of_depth(20.0), 3), share_of_depth(60.0), share_of_depth(0.0)
    (0.9, 1.0, 0.0)
    """
    return 1.0 if depth_db >= DEEPEST_DB else 1.0 - float(10 ** (-depth_db / 20))


def first_order_effects(recognizer: Recognizer, edits: SoundEdits, target: Target) -> NDArray[np.float64] | None:
    """Return how much each edit by itself would change a target's score, judged by the gradient, `(n_segments,)` nats.

    One gradient at the waveform serves all edits: its product with the change of the samples. `None` where the
    recogniser has no gradient there.
    """
    if not isinstance(recognizer, Differentiable):
        return None
    slope = np.asarray(recognizer.gradient(edits.recording, target, at="waveform"), dtype=np.float64).ravel()
    rate_hz = round(edits.recording.rate_hz * slope.size / edits.recording.n_samples)
    whole = resampled(edits.recording, rate_hz).samples.astype(np.float64)
    effects = np.zeros(len(edits.segments))
    for index in range(effects.size):
        changed = resampled(edits(np.arange(effects.size) == index), rate_hz).samples
        length = min(slope.size, changed.size)
        effects[index] = slope[:length] @ (changed[:length] - whole[:length])
    return effects
