"""Running speech in chunks: the same as in one piece, and what is certain stays."""

from __future__ import annotations

import numpy as np
import pytest
from tests.listener.test_competing import Models, evidence, tree_of
from tests.listener.test_running import said

from otoscope.core import BadInput, Recording
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.listening import WordListener
from otoscope.listener.running import RunningListening, compete_running
from otoscope.listener.running_stream import RunningStream

ORDER = [0, 4, 2, 3, 1] * 3


def noisy(models, seed=0, spread=1.2):
    heard = said(models, ORDER)
    return heard.scores + np.random.default_rng(seed).normal(0, spread, heard.scores.shape).astype(np.float32), heard


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_chunks_make_no_difference(chunk):
    models = Models(2)
    scores, heard = noisy(models)
    tree = tree_of(models)
    whole = type(heard)(scores, heard.grid, models, heard.origin, heard.kind)
    competition, words = compete_running(whole, tree, n_kept=4)
    listening = RunningListening(tree, n_kept=4)
    for k in range(0, len(scores), chunk):
        listening.feed(scores[k : k + chunk])
        forms = [form for form, _ in listening.top(4)]
        assert forms == competition.forms[listening.n_frames - 1].tolist()
    assert listening.sequence() == words
    np.testing.assert_array_equal(listening.competition(heard.grid).activations, competition.activations)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_certain_remains(seed):
    models = Models(2)
    scores, _ = noisy(models, seed)
    listening = RunningListening(tree_of(models))
    known, early = {}, 0
    for row in scores:
        listening.feed(row[None])
        now = listening.certain()
        assert now == listening.sequence()[: len(now)], "it lies on the best way"
        early += any(word.behind + 10 >= listening.n_frames for word in now)
        known |= dict.fromkeys(now)
    words = listening.sequence()
    assert [word.form for word in words] == ORDER
    assert set(known) <= set(words), "nothing that was certain turns out otherwise"
    assert len(known) >= len(ORDER) - 2
    assert early > len(ORDER), "words become certain soon after they end"
    half = words[len(words) // 2].first
    assert listening.certain(since=half) == tuple(word for word in listening.certain() if word.behind > half)


def test_nothing_heard_and_what_cannot_be_heard():
    listening = RunningListening(tree_of(Models(2)))
    assert (listening.top(3), listening.certain(), listening.sequence(), listening.n_frames) == ((), (), (), 0)
    listening.feed(np.zeros((0, 30), np.float32))
    assert listening.n_frames == 0
    with pytest.raises(BadInput, match="one frame or more"):
        listening.competition(evidence(Models(2), 3).grid)
    with pytest.raises(BadInput, match="without NaN"):
        listening.feed(np.full((2, 30), np.nan))
    with pytest.raises(BadInput, match="n_kept"):
        RunningListening(tree_of(Models(2)), n_kept=0)


def test_sound_in_chunks_gives_the_words_of_the_whole():
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    from otoscope.listener.ears.voices import VALIDATION
    from otoscope.listener.stimuli import Speaker

    listener = WordListener(MentalLexicon.english().only(["elephant", "elegant", "seven", "beaker", "beetle", "the"]))
    speaker = Speaker(voice=VALIDATION[0])
    parts = [speaker.word(word).recording.samples for word in ("beaker", "seven", "elephant", "beetle")]
    sound = Recording(np.concatenate([*parts, np.zeros(4800, np.float32)]), 16000)
    stream = RunningStream(listener)
    told = []
    for k in range(0, sound.n_samples, 1600):
        new = stream.feed(sound.samples[k : k + 1600])
        assert all(word.end_s <= stream.heard_s for word in new)
        told += new
    assert len(told) >= 2, "words are told before the end"
    assert stream.top(1)
    rest = stream.open_words()
    told += stream.finish()
    assert [word.label for word in told] == ["beaker", "seven", "elephant", "beetle"]
    assert len(rest) <= 2
    whole = listener.running(sound)
    assert [word.start_s for word in told] == pytest.approx([word.start_s for word in whole.heard], abs=0.011)


def test_samples_that_are_no_numbers_are_refused():
    heard = RunningStream(WordListener(MentalLexicon.english(200)))
    heard.feed(np.zeros(800, np.float32))
    with pytest.raises(BadInput, match="samples must be finite"):
        heard.feed(np.array([0.0, np.nan], np.float32))
    assert heard.feed(np.zeros(800, np.float32)) == ()
