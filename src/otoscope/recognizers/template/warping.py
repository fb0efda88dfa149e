"""Matching by dynamic time warping (Vintsyuk 1968; Sakoe & Chiba 1978): the word whose templates are nearest."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Features, Recording
from otoscope.decoding.dtw import PATTERNS, FrameStack, best_string, distances, dtw, local_costs
from otoscope.recognizers.template.clustering import METHODS, pairwise_distances, templates_of
from otoscope.recognizers.template.front_end import CepstralFrontEnd
from otoscope.recognizers.template.matching import Place


@dataclass(frozen=True)
class WarpingLearner:
    """How templates are made and compared.

    Parameters
    ----------
    front_end
        Makes the frames.
    pattern
        Step pattern: `symmetric2` (P = 0), `symmetric_p05` (P = 1/2), `symmetric_p1` or `symmetric_p2`.
    n_nearest
        A word's distance is the mean over this many of its nearest templates.
    method
        Of `METHODS`: `all` keeps every example, `medoids` the centre of each cluster, `averages` the DTW barycentre.
    n_templates
        Clusters a word, for the last two.
    own_mean
        How much of its own mean is taken out of a word's frames; the rest is the mean of all templates. 1 forgets all
        that a channel or a voice does to every frame, and with it the vowel that a short word mostly consists of;
        less keeps some of that, for one speaker and one microphone.
    scaled
        Whether a word said in many ways may be farther from its templates than one said always alike; its own
        templates tell how far. See `WarpingMatcher.distances`.
    """

    front_end: CepstralFrontEnd = field(default_factory=CepstralFrontEnd)
    pattern: str = "symmetric2"
    n_nearest: int = 2
    method: str = "all"
    n_templates: int = 2
    own_mean: float = 1.0
    scaled: bool = False

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS or not PATTERNS[self.pattern].normalised:
            names = ", ".join(name for name, pattern in PATTERNS.items() if pattern.normalised)
            raise BadInput(f"pattern must be one of {names}, got {self.pattern!r}")
        if self.method not in METHODS:
            raise BadInput(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")
        if self.n_nearest < 1 or self.n_templates < 1:
            raise BadInput(f"n_nearest and n_templates must be 1 or more, got {self.n_nearest} and {self.n_templates}")
        if not 0 <= self.own_mean <= 1:
            raise BadInput(f"own_mean must be 0 to 1, got {self.own_mean}")

    def features(self, recording: Recording) -> Features:
        """Return the frames that are matched."""
        return self.front_end.features(recording)

    def matcher(self, examples: Sequence[Sequence[NDArray[Any]]]) -> WarpingMatcher:
        """Return the matcher made of the frames of some examples of each word."""
        centre = np.concatenate([example for own in examples for example in own]).mean(axis=0, dtype=np.float64)
        made = [self._templates(own, centre) for own in examples]
        words = np.array([word for word, own in enumerate(made) for _ in own])
        frames = [template.astype(np.float32) for own in made for template in own]
        return WarpingMatcher(FrameStack.of(frames), words, self)

    def _templates(self, own: Sequence[NDArray[Any]], centre: NDArray[np.float64]) -> list[NDArray[Any]]:
        compared = partial(self.front_end.word, centre=centre, own_mean=self.own_mean)
        return templates_of(own, self.method, self.n_templates, as_compared=compared, pattern=self.pattern)


class WarpingMatcher:
    """Templates of all words and the distances from them.

    Parameters
    ----------
    stack
        The templates as the front end makes them, those of a word together.
    words
        `(n_templates,)` which word each template is of, from 0.
    learner
        How they were made and are compared.
    """

    kind = "warping"

    def __init__(self, stack: FrameStack, words: NDArray[Any], learner: WarpingLearner) -> None:
        self.stack, self.words, self.learner = stack, np.asarray(words, dtype=np.int64), learner
        if self.words.shape != (len(stack),) or (np.diff(self.words) < 0).any():
            raise BadInput(f"{len(stack)} templates need the word of each, those of a word together")
        self._mean, self._spread = stack.frames.mean(axis=0), np.maximum(stack.frames.std(axis=0), 1e-6)
        self._words = FrameStack.of([self._word(stack[k]) for k in range(len(stack))])
        self._running = FrameStack(self._in_a_string(stack.frames), stack.offsets)
        self._scales = self._measured_scales() if learner.scaled else np.ones(int(self.words[-1]) + 1)
        self._typical = float(np.exp(np.log(self._scales).mean()))

    def _word(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the frames of one word as they are compared."""
        return self.learner.front_end.word(values, self._mean, own_mean=self.learner.own_mean)

    def _in_a_string(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Scale frames by all templates together: in a string nobody knows yet which frames are one word's."""
        return np.asarray((values - self._mean) / self._spread * self.learner.front_end.weights())

    def features(self, recording: Recording) -> Features:
        """Return the frames that are matched."""
        return self.learner.features(recording)

    def distances(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_words,)` mean distances of the nearest templates.

        Notes
        -----
        Where `learner.scaled`, a mean distance d from a word whose templates lie s apart becomes
        t (d / s + ln (s / t)), t being the geometric mean of all s: up to a factor, -ln of a Laplacian density around
        the templates.
        """
        nearest = self._nearest_of_words(self._each(self._word(values)))
        if not self.learner.scaled:
            return nearest
        return self._typical * (nearest / self._scales + np.log(self._scales / self._typical))

    def _nearest_of_words(self, each: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `(n_words,)`: the mean over the nearest templates of each word, of those that can be reached."""
        firsts = np.searchsorted(self.words, np.arange(self.words[-1] + 2))
        found = np.empty(len(firsts) - 1)
        for word, (first, stop) in enumerate(itertools.pairwise(firsts.tolist())):
            nearest = np.sort(each[first:stop])[: self.learner.n_nearest]
            finite = nearest[np.isfinite(nearest)]
            found[word] = finite.mean() if finite.size else np.inf
        return found

    def _measured_scales(self) -> NDArray[np.float64]:
        """Return `(n_words,)`: how far a word's templates are from its others; 1 for all words if one has no others."""
        found = np.empty(int(self.words[-1]) + 1)
        for word in range(found.size):
            own = np.flatnonzero(self.words == word)
            frames = [self._words[k] for k in own.tolist()]
            between = pairwise_distances(frames, pattern=self.learner.pattern)
            np.fill_diagonal(between, np.inf)
            apart = np.sort(between, axis=1)[:, : min(self.learner.n_nearest, max(1, own.size - 1))]
            reached = apart[np.isfinite(apart)]
            found[word] = reached.mean() if reached.size else np.nan
        return found if (found > 0).all() else np.ones(found.size)

    def frame_costs(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_frames, n_words)`: mean local cost of a frame along the path of each word's nearest template."""
        values = self._word(values)
        each = self._each(values)
        costs = np.full((len(values), int(self.words[-1]) + 1), np.inf)
        for word in range(costs.shape[1]):
            template = self._nearest(each, word)
            if np.isfinite(each[template]):
                pairs = self._pairs(values, template)
                local = local_costs(values, self._words[template])[pairs[:, 0], pairs[:, 1]]
                counts = np.bincount(pairs[:, 0], minlength=len(values))
                costs[:, word] = np.bincount(pairs[:, 0], local, minlength=len(values)) / counts
        return costs

    def path(self, values: NDArray[Any], word: int) -> NDArray[np.int64]:
        """Return `(n_frames,)`: the frame of the stack that each frame meets, the last one where it meets several."""
        values = self._word(values)
        template = self._nearest(self._each(values), word)
        pairs = self._pairs(values, template)
        met = np.zeros(len(values), dtype=np.int64)
        met[pairs[:, 0]] = pairs[:, 1]
        return met + self.stack.offsets[template]

    def divided(self, values: NDArray[Any], words: Sequence[int] | None) -> tuple[Place, ...]:
        """Return where the words of the best string lie (one-pass dynamic programming); raises `DoesNotFit`."""
        allowed = None if words is None else [np.flatnonzero(self.words == word).tolist() for word in words]
        found = best_string(self._in_a_string(values), self._running, words=allowed)
        return tuple((placed.first, placed.stop) for placed in found.placed)

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the templates as named arrays."""
        return {"frames": self.stack.frames.astype(np.float32), "offsets": self.stack.offsets, "words": self.words}

    def settings(self) -> Mapping[str, Any]:
        """Return how templates are compared, JSON values only."""
        return dataclasses.asdict(self.learner)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> WarpingMatcher:
        """Return the matcher that `arrays` and `settings` were taken of."""
        learner = WarpingLearner(**{**settings, "front_end": CepstralFrontEnd(**settings["front_end"])})
        return cls(FrameStack(arrays["frames"], arrays["offsets"]), arrays["words"], learner)

    def _each(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return distances(values, self._words, pattern=self.learner.pattern)

    def _nearest(self, each: NDArray[np.float64], word: int) -> int:
        own = np.flatnonzero(self.words == word)
        return int(own[np.argmin(each[own])])

    def _pairs(self, values: NDArray[Any], template: int) -> NDArray[np.int64]:
        return dtw(values, self._words[template], pattern=self.learner.pattern).pairs
