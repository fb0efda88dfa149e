"""Every utterance of a split heard once in each condition: words, places, and which of them were right."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora import read_corpus
from otoscope.decoding.edit_distance import align_words
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.normalization import normalize_words
from otoscope.listener.evidence import Evidence
from otoscope.listener.listening import WordListener
from otoscope.listener.running_speech import RunningSpeech, hear_running


@dataclass(frozen=True)
class Said:
    """One utterance in one condition: who said what, and what was heard."""

    condition: str
    speaker: str
    reference: tuple[str, ...]
    evidence: Evidence
    speech: RunningSpeech


def heard(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> Iterator[Said]:
    """Yield every utterance by frequency alone and, with a model, in context."""
    conditions = {"by frequency": None} | ({} if context is None else {"in context": context})
    for utterance in read_corpus(arguments.corpus, split=arguments.split)[: arguments.n]:
        evidence, reference = listener.evidence(utterance.recording()), tuple(normalize_words(utterance.text))
        for name, model in conditions.items():
            speech = hear_running(listener, evidence, context=model)
            yield Said(name, utterance.speaker or "", reference, evidence, speech)


def spelled(reference: Sequence[str], names: Sequence[Sequence[str]]) -> list[str]:
    """Return words as the reference spells them, where it has a homophone: nobody can hear these apart."""
    return [next((name for name in each if name in reference), each[0]) for each in names]


def right(reference: Sequence[str], names: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Return which words of a sequence were said, by the cheapest alignment, `(n_words,)`."""
    found = np.zeros(len(names), bool)
    for step in align_words(list(reference), spelled(reference, names)).operations:
        if step.kind == "match" and step.hypothesis_index is not None:
            found[step.hypothesis_index] = True
    return found
