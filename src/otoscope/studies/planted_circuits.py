"""Planted circuits: networks whose mechanism was set by hand, and whether the tools find it, and nothing else.

Each network hears one of three words by two heads, one after the other, and a unit a word; heads and units around them
are random and busy. Circuit discovery must return exactly the planted heads, units and edges. Where a last block
exchanges two words, the lens must say that the word was right until the block before.
"""

from __future__ import annotations

import time
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from otoscope.core import Panel
from otoscope.core.protocols import Progress
from otoscope.explainers.layers import lens
from otoscope.explainers.mechanisms.circuit_checks import check_circuit
from otoscope.explainers.mechanisms.circuits import circuit_graph, find_circuit
from otoscope.explainers.mechanisms.patching import patch
from otoscope.studies.result import StudyResult
from otoscope.testing.circuits import PlantedCircuit, circuit_sound, planted_circuit

METHODS = ("acdc", "edge-attribution")
WORD, RIVAL = "p", "k"
BLOCK = "encoder.blocks.{}"


@dataclass(frozen=True)
class Plan:
    """Size of a network, and whether its last block exchanges words."""

    n_layers: int
    n_heads: int
    n_hidden: int
    sabotaged: bool = False

    @property
    def label(self) -> str:
        """What it is called in figures."""
        size = f"{self.n_layers} blocks, {self.n_heads} heads, {self.n_hidden} units"
        return size + (" + sabotage" if self.sabotaged else "")


PLANS = (Plan(2, 2, 8), Plan(3, 4, 12), Plan(4, 3, 24), Plan(3, 4, 12, True))


def run(
    *, seed: int = 0, n_seeds: int = 2, leak: float = 0.01, threshold: float = 0.05, progress: Progress | None = None
) -> StudyResult:
    """Look for the circuit in networks of several sizes and seeds, by each method.

    Parameters
    ----------
    seed, n_seeds
        First seed of the networks, and how many there are of each size.
    leak
        How strongly bystanders write where the circuit reads.
    threshold
        Of discovery; see `otoscope.explainers.mechanisms.circuits.find_circuit`.
    progress
        Told (networks done, all).

    Returns
    -------
    StudyResult
        One row a network and method: precision and recall of heads, units and edges, `faithfulness`, `completeness`,
        `random_faithfulness`, `exact` (all six are 1), and `right_until`, what the lens says of a sabotaged network.
    """
    began = time.perf_counter()
    cases = [(plan, seed + i) for plan in PLANS for i in range(n_seeds)]
    rows: list[dict[str, Any]] = []
    for done, (plan, own) in enumerate(cases):
        planted = planted_circuit(
            own,
            n_layers=plan.n_layers,
            n_heads=plan.n_heads,
            n_hidden=plan.n_hidden,
            sabotaged=plan.sabotaged,
            leak=leak,
        )
        rows += _rows(planted, plan, own, threshold)
        if progress is not None:
            progress(done + 1, len(cases))
    sabotaged = [row for row in rows if row["right_until"] is not None]
    n_exact, n_lens = sum(row["exact"] for row in rows), sum(row["lens_right"] for row in sabotaged)
    return StudyResult(
        "planted-circuits",
        f"{n_exact} of {len(rows)} searches found exactly the planted heads, units and edges; the lens named the last "
        f"right block in {n_lens} of {len(sabotaged)} rows of sabotaged networks. Random circuits of the same size "
        f"keep {np.mean([row['random_faithfulness'] for row in rows]):.2f} of the score, the circuits found "
        f"{np.mean([row['faithfulness'] for row in rows]):.2f}.",
        tuple(rows),
        (_found_panel(rows), _kept_panel(rows), _patching_panel(seed, leak)),
        {"seed": seed, "n_seeds": n_seeds, "leak": leak, "threshold": threshold, "contrast": f"{WORD} vs {RIVAL}"},
        time.perf_counter() - began,
    )


def _rows(planted: PlantedCircuit, plan: Plan, seed: int, threshold: float) -> list[dict[str, Any]]:
    """Return a row for each method."""
    clean, corrupted = (circuit_sound(word, seed=seed) for word in (WORD, RIVAL))
    until, right = _right_until(planted, seed) if plan.sabotaged else (None, None)
    graph = circuit_graph(planted.recognizer, clean, corrupted)
    rows = []
    for method in METHODS:
        circuit = find_circuit(graph, method=method, threshold=threshold)  # type: ignore[arg-type]
        checks = check_circuit(graph, circuit, seed=seed)
        heads = {label for label in circuit.nodes if label.endswith("]")}
        shares = {
            **_shares("heads", heads, planted.heads),
            **_shares("units", circuit.unit_labels, planted.units),
            **_shares("edges", circuit.edges, planted.edges),
        }
        rows.append(
            {
                "network": plan.label,
                "seed": seed,
                "method": method,
                **shares,
                "n_edges": len(graph.edges()),
                "faithfulness": checks.faithfulness,
                "completeness": checks.completeness,
                "gap": checks.gap,
                "random_faithfulness": float(np.mean(checks.random)),
                "exact": all(value == 1.0 for value in shares.values()),
                "right_until": until,
                "lens_right": right,
            }
        )
    return rows


def _shares(name: str, found: Set[Any], planted: Set[Any]) -> dict[str, float]:
    hits = len(found & planted)
    return {
        f"{name}_precision": hits / len(found) if found else 0.0,
        f"{name}_recall": hits / len(planted),
    }


def _right_until(planted: PlantedCircuit, seed: int) -> tuple[str | None, bool]:
    """Return the last block that the lens calls right, and whether it is the one before the sabotage."""
    finding = lens(planted.recognizer, circuit_sound(WORD, seed=seed), reference=WORD)
    lost = [path["right_until"] for path in finding.provenance["regressive"]]
    return (lost[0] if lost else None), lost == [BLOCK.format(planted.last_right)]


def _found_panel(rows: list[dict[str, Any]]) -> Panel:
    names = [f"{kind}_{what}" for kind in ("heads", "units", "edges") for what in ("precision", "recall")]
    return Panel(
        "bars",
        "What discovery found of what was planted",
        {
            "labels": [name.replace("_", " ") for name in names],
            "values": np.array([np.mean([row[name] for row in rows]) for name in names]),
            "low": np.array([min(row[name] for row in rows) for name in names]),
            "high": np.array([max(row[name] for row in rows) for name in names]),
            "y_label": "share",
        },
        f"Mean over {len(rows)} searches; the whiskers reach from the worst to the best.",
    )


def _kept_panel(rows: list[dict[str, Any]]) -> Panel:
    labels = ("faithfulness", "completeness", "random_faithfulness", "gap")
    return Panel(
        "bars",
        "What the circuits keep",
        {
            "labels": [label.replace("_", " ") for label in labels],
            "values": np.array([np.mean([row[label] for row in rows]) for label in labels]),
            "low": np.array([min(row[label] for row in rows) for label in labels]),
            "high": np.array([max(row[label] for row in rows) for label in labels]),
            "y_label": "share of the score",
        },
        "Share of the score that the circuit alone keeps, that is lost without it, and that random circuits of its "
        "size keep; gap: largest difference between circuit and network when a random part of the circuit is left out.",
    )


def _patching_panel(seed: int, leak: float) -> Panel:
    """Return the map of one network: the word goes from the cue to the relay to the end, block by block."""
    planted = planted_circuit(seed, leak=leak)
    sounds = [circuit_sound(word, seed=seed) for word in (WORD, RIVAL)]
    return patch(planted.recognizer, *sounds, stretches=16).panels[0]
