"""Tokens, text, languages and log probabilities are those of transformers' `generate` on the same folder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.recognizers.whisper.windows import hear_windows

N = 50
N_TOKENS = 16
ENCODED = 10
"""Windows encoded at once."""


@pytest.fixture(scope="module")
def encoded(opened, babble):
    """What 50 recordings sound like to each network, side by side."""
    made = {}

    def heard(kind):
        if kind not in made:
            parts = opened(kind, "sdpa").parts
            waves = parts.front_end.waves([babble(i) for i in range(N)])
            with torch.no_grad():
                frames = [parts.front_end.log_mel(each) for each in waves.split(ENCODED)]
                states = torch.cat([parts.network.encode(each).states for each in frames])
                made[kind] = parts.network.remembered(states)
        return made[kind]

    return heard


def generated(their, states, *, beams=1, prompt=None, **how):
    from transformers.modeling_outputs import BaseModelOutput

    if prompt is not None:
        how["prompt_ids"] = torch.tensor(their.processor.tokenizer.get_prompt_ids(prompt))
    with torch.no_grad():
        return their.model.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            num_beams=beams,
            max_new_tokens=N_TOKENS,
            force_unique_generate_call=True,
            return_dict_in_generate=True,
            output_scores=True,
            **how,
        )


def without_padding(row, end):
    row = row.tolist()
    while row and row[-1] == end:
        row.pop()
    return tuple(row)


WAYS = {
    "plain": {},
    "times": {"timestamps": True},
    "beam": {"beam_size": 5},
    "beam-times": {"beam_size": 5, "timestamps": True},
    "prompt": {"prompt": "one two, three", "timestamps": True},
    "translate": {"task": "translate", "language": "de"},
    "short-beam": {"beam_size": 3, "length_penalty": 0.4},
}


KINDS = ("multilingual", "english", "distilled", "large-v3", "no-heads")
QUICK = {(kind, "prompt") for kind in KINDS[1:4]} | {(KINDS[0], way) for way in WAYS if way not in ("beam", "times")}
CASES = [
    pytest.param(kind, way, marks=() if (kind, way) in QUICK else pytest.mark.slow) for kind in KINDS for way in WAYS
]


@pytest.mark.parametrize(("kind", "way"), CASES)
def test_fifty_recordings_give_the_same_tokens_and_scores(opened, theirs, encoded, kind, way):
    asked = {"timestamps": False, **WAYS[way]}
    multilingual = opened(kind).parts.tokens.multilingual
    if not multilingual:
        asked = {name: value for name, value in asked.items() if name not in ("task", "language")}
    recognizer, heard, their = opened(kind, "sdpa", **asked, most_tokens=N_TOKENS), encoded(kind), theirs(kind, "sdpa")
    own = hear_windows(recognizer.parts, heard, recognizer.options)
    how = {"return_timestamps": asked["timestamps"], "length_penalty": recognizer.options.length_penalty}
    if multilingual:
        how |= {"task": asked.get("task", "transcribe"), "language": asked.get("language")}
    out = generated(their, heard.states, beams=recognizer.options.beam_size, prompt=asked.get("prompt"), **how)
    end = recognizer.parts.tokens.end
    assert [(*w.prefix, *w.tokens) for w in own] == [without_padding(row, end) for row in out.sequences]
    texts = [their.processor.tokenizer.decode(row, skip_special_tokens=True) for row in out.sequences]
    assert [recognizer.parts.tokens.text(w.tokens) for w in own] == texts
    assert len(set(texts)) >= N / 5  # the recordings do not all sound the same
    if recognizer.options.beam_size > 1:
        np.testing.assert_allclose([w.n_best[0].score for w in own], out.sequences_scores, atol=1e-5)
        return
    scores = their.model.compute_transition_scores(out.sequences, out.scores, normalize_logits=True)
    for window, row in zip(own, scores, strict=True):
        np.testing.assert_allclose(window.log_probs, row[: len(window.log_probs)], atol=1e-5)


@pytest.mark.parametrize("kind", ["multilingual", "english", "large-v3"])
def test_a_trace_is_what_transformers_makes_of_the_samples(opened, theirs, babble, kind):
    recognizer, their = opened(kind, timestamps=False, most_tokens=N_TOKENS), theirs(kind)
    how = {"task": "transcribe"} if recognizer.parts.tokens.multilingual else {}
    for number in range(3):
        recording = babble(number)
        trace = recognizer.trace(recording, record=["steps", "features"])
        inputs = their.processor(recording.samples, sampling_rate=16000, return_tensors="pt").input_features
        out = their.model.generate(
            inputs,
            max_new_tokens=N_TOKENS,
            force_unique_generate_call=True,
            return_dict_in_generate=True,
            output_logits=True,
            **how,
        )
        text = their.processor.tokenizer.decode(out.sequences[0], skip_special_tokens=True)
        assert trace.text == text.strip()
        assert trace.provenance.parameters["heard"][0]["text"] == text
        np.testing.assert_allclose(trace.features.values.T, inputs[0], atol=1e-6)
        logits = torch.log_softmax(torch.cat(out.logits).float(), 1)
        np.testing.assert_allclose(trace.steps.scores, logits[: len(trace.steps.tokens)], atol=5e-5)


def test_the_language_is_that_which_transformers_detects(opened, theirs, encoded):
    recognizer, heard, their = opened("multilingual", most_tokens=1), encoded("multilingual"), theirs("multilingual")
    from transformers.modeling_outputs import BaseModelOutput

    found = their.model.detect_language(encoder_outputs=BaseModelOutput(last_hidden_state=heard.states))
    own = hear_windows(recognizer.parts, heard, recognizer.options)
    languages = recognizer.parts.tokens.languages
    assert [languages[window.language] for window in own] == found.tolist()
    for window in own:
        assert sum(window.languages.values()) == pytest.approx(1, abs=1e-5)
        assert len(window.languages) == 99
        assert max(window.languages, key=window.languages.get) == window.language


@pytest.mark.parametrize("prompt", [None, "one two"])
def test_the_probability_of_no_speech_is_that_of_transformers(opened, theirs, babble, prompt):
    from transformers.generation.logits_process import WhisperNoSpeechDetection

    recognizer, their = opened("multilingual", language="en", prompt=prompt, most_tokens=2), theirs("multilingual")
    seen = []
    original = WhisperNoSpeechDetection.__call__

    def noting(self, input_ids, scores):
        done = original(self, input_ids, scores)
        seen.append(float(self.no_speech_prob[0]))
        return done

    recording = babble(1)
    inputs = their.processor(recording.samples, sampling_rate=16000, return_tensors="pt").input_features
    how = {"prompt_ids": torch.tensor(their.processor.tokenizer.get_prompt_ids(prompt))} if prompt else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhisperNoSpeechDetection, "__call__", noting)
        their.model.generate(
            inputs,
            language="en",
            max_new_tokens=2,
            no_speech_threshold=0.6,
            logprob_threshold=-1.0,
            temperature=0.0,
            return_timestamps=True,
            force_unique_generate_call=True,
            **how,
        )
    (window,) = recognizer.hear_windows([recording])
    assert window.no_speech_prob == pytest.approx(seen[0], rel=1e-4)
