"""The inside of a checkpoint: grids that an impulse confirms, hooks that leave, edits, gradients."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from wav2vec2_cases import KINDS, hooks_of

from otoscope.core import (
    Aligning,
    BadInput,
    Differentiable,
    Intervenable,
    NotAble,
    NotRecorded,
    Recognizer,
    Recording,
    Target,
)
from otoscope.recognizers.checkpoints.places import Places, recorded
from otoscope.recognizers.wav2vec2.grids import grid_of

N_SAMPLES = 16000
PLACES = (0, 7, 400, 8191, 12345, N_SAMPLES - 401)


class Through(torch.nn.Module):
    """Passes its first input on."""

    def forward(self, x, *others, **named):
        return x


class Nothing(torch.nn.Module):
    """Makes nothing of what it gets."""

    def forward(self, x):
        return torch.zeros_like(x)


@pytest.fixture
def local():
    """Open a network whose normalisation over time is taken away, so that a click moves only what sees it."""
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.wav2vec2.loading import open_encoder

    def made(folder):
        network = open_encoder(read_checkpoint(folder))
        for module in list(network.model.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, torch.nn.GroupNorm):
                    setattr(module, name, torch.nn.Identity())
        return network

    return made


def heard(network, wave):
    """Return the inputs of a waveform as it is, without normalisation over time."""
    if network.input_name == "input_values":
        return {"input_values": torch.from_numpy(wave)[None]}
    return dict(network.extractor(wave, sampling_rate=16000, return_tensors="pt", do_normalize_per_mel_bins=False))


def moved_rows(network, sites, place):
    """Return by site which rows change when one sample does."""
    wave = (0.1 * np.random.default_rng(0).standard_normal(N_SAMPLES)).astype(np.float32)
    click = wave.copy()
    click[place] += 3.0
    seen = []
    for each in (wave, click):
        with torch.no_grad(), recorded(network.places, sites) as rows:
            network.run(heard(network, each))
        seen.append(dict(rows))
    return {site: torch.nonzero((seen[0][site][0] != seen[1][site][0]).any(1)).ravel().tolist() for site in sites}


def rows_that_see(grid, place):
    """Return which rows of a grid have a sample in their window."""
    first = grid.start + grid.hop * np.arange(grid.n_frames)
    return np.flatnonzero((first <= place) & (place < first + grid.window)).tolist()


def assert_grids_are_those_of_clicks(network, sites, places=PLACES):
    grids = network.grids(N_SAMPLES)
    for place in places:
        for site, moved in moved_rows(network, sites, place).items():
            assert moved == rows_that_see(grid_of(site, grids), place), (site, place)


@pytest.mark.parametrize(("kind", "stable"), KINDS)
def test_a_click_moves_the_frames_whose_window_holds_it(local, folder_of, kind, stable):
    network = local(folder_of(kind, stable))
    known = ("features", "front_end", "projection", "positions")
    assert_grids_are_those_of_clicks(network, [n for n in network.places.activations if n.split(".")[0] in known])


@pytest.mark.parametrize("kind", ["sew", "sew-d"])
def test_a_click_moves_the_rows_of_a_squeezed_encoder(local, folder_of, kind):
    network = local(folder_of(kind))
    with torch.no_grad():
        network.body.encoder.pos_conv_embed.conv.parametrizations.weight.original0.zero_()
    assert network.grids(N_SAMPLES)["embedding"].hop == 640
    assert_grids_are_those_of_clicks(network, ["embedding"], (100, 8191))


@pytest.mark.parametrize(("kind", "layers"), [("wav2vec2", 2), ("wav2vec2", 3), ("wav2vec2-bert", 1)])
def test_a_click_moves_the_rows_behind_an_adapter(local, folder_of, tmp_path, kind, layers):
    folder = shortened(folder_of(kind), tmp_path / "short", layers)
    network = local(folder)
    sites = [*(f"adapter.{i}" for i in range(layers)), "encoded", "logits"]
    network.places = Places([network.places.tap(site) for site in sites])
    body = network.body
    for i in range(len(body.encoder.layers)):
        body.encoder.layers[i] = Through()
    for layer in body.adapter.layers:
        if hasattr(layer, "self_attn"):
            layer.self_attn_dropout = Nothing()
    if kind == "wav2vec2":
        with torch.no_grad():
            body.encoder.pos_conv_embed.conv.parametrizations.weight.original0.zero_()
    assert network.grids(N_SAMPLES)["logits"].hop == 320 * 2**layers
    assert_grids_are_those_of_clicks(network, sites, (500, 8191, 11111))


def shortened(source, folder, layers):
    """Write a checkpoint like another with convolutional adapters behind its encoder."""
    from transformers import AutoConfig, AutoModelForCTC

    from otoscope.testing.checkpoints.weights import fill

    shutil.copytree(source, folder)
    config = AutoConfig.from_pretrained(source)
    config.add_adapter, config.num_adapter_layers, config.output_hidden_size = True, layers, config.hidden_size
    network = AutoModelForCTC.from_config(config)
    fill(network, seed=1)
    network.eval().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("kind", "stable"), KINDS)
def test_every_site_is_recorded_on_its_grid_and_nothing_changes(opened, bursts, kind, stable):
    recognizer, recording = opened(kind, stable), bursts(3)
    n_hooks = hooks_of(recognizer.network.model)
    plain = recognizer.trace(recording, record=["logits"])
    full = recognizer.trace(recording, record=["activations", "attentions", "features"])
    assert np.array_equal(plain.activations["logits"].values, full.activations["logits"].values)
    assert hooks_of(recognizer.network.model) == n_hooks == 0
    names = recognizer.network.places
    assert set(full.activations) == set(names.activations) == {site.name for site in recognizer.sites()}
    assert set(full.attentions) == set(names.attentions)
    for site in recognizer.sites():
        assert full.activations[site.name].values.shape == (full.activations[site.name].grid.n_frames, site.n_units)
    for weights in full.attentions.values():
        assert weights.weights.shape[1:] == (weights.query_grid.n_frames, weights.key_grid.n_frames)


@pytest.mark.parametrize(("kind", "stable"), KINDS)
def test_every_site_can_be_edited_and_the_same_value_changes_nothing(opened, bursts, kind, stable):
    recognizer, recording = opened(kind, stable), bursts(3)
    plain = recognizer.trace(recording, record=["logits"]).activations["logits"].values
    for site in recognizer.network.places.by_name:
        with recognizer.edited({site: lambda values: values}):
            same = recognizer.trace(recording, record=["logits"])
        assert np.array_equal(same.activations["logits"].values, plain), site
        assert [name.split()[0] for name in same.provenance.parameters["edited"]] == [site]
        with recognizer.edited({site: lambda values: values[..., ::-1].copy() if values.shape[-1] > 1 else 0 * values}):
            other = recognizer.trace(recording, record=["logits"]).activations["logits"].values
        assert not np.array_equal(other, plain), site
    assert hooks_of(recognizer.network.model) == 0
    assert "edited" not in recognizer.provenance.parameters


def test_no_hook_survives_an_exception(opened, bursts):
    recognizer = opened()

    def broken(values):
        raise RuntimeError("broken edit")

    with pytest.raises(RuntimeError, match="broken"), recognizer.edited({"encoder.0.mlp": broken}):
        recognizer.trace(bursts(1), record=["activations", "attentions"])
    assert hooks_of(recognizer.network.model) == 0
    assert recognizer.open_edits.names == ()
    with pytest.raises(BadInput, match="no site 'nowhere'"), recognizer.edited({"nowhere": lambda v: v}):
        pass


@pytest.fixture
def double(folder_of):
    """Open a checkpoint whose network computes in float64, so that finite differences are good to nine digits."""
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.wav2vec2 import open_checkpoint

    def made(kind, stable):
        recognizer = open_checkpoint(read_checkpoint(folder_of(kind, stable)))
        network = recognizer.network
        model = network.model.double()
        if kind == "wav2vec2-conformer":
            model.base_model.encoder.embed_positions.pe = model.base_model.encoder.embed_positions.pe.double()

        def run(inputs):
            inputs = {name: each.double() if each.is_floating_point() else each for name, each in inputs.items()}
            return model(**inputs).logits

        network.run = run
        return recognizer

    return made


@pytest.mark.parametrize(
    ("kind", "stable"), [("wav2vec2", True), ("wavlm", False), ("sew-d", False), ("wav2vec2-bert", False)]
)
def test_gradients_are_finite_differences(double, bursts, kind, stable):
    recognizer, recording = double(kind, stable), bursts(2)
    target = recognizer.trace(recording).targets()[0]
    rng = np.random.default_rng(0)
    for site in recognizer.network.places.by_name:
        slope = recognizer.gradient(recording, target, at=site)
        way = rng.standard_normal(slope.shape) / np.sqrt(slope.size)

        def score(step, site=site, way=way):
            with recognizer.edited({site: lambda values: values + step * way.astype(values.dtype)}):
                return recognizer.score([recording], [target])[0, 0]

        size = 1e-6
        measured = (score(size) - score(-size)) / (2 * size)
        assert np.isclose((slope * way).sum(), measured, rtol=1e-4, atol=1e-6), site


def test_the_gradient_of_the_waveform_is_a_finite_difference(double, bursts):
    recognizer, recording = double("wav2vec2", True), bursts(2)
    target = recognizer.trace(recording).targets()[0]
    slope = recognizer.gradient(recording, target, at="waveform")
    assert slope.shape == (recording.n_samples, 1)
    way = np.random.default_rng(0).standard_normal(recording.n_samples)

    def score(step):
        return recognizer.score([recording.with_samples(recording.samples + step * way)], [target])[0, 0]

    assert np.isclose(slope[:, 0] @ way, (score(1e-4) - score(-1e-4)) / 2e-4, rtol=1e-2)


def test_gradients_that_cannot_be_are_refused(opened, bursts):
    recognizer, recording = opened(), bursts(2)
    target = recognizer.trace(recording).targets()[0]
    with recognizer.edited({"features": lambda v: v}), pytest.raises(NotAble, match="no gradient through edits"):
        recognizer.gradient(recording, target)
    with pytest.raises(BadInput, match="no site 'nowhere'"):
        recognizer.gradient(recording, target, at="nowhere")
    bert = opened("wav2vec2-bert")
    with pytest.raises(NotAble, match="ask at 'features'"):
        bert.gradient(recording, Target.utterance("A"), at="waveform")


def test_sdpa_hides_attention_and_says_how_to_see_it(opened, bursts):
    recognizer = opened(attention="sdpa")
    trace = recognizer.trace(bursts(1), record=["attentions", "encoder.0.attention", "encoder.0.attention.heads"])
    with pytest.raises(NotRecorded, match='open the checkpoint with attention="eager"'):
        _ = trace.attentions
    assert "encoder.0.attention.heads" in trace.activations
    assert recognizer.attention_sites() == ()
    assert trace.provenance.parameters["attention"] == "sdpa"
    with pytest.raises(BadInput, match="step by step only"):
        opened("wavlm", attention="sdpa")


def test_what_cannot_be_recorded_says_why(opened, bursts):
    recognizer = opened()
    with pytest.raises(BadInput, match=r"cannot record nonsense; it records text, .*encoder\.0\.attention"):
        recognizer.trace(bursts(1), record=["nonsense"])
    with pytest.raises(NotRecorded, match='leave record="text" away'):
        _ = recognizer.trace(bursts(1), record="text").alignment
    with pytest.raises(NotRecorded, match="no decoder steps"):
        _ = recognizer.trace(bursts(1)).steps
    short = recognizer.trace(Recording(np.full(200, 0.1), 16000), record=["activations", "emissions"])
    assert (short.text, short.emissions.grid.n_frames, short.words) == ("", 0, ())
    with pytest.raises(NotRecorded, match="too short"):
        _ = short.activations


def test_it_has_every_ability(opened):
    recognizer = opened()
    for ability in (Recognizer, Aligning, Differentiable, Intervenable):
        assert isinstance(recognizer, ability)
    json.dumps(dict(recognizer.provenance.parameters))


def test_activations_of_a_long_recording_are_put_together_on_the_grid_of_the_whole(opened, babble):
    recognizer = opened("sew", chunk_s=1.6, context_s=0.32)
    recording = next(babble(i) for i in range(20) if babble(i).duration_s > 3)
    trace = recognizer.trace(recording, record=["activations", "attentions", "features"])
    for name, each in trace.activations.items():
        assert each.grid == grid_of(name, recognizer.network.grids(recording.n_samples))
    with pytest.raises(NotRecorded, match="larger chunk_s"):
        _ = trace.attentions
