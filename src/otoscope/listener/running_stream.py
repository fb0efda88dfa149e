"""Running speech heard while it is said: sound goes in by the chunk, words come out as they become certain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Interval
from otoscope.listener.evidence import HOP_S
from otoscope.listener.listening import WordListener
from otoscope.listener.running import RunningListening, SpokenForm

N_KEPT = 64
"""Words kept at a frame: those whose ways must agree."""


class RunningStream:
    """One recording of running speech, heard through the listener's own ears while it goes on.

    However the sound is cut into chunks, the same is heard; only when a word is told depends on when it is asked for.
    The ears look 0.1 s ahead. Words come without decisions and rivals; those are `otoscope.listener.running_speech`.

    Parameters
    ----------
    listener
        Its lexicon, ears and settings.

    Examples
    --------
    ::

        stream = RunningStream(WordListener())
        for samples in microphone:              # float32 at 16 kHz
            for word in stream.feed(samples):
                print(word.label, word.start_s)
        words = stream.finish()
    """

    def __init__(self, listener: WordListener) -> None:
        settings, ears = listener.settings, listener.ears
        self._listener, self._ears = listener, ears.stream()
        self._listening = RunningListening(
            listener.tree(ears.card), frequency_weight=settings.running_weight,
            acoustic_scale=settings.running_scale, word_penalty=settings.word_penalty, n_kept=N_KEPT, n_ends=1,
        )  # fmt: skip
        self._told = 0

    @property
    def heard_s(self) -> float:
        """How far the sound has been heard."""
        return self._listening.n_frames * HOP_S

    def feed(self, samples: ArrayLike) -> tuple[Interval, ...]:
        """Hear further samples at 16 kHz; return the words that have become certain, each only once.

        Raises
        ------
        BadInput
            The recording was finished, or samples are not in one row, or not finite.
        """
        sound = np.asarray(samples, np.float32)
        if not np.isfinite(sound).all():
            raise BadInput("samples must be finite numbers; there is NaN or infinity among them")
        self._hear(self._ears.feed(sound))
        return self._tell(self._listening.certain(since=self._told))

    def finish(self) -> tuple[Interval, ...]:
        """Hear the end; return the words that had not been certain."""
        self._hear(self._ears.finish())
        return self._tell(self._listening.sequence(since=self._told))

    def top(self, n: int = 10) -> tuple[tuple[str, float], ...]:
        """Return the words that are ahead now, with their activations, best first; none before the first frame."""
        return tuple((self._listener.name(form), value) for form, value in self._listening.top(n))

    def open_words(self) -> tuple[Interval, ...]:
        """Return the best guess at what was said after the words that are certain; it may still change."""
        return tuple(map(self._interval, self._listening.sequence(since=self._told)))

    def _hear(self, scores: NDArray[np.float32]) -> None:
        self._listening.feed(scores)

    def _tell(self, words: tuple[SpokenForm, ...]) -> tuple[Interval, ...]:
        # A word that was told is never taken back: the few that began before it ended have lost their place.
        new = [word for word in words if word.first >= self._told]
        if new:
            self._told = new[-1].behind
        return tuple(map(self._interval, new))

    def _interval(self, word: SpokenForm) -> Interval:
        return Interval(word.first * HOP_S, word.behind * HOP_S, self._listener.name(word.form), score=word.score)
