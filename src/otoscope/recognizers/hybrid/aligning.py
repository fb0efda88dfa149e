"""Who aligns the training data, and what the alignments are made of: units, pronunciations, successions of phones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.corpora.manifest import Utterance
from otoscope.decoding.tree import forced
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.hmm.language import Lexicon, phone_lexicon
from otoscope.recognizers.hmm.recognizer import HmmRecognizer
from otoscope.recognizers.hmm.training import PRESETS as HMM_PRESETS
from otoscope.recognizers.hmm.training import SMALL_VOCABULARY, train_hmm
from otoscope.recognizers.hybrid.labels import Placing
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.presets import Options


def placed_by_network(acoustic: AcousticScores, hmm: HmmRecognizer) -> Placing:
    """Return what labels frames by the best path through a network's own scores."""

    def place(utterance: Utterance) -> NDArray[np.int32]:
        words = normalize_words(utterance.text)
        scores = acoustic.scores([acoustic.samples(utterance.recording())])[0]
        return forced(scores, words, _pronounced(words, hmm), acoustic.table).columns

    return place


def phone_bigram(corpus: Sequence[Utterance], hmm: HmmRecognizer) -> dict[tuple[str, str], float]:
    """Return how often each phone follows each other in the texts; half of the words follow a silence."""
    counts: dict[tuple[str, str], float] = {}
    texts = [normalize_words(u.text) for u in corpus]
    lexicon = _pronounced(sorted({word for words in texts for word in words}), hmm)
    silence = hmm.model.silence

    def add(before: str, after: str, weight: float) -> None:
        counts[before, after] = counts.get((before, after), 0.0) + weight

    for words in texts:
        last = silence
        for word in words:
            phones = lexicon[word][0]
            if last != silence:
                add(last, silence, 0.5)
            add(silence, phones[0], 0.5)
            add(last, phones[0], 0.5)
            for before, after in itertools.pairwise(phones):
                add(before, after, 1.0)
            last = phones[-1]
        if words:
            add(last, silence, 1.0)
    return counts


def _pronounced(words: Sequence[str], hmm: HmmRecognizer) -> Lexicon:
    if is_of_words(hmm):
        if unknown := [word for word in words if word not in hmm.lexicon]:
            raise DoesNotFit(f"{hmm.name} has no model of {', '.join(unknown)}")
        return {word: hmm.lexicon[word] for word in words}
    return phone_lexicon(words, hmm.lexicon)


def is_of_words(hmm: HmmRecognizer) -> bool:
    """Whether the units are whole words."""
    return all(variants == ((word,),) for word, variants in hmm.lexicon.items())


def aligner(
    chosen: Options, corpora: tuple[Sequence[Utterance], Sequence[Utterance]], folder: Path, seed: int
) -> HmmRecognizer:
    """Return the hidden Markov model that aligns: the given one, or one trained first."""
    if isinstance(chosen.hmm, HmmRecognizer):
        return chosen.hmm
    words = {word for u in corpora[0] for word in normalize_words(u.text)}
    if not words:
        raise BadInput("the corpus holds no utterance with words; nothing can be learnt from it")
    preset = chosen.hmm or ("hmm-word" if len(words) <= SMALL_VOCABULARY else "hmm-tri")
    if preset not in HMM_PRESETS:
        return HmmRecognizer.load(preset)
    if (folder / "recognizer.json").is_file():
        return HmmRecognizer.load(folder)
    return train_hmm(str(preset), *corpora, folder, seed=seed, lexicon=chosen.lexicon)
