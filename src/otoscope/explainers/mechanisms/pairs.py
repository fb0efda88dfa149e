"""A recording and its corrupted twin, and how a score between those of the two is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Recognizer, Recording, Segment, Target
from otoscope.signal.masking import Masker
from otoscope.signal.noise import add_noise
from otoscope.signal.resampling import resampled

LEAST_GAP = 1.0
"""Nats: with less between the two scores, what is restored of it is mostly noise."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A clean recording, a corrupted one of the same length, and how the target scores in each (nats)."""

    clean: Recording
    corrupted: Recording
    target: Target
    score_clean: float
    score_corrupted: float

    @property
    def gap(self) -> float:
        """Score in the clean recording minus that in the corrupted one."""
        return self.score_clean - self.score_corrupted

    def normalized(self, scores: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return scores as 0 where they are that of the corrupted recording, 1 where that of the clean one.

        Heimersheim and Nanda (2024), section 4: the logit difference, rescaled.
        """
        values: NDArray[np.float64] = (np.asarray(scores, dtype=np.float64) - self.score_corrupted) / self.gap
        return values

    @property
    def failures(self) -> tuple[str, ...]:
        """Why what is found from this pair should not be believed, if there is a reason."""
        if self.gap >= LEAST_GAP:
            return ()
        return (f"the clean recording scores only {self.gap:.2f} nats above the corrupted one",)


def pair_of(
    recognizer: Recognizer,
    recording: Recording,
    corrupted: Recording | str,
    target: Target | Interval | int | str | None = None,
) -> Pair:
    """Return a pair of recordings, scored.

    Parameters
    ----------
    corrupted
        A recording of the same length; or what fills the target's own stretch of `recording`: `silence`, `mean` or
        `noise` (`otoscope.signal.masking.Masker`).
    target
        What to ask about, in the clean recording. By default the text heard there, rather than that heard in the
        corrupted one where it is another; the first word heard, where only a fill is given.

    Raises
    ------
    BadInput
        The recordings differ in length or rate, nothing is heard in the clean one, or both score the same.
    """
    if isinstance(corrupted, str):
        asked = (
            target
            if isinstance(target, Target)
            else recognizer.trace(recording).target(0 if target is None else target)
        )
        span = asked.interval or Interval(0.0, recording.duration_s, "")
        other = masked(recording, [span], fill=corrupted)
    elif (recording.n_samples, recording.rate_hz) != (corrupted.n_samples, corrupted.rate_hz):
        raise BadInput(
            f"clean and corrupted recording must have one length, got {recording.n_samples} samples at "
            f"{recording.rate_hz} Hz and {corrupted.n_samples} at {corrupted.rate_hz} Hz; `fitted` cuts or fills up one"
        )
    else:
        other = corrupted
        asked = target if isinstance(target, Target) else _asked(recognizer, recording, other, target)
    scores = recognizer.score([recording, other], [asked])[:, 0]
    if scores[0] == scores[1]:
        raise BadInput(f"{asked.label!r} scores the same in both recordings, so nothing can be restored")
    return Pair(recording, other, asked, float(scores[0]), float(scores[1]))


def _asked(
    recognizer: Recognizer, clean: Recording, corrupted: Recording, target: Interval | int | str | None
) -> Target:
    heard = recognizer.trace(clean)
    if target is not None:
        return heard.target(target)
    if not heard.text:
        raise BadInput("nothing was heard in the clean recording; give a target")
    whole, other = Target.utterance(heard.text), recognizer.trace(corrupted).text
    return whole if other in ("", heard.text) else whole.rather_than(other)


def fitted(recording: Recording, like: Recording) -> Recording:
    """Return a recording at the rate and of the length of another: cut at its end, or filled up with silence."""
    samples = resampled(recording, like.rate_hz).samples[: like.n_samples]
    return Recording(np.pad(samples, (0, like.n_samples - samples.size)), like.rate_hz, source=recording.source)


def masked(recording: Recording, spans: Sequence[Interval], *, fill: str = "silence", seed: int = 0) -> Recording:
    """Return a recording with stretches filled; see `otoscope.signal.masking.Masker`."""
    segments = [Segment(span.start_s, span.end_s) for span in spans]
    return Masker(recording, segments, fill=fill, seed=seed)(np.zeros(len(segments), dtype=bool))


def noisy(recording: Recording, *, snr_db: float = 0.0, noise: str = "speech", seed: int = 0) -> Recording:
    """Return a recording with noise in it; see `otoscope.signal.noise.add_noise`."""
    return add_noise(recording, noise, snr_db=snr_db, seed=seed)
