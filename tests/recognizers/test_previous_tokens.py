"""What was written before, on tiny decoders: token scores add up, maps share out what they say, nothing comes early."""

import dataclasses

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, NotAble, Target
from otoscope.explainers import explain
from otoscope.explainers.previous_tokens import GIVEN, previous_tokens
from otoscope.explainers.written_text import groups_of, written
from otoscope.recognizers.endtoend import EndToEndRecognizer

from .tiny_families import made_family, noise

DECODERS = ("las", "speech-transformer", "whisper")


@pytest.fixture(params=DECODERS)
def decoder(request):
    recognizer, recording, _ = made_family(request.param, request)
    if request.param == "whisper":
        return recognizer, recording
    # Untrained, it would write nothing: the end is made unlikely, length and letters in turn are favoured.
    longer = dataclasses.replace(recognizer.card.decoding, length_power=2.0)
    wordy = EndToEndRecognizer(dataclasses.replace(recognizer.card, decoding=longer), seed=2)
    with torch.no_grad():
        wordy.network.decoder.output.bias[0] -= 6
        wordy.network.decoder.output.bias[1] += 1.5
        wordy.network.decoder.output.weight.mul_(4)
    return wordy, noise(0.4)


def matrix(finding):
    return np.asarray(finding.panels[1].data["values"], dtype=float)


def test_scores_of_tokens_add_up_to_those_of_texts(decoder):
    recognizer, recording = decoder
    trace = recognizer.trace(recording, record=("steps",))
    tokens = trace.tokens
    first = len(tokens) - len(trace.steps.tokens)
    targets = [trace.token_target(i) for i in range(first, len(tokens))]
    scores = recognizer.score([recording], targets)[0]
    rows = [trace.steps.symbols.index(token) for token in trace.steps.tokens]
    np.testing.assert_allclose(scores, trace.steps.scores[np.arange(len(rows)), rows], atol=2e-4)
    rival = recognizer.score([recording], [targets[1].rather_than(targets[0].label)])[0, 0]
    other = Target("token", targets[0].label, None, targets[1].position, tokens)
    assert rival == pytest.approx(scores[1] - recognizer.score([recording], [other])[0, 0], abs=1e-9)


def test_a_token_can_be_explained_by_the_sound(decoder):
    recognizer, recording = decoder
    target = recognizer.trace(recording, record=("steps",)).token_target(-2)
    (found,) = explain(recognizer, recording, target=target, segments="frames", n_masks=60, checks=False).attributions
    assert found.target == target
    assert np.isfinite(found.relevance).all()
    assert np.ptp(found.relevance) > 0


@pytest.mark.parametrize("unit", ["token", "word"])
def test_what_is_written_later_has_no_say(decoder, unit):
    finding = previous_tokens(*decoder, unit=unit)
    found = matrix(finding)
    assert found.shape == (len(found), len(found) + 1)
    later = np.triu_indices(len(found), 1)
    assert np.isnan(found[:, 1:][later]).all()
    assert np.isfinite(found[:, 0]).all()
    assert np.isfinite(found[:, 1:][np.tril_indices(len(found), -1)]).all()
    assert {row["source"] for row in finding.table if row["source_position"] == -1} == {GIVEN}
    second = [row for row in finding.table if row["target_position"] == 1]
    if unit == "token":  # one token before it: taking it away is taking all away
        assert second[1]["relevance"] == pytest.approx(second[1]["without_text"], abs=1e-5)
    assert finding.table[0]["without_text"] == pytest.approx(0, abs=1e-6) or unit == "word"


def test_integrated_gradients_share_out_what_the_neutral_text_loses(decoder):
    recognizer, recording = decoder
    finding = previous_tokens(recognizer, recording, unit="token", method="integrated-gradients", fill="zero")
    trace = recognizer.trace(recording, record=("steps", "decoder.tokens"))
    first = len(trace.tokens) - len(trace.steps.tokens)
    targets = [trace.token_target(i) for i in range(first, len(trace.tokens))]
    rows = trace.activations["decoder.tokens"].values[: max(first, 1) + len(targets) - 1]
    ends = recognizer.score_at(recording, targets, np.stack([rows, 0 * rows]), at="decoder.tokens").scores
    np.testing.assert_allclose(np.nansum(matrix(finding), axis=1), ends[0] - ends[1], atol=0.05)


def test_slopes_and_occlusion_agree_on_small_steps(decoder):
    recognizer, recording = decoder
    slope = matrix(previous_tokens(recognizer, recording, unit="token", method="input-x-gradient"))
    path = matrix(previous_tokens(recognizer, recording, unit="token", method="integrated-gradients"))
    known = np.isfinite(slope)
    assert (known == np.isfinite(path)).all()
    assert np.corrcoef(slope[known], path[known])[0, 1] > 0.3


def test_what_cannot_be_asked(decoder, request):
    recognizer, recording = decoder
    for wrong in ({"unit": "phone"}, {"method": "lime"}, {"fill": "noise"}):
        with pytest.raises(BadInput, match="one of"):
            previous_tokens(recognizer, recording, **wrong)
    trace = recognizer.trace(recording, record=("steps",))
    with pytest.raises(BadInput, match="were written"):
        trace.token_target(len(trace.tokens))
    with pytest.raises(BadInput, match="needs its context"):
        recognizer.score([recording], [Target("token", "a")])
    with pytest.raises(BadInput, match="no token 'ツツ'"):
        recognizer.score([recording], [Target("token", "ツツ", None, 1, trace.tokens)])


@pytest.mark.parametrize(("family", "why"), [("rnnt", "a transducer"), ("deepspeech", "does not read what it wrote")])
def test_other_families_say_why_not(request, family, why):
    recognizer, recording, _ = made_family(family, request)
    with pytest.raises(NotAble, match=why):
        previous_tokens(recognizer, recording)


def test_bytes_of_a_character_belong_to_its_word():
    tokens = [" na", "<0xC3>", "<0xAF>", "ve", " <3", "s", "<|endoftext|>"]
    assert groups_of(tokens, "word") == ([0, 0, 0, 0, 1, 1, 2], ["naïve", "<3s", "<|endoftext|>"])
    assert groups_of(tokens[:2], "token") == ([0, 1], [" na", "<0xC3>"])
    assert groups_of(["<0xE4><0xBD>"], "word")[1] == ["<0xE4><0xBD>"], "half a character has no other name"


def test_progress_never_goes_back(decoder):
    recognizer, recording = decoder
    told = []
    previous_tokens(recognizer, recording, unit="token", progress=lambda done, n: told.append((done, n)))
    n = told[-1][1]
    assert told == [(k, n) for k in range(1, n + 1)]


def test_what_the_search_wrote_otherwise_is_read_as_it_was_scored(decoder):
    recognizer, recording = decoder
    trace = recognizer.trace(recording, record=("steps", "decoder.tokens"))
    plain = written(trace, "decoder.tokens", "token")
    spaced = dataclasses.replace(trace.hypothesis, tokens=(" ", " ", *trace.steps.tokens[:-1]))
    found = written(dataclasses.replace(trace, hypotheses=(spaced,)), "decoder.tokens", "token")
    assert found.names == tuple(trace.steps.tokens) == plain.names
    assert all(target.context[target.position] == target.label for target in found.targets)
    if trace.tokens == trace.steps.tokens:  # nothing is given: both are the same text
        assert [target.context for target in found.targets] == [target.context for target in plain.targets]
        np.testing.assert_array_equal(found.values, plain.values)
