"""Searches of end-to-end recognisers against enumeration, vocabularies, streaming against offline, and learning."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, DoesNotFit, Recording
from otoscope.decoding.ctc import log_likelihood
from otoscope.nets.decoders import RecurrentDecoder, TransformerDecoder
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.endtoend import PRESETS, EndToEndRecognizer, measure_latency
from otoscope.recognizers.endtoend.attention_search import AttentionSearch
from otoscope.recognizers.endtoend.batching import Recipe
from otoscope.recognizers.endtoend.card import Decoding
from otoscope.recognizers.endtoend.fusion import UNFINISHED, Lexicon
from otoscope.recognizers.endtoend.presets import Options, card_of
from otoscope.recognizers.endtoend.streaming import EncoderStream
from otoscope.recognizers.endtoend.tokens import byte_pairs, characters
from otoscope.recognizers.endtoend.training import train_preset

WORDS = ("one", "two", "ones")


def noise(duration_s=1.0, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(duration_s * 8000))
    return Recording(samples.astype(np.float32), 8000)


def made(name, tokens=None, seed=1, **options):
    tokens = tokens or characters()
    card = card_of(PRESETS[name], Options(n_units=8, n_layers=2, rate_hz=8000, **options), tokens)
    return EndToEndRecognizer(card, seed=seed)


@pytest.mark.parametrize("kind", [RecurrentDecoder, TransformerDecoder])
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@torch.no_grad()
def test_a_wide_attention_search_finds_the_best_of_all_texts(kind, weight):
    torch.manual_seed(3)
    decoder = (kind(3, 4, 4) if kind is RecurrentDecoder else kind(3, 4, 4, n_blocks=1, n_heads=2)).eval()
    frames = torch.randn(1, 3, 4)
    heard = decoder.remember(frames, torch.tensor([3]))
    ctc = np.log(np.random.default_rng(0).dirichlet(np.ones(3), size=3))

    def lm(labels):
        return np.array([-0.1, -0.4, 0.3]) * (1 + len(labels))

    found = AttentionSearch(decoder, heard, Decoding(beam=50, ctc_weight=weight), ctc_log_probs=ctc, fusion=lm).run()
    by_labels = {each.labels: each for each in found}
    for labels in (text for n in range(4) for text in itertools.product((1, 2), repeat=n)):
        row = torch.tensor([labels], dtype=torch.int64).reshape(1, -1)
        rows = torch.log_softmax(decoder(heard, row, torch.tensor([len(labels)])), -1)
        attention = sum(float(rows[0, u, k]) for u, k in enumerate((*labels, 0)))
        extra = sum(lm(labels[:u])[k] for u, k in enumerate((*labels, 0)))
        try:
            by_ctc = log_likelihood(ctc, labels)
        except DoesNotFit:
            by_ctc = -np.inf
        if weight and by_ctc == -np.inf:
            assert labels not in by_labels or by_labels[labels].score == -np.inf
            continue
        expected = (1 - weight) * attention + (weight * by_ctc if weight else 0.0) + extra
        assert by_labels[labels].score == pytest.approx(expected, abs=1e-4)
    assert found[0].score == max(each.score for each in found)


def test_a_lexicon_lets_through_strings_of_its_words_only():
    for tokens in (characters(), byte_pairs([WORDS], n_units=14)):
        lexicon = Lexicon(WORDS, tokens)

        def total(words, tokens=tokens, lexicon=lexicon):
            labels = tokens.encode(words)
            return sum(lexicon(labels[:i])[k] for i, k in enumerate((*labels, 0)))

        assert all(total(text) == 0 for n in range(3) for text in itertools.product(WORDS, repeat=n))
        assert total(["on"]) <= UNFINISHED
        for text in (["onetwo"], ["one", "wo"], ["two", "on", "two"], ["w"]):
            assert total(text) < 2 * UNFINISHED


@pytest.mark.parametrize("name", ["deepspeech2", "las", "joint-ctc-attention", "rnnt"])
def test_with_a_vocabulary_only_its_words_are_heard(name, tmp_path):
    recognizer = made(name).with_vocabulary(WORDS)
    for hypothesis in recognizer.trace(noise(0.6)).hypotheses:
        if hypothesis.log_score > UNFINISHED / 2:
            assert set(hypothesis.words) <= set(WORDS)
    with pytest.raises(DoesNotFit, match="does not know three; it knows 3 words"):
        recognizer.align(noise(), "one three")
    with pytest.raises(BadInput, match="cannot write"):
        recognizer.with_vocabulary(["ä"])
    recognizer.save(tmp_path)
    assert EndToEndRecognizer.load(tmp_path).card.vocabulary == ("one", "ones", "two")


STREAMING = [("deepspeech2", {}), ("conformer", {}), ("rnnt", {}), ("conformer", {"features": "waveform"})]


@pytest.mark.parametrize(("name", "options"), STREAMING)
@pytest.mark.parametrize("size", [300, 1111, 8000])
@torch.no_grad()
def test_streamed_frames_are_the_frames_of_the_whole(name, options, size):
    for n_halvings in (1, 2):
        recognizer = made(name, streaming=True, **options)
        encoder = dataclasses.replace(recognizer.card.shape.encoder, n_halvings=n_halvings, chunk=4, n_left=1)
        shape = dataclasses.replace(recognizer.card.shape, encoder=encoder)
        recognizer = EndToEndRecognizer(dataclasses.replace(recognizer.card, shape=shape))
        recording = noise(3.0)
        whole, _ = recognizer.network.encode(torch.from_numpy(recording.samples.copy())[None], torch.tensor([24000]))
        stream, parts = EncoderStream(recognizer.network), []
        for first in range(0, 24000, size):
            parts.append(stream.push(recording.samples[first : first + size], final=first + size >= 24000))
        assert sum(part.shape[1] > 0 for part in parts) > 1 or size == 8000
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=2e-5, rtol=1e-4)
        assert stream._kept.shape[1] < 100  # memory stays bounded


@pytest.mark.parametrize("name", ["deepspeech2", "rnnt"])
def test_the_last_partial_result_is_that_of_the_whole(name):
    recognizer = made(name, streaming=True)
    recording = noise(1.0)
    traces = list(recognizer.stream(recording.samples[i : i + 900] for i in range(0, 8000, 900)))
    assert [trace.recording.n_samples for trace in traces] == [min(8000, 900 * (i + 1)) for i in range(9)]
    whole = recognizer.trace(recording)
    assert [h.words for h in traces[-1].hypotheses] == [h.words for h in whole.hypotheses]
    assert traces[-1].alignment.words == whole.alignment.words
    latency = measure_latency(recognizer, recording, chunk_s=0.25)
    assert latency.computing_s.size == 4
    assert len(latency.word_delays_s) == len(whole.words)
    assert not hasattr(made(name), "stream")
    with pytest.raises(BadInput, match="train one with streaming=True"):
        EncoderStream(made(name).network)


@dataclasses.dataclass(frozen=True)
class Said:
    """An utterance of tones: each letter of the text is a pitch."""

    text: str
    speaker: str = "x"

    @property
    def duration_s(self):
        return 0.12 * len(self.text.replace(" ", ""))

    def recording(self):
        pitches = {"a": 500.0, "b": 1200.0}
        t = np.arange(960) / 8000
        tone = [0.3 * np.sin(2 * np.pi * pitches[c] * t) * np.hanning(960) for c in self.text if c != " "]
        return Recording(np.concatenate(tone).astype(np.float32), 8000)


CORPUS = [Said(text) for text in ("a b", "b a", "a b a", "b b", "a a b", "b a a", "a", "b")]
TINY = {"n_units": 16, "n_layers": 1, "rate_hz": 8000, "batch_s": 1.0, "joined": (1, 1), "dropout": 0.0}


def learnt(name, folder, **options):
    return train_preset(name, CORPUS, CORPUS[:2], folder, **{**TINY, **options})


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path):
    class Killed(Exception):
        pass

    def kill(done, total):
        if done == 1:
            raise Killed

    whole = learnt("deepspeech2", tmp_path / "whole", epochs=2)
    with pytest.raises(Killed):
        learnt("deepspeech2", tmp_path / "parts", epochs=2, progress=kill)
    parts = learnt("deepspeech2", tmp_path / "parts", epochs=2)
    assert parts.provenance == whole.provenance
    assert Path(tmp_path / "parts" / "recognizer.json").is_file()


def test_texts_that_leave_open_what_was_said_are_left_out(tmp_path):
    prompts = [Said("digits: a b"), Said("orderDrink {}")]
    made = train_preset("deepspeech2", [*CORPUS, *prompts], CORPUS[:2], tmp_path, **TINY, epochs=1)
    assert made.card.training["n_utterances"] == len(CORPUS)
    assert made.card.training["n_left_out"] == len(prompts)


@pytest.mark.parametrize("name", ["deepspeech2", "las", "joint-ctc-attention", "rnnt"])
def test_the_loss_falls(name, tmp_path):
    card = card_of(PRESETS[name], Options(**{**TINY, "joined": None}), characters())
    recognizer = EndToEndRecognizer(card)
    plan = TrainingPlan(epochs=4, learning_rate=1e-2)
    history = recognizer.fit(CORPUS, valid=CORPUS, plan=plan, recipe=Recipe(batch_s=1.0))
    assert history.valid_losses[-1] < 0.8 * history.valid_losses[0]
    assert recognizer.card.training["plan"]["epochs"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deepspeech", "deepspeech2"])
def test_it_learns_to_read_tones(name, tmp_path):
    wide = {"epochs": 80, "n_units": 32, "learning_rate": 5e-3}
    recognizer = learnt(name, tmp_path, **wide)
    heard = [recognizer.trace(said.recording()).text.replace(" ", "") for said in CORPUS]
    assert sum(h == said.text.replace(" ", "") for h, said in zip(heard, CORPUS, strict=True)) >= 6
