"""What a recogniser hears in edited recordings: asked by trace, guided by scores, each edit only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Recognizer, Recording, Target
from otoscope.core.protocols import Progress
from otoscope.decoding.edit_distance import align_words
from otoscope.explainers.masked_scores import MOST_RECORDINGS_AT_ONCE

Make = Callable[[NDArray[np.bool_]], Recording]
NOTHING = "(nothing)"


class Ear:
    """Listens to recordings that `make` edits.

    Parameters
    ----------
    recognizer, target
        Who listens; which word is watched.
    make
        `(n,)` booleans to a recording.
    guides
        Targets whose scores say how near an edit comes, most often contrasts.
    progress
        Told (traces made, the same).
    """

    def __init__(
        self,
        recognizer: Recognizer,
        target: Target,
        make: Make,
        *,
        guides: Sequence[Target],
        progress: Progress | None = None,
    ) -> None:
        self.recognizer, self.target, self.make = recognizer, target, make
        self.guides, self.progress = tuple(guides), progress
        self._heard: dict[bytes, tuple[str, ...]] = {}
        self._scores: dict[bytes, NDArray[np.float64]] = {}

    @property
    def n_traces(self) -> int:
        """How many recordings were listened to."""
        return len(self._heard)

    @property
    def n_scored(self) -> int:
        """How many recordings were scored."""
        return len(self._scores)

    def words(self, mask: NDArray[np.bool_]) -> tuple[str, ...]:
        """Return the words heard."""
        key = mask.tobytes()
        if key not in self._heard:
            self._heard[key] = self.recognizer.trace(self.make(mask)).hypothesis.words
            if self.progress is not None:
                self.progress(len(self._heard), len(self._heard))
        return self._heard[key]

    def at_place(self, mask: NDArray[np.bool_]) -> str:
        """Return what is heard in the target's place."""
        return in_place(self.target, self.words(mask))

    def scores(self, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the scores of the guides, `(n_masks, n_guides)`."""
        missing = {mask.tobytes(): mask for mask in masks if mask.tobytes() not in self._scores}
        pending = list(missing.items())
        for start in range(0, len(pending), MOST_RECORDINGS_AT_ONCE):
            chunk = pending[start : start + MOST_RECORDINGS_AT_ONCE]
            scores = self.recognizer.score([self.make(mask) for _, mask in chunk], self.guides)
            self._scores.update(zip((key for key, _ in chunk), np.asarray(scores, dtype=np.float64), strict=True))
        return np.array([self._scores[mask.tobytes()] for mask in masks]).reshape(len(masks), len(self.guides))


def in_place(target: Target, words: Sequence[str]) -> str:
    """Return what stands in a target's place: the word, all that came for it, or `(nothing)`; else the text.

    A word that is heard stands, whatever was put in beside it; one that is not is replaced by all that stands between
    its neighbours: "be are" in place of "bear" is not "are".

    Examples
    --------
    >>> from otoscope.core import Interval
    >>> target = Target("word", "bear", Interval(0, 1, "bear"), 0, ("bear",))
    >>> in_place(target, ("bear",)), in_place(target, ("be", "are")), in_place(target, ())
    ('bear', 'be are', '(nothing)')
    """
    if target.kind == "utterance" or target.position is None or not target.context:
        return " ".join(words) or NOTHING
    steps = align_words(target.context, words).operations
    own = next(index for index, step in enumerate(steps) if step.reference_index == target.position)
    if steps[own].kind == "match":
        return target.label
    first = last = own
    while first > 0 and steps[first - 1].kind == "insertion":
        first -= 1
    while last + 1 < len(steps) and steps[last + 1].kind == "insertion":
        last += 1
    found = [words[step.hypothesis_index] for step in steps[first : last + 1] if step.hypothesis_index is not None]
    return " ".join(found) or NOTHING
