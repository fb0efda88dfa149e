"""Opening a checkpoint of the wav2vec 2.0 family as a recogniser, or as an encoder where it has no head."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from otoscope.core import BadInput
from otoscope.lexicon.ngram.arpa import read_arpa
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.lexicon.ngram.compact import load
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.wav2vec2.chunking import Chunking
from otoscope.recognizers.wav2vec2.decoding import Decoding
from otoscope.recognizers.wav2vec2.encoder import Wav2Vec2Encoder
from otoscope.recognizers.wav2vec2.loading import Precision, has_head, open_encoder, with_adapter
from otoscope.recognizers.wav2vec2.provenance import Settings
from otoscope.recognizers.wav2vec2.recognizer import Wav2Vec2Recognizer
from otoscope.recognizers.wav2vec2.symbols import symbols_of
from otoscope.recognizers.wav2vec2.tokenizer import open_tokenizer


def open_checkpoint(
    checkpoint: Checkpoint,
    *,
    attention: Literal["eager", "sdpa"] = "eager",
    precision: Precision = "float32",
    language: str | None = None,
    lm: BackoffAutomaton | NGramModel | str | os.PathLike[str] | None = None,
    lm_weight: float = 0.5,
    word_bonus: float = 0.0,
    search: Literal["greedy", "beam"] = "greedy",
    beam: int = 50,
    n_best: int = 5,
    units: Literal["letters", "phones"] | None = None,
    chunk_s: float = 30.0,
    context_s: float = 5.0,
) -> Wav2Vec2Recognizer | Wav2Vec2Encoder:
    """Return a checkpoint as a recogniser; one without a head as an encoder that hears no words.

    Parameters
    ----------
    checkpoint
        A folder that `read_checkpoint` has checked.
    attention
        `"eager"` lets attention weights be recorded and edited; `"sdpa"` is faster and hides them.
    precision
        `"bfloat16"` rounds weights and sums to 8 bits: twice as fast on processors that multiply such numbers, and now
        and then another letter; scores differ in the second digit. `"int8"` has the matrices of the Transformer in
        8-bit integers besides, faster still and a little further away; no gradients. Neither is for fine measurements.
    language
        Whose adapter and letters to use (MMS), by its ISO 639-3 code; `None` leaves what the checkpoint itself has.
    lm, lm_weight, word_bonus
        An n-gram model of words (of phones where the head writes phones), or its file, compact or `.arpa`; the weight
        of its log-probabilities in the beam search, and what is added for each word, nats.
    search, beam, n_best
        See `decoding.Decoding`; with a language model the beam is always searched.
    units
        Whether the head writes letters or phones, which are then words; `None` asks the tokenizer.
    chunk_s, context_s
        See `chunking.Chunking`.

    Raises
    ------
    BadInput
        The checkpoint is of another family or has a head of another kind, or a parameter is out of range.
    UnknownName
        There is no adapter of this language.
    CorruptWeights
        Weights or tokenizer are missing or damaged.
    """
    decoding = Decoding(search, beam, min(n_best, beam))
    chunking = Chunking(chunk_s, context_s)
    network = open_encoder(checkpoint, attention=attention, precision=precision)
    if not has_head(checkpoint):
        if lm is not None or language is not None:
            raise BadInput(f"{checkpoint.name} has no head, so it has no use for a language or a language model")
        return Wav2Vec2Encoder(checkpoint, network, chunking)
    if language is not None:
        network = with_adapter(network, checkpoint, language)
    tokenizer = open_tokenizer(checkpoint, language)
    phones = None if units is None else units == "phones"
    symbols = symbols_of(tokenizer, network.head.out_features, phones=phones)
    recognizer = Wav2Vec2Recognizer(checkpoint, network, symbols, Settings(decoding, chunking, language))
    if lm is None:
        return recognizer
    unit: Literal["word", "token"] = "token" if symbols.phones else "word"
    return recognizer.fused(_automaton(lm), unit=unit, weight=lm_weight, bonus=word_bonus)


def _automaton(lm: BackoffAutomaton | NGramModel | str | os.PathLike[str]) -> BackoffAutomaton:
    if isinstance(lm, BackoffAutomaton):
        return lm
    if isinstance(lm, NGramModel):
        return lm.automaton()
    return (read_arpa(lm) if ".arpa" in Path(lm).name else load(lm)).automaton()
