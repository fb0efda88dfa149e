"""CTC letters through the lexical tree with an n-gram model of words, against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput, DoesNotFit, Recording
from otoscope.decoding.ctc import forced_path
from otoscope.lexicon.ngram import estimate
from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer
from otoscope.recognizers.endtoend.presets import Options, card_of
from otoscope.recognizers.endtoend.spelling import SpelledDecoder, between_spaces
from otoscope.recognizers.endtoend.tokens import Tokens, byte_pairs, characters

WORDS = ("a", "aa", "ab", "ba")
TOKENS = Tokens((" ", "a", "b"))


@pytest.fixture(scope="module")
def lm():
    return estimate([["a", "ab"], ["aa", "a"], ["ba"], ["ab", "ba", "a"]], order=2, smoothing="witten-bell")


@pytest.mark.parametrize("seed", range(5))
def test_the_best_words_are_those_of_enumeration(lm, seed):
    n_frames, scale, penalty = 6, 0.7, -0.3
    log_probs = np.log(np.random.default_rng(seed).dirichlet(np.full(4, 0.5), size=n_frames))
    between = between_spaces(log_probs, 1)
    decoder = SpelledDecoder(WORDS, TOKENS, lm.automaton(), lm_scale=scale, word_penalty=penalty, beam=200.0)
    expected = {}
    for words in (text for n in range(4) for text in itertools.product(WORDS, repeat=n)):
        try:
            spelled = (1, *TOKENS.encode(words), 1) if words else (1,)
            path = forced_path(between, spelled, blank=0).log_score
        except DoesNotFit:
            continue
        expected[words] = path + scale * lm.log_prob(words) + penalty * len(words)
    found = decoder.hypotheses(log_probs, 3)
    best = sorted(expected.items(), key=lambda item: -item[1])
    assert found[0].words == best[0][0]
    assert found[0].log_score == pytest.approx(best[0][1], abs=1e-3)
    for each in found:
        assert each.log_score <= expected[each.words] + 1e-3


def test_a_ctc_recogniser_hears_words_of_the_model_and_says_so(lm):
    def made(name, tokens):
        return EndToEndRecognizer(card_of(PRESETS[name], Options(n_units=8, n_layers=1, rate_hz=8000), tokens), seed=1)

    recording = Recording(np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32), 8000)
    plain = made("wav2letter", characters())
    spelled = plain.with_vocabulary(WORDS, lm.automaton(), lm_scale=0.4, word_penalty=20.0)
    trace = spelled.trace(recording)
    assert trace.hypothesis.words
    assert set(trace.hypothesis.words) <= set(WORDS)
    assert trace.provenance.parameters["language_model"]["lm_scale"] == 0.4
    assert spelled.with_decoding(n_best=1).trace(recording).hypothesis.words == trace.hypothesis.words
    assert spelled.with_vocabulary(None).trace(recording).hypothesis.words == plain.trace(recording).hypothesis.words
    with pytest.raises(BadInput, match="this recogniser writes subwords"):
        made("wav2letter", byte_pairs([WORDS], n_units=4)).with_vocabulary(WORDS, lm.automaton())
    with pytest.raises(BadInput, match="give it the model by `fused`"):
        made("las", characters()).with_vocabulary(WORDS, lm.automaton())
