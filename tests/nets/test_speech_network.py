"""Encoders, decoders and front ends of end-to-end networks: padding, frame grids, steps, and what each kind refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import BadInput
from otoscope.nets.encoders import KINDS, EncoderShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.speech_inputs import speech_input
from otoscope.nets.speech_network import DecoderShape, SpeechNetwork, SpeechShape
from otoscope.nets.taps import taps_of

FRONT_END = FrontEndShape(8000, 20, low_hz=50)


def network(kind="recurrent", decoder="none", **changes):
    torch.manual_seed(0)
    encoder = EncoderShape(kind, 8, 2, n_heads=2, kernel=5, **changes)
    return SpeechNetwork(SpeechShape(6, FRONT_END, "log-mel", encoder, DecoderShape(decoder, 8, 2, 2))).eval()


@pytest.fixture
def waves():
    samples = torch.randn(2, 6000, generator=torch.Generator().manual_seed(0)) * 0.1
    samples[1, 3700:] = 0
    return samples, torch.tensor([6000, 3700])


ENCODERS = [*((kind, False) for kind in KINDS), ("recurrent", True), ("conformer", True)]


@pytest.mark.parametrize(("kind", "streaming"), ENCODERS)
@torch.no_grad()
def test_padding_changes_nothing_and_the_grid_counts_the_frames(kind, streaming, waves):
    for n_halvings in (1, 2):
        net = network(kind, streaming=streaming, n_halvings=n_halvings)
        frames, lengths = net.encode(*waves)
        alone, n = net.encode(waves[0][1:, :3700], waves[1][1:])
        assert lengths.tolist() == [net.grids(int(k))["encoder"].n_frames for k in waves[1]]
        assert n[0] == lengths[1]
        torch.testing.assert_close(frames[1, : n[0]], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("at", [1, 640, 3001, 5998])
@torch.no_grad()
def test_an_impulse_shows_in_just_the_frames_whose_window_holds_it(at):
    for kind, site in [
        ("convolution", "encoder.stages.1"),
        ("recurrent", "encoder.subsampling"),
        ("dense", "encoder.dense.0"),
    ]:
        net, seen = network(kind, n_halvings=2), []
        net.tap(site).register_forward_hook(lambda tap, inputs, output, seen=seen: seen.append(output[0]))
        silence = torch.zeros(1, 6000)
        struck = silence.clone()
        struck[0, at] = 1.0
        for waves in (silence, struck):
            net.encode(waves, torch.tensor([6000]))
        grids = net.grids(6000)
        grid = grids[site] if site in grids else grids["encoder"]
        changed = np.flatnonzero((seen[0] != seen[1]).any(1).numpy())
        first = grid.start + grid.hop * np.arange(grid.n_frames)
        inside = np.flatnonzero((first < at) & (at < first + grid.window - 1))
        assert set(changed) <= set(inside)
        assert {inside[len(inside) // 2]} <= set(changed)


@pytest.mark.parametrize("decoder", ["recurrent", "transformer"])
@torch.no_grad()
def test_a_decoder_step_by_step_is_the_decoder_at_once(decoder, waves):
    net = network("conformer", decoder)
    frames, lengths = net.encode(*waves)
    labels, n_labels = torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])
    heard = net.decoder.remember(frames, lengths)
    whole = net.decoder(heard, labels, n_labels)
    state, rows = net.decoder.start(heard), []
    for column in torch.nn.functional.pad(labels, (1, 0)).unbind(1):
        row, state = net.decoder.step(heard, column, state)
        rows.append(row)
    torch.testing.assert_close(torch.stack(rows, 1)[0], whole[0], atol=1e-5, rtol=1e-5)
    alone = net.decoder(net.decoder.remember(frames[1:, : lengths[1]], lengths[1:]), labels[1:, :2], n_labels[1:])
    torch.testing.assert_close(whole[1, :3], alone[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_location_attention_sees_real_frames_only_and_sums_to_one(waves):
    net, seen = network("recurrent", "recurrent"), []
    net.tap("decoder.attention").register_forward_hook(lambda tap, inputs, output: seen.append(output))
    frames, lengths = net.encode(*waves)
    net.decoder(net.decoder.remember(frames, lengths), torch.tensor([[1], [2]]), torch.tensor([1, 1]))
    weights = torch.cat(seen, 2)
    assert weights.shape == (2, 1, 2, frames.shape[1])
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 1, 2))
    assert not weights[1, :, :, lengths[1] :].any()


@pytest.mark.parametrize("kind", ["log-mel", "mfcc", "spectrogram", "waveform"])
@torch.no_grad()
def test_every_front_end_lies_on_the_same_grid(kind, waves):
    front_end = speech_input(kind, FRONT_END)
    for samples in (waves[0], waves[0][:, :50]):
        frames = front_end(samples)
        assert frames.shape == (2, FRONT_END.grid(samples.shape[1]).n_frames, front_end.n_features)
        assert torch.isfinite(frames).all()


@torch.no_grad()
def test_cepstra_hold_all_of_log_mel_and_learnt_filters_begin_near_the_mel_filters():
    tone = 0.3 * torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)[None]
    mel, cepstra = speech_input("log-mel", FRONT_END)(tone), speech_input("mfcc", FRONT_END)
    torch.testing.assert_close(cepstra(tone) @ cepstra.basis.T, mel, atol=1e-4, rtol=1e-4)
    learnt = speech_input("waveform", FRONT_END)(tone)
    assert abs(int(learnt[0, 50].argmax()) - int(mel[0, 50].argmax())) <= 1
    spectrum = speech_input("spectrogram", FRONT_END)
    assert spectrum.n_features == 256
    assert (int(spectrum(tone)[0, 50].argmax()) + 1) * 8000 / 512 == pytest.approx(1000, abs=16)


def test_sizes_and_names_that_cannot_be_are_refused():
    with pytest.raises(BadInput, match="unknown encoder 'lstm'"):
        EncoderShape("lstm")
    with pytest.raises(BadInput, match="sees the whole recording"):
        EncoderShape("transformer", streaming=True)
    with pytest.raises(BadInput, match="unknown features 'plp'"):
        speech_input("plp", FRONT_END)
    with pytest.raises(BadInput, match="needs its CTC output"):
        SpeechShape(6, ctc=False)
    with pytest.raises(BadInput, match="no CTC output"):
        SpeechNetwork(SpeechShape(6, FRONT_END, decoder=DecoderShape("recurrent", 8), ctc=False)).ctc_log_probs(
            torch.zeros(1, 2, 8), torch.tensor([2])
        )
    assert "features" in taps_of(network())
