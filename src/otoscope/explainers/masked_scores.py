"""Scores of masked recordings: the expensive part, done once for all targets, each mask only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recognizer, Recording, Segment, Target
from otoscope.core.protocols import Progress
from otoscope.explainers.plan import Masks, Scores

MOST_SAMPLES_AT_ONCE = 2**24
MOST_RECORDINGS_AT_ONCE = 64


class MakesMasker(Protocol):
    """Anything that can be called like `otoscope.signal.masking.Masker`."""

    def __call__(self, recording: Recording, segments: Sequence[Segment], *, fill: str, seed: int) -> MasksRecording:
        """Return a masker of this recording."""
        ...


class MasksRecording(Protocol):
    """Fills what is not kept."""

    def __call__(self, keep: NDArray[np.bool_]) -> Recording:
        """Return the recording with all segments filled where `keep` is False."""
        ...


class MaskedScores:
    """Answers "how do the targets score when only these segments are kept?", and remembers the answer.

    Parameters
    ----------
    recognizer, recording, segments, targets
        Who listens, to what, cut how, asked about what.
    seed
        Seed of the fill `noise`.
    progress
        Told about every scored recording; `expected` is the total to tell.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        recording: Recording,
        segments: Sequence[Segment],
        targets: Sequence[Target],
        *,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.recognizer, self.recording = recognizer, recording
        self.segments, self.targets = tuple(segments), tuple(targets)
        self.seed, self.progress = seed, progress
        self.expected = 0
        self.n_elsewhere = 0
        self._known: dict[tuple[str, bytes], NDArray[np.float64]] = {}
        self._maskers: dict[str, MasksRecording] = {}

    @property
    def n_evaluations(self) -> int:
        """How many different recordings were scored so far, `n_elsewhere` by a copy of the recogniser included."""
        return len(self._known) + self.n_elsewhere

    def learn(self, other: MaskedScores) -> None:
        """Take over what another of the same recogniser, recording, segments, targets and seed has scored."""
        self._known.update(other._known)

    def of(self, recognizer: Recognizer) -> MaskedScores:
        """Return the same question to another recogniser; `progress` is told of its recordings as further ones."""
        before, tell = self.n_evaluations, self.progress

        def add(done: int, total: int) -> None:
            if tell is not None:
                tell(before + done, max(self.expected, before + total))

        return MaskedScores(recognizer, self.recording, self.segments, self.targets, seed=self.seed, progress=add)

    def __call__(self, masks: Masks, *, fill: str) -> Scores:
        """Return the scores `(n_masks, n_targets)` of the recordings that keep these segments."""
        keys = [_key(mask, fill) for mask in masks]
        missing = {key: mask for key, mask in zip(keys, masks, strict=True) if key not in self._known}
        pending = list(missing.items())
        step = max(1, min(MOST_RECORDINGS_AT_ONCE, MOST_SAMPLES_AT_ONCE // self.recording.n_samples))
        for start in range(0, len(pending), step):
            self._score(pending[start : start + step], fill=fill)
        return np.array([self._known[key] for key in keys]).reshape(len(keys), len(self.targets))

    def _score(self, pending: Sequence[tuple[tuple[str, bytes], NDArray[np.bool_]]], *, fill: str) -> None:
        recordings = [self._masked(mask, fill) for _, mask in pending]
        scores = np.asarray(self.recognizer.score(recordings, self.targets), dtype=np.float64)
        if scores.shape != (len(recordings), len(self.targets)):
            raise BadInput(
                f"{self.recognizer.name} gave scores of shape {scores.shape} for {len(recordings)} recordings and "
                f"{len(self.targets)} targets"
            )
        if not np.isfinite(scores).all():
            label = self.targets[int(np.argwhere(~np.isfinite(scores))[0, 1])].label
            raise BadInput(
                f"{self.recognizer.name} cannot score {label!r} in a masked recording: the score is not finite"
            )
        self._known.update(zip((key for key, _ in pending), scores, strict=True))
        if self.progress is not None:
            self.progress(self.n_evaluations, max(self.expected, self.n_evaluations))

    def _masked(self, mask: NDArray[np.bool_], fill: str) -> Recording:
        if mask.all():
            return self.recording
        if fill not in self._maskers:
            self._maskers[fill] = _masker()(self.recording, self.segments, fill=fill, seed=self.seed)
        return self._maskers[fill](mask)


def _key(mask: NDArray[np.bool_], fill: str) -> tuple[str, bytes]:
    """Return what a masked recording is known by; the whole recording is the same whatever the fill."""
    return ("" if mask.all() else fill, np.packbits(mask).tobytes())


def _masker() -> MakesMasker:
    from otoscope.signal.masking import Masker

    return Masker
