"""The training utterances of one run: cepstra in one array, what is said as rows of units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.lexicon.normalization import normalize_words
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.chains import Chain
from otoscope.recognizers.hmm.features import FrontEnd
from otoscope.recognizers.hmm.topology import SILENCE, StateTying


@dataclass(frozen=True)
class Spoken:
    """What is said in an utterance: `units` in a row, and which of them (silences) may be left out."""

    units: tuple[str, ...]
    optional: tuple[bool, ...]

    @classmethod
    def of_words(cls, words: Sequence[str], lexicon: Mapping[str, Sequence[Phones]]) -> Spoken:
        """Return the first pronunciation of each word, with silences around that may be left out."""
        units, optional = [SILENCE], [True]
        for word in words:
            units += [*lexicon[word][0], SILENCE]
            optional += [False] * len(lexicon[word][0]) + [True]
        return cls(tuple(units), tuple(optional))

    @classmethod
    def of_units(cls, units: Sequence[str]) -> Spoken:
        """Return a row of units none of which may be left out."""
        return cls(tuple(units), (False,) * len(units))

    def chain(self, tying: StateTying) -> Chain:
        """Return its states."""
        return Chain.of_units(self.units, self.optional, tying)


@dataclass(frozen=True, eq=False)
class Examples:
    """Training utterances.

    Parameters
    ----------
    cepstra
        `(n_frames, n_coeffs)` float32, utterance after utterance.
    first
        `(n_utterances + 1,)` int64: where each begins.
    ids, words, speakers, spoken
        Of each utterance.
    """

    cepstra: NDArray[np.float32]
    first: NDArray[np.int64]
    ids: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    speakers: tuple[str, ...]
    spoken: tuple[Spoken, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def span(self, index: int) -> slice:
        """Return the frames of one utterance."""
        return slice(int(self.first[index]), int(self.first[index + 1]))

    def with_spoken(self, spoken: Sequence[Spoken]) -> Examples:
        """Return the same utterances read as other rows of units."""
        return replace(self, spoken=tuple(spoken))

    def frames(self, transform: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the transformed frames of all utterances, `(n_frames, n_dims)`, each transformed by itself."""
        return np.concatenate([transform(self.cepstra[self.span(i)]) for i in range(len(self))])

    def evenly(self, n_frames: int) -> Examples:
        """Return about so many frames of utterances that are evenly chosen, one at least; all where there are fewer."""
        n_kept = int(np.clip(len(self) * n_frames / max(1, len(self.cepstra)), 1, len(self)))
        kept = np.unique(np.linspace(0, len(self) - 1, n_kept).round().astype(int)).tolist()
        parts = [self.cepstra[self.span(i)] for i in kept]
        return Examples(
            np.concatenate(parts),
            np.concatenate([[0], np.cumsum([len(part) for part in parts])]),
            tuple(self.ids[i] for i in kept),
            tuple(self.words[i] for i in kept),
            tuple(self.speakers[i] for i in kept),
            tuple(self.spoken[i] for i in kept),
        )

    def by_speaker(self) -> dict[str, list[int]]:
        """Return the utterances of each speaker; one whose speaker is not known is a speaker of its own."""
        found: dict[str, list[int]] = {}
        for index, speaker in enumerate(self.speakers):
            key = speaker if speaker.lower() not in ("", "-", "unknown") else f"utterance {self.ids[index]}"
            found.setdefault(key, []).append(index)
        return found


def read_examples(
    corpus: Sequence[Utterance],
    front_end: FrontEnd,
    *,
    lexicon: Mapping[str, Sequence[Phones]],
    progress: Progress | None = None,
) -> Examples:
    """Read the sound of a corpus and what its words are made of.

    Raises
    ------
    BadInput
        Nothing to learn from, or a word has no pronunciation; the message names words.
    """
    words = [normalize_words(u.text) for u in corpus]
    if not any(words):
        raise BadInput("the corpus holds no utterance with words; nothing can be learnt from it")
    if unknown := sorted({w for row in words for w in row if w not in lexicon}):
        raise BadInput(f"{len(unknown)} words have no pronunciation, such as {', '.join(unknown[:5])}; add them")
    cepstra = []
    for n_done, utterance in enumerate(corpus, start=1):
        cepstra.append(front_end.cepstra(utterance.recording(rate_hz=front_end.rate_hz))[0])
        if progress is not None:
            progress(n_done, len(corpus))
    return Examples(
        np.concatenate(cepstra),
        np.concatenate([[0], np.cumsum([len(c) for c in cepstra])]),
        tuple(u.id for u in corpus),
        tuple(words),
        tuple(u.speaker for u in corpus),
        tuple(Spoken.of_words(row, lexicon) for row in words),
    )
