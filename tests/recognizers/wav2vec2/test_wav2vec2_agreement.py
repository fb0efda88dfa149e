"""What transformers says of the same folder: logits to the last bit, and the same texts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from wav2vec2_cases import KINDS

N_UTTERANCES = 50


@pytest.fixture(scope="module")
def pipelines(folder_of):
    """Return transformers' own pipeline of a folder."""
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer, pipeline

    made = {}

    def of(kind, stable=False, attention="eager", **how):
        folder = folder_of(kind, stable, **how)
        if (folder, attention) not in made:
            model = AutoModelForCTC.from_pretrained(folder, attn_implementation=attention)
            made[folder, attention] = pipeline(
                "automatic-speech-recognition",
                model=model,
                tokenizer=AutoTokenizer.from_pretrained(folder),
                feature_extractor=AutoFeatureExtractor.from_pretrained(folder),
            )
        return made[folder, attention]

    return of


def said_by(pipe, recording, **how):
    """Return the text of transformers' pipeline, its words one space apart."""
    return " ".join(pipe({"raw": recording.samples.copy(), "sampling_rate": recording.rate_hz}, **how)["text"].split())


@pytest.mark.parametrize(("kind", "stable"), KINDS)
def test_texts_are_those_of_transformers(opened, pipelines, bursts, kind, stable):
    recognizer, pipe = opened(kind, stable), pipelines(kind, stable)
    texts = [(recognizer.trace(bursts(i), record="text").text, said_by(pipe, bursts(i))) for i in range(N_UTTERANCES)]
    assert [own for own, _ in texts] == [other for _, other in texts]
    assert len({own for own, _ in texts}) > N_UTTERANCES / 2


@pytest.mark.parametrize(("kind", "stable"), KINDS)
def test_logits_are_those_of_transformers_to_the_last_bit(opened, pipelines, bursts, kind, stable):
    pipe, recognizer = pipelines(kind, stable), opened(kind, stable)
    for number in range(3):
        recording = bursts(number)
        wave = recording.samples.copy()
        heard = pipe.feature_extractor(wave, sampling_rate=16000, return_tensors="pt", return_attention_mask=True)
        with torch.no_grad():
            expected = pipe.model(**heard).logits
        trace = recognizer.trace(recording, record=["logits", "emissions", "features"])
        assert np.array_equal(trace.activations["logits"].values, expected[0].numpy())
        assert np.allclose(trace.emissions.scores, torch.log_softmax(expected[0], -1).numpy(), atol=1e-5)
        key = pipe.model.main_input_name
        assert np.array_equal(trace.features.values.ravel(), heard[key].numpy().ravel())


@pytest.mark.parametrize("kind", ["wav2vec2", "wav2vec2-conformer", "sew", "wav2vec2-bert"])
def test_sdpa_says_what_transformers_says_with_it(opened, pipelines, bursts, kind):
    recognizer, pipe = opened(kind, attention="sdpa"), pipelines(kind, attention="sdpa")
    for number in range(10):
        assert recognizer.trace(bursts(number)).text == said_by(pipe, bursts(number))


def test_phones_are_words_and_are_those_of_transformers(opened, pipelines, bursts):
    recognizer = opened(how={"head": "phones"})
    assert recognizer.symbols.blank == 1
    for number in range(N_UTTERANCES):
        trace = recognizer.trace(bursts(number))
        assert trace.text == said_by(pipelines("wav2vec2", head="phones"), bursts(number))
        assert trace.alignment.phones.labels == trace.hypothesis.words == trace.alignment.words.labels
        assert trace.alignment.states is None


@pytest.mark.parametrize("kind", ["wav2vec2", "sew", "wav2vec2-bert"])
def test_a_long_recording_is_cut_as_transformers_cuts_it(opened, pipelines, babble, kind):
    recognizer = opened(kind, chunk_s=1.6, context_s=0.32)
    for number in range(5):
        recording = babble(number)
        trace = recognizer.trace(recording, record=["emissions"])
        assert trace.text == said_by(pipelines(kind), recording, chunk_length_s=1.6, stride_length_s=0.32)
        assert trace.emissions.grid.n_frames == recognizer.network.grids(recording.n_samples)["logits"].n_frames
        assert trace.words == tuple(sorted(trace.words, key=lambda word: word.start_s))
        assert recognizer.trace(recording, record="text").text == trace.text


@pytest.mark.parametrize(("kind", "stable"), KINDS)
def test_hidden_states_and_attention_are_those_of_transformers(opened, pipelines, bursts, kind, stable):
    pipe, recording = pipelines(kind, stable), bursts(7)
    heard = pipe.feature_extractor(
        recording.samples.copy(), sampling_rate=16000, return_tensors="pt", return_attention_mask=True
    )
    with torch.no_grad():
        expected = pipe.model(**heard, output_hidden_states=True, output_attentions=True)
    trace = opened(kind, stable).trace(recording, record=["activations", "attentions"])
    assert np.array_equal(trace.activations["embedding"].values, expected.hidden_states[0][0].numpy())
    assert np.array_equal(trace.activations["encoder.0"].values, expected.hidden_states[1][0].numpy())
    for layer, weights in enumerate(expected.attentions):
        own = trace.attentions[f"encoder.{layer}.attention"].weights
        assert np.allclose(own.sum(-1), 1, atol=1e-5)
        if kind == "wavlm":  # transformers gives the mean of all heads in the place of each
            assert np.array_equal(torch.from_numpy(own.copy()).mean(0).numpy(), weights[0, 0].numpy())
        else:
            assert np.array_equal(own, weights[0].numpy())
