"""Training on alignments: labels, priors, the task, and each preset end to end on made sounds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from otoscope.core import BadInput, CorruptWeights, DoesNotFit, FrameGrid, Recording, UnknownName
from otoscope.corpora import SoundAugmentation
from otoscope.corpora.manifest import Utterance
from otoscope.nets.augment import Augmentation
from otoscope.nets.front_end import FrontEndShape, LogMel
from otoscope.nets.speech_inputs import speech_input
from otoscope.nets.training import TrainingPlan, train
from otoscope.recognizers import load
from otoscope.recognizers.hmm import HmmRecognizer
from otoscope.recognizers.hmm.estimation import Schedule
from otoscope.recognizers.hmm.stages import Plan
from otoscope.recognizers.hmm.training import train_monophones
from otoscope.recognizers.hybrid import HybridRecognizer, train_lstm, train_mlp, train_tdnn
from otoscope.recognizers.hybrid.cross_entropy import IGNORED, Frames, FrameTask, Recipe
from otoscope.recognizers.hybrid.labels import Labels, kept_labels, labelled, nearest, placed_by, share_alike
from otoscope.recognizers.hybrid.networks import network_of
from otoscope.recognizers.hybrid.priors import FLOOR, log_priors
from otoscope.recognizers.hybrid.training import train_hybrid
from otoscope.recognizers.run_files import KeptFiles
from otoscope.testing import MADE_WORDS, made_phone

RATE_HZ = 16000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    folder, rng = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    found = []
    for k in range(36):
        words = [str(w) for w in rng.choice(sorted(MADE_WORDS), rng.integers(2, 5))]
        phones = [
            "SIL",
            *(p for word in words for p in (*MADE_WORDS[word], "SIL")[: 2 + int(rng.random() < 0.5)]),
            "SIL",
        ]
        samples = np.concatenate([made_phone(phone, rng, rate_hz=RATE_HZ) for phone in phones]).astype(np.float32)
        soundfile.write(folder / f"u{k}.wav", samples, RATE_HZ, subtype="FLOAT")
        path = folder / f"u{k}.wav"
        found.append(Utterance(f"u{k}", path, " ".join(words), f"s{k % 3}", "train", samples.size / RATE_HZ))
    return found


@pytest.fixture(scope="module")
def hmm(corpus: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> HmmRecognizer:
    plan = Plan(mono=Schedule(5, 20, 1), retold=Schedule(1, 20, 1))
    return train_monophones(corpus[:30], corpus[30:], tmp_path_factory.mktemp("hmm"), plan=plan)


def options(hmm: HmmRecognizer, **others: object) -> dict[str, object]:
    masks = Augmentation(
        speed=1.0, gain_db=(0.0, 0.0), snr_db=(60.0, 60.0), n_bands=1, band_width=4, n_gaps=0, warp=1.0
    )
    usual = {
        "hmm": hmm,
        "epochs": 12,
        "learning_rate": 5e-3,
        "front_end": FrontEndShape(n_mels=20),
        "recipe": Recipe(augmentation=masks, batch_s=4.0, frame_step=1),
        "card": {"beam": 20.0},
    }
    return usual | others


SMALL = {
    "mlp-hmm": (train_mlp, {"n_hidden": [32], "reach": 3, "dropout": 0.0}),
    "tdnn-hmm": (train_tdnn, {"n_units": 24, "dilations": [3, 3], "n_prefinal": 16, "dropout": 0.0}),
    "lstm-hmm": (train_lstm, {"n_units": 12, "n_layers": 1, "dropout": 0.0}),
}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_each_preset_learns_to_hear(name: str, corpus: list[Utterance], hmm: HmmRecognizer, tmp_path: Path) -> None:
    trainer, shape = SMALL[name]
    told: list[tuple[int, int]] = []
    recognizer = trainer(
        corpus[:30],
        corpus[30:],
        tmp_path,
        progress=lambda done, total: told.append((done, total)),
        **options(hmm, shape=shape),
    )
    assert told[-1] == (12, 12)
    assert recognizer.name == name
    heard = [" ".join(recognizer.trace(u.recording()).hypotheses[0].words) for u in corpus[30:]]
    assert sum(a == b for a, b in zip(heard, [u.text for u in corpus[30:]], strict=True)) >= 5
    again = load(tmp_path)
    assert isinstance(again, HybridRecognizer)
    assert again.provenance == recognizer.provenance
    assert again.card.training["n_utterances"] == 30
    recording = corpus[30].recording()
    words = recognizer.align(recording, corpus[30].text).words.intervals
    own = hmm.align(recording, corpus[30].text).words.intervals
    assert max(abs(a.start_s - b.start_s) for a, b in zip(words, own, strict=True)) < 0.06
    with pytest.raises(DoesNotFit, match="the text does not fit the sound"):
        recognizer.align(Recording(recording.samples[:2400], RATE_HZ), corpus[30].text)


def test_only_transcripts_that_are_certain_are_learnt(
    corpus: list[Utterance], hmm: HmmRecognizer, tmp_path: Path
) -> None:
    prompt = replace(corpus[0], id="prompt", text="orderDrink {}")
    chosen = options(hmm, shape=SMALL["mlp-hmm"][1], epochs=1)
    recognizer = train_mlp([*corpus[:30], prompt], [*corpus[30:], prompt], tmp_path, **chosen)
    assert (recognizer.card.training["n_utterances"], recognizer.card.training["n_left_out"]) == (30, 1)
    assert set(recognizer.lexicon) == set(MADE_WORDS)


def test_a_run_that_was_stopped_ends_in_the_same_weights(
    corpus: list[Utterance], hmm: HmmRecognizer, tmp_path: Path
) -> None:
    chosen = options(hmm, shape=SMALL["mlp-hmm"][1], epochs=2, realign=1)
    whole = train_mlp(corpus[:30], corpus[30:], tmp_path / "whole", seed=3, **chosen)
    assert 0.5 < whole.card.training["same_labels"][0] <= 1

    def stop(done: int, total: int) -> None:
        assert total == 4
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_mlp(corpus[:30], corpus[30:], tmp_path / "cut", seed=3, progress=stop, **chosen)
    assert not (tmp_path / "cut" / "recognizer.json").exists()
    cut = train_mlp(corpus[:30], corpus[30:], tmp_path / "cut", seed=3, **chosen)
    assert cut.provenance.weights_sha256 == whole.provenance.weights_sha256
    other = train_mlp(corpus[:30], corpus[30:], tmp_path / "other", seed=4, **chosen)
    assert other.provenance.weights_sha256 != whole.provenance.weights_sha256
    with pytest.raises(BadInput, match=r"labels-0\.safetensors is of a run on other data or with other settings"):
        train_mlp(corpus[:20], corpus[30:], tmp_path / "cut", seed=3, **chosen)


def test_wrong_options_are_refused_by_name(corpus: list[Utterance], tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="option 'hm'"):
        train_mlp(corpus, (), tmp_path, hm="hmm-mono")
    with pytest.raises(UnknownName, match="preset 'gmm-hmm'"):
        train_hybrid("gmm-hmm", corpus, (), tmp_path)
    with pytest.raises(BadInput, match="features one of log-mel, mfcc, spectrogram"):
        train_mlp(corpus, (), tmp_path, features="waveform")
    with pytest.raises(BadInput, match="speeds must stay 1"):
        Recipe(sound=SoundAugmentation())
    with pytest.raises(BadInput, match="no utterance with words"):
        train_mlp([Utterance("x", tmp_path, " ", "s", "train", 1.0)], (), tmp_path)


def test_whole_words_are_the_units_of_small_vocabularies(corpus: list[Utterance], tmp_path: Path) -> None:
    chosen = options(None, shape=SMALL["mlp-hmm"][1], epochs=4) | {"hmm": None}
    recognizer = train_mlp(corpus[:30], corpus[30:], tmp_path, **chosen)
    assert recognizer.acoustic.table.phones == tuple(sorted(MADE_WORDS))
    assert (tmp_path / "hmm" / "recognizer.json").is_file()
    assert set(recognizer.lexicon) == set(MADE_WORDS)
    with pytest.raises(DoesNotFit, match="no model of what tree"):
        recognizer.align(corpus[0].recording(), "tree")


def test_frames_are_labelled_by_the_nearest_in_time(corpus: list[Utterance], hmm: HmmRecognizer) -> None:
    front_end = FrontEndShape()
    place = placed_by(hmm, lambda u: front_end.grid(u.recording().n_samples))
    recording, found = corpus[0].recording(), place(corpus[0])
    grid, own = front_end.grid(recording.n_samples), hmm.model.frames(recording)[1]
    path = hmm.path(recording, corpus[0].text.split())
    assert found.size == grid.n_frames
    for t, time_s in enumerate(grid.times_s()):
        assert found[t] == path.columns[own.frame_at(time_s)]


def test_each_frame_takes_the_label_of_the_nearest() -> None:
    wanted = FrameGrid(8000, -60, 80, 200, 7)
    grid = FrameGrid(16000, 0, 160, 400, 4)
    found = nearest(np.arange(4, dtype=np.int32), grid, wanted)
    best = np.abs(wanted.times_s()[:, None] - grid.times_s()).argmin(1)
    np.testing.assert_array_equal(found, best)


def test_what_does_not_fit_gets_no_labels(corpus: list[Utterance]) -> None:
    def place(utterance: Utterance) -> np.ndarray:
        if utterance.id == "u1":
            raise DoesNotFit("too short")
        return np.full(3, int(utterance.id[1:]), np.int32)

    found = labelled(corpus[:3], place)
    assert [row.tolist() for row in (found[i] for i in range(3))] == [[0, 0, 0], [], [2, 2, 2]]
    assert found.placed.tolist() == [0, 2]
    with pytest.raises(BadInput, match="none of 1 utterances"):
        labelled(corpus[1:2], place)


def test_labels_are_kept_and_those_of_another_run_refused(tmp_path: Path) -> None:
    labels = Labels(np.array([1, 2, 2], np.int32), np.array([0, 2, 3]))
    kept, name = KeptFiles(tmp_path), "labels.safetensors"
    assert kept_labels(kept, name, {"key": 1}, lambda: labels) == labels
    assert kept_labels(kept, name, {"key": 1}, lambda: pytest.fail("made again")) == labels
    with pytest.raises(BadInput, match="of a run on other data"):
        kept_labels(kept, name, {"key": 2}, lambda: labels)
    kept.path(name).write_bytes(kept.path(name).read_bytes()[:-3])
    with pytest.raises(CorruptWeights, match="is damaged"):
        kept_labels(kept, name, {"key": 1}, lambda: labels)
    assert share_alike(labels, Labels(np.array([1, 2, 0], np.int32), np.array([0, 2, 3]))) == pytest.approx(2 / 3)


def test_priors_are_shares_with_a_floor() -> None:
    labels = np.repeat(np.arange(3, dtype=np.int32), [600, 400, 0])
    found = np.exp(log_priors(labels, 3))
    assert found.sum() == pytest.approx(1)
    assert found[2] / found[0] == pytest.approx(FLOOR * 1000 / 3 / 600)
    with pytest.raises(BadInput, match="labelled 0 to 1"):
        log_priors(np.array([0, 2], np.int32), 2)


def task_of(corpus: list[Utterance], recipe: Recipe) -> FrameTask:
    shape = FrontEndShape(n_mels=20)
    rows = [np.arange(shape.grid(u.recording().n_samples).n_frames, dtype=np.int32) % 5 for u in corpus]
    labels = Labels(np.concatenate(rows), np.concatenate([[0], np.cumsum([row.size for row in rows])]))
    return FrameTask(LogMel(shape), Frames(corpus, labels, RATE_HZ), None, recipe)


def test_a_sampled_batch_keeps_features_and_labels_together(corpus: list[Utterance]) -> None:
    task = task_of(corpus[:12], Recipe(augmentation=None, batch_s=3.0, frame_step=3))
    batches = task.batches(np.random.default_rng(0))
    seen = set()
    for batch in batches:
        for features, n, labels in zip(batch.features, batch.lengths.tolist(), batch.labels, strict=True):
            assert (labels[n:] == IGNORED).all()
            first = int(labels[0])
            seen.add(first)
            assert labels[:n].tolist() == [(first + t) % 5 for t in range(n)]
            own = [i for i in range(12) if task.train.labels[i].size == n + first]
            assert any(torch.allclose(task.features(i)[first:], features[:n], atol=1e-4) for i in own)
    assert seen == {0, 1, 2}
    again = task.batches(np.random.default_rng(0))
    assert all(torch.equal(a.features, b.features) for a, b in zip(batches, again, strict=True))


def test_labels_move_along_when_sound_is_played_faster_or_slower(tmp_path: Path) -> None:
    t = np.arange(int(1.2 * RATE_HZ)) / RATE_HZ
    samples = 0.3 * np.sin(2 * np.pi * np.where(t < 0.8, 400.0, 2500.0) * t)
    soundfile.write(tmp_path / "two.wav", samples.astype(np.float32), RATE_HZ, subtype="FLOAT")
    utterance = Utterance("two", tmp_path / "two.wav", "a b", "s", "train", 1.2)
    shape = FrontEndShape(n_mels=20)
    labels = (np.arange(shape.grid(samples.size).n_frames) >= 80).astype(np.int32)
    frames = Frames([utterance], Labels(labels, np.array([0, labels.size])), RATE_HZ)
    how = Augmentation(speed=1.5, gain_db=(0.0, 0.0), snr_db=(40.0, 40.0), n_bands=0, n_gaps=0, warp=1.0)
    for features in (LogMel(shape), speech_input("mfcc", shape)):
        task = FrameTask(features, frames, None, Recipe(augmentation=how))
        lengths = set()
        for seed in range(6):
            (batch,) = task.batches(np.random.default_rng(seed))
            row = batch.features[0] if isinstance(features, LogMel) else batch.features[0] @ features.basis.T
            high = (row[:, 8:].max(1).values > row[:, :7].max(1).values).int()
            assert int((high != batch.labels[0]).sum()) <= 2
            lengths.add(int(batch.lengths[0]))
        assert max(lengths) - min(lengths) > 15


def test_another_voice_moves_cepstra_as_it_moves_filters(corpus: list[Utterance]) -> None:
    shape = FrontEndShape(n_mels=20)
    rows = np.zeros(shape.grid(corpus[0].recording().n_samples).n_frames, np.int32)
    frames = Frames(corpus[:1], Labels(rows, np.array([0, rows.size])), RATE_HZ)
    how = Augmentation(speed=1.0, n_bands=0, n_gaps=0, warp=1.3)
    heard = []
    for kind in ("log-mel", "mfcc"):
        front_end = speech_input(kind, shape)
        (batch,) = FrameTask(front_end, frames, None, Recipe(augmentation=how)).batches(np.random.default_rng(3))
        plain = FrameTask(front_end, frames, None, Recipe()).features(0)
        heard.append(batch.features[0] if kind == "log-mel" else batch.features[0] @ front_end.basis.T)
    torch.testing.assert_close(heard[0], heard[1], atol=1e-3, rtol=0)
    assert (batch.features[0] - plain).abs().max() > 1


def test_the_loss_is_the_mean_over_the_scored_frames(corpus: list[Utterance]) -> None:
    task = task_of(corpus[:4], Recipe(augmentation=None, batch_s=60.0, frame_step=3))
    network = network_of("tdnn", {"n_features": 20, "n_symbols": 5, "n_units": 8, "n_prefinal": 6, "dilations": [3]})
    network.eval()
    batch = task.batches(np.random.default_rng(1))[0]
    logits, _ = network(batch.features, batch.lengths)
    picked = [
        -torch.log_softmax(logits[i, t], -1)[batch.labels[i, t]]
        for i, n in enumerate(batch.lengths.tolist())
        for t in range(0, n, 3)
    ]
    assert task.loss(network, batch).item() == pytest.approx(torch.stack(picked).mean().item(), rel=1e-4)
    assert task.weight(batch) == len(picked)
    assert math.isnan(task.validate(network))


def test_the_scale_of_features_is_measured(corpus: list[Utterance]) -> None:
    task = task_of(corpus[:4], Recipe())
    network = network_of("mlp", {"n_features": 20, "n_symbols": 5})
    task.measure_scale(network)
    centred = torch.cat([task.features(i) - task.features(i).mean(0) for i in range(4)])
    torch.testing.assert_close(network.scale, centred.std(0, unbiased=False))


def test_a_network_learns_labels_by_heart(corpus: list[Utterance], hmm: HmmRecognizer) -> None:
    shape = FrontEndShape(n_mels=20)
    place = placed_by(hmm, lambda u: shape.grid(u.recording().n_samples))
    frames = Frames(corpus[:4], labelled(corpus[:4], place), RATE_HZ)
    task = FrameTask(LogMel(shape), frames, frames, Recipe(augmentation=None, batch_s=2.0))
    network = network_of("tdnn", {"n_features": 20, "n_symbols": 15, "n_units": 24, "dilations": [3, 3], "dropout": 0})
    history = train(network, task, TrainingPlan(epochs=25, learning_rate=5e-3))
    assert history.valid_losses[-1] < 0.25 < math.log(15) - 1
