"""The study of the information plane: its task, its networks, and small runs of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from otoscope.core import BadInput
from otoscope.metrics.information import entropy_of_counts
from otoscope.nets.training import TrainingPlan, train
from otoscope.studies.acoustic_plane import burst_and_carrier
from otoscope.studies.information_plane import run
from otoscope.studies.known_information import GROUPS
from otoscope.studies.rotation_task import LEARNING_RATE, Perceptrons, SplitTask, icosahedron, look, rotation_task
from otoscope.testing import planted_cue_corpus


def test_the_task_has_its_published_figures():
    inputs, labels = rotation_task()
    assert len({tuple(row) for row in inputs}) == 4096
    assert labels.mean() == pytest.approx(0.51709, abs=5e-6)
    assert entropy_of_counts(np.bincount(labels)) / math.log(2) == pytest.approx(0.99916, abs=5e-6)
    shares = [labels[inputs.sum(1) == n].mean() for n in range(13)]
    assert shares[:5] == [0] * 5
    assert shares[8:] == [1] * 5
    assert shares[5:8] == pytest.approx([0.0757576, 0.5757576, 0.9242424], abs=1e-6)


def test_no_rotation_changes_a_label():
    corners = icosahedron()
    assert np.linalg.norm(corners, axis=1) == pytest.approx(1)
    inputs, labels = rotation_task()
    table = {tuple(row): label for row, label in zip(inputs.astype(int).tolist(), labels.tolist(), strict=True)}
    third = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    axis = corners[0]
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = 2 * np.pi / 5
    fifth = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    for turn in (third, fifth):
        moved = (corners @ turn.T @ corners.T).argmax(1)
        assert sorted(moved) == list(range(12))
        assert moved.tolist() != list(range(12))
        turned = inputs.astype(int)[:, moved]
        assert all(table[tuple(row)] == label for row, label in zip(turned.tolist(), labels.tolist(), strict=True))


def test_networks_side_by_side_learn_as_if_alone():
    plan = TrainingPlan(
        epochs=2, learning_rate=LEARNING_RATE, schedule="constant", warmup=0.0, weight_decay=0.0, clip_norm=1e9
    )
    task = SplitTask.drawn([0, 1])
    task.batches = lambda rng: [torch.from_numpy(task.shares[:, :256]), torch.from_numpy(task.shares[:, 256:512])]
    both = Perceptrons([("tanh", 0), ("relu", 1)])
    train(both, task, plan)
    for index, member in enumerate((("tanh", 0), ("relu", 1))):
        alone = Perceptrons([member])
        one = SplitTask(task.inputs, task.labels, task.shares[index : index + 1])
        one.batches = lambda rng, index=index: [b[index : index + 1] for b in task.batches(rng)]
        train(alone, one, plan)
        for mine, theirs in zip(both.weights, alone.weights, strict=True):
            assert torch.allclose(mine[index], theirs[0], atol=1e-6)


def test_layers_are_what_their_activation_makes_of_them():
    nets = Perceptrons([("tanh", 3), ("relu", 3)])
    inputs = torch.from_numpy(rotation_task()[0])
    for index, bend in enumerate((np.tanh, lambda x: np.maximum(x, 0))):
        held = look(nets, inputs, index)
        assert list(held) == ["hidden.1", "hidden.2", "hidden.3", "hidden.4", "hidden.5", "output"]
        assert [values.shape[1] for values in held.values()] == [10, 7, 5, 4, 3, 2]
        values = inputs.numpy()
        for layer in range(5):
            values = bend(values @ nets.weights[layer][index].detach().numpy())
            assert held[f"hidden.{layer + 1}"] == pytest.approx(values, abs=1e-5)
        assert held["output"].sum(1) == pytest.approx(1, abs=1e-5)
    deviations = [float(w.detach().std()) for w in Perceptrons([("tanh", s) for s in range(60)]).weights[:2]]
    assert deviations == pytest.approx([0.88 / math.sqrt(10), 0.88 / math.sqrt(7)], rel=0.03)
    with pytest.raises(BadInput, match="tanh, relu"):
        Perceptrons([("gelu", 0)])


def test_a_small_run_has_a_row_for_each_network_and_both_planes():
    told = []
    result = run(epochs=1, n_seeds=1, n_looks=2, progress=lambda done, total: told.append((done, total)))
    assert [(row["activation"], row["seed"]) for row in result.table] == [("tanh", 0), ("relu", 0)]
    assert all(row["ceiling"] == pytest.approx(12) and row["drop"] >= 0 for row in result.table)
    assert [row["holds"] for row in result.table] == [False, True], "one epoch compresses nothing"
    titles = [panel.title for panel in result.panels]
    assert titles[0] == "The claim"
    assert {"tanh: Information plane: bins", "relu: Information plane: bins"} <= set(titles)
    assert (1, 1) in told
    assert told[-1] == (24, 24)


def test_seeds_fix_weights_and_splits():
    one, again, other = (Perceptrons([("tanh", seed)]).weights[0] for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    shares = SplitTask.drawn([0, 0, 1]).shares
    assert shares.shape == (3, 3277)
    assert (shares[0] == shares[1]).all()
    assert set(shares[0]) != set(shares[2])
    task = SplitTask.drawn([0, 1])
    batches = task.batches(np.random.default_rng(0))
    assert [batch.shape[1] for batch in batches] == [256] * 12 + [205]
    seen = torch.cat(batches, 1).numpy()
    assert (np.sort(seen, axis=1) == np.sort(task.shares, axis=1)).all(), "each learns from its own share only"


@pytest.mark.slow
def test_an_acoustic_network_learns_the_word():
    result = run(network="acoustic", epochs=12, n_looks=3)
    rows = {(row["epoch"], row["layer"]): row for row in result.table}
    assert list(dict.fromkeys(row["layer"] for row in result.table)) == [
        "features",
        "conv.0",
        "conv.1",
        "encoder.0",
        "logits",
    ]
    first, last = rows[1, "features"], rows[12, "features"]
    assert first["binned_x"] == last["binned_x"], "the front end does not learn"
    assert rows[12, "logits"]["kde_y_lower"] > rows[1, "logits"]["kde_y_lower"] + 0.5
    assert rows[12, "logits"]["ceiling_x"] == pytest.approx(math.log2(result.provenance["n_rows"]))


def test_a_carrier_stretch_is_as_long_as_the_burst_and_beside_it():
    for utterance in planted_cue_corpus(3, n_utterances=12):
        first, second = burst_and_carrier(utterance)
        assert {first.label, second.label} == {"carrier", utterance.text}
        assert first.duration_s == pytest.approx(second.duration_s)
        burst = utterance.segment
        farther_s = max(burst.start_s, utterance.sound.duration_s - burst.end_s)
        assert second.start_s - first.end_s == pytest.approx(farther_s - burst.duration_s), "at the farther end"
        assert first.start_s >= 0
        assert second.end_s <= utterance.sound.duration_s + 1e-9


def test_unknown_networks_are_refused():
    with pytest.raises(BadInput, match="rotations, acoustic"):
        run(network="saxe")


@pytest.mark.parametrize("family", GROUPS)
def test_known_answers_come_out(family):
    checks = family()
    assert checks
    assert [check.name for check in checks if not check.passed] == []
