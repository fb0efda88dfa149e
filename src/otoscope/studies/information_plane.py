"""Information plane: do layers forget the input as they learn? The experiment of the claim, and its counter-example.

Shwartz-Ziv & Tishby (2017) saw the layers of a tanh network first learn, then compress: I(X; T) falls late in training.
Saxe et al. (2018) saw the same, and no such thing once ReLU took the place of tanh: units that saturate land in the
outermost bins, and that is what falls. Both networks learn the same task here, equally well, from three seeds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.core import BadInput, Finding, Panel
from otoscope.core.protocols import Progress
from otoscope.explainers.information import Recorder, chosen_epochs, information_plane
from otoscope.nets.training import TrainingPlan, train
from otoscope.studies.result import StudyResult
from otoscope.studies.rotation_task import ACTIVATIONS, BATCH, LEARNING_RATE, WIDTHS, Perceptrons, SplitTask, look

LAST = f"hidden.{len(WIDTHS) - 2}"
COMPRESSES_BITS, KEEPS_BITS = 3.0, 0.5
"""A tanh layer must lose at least, a ReLU layer at most so much of I(X; T)."""

NETWORKS = ("rotations", "acoustic")
CLAIM = (
    "The claim (Shwartz-Ziv & Tishby 2017): a deep network learns in two phases. First both I(X; T) and I(T; Y) rise, "
    "then, for most of training, I(X; T) falls: layers forget whatever of the input the label does not need, and that "
    "is why deep networks generalise. Saxe et al. (2018) found the second phase with tanh units, which saturate, and "
    "none with ReLU units, whose networks generalise as well. What came out here stands in the bars and planes below."
)


def run(
    *,
    network: str = "rotations",
    epochs: int = 8000,
    n_seeds: int = 3,
    n_looks: int = 36,
    seed: int = 0,
    progress: Progress | None = None,
) -> StudyResult:
    """Train tanh and ReLU networks on one task and follow their layers through the information plane.

    Parameters
    ----------
    network
        `rotations`: the experiment of Saxe et al. 2018. `acoustic`: a CTC network while it learns words that differ by
        one tone burst (`epochs` of 8000 then means 24).
    epochs
        Passes over the training inputs.
    n_seeds
        Networks of each kind.
    n_looks
        Epochs at which layers are looked at, even on a logarithmic scale.
    seed
        The first of the seeds.
    progress
        Called with (epochs done, all), then with (layers measured, all).

    Returns
    -------
    StudyResult
        A row for each network. `drop`: highest less final I(X; T) of the last hidden layer with bins of .07; `holds`:
        at least 3 bits for tanh, at most 0.5 for ReLU.
    """
    if network not in NETWORKS:
        raise BadInput(f"unknown network {network!r}; one of {', '.join(NETWORKS)}")
    if network == "acoustic":
        from otoscope.studies.acoustic_plane import acoustic_plane

        return acoustic_plane(epochs=24 if epochs == 8000 else epochs, n_looks=n_looks, seed=seed, progress=progress)
    began = time.perf_counter()
    members = [(name, seed + index) for name in ACTIVATIONS for index in range(n_seeds)]
    task = SplitTask.drawn([number for _, number in members])
    nets, recorder = _trained(members, task, epochs=epochs, n_looks=n_looks, progress=progress)
    findings = _planes(recorder, task.labels.numpy(), len(members), seed=seed, progress=progress)
    accuracies = np.stack(task.accuracies(nets), axis=1)
    rows = tuple(_row(*each) for each in zip(members, findings, accuracies, strict=True))
    return StudyResult(
        name="information-plane",
        summary=_summary(rows),
        table=rows,
        panels=_panels(rows, dict(zip(members, findings, strict=True)), seed=seed),
        provenance=_provenance(task, findings[0], epochs=epochs, seeds=[seed + index for index in range(n_seeds)]),
        seconds=time.perf_counter() - began,
    )


def _provenance(task: SplitTask, finding: Finding, *, epochs: int, seeds: Sequence[int]) -> dict[str, Any]:
    return {
        "task": "4,096 patterns on an icosahedron (otoscope.studies.rotation_task)",
        "p_y": float(task.labels.double().mean()),
        "layers": list(WIDTHS),
        "epochs": epochs,
        "looks": len(finding.provenance["epochs"]),
        "batch": BATCH,
        "optimizer": f"Adam, learning rate {LEARNING_RATE:g}",
        "bin_width": finding.provenance["bin_width"],
        "noise_variance": finding.provenance["noise_variance"],
        "seeds": list(seeds),
        "versions": {name: version(name) for name in ("otoscope", "torch", "numpy")},
    }


def _trained(
    members: Sequence[tuple[str, int]], task: SplitTask, *, epochs: int, n_looks: int, progress: Progress | None
) -> tuple[Perceptrons, Recorder]:
    """Train all networks side by side, as many steps each as alone."""
    nets = Perceptrons(members)
    recorder = Recorder(lambda: _all_layers(nets, task.inputs), epochs=chosen_epochs(epochs, n=n_looks))
    recorder.begin()
    plan = TrainingPlan(
        epochs=epochs,
        learning_rate=LEARNING_RATE,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        clip_norm=1e9,
        seed=members[0][1],
    )
    train(nets, task, plan, progress=progress, observers=[recorder])
    return nets, recorder


def _all_layers(nets: Perceptrons, inputs: torch.Tensor) -> Mapping[str, NDArray[Any]]:
    """Return the layers of all networks; the name of each begins with the number of its network."""
    n = len(nets.members)
    return {f"{i}/{name}": values for i in range(n) for name, values in look(nets, inputs, i).items()}


def _planes(
    recorder: Recorder, labels: NDArray[Any], n_networks: int, *, seed: int, progress: Progress | None
) -> list[Finding]:
    findings = []
    for index in range(n_networks):
        own = {
            epoch: {name.split("/")[1]: v for name, v in held.items() if name.split("/")[0] == str(index)}
            for epoch, held in recorder.snapshots.items()
        }

        def tell(done: int, total: int, index: int = index) -> None:
            if progress is not None:
                progress(index * total + done, n_networks * total)

        findings.append(information_plane(own, labels, seed=seed, progress=tell))
    return findings


def _row(member: tuple[str, int], finding: Finding, accuracy: NDArray[np.float64]) -> dict[str, Any]:
    final = max(row["epoch"] for row in finding.table)
    last = {row["layer"]: row for row in finding.table if row["epoch"] == final}
    drop = last[LAST]["binned_x_drop"]
    hidden = [row["kde_x_drop"] for layer, row in last.items() if layer.startswith("hidden")]
    return {
        "activation": member[0],
        "seed": member[1],
        "accuracy": float(accuracy[0]),
        "unseen_accuracy": float(accuracy[1]),
        "peak": last[LAST]["binned_x"] + drop,
        "final": last[LAST]["binned_x"],
        "drop": drop,
        "kde_drop": last[LAST]["kde_x_drop"],
        "most_kde_drop": max(hidden),
        "final_y": last[LAST]["binned_y"],
        "ceiling": last[LAST]["ceiling_x"],
        "holds": bool(drop >= COMPRESSES_BITS if member[0] == "tanh" else drop <= KEEPS_BITS),
    }


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for name in ACTIVATIONS:
        own = [row for row in rows if row["activation"] == name]
        low, high = min(row["drop"] for row in own), max(row["drop"] for row in own)
        least = min(row["accuracy"] for row in own)
        parts.append(f"{name} networks lose {low:.2f} to {high:.2f} bit (accuracy at least {least:.3f})")
    return (
        f"In the last hidden layer, bins of .07: {'; '.join(parts)}. {sum(row['holds'] for row in rows)} of "
        f"{len(rows)} networks do as Saxe et al. 2018 say."
    )


def _panels(
    rows: Sequence[Mapping[str, Any]], findings: Mapping[tuple[str, int], Finding], *, seed: int
) -> tuple[Panel, ...]:
    planes = []
    for place in range(3):
        for name in ACTIVATIONS:
            panel = findings[name, seed].panels[place]
            planes.append(Panel(panel.kind, f"{name}: {panel.title}", panel.data, panel.caption, panel.warning))
    bars = Panel(
        kind="bars",
        title="I(X; T) lost after its peak, last hidden layer",
        data={
            "labels": [f"{row['activation']}, seed {row['seed']}" for row in rows],
            "values": np.array([row["drop"] for row in rows]),
            "y_label": "bit",
        },
        caption="Highest less final I(X; T), bins of .07. Compression is 3 bits and more, none is half a bit and less.",
    )
    return (Panel("text", "The claim", {"text": CLAIM}), bars, *planes)
