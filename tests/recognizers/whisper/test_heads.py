"""Heads that follow time: found among heads that do not, with and without truth; kept in a file; told in provenance."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, CorruptWeights, Interval, NotRecorded, Tier
from otoscope.recognizers.whisper.head_search import choose_heads
from otoscope.recognizers.whisper.heads import (
    HeadChoice,
    Known,
    all_heads,
    last_half,
    named_heads,
    path_mass,
    ranked_by_path,
)

GOOD = {(0, 2), (1, 1)}


def known(seed, *, lead_s=0.0, truth=True):
    """An utterance of five words: two heads follow them, the others look anywhere, always the same, or everywhere."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.uniform(0.2, 0.6, size=6))
    spans = list(pairwise(edges))
    centres = np.arange(200) * 0.02
    attention = np.full((2, 3, 6, 200), 1 / 200)
    for layer, head in np.ndindex(2, 3):
        for token in range(6):
            if (layer, head) in GOOD:
                middle = np.mean(spans[token]) - lead_s if token < 5 else edges[-1] + 0.3
                row = np.exp(-0.5 * ((centres - middle) / 0.1) ** 2) + 1e-4
            elif head == 0:
                row = np.exp(-0.5 * ((centres - 1.0) / 0.1) ** 2) + 1e-4
            else:
                row = rng.dirichlet(np.full(200, 0.05))
            attention[layer, head, token] = row / row.sum()
    words = tuple((str(i), slice(i, i + 1)) for i in range(5))
    tier = Tier("words", tuple(Interval(a, b, str(i), origin="synthetic") for i, (a, b) in enumerate(spans)))
    return Known(attention, words, float(edges[-1] + 0.5), tier if truth else None)


def test_heads_that_follow_time_are_found_with_truth():
    choice = choose_heads([known(i) for i in range(8)], material="made")
    assert set(choice.heads) & GOOD
    assert not set(choice.heads) & {(0, 0), (1, 0)}  # these look at one place
    assert choice.how == "calibrated"
    assert choice.error_s < 0.05
    assert choice.material == "made"
    assert choice.lead_s == pytest.approx(0.0, abs=0.021)


def test_candidates_are_the_best_heads_alone():
    assert set(choose_heads([known(i) for i in range(8)], n_candidates=2).heads) <= GOOD


def test_a_lead_is_found():
    assert choose_heads([known(i, lead_s=0.08) for i in range(8)]).lead_s == pytest.approx(0.08, abs=0.021)


def test_heads_that_follow_time_are_found_without_truth():
    choice = choose_heads([known(i, truth=False) for i in range(4)], most=2)
    assert set(choice.heads) == GOOD
    assert choice.how == "calibrated without truth"
    assert choice.error_s is None
    assert {head for head, _ in ranked_by_path([known(9)])[:2]} == GOOD


def test_path_mass_orders_following_everywhere_and_one_place():
    diagonal = np.eye(5).repeat(4, axis=1) + 1e-6
    place = np.zeros((5, 20)) + 1e-6
    place[:, 7] = 1.0
    assert path_mass(diagonal) > path_mass(np.ones((5, 20))) > path_mass(place)
    assert path_mass(np.ones((5, 20))) == pytest.approx(0.0)
    assert path_mass(np.ones((5, 4))) == -np.inf


def test_defaults_are_those_of_the_field():
    assert last_half(4, 2).heads == ((2, 0), (2, 1), (3, 0), (3, 1))
    assert len(all_heads(4, 2).heads) == 8
    assert named_heads({"alignment_heads": [[1, 0], [3, 1]]}).heads == ((1, 0), (3, 1))
    assert named_heads({}) is None


def test_weights_of_the_chosen_heads_are_taken():
    attention = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(HeadChoice(((0, 2), (1, 0)), "given").weights(attention), attention[[0, 1], [2, 0]])
    with pytest.raises(BadInput, match="no head"):
        HeadChoice(((2, 0),), "given").weights(attention)


def test_a_choice_survives_json_and_is_checked():
    choice = HeadChoice(((1, 0),), "calibrated", 0.02, 0.031, "12 sentences")
    assert HeadChoice.from_json(json.loads(json.dumps(choice.as_json()))) == choice
    with pytest.raises(BadInput, match="at least one"):
        HeadChoice((), "given")
    with pytest.raises(BadInput, match="unknown way"):
        HeadChoice(((0, 0),), "guessed")
    with pytest.raises(BadInput, match="two utterances"):
        choose_heads([known(0)])
    with pytest.raises(BadInput, match="true places"):
        Known(known(0).attention, known(0).words[:3], 2.0, known(0).truth)


@pytest.fixture(scope="module")
def unnamed(tiny_checkpoint):
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.whisper.parts import read_parts

    return read_parts(read_checkpoint(tiny_checkpoint("whisper", alignment_heads=False)), "eager")


