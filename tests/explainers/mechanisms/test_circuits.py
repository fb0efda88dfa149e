"""Discovery against circuits that were planted, and graphs small enough to list."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, NotAble, Target
from otoscope.explainers.mechanisms import check_circuit, circuit_graph, discover, find_circuit, path_patch
from otoscope.explainers.mechanisms.circuits import Circuit
from otoscope.explainers.mechanisms.graph import INPUT, OUTPUT, connected
from otoscope.explainers.mechanisms.path_patching import edge_effects, handed_on
from otoscope.testing.circuits import circuit_sound, planted_circuit

SIZES = [
    {"n_layers": 2, "n_heads": 1, "n_hidden": 4},
    {"n_layers": 3, "n_heads": 2, "n_hidden": 16, "leak": 0.01},
    {"n_layers": 2, "n_heads": 3, "n_hidden": 8, "sabotaged": True},
]


@pytest.fixture(scope="module")
def graph(recognizer, sounds):
    return circuit_graph(recognizer, sounds["p"], sounds["k"])


@pytest.fixture(scope="module")
def circuit(graph):
    return find_circuit(graph, method="edge-attribution")


@pytest.mark.parametrize("method", ["acdc", "edge-attribution"])
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("size", SIZES)
def test_exactly_what_was_planted_is_found(size, seed, method):
    planted = planted_circuit(seed, **size)
    graph = circuit_graph(planted.recognizer, circuit_sound("p", seed=seed), circuit_sound("k", seed=seed))
    found = find_circuit(graph, method=method)
    assert {label for label in found.nodes if label.endswith("]")} == planted.heads
    assert found.unit_labels == planted.units
    assert found.edges == planted.edges


def test_another_contrast_has_other_units_and_the_same_heads(planted, recognizer, sounds):
    found = find_circuit(circuit_graph(recognizer, sounds["p"], sounds["t"]), method="edge-attribution")
    assert {label for label in found.nodes if label.endswith("]")} == planted.heads
    assert len(found.unit_labels & planted.units) == 1
    assert len(found.unit_labels) == 2


def test_all_edges_score_as_the_clean_recording_and_none_as_the_corrupted_one(graph):
    assert graph.score_of_edges(graph.edges()) == pytest.approx(graph.pair.score_clean, abs=1e-3)
    assert graph.score_of_edges(()) == pytest.approx(graph.pair.score_corrupted, abs=1e-3)


def test_one_edge_of_the_way_is_enough_to_break_it(graph, planted):
    whole = graph.pair.normalized(graph.score_of_edges(planted.edges))
    assert whole == pytest.approx(1.0, abs=0.05)
    for edge in planted.edges:
        cut = graph.pair.normalized(graph.score_of_edges(planted.edges - {edge}))
        assert cut == pytest.approx(0.0, abs=0.05), edge


def test_a_cut_edge_hands_on_what_is_corrupted_though_its_sender_is_clean(graph, planted):
    """The second head still hears the sound itself; the first head is clean, but its way to the second is cut."""
    first, second = sorted(planted.heads)
    other = (planted.edges - {(first, second)}) | {(INPUT, second), (first, OUTPUT)}
    assert graph.pair.normalized(graph.score_of_edges(other)) == pytest.approx(0.0, abs=0.05)
    whole = other | {(first, second)}
    assert graph.pair.normalized(graph.score_of_edges(whole)) == pytest.approx(1.0, abs=0.05)


def test_edges_lead_from_earlier_sites_to_later_ones(graph):
    labels = graph.labels
    assert graph.upstream(labels[0]) == (INPUT,)
    assert graph.upstream(OUTPUT) == (INPUT, *labels)
    n_heads = 4
    assert all(INPUT in graph.upstream(label) for label in labels)
    assert not set(labels[:n_heads]) & set(graph.upstream(labels[1]))
    assert set(labels[:n_heads]) <= set(graph.upstream(labels[n_heads]))
    assert len(graph.edges()) == len(set(graph.edges())) == sum(len(graph.upstream(r)) for r in (*labels, OUTPUT))


def test_edges_that_lead_nowhere_are_no_circuit():
    ways = {(INPUT, "a"), ("a", "b"), ("b", OUTPUT), ("c", OUTPUT), (INPUT, "d"), ("d", "e")}
    assert connected(ways) == {(INPUT, "a"), ("a", "b"), ("b", OUTPUT)}


def test_a_sender_alone_changes_only_what_reads_it(graph, planted):
    first, second = sorted(planted.heads)
    _, handed = handed_on(graph, first)
    changes = {label: np.abs(rows - graph.of(label, graph.clean)).max() for label, rows in handed.items()}
    assert changes[second] > 0.5
    assert set(changes) == {label for label in graph.labels if first in graph.upstream(label)}


def test_estimates_of_edges_rank_as_patching_does(graph, planted):
    exact, estimated = edge_effects(graph), edge_effects(graph, how="attribution")
    assert exact.keys() == estimated.keys() == set(graph.edges())
    for effects in (exact, estimated):
        assert sorted(effects, key=lambda edge: -abs(effects[edge]))[:4] != []
        assert set(sorted(effects, key=lambda edge: -abs(effects[edge]))[:4]) == planted.edges


def test_path_patching_lists_all_edges_strongest_first(recognizer, sounds, planted, graph):
    finding = path_patch(recognizer, sounds["p"], sounds["k"], how="attribution")
    strengths = [abs(row["effect"]) for row in finding.table]
    assert strengths == sorted(strengths, reverse=True)
    assert len(finding.table) == len(graph.edges())
    assert {(row["sender"], row["receiver"]) for row in finding.table[:4]} == planted.edges


def test_checks_of_the_true_circuit(graph, circuit):
    checks = check_circuit(graph, circuit, seed=3)
    assert checks.faithfulness == pytest.approx(1.0, abs=0.05)
    assert checks.completeness == pytest.approx(1.0, abs=0.05)
    assert checks.edges_kept == pytest.approx(1.0, abs=0.05)
    assert checks.gap < 0.05
    assert max(checks.random) < 0.5
    assert checks.failures == ()


def test_checks_of_a_wrong_circuit_fail(graph, circuit):
    head = next(label for label in graph.labels if label.endswith("]") and label not in circuit.nodes)
    wrong = Circuit(frozenset({(INPUT, head), (head, OUTPUT)}), {}, {}, {})
    checks = check_circuit(graph, wrong)
    assert checks.faithfulness < 0.05
    assert checks.completeness < 0.05
    assert len(checks.failures) == 3


def test_half_a_circuit_is_neither_faithful_nor_incomplete(graph, circuit, planted):
    """Without one unit of two, half of the contrast is gone; what is missing shows as incomplete."""
    (part,) = circuit.units
    half = Circuit(circuit.edges, circuit.effects, {part: circuit.units[part][:1]}, {})
    checks = check_circuit(graph, half)
    assert 0.3 < checks.faithfulness < 0.7
    assert any("keeps" in failure for failure in checks.failures)


def test_the_finding_tells_all(recognizer, sounds, planted):
    finding = discover(recognizer, sounds["p"], sounds["k"], method="edge-attribution")
    kinds = {kind: {row["label"] for row in finding.table if row["kind"] == kind} for kind in ("head", "mlp", "unit")}
    assert kinds["head"] == planted.heads
    assert kinds["unit"] == planted.units
    assert len(kinds["mlp"]) == 1
    assert finding.passed
    assert finding.provenance["random_faithfulness"] < 0.2
    assert finding.provenance["weights_sha256"] == recognizer.provenance.weights_sha256
    assert finding.panels[0].kind == "bars"


def test_what_cannot_be_is_refused(graph):
    with pytest.raises(BadInput, match="acdc or edge-attribution"):
        find_circuit(graph, method="guessing")
    with pytest.raises(BadInput, match="threshold between 0 and 1"):
        find_circuit(graph, threshold=0.0)
    with pytest.raises(BadInput, match="patching or attribution"):
        edge_effects(graph, how="guessing")


def test_a_network_without_a_residual_stream_says_so(plain, sounds):
    with pytest.raises(NotAble, match="neither attention heads nor feed-forward parts"):
        discover(plain, sounds["p"], sounds["k"], target=Target.utterance("b"))


def test_too_long_a_recording_is_refused_before_memory_is_taken(recognizer, sounds, monkeypatch):
    monkeypatch.setattr("otoscope.explainers.mechanisms.running.MOST_HELD", 1000)
    with pytest.raises(BadInput, match="take a shorter stretch"):
        circuit_graph(recognizer, sounds["p"], sounds["k"])