@pytest.fixture(scope="module")
def halves():
    from otoscope.recognizers.whisper import calibration

    return calibration._sample()


def test_sample_is_cut_between_its_sentences(halves):
    assert [text.split()[0] for _, text, _ in halves] == ["What", "The"]
    assert sum(recording.duration_s for recording, _, _ in halves) == pytest.approx(6.0, abs=1.0)
    for recording, text, tier in halves:
        assert len(tier) == len(text.split())
        assert 0 < tier[0].start_s < tier[-1].end_s < recording.duration_s


def test_heads_are_found_once_and_kept(unnamed, halves, tmp_path, monkeypatch):
    from otoscope.recognizers.whisper import calibration

    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path))
    monkeypatch.setattr(calibration, "calibration_speech", lambda: (halves, "the sample"))
    found = calibration.heads_of(unnamed)
    assert found.how == "calibrated"
    assert found.material == "the sample"
    path = calibration.heads_file(unnamed)
    assert path.is_file()
    assert path.is_relative_to(tmp_path)
    monkeypatch.setattr(calibration, "calibrate_heads", None)  # must not be called again
    assert calibration.heads_of(unnamed) == found
    path.write_text("{}")
    with pytest.raises(CorruptWeights, match="remove it"):
        calibration.heads_of(unnamed)


def test_named_heads_are_taken(tiny_checkpoint):
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.whisper.calibration import heads_of
    from otoscope.recognizers.whisper.parts import read_parts

    named = read_parts(read_checkpoint(tiny_checkpoint("whisper")), "eager")
    assert heads_of(named) == HeadChoice(((0, 1), (0, 3), (1, 1), (1, 3)), "checkpoint")


def test_attention_along_a_text_is_that_of_transformers(unnamed, babble, tiny_checkpoint):
    torch = pytest.importorskip("torch")
    from transformers import WhisperForConditionalGeneration

    from otoscope.recognizers.whisper.again import hear_again
    from otoscope.recognizers.whisper.windows import log_mels

    tokens = unnamed.tokens.encode(" one two three")
    prefix = unnamed.tokens.prefix("en", "transcribe", timestamps=False)
    (again,) = hear_again(unnamed, [babble(0)], prefix, tokens, attention=True)
    folder = tiny_checkpoint("whisper", alignment_heads=False)
    model = WhisperForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()
    mel = log_mels(unnamed, [babble(0)]).transpose(1, 2)
    with torch.no_grad():
        theirs = model(mel, decoder_input_ids=torch.tensor([[*prefix, *tokens]]), output_attentions=True)
    first = len(prefix) - 1
    looked = torch.stack([w[0, :, first:] for w in theirs.cross_attentions]).numpy()
    np.testing.assert_allclose(again.attention, looked, atol=1e-5)
    log_probs = torch.log_softmax(theirs.logits[0, first:], -1).numpy()
    wanted = [log_probs[i, t] for i, t in enumerate([*tokens, unnamed.tokens.end])]
    np.testing.assert_allclose(again.log_probs, wanted, atol=1e-4)


def test_hidden_attention_is_named(tiny_checkpoint, babble):
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.whisper.again import hear_again
    from otoscope.recognizers.whisper.parts import read_parts

    parts = read_parts(read_checkpoint(tiny_checkpoint("whisper")), "sdpa")
    prefix = parts.tokens.prefix("en", "transcribe", timestamps=False)
    with pytest.raises(NotRecorded, match='attention="eager"'):
        hear_again(parts, [babble(0)], prefix, (300,), attention=True)
    assert hear_again(parts, [babble(0)], prefix, (300,))[0].log_probs.shape == (2,)
    with pytest.raises(BadInput, match="decoder takes"):
        hear_again(parts, [babble(0)], prefix, (300,) * 448)


def test_texts_and_tiers_must_have_the_same_words(unnamed, halves):
    from otoscope.recognizers.whisper.calibration import known_of

    recording, text, tier = halves[0]
    with pytest.raises(BadInput, match="11 words, its tier 10"):
        known_of(unnamed, (recording, text + " again", tier))


def test_synthetic_calibration_speech_has_times_where_it_sounds():
    pytest.importorskip("espeakng_loader")
    from otoscope.recognizers.whisper.calibration import calibration_speech

    spoken, material = calibration_speech(("The boy was there.", "Two plus three is five."))
    assert material.startswith("2 sentences")
    for recording, text, tier in spoken:
        assert len(tier) == len(text.split())
        for word in tier:
            inside = recording.samples[round(word.start_s * 16000) : round(word.end_s * 16000)]
            assert np.abs(inside).max() > 0.01
        assert np.abs(recording.samples[: round(0.25 * 16000)]).max() < 0.001
