"""Graphs and occupancies of lattice-free MMI against sums over every path."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.mmi import (
    PhoneGraph,
    PhoneTrigrams,
    batch_occupancies,
    denominator_graph,
    numerator_graph,
    occupancies,
    transcript_lattice,
)
from otoscope.decoding.mmi.transcripts import EDGE

LEXICON = {"a": [("x",)], "ab": [("x", "y"), ("x", "z", "y")], "b": [("y",)]}


def _trigrams() -> PhoneTrigrams:
    return PhoneTrigrams.of([transcript_lattice(words, LEXICON) for words in (["a", "ab"], ["b"], ["ab", "b", "a"])])


def _columns(trigrams: PhoneTrigrams) -> dict[tuple[str, str], tuple[int, int]]:
    phones = sorted({here for _, here in trigrams.pairs()})
    return {pair: (2 * phones.index(pair[1]), 2 * phones.index(pair[1]) + 1) for pair in trigrams.pairs()}


def _all_paths(graph: PhoneGraph, n_frames: int) -> list[tuple[tuple[int, ...], float]]:
    """Every (columns of each frame, probability): states are (phone state, 0 first or 1 rest)."""
    arcs = {
        (int(graph.into_source[k]), target): float(graph.into_prob[k])
        for target in range(graph.n_states)
        for k in range(graph.into_start[target], graph.into_start[target + 1])
    }
    partial = {(((s, 0),), float(p)) for s, p in enumerate(graph.initial) if p > 0}
    for _ in range(n_frames - 1):
        longer = set()
        for path, prob in partial:
            state, _ = path[-1]
            longer.add(((*path, (state, 1)), prob * 0.5))
            longer |= {((*path, (t, 0)), prob * 0.5 * p) for (s, t), p in arcs.items() if s == state}
        partial = longer
    found = []
    for path, prob in partial:
        ended = prob * 0.5 * graph.final[path[-1][0]]
        if ended > 0:
            found.append((tuple(int((graph.rest if part else graph.first)[s]) for s, part in path), ended))
    return found


def _brute(scores: np.ndarray, graph: PhoneGraph) -> tuple[float, np.ndarray]:
    gamma, total = np.zeros(scores.shape), 0.0
    for columns, prob in _all_paths(graph, scores.shape[0]):
        weight = prob * np.exp(scores[np.arange(len(columns)), list(columns)].astype(float).sum())
        total += weight
        gamma[np.arange(len(columns)), list(columns)] += weight
    return float(np.log(total)), gamma / total


def test_lattice_says_every_way_and_its_probabilities_sum_to_one() -> None:
    lattice = transcript_lattice(["ab", "b"], LEXICON)
    ways: dict[tuple[str, ...], float] = {}
    waiting = [(0, (), 0.0)]
    while waiting:
        node, said, log = waiting.pop()
        if node == len(lattice.phones) - 1:
            ways[said] = ways.get(said, 0.0) + np.exp(log)
            continue
        for source, target, weight in lattice.arcs:
            if source == node:
                phone = lattice.phones[target]
                waiting.append((target, said if phone == EDGE else (*said, phone), log + weight))
    assert len(ways) == 2 * 2**3
    assert sum(ways.values()) == pytest.approx(1)
    assert ways["SIL", "x", "y", "y", "SIL"] == pytest.approx(0.8 * 0.5 * 0.8 * 0.8)


def test_nothing_said_is_one_silence() -> None:
    lattice = transcript_lattice([], LEXICON)
    assert lattice.phones == (EDGE, "SIL", EDGE)
    trigrams = PhoneTrigrams.of([lattice, transcript_lattice(["a"], LEXICON)])
    graph = numerator_graph(lattice, trigrams, _columns(trigrams))
    assert graph.n_states == 1
    assert np.isfinite(occupancies(np.zeros((4, 6), np.float32), graph)[0])


def test_trigrams_are_expected_counts() -> None:
    trigrams = PhoneTrigrams.of([transcript_lattice(["b"], LEXICON)])
    probs = {t: np.exp(log) for t, log in trigrams.log_probs.items()}
    assert probs[EDGE, EDGE, "SIL"] == pytest.approx(0.8)
    assert probs[EDGE, "y", EDGE] == pytest.approx(0.2)
    assert probs["SIL", "y", "SIL"] == pytest.approx(0.8)
    assert trigrams.counts[EDGE, "SIL"] == pytest.approx(0.8)
    assert trigrams.counts["y", "SIL"] == pytest.approx(0.8)
    for pair in trigrams.pairs():
        assert sum(p for t, p in probs.items() if t[:2] == pair) == pytest.approx(1)


def test_numerator_paths_are_denominator_paths_of_the_transcript() -> None:
    trigrams = _trigrams()
    columns = _columns(trigrams)
    den = {}
    for path, prob in _all_paths(denominator_graph(trigrams, columns), 5):
        den[path] = den.get(path, 0.0) + prob
    num = {}
    for path, prob in _all_paths(numerator_graph(transcript_lattice(["b"], LEXICON), trigrams, columns), 5):
        num[path] = num.get(path, 0.0) + prob
    assert num
    for path, prob in num.items():
        assert prob == pytest.approx(den[path], rel=1e-5)


@pytest.mark.parametrize("n_frames", [1, 2, 5])
def test_occupancies_equal_the_sum_over_paths(n_frames: int) -> None:
    trigrams = PhoneTrigrams.of([transcript_lattice(["a"], LEXICON), transcript_lattice(["b"], LEXICON)])
    graph = denominator_graph(trigrams, _columns(trigrams))
    scores = np.random.default_rng(1).normal(0, 3, (n_frames, 6)).astype(np.float32)
    log_prob, gamma = occupancies(scores, graph)
    expected = _brute(scores, graph)
    assert log_prob == pytest.approx(expected[0], abs=1e-6)
    np.testing.assert_allclose(gamma, expected[1], atol=1e-7)
    np.testing.assert_allclose(gamma.sum(1), 1, atol=1e-9)


def test_batch_equals_each_alone_whatever_lies_behind_the_end() -> None:
    trigrams = _trigrams()
    graph = denominator_graph(trigrams, _columns(trigrams))
    rng = np.random.default_rng(2)
    lengths = np.array([7, 4, 1, 9])
    scores = rng.normal(0, 4, (4, 9, 8)).astype(np.float32)
    log_probs, gammas = batch_occupancies(scores, lengths, graph, leak=0.0)
    for row, n, log_prob, gamma in zip(scores, lengths, log_probs, gammas, strict=True):
        alone = occupancies(row[:n], graph)
        assert log_prob == pytest.approx(alone[0], abs=1e-4)
        np.testing.assert_allclose(gamma[:n], alone[1], atol=1e-5)
        assert not gamma[n:].any()


def test_posteriors_are_the_gradient() -> None:
    trigrams = _trigrams()
    columns = _columns(trigrams)
    graph = numerator_graph(transcript_lattice(["ab", "b"], LEXICON), trigrams, columns)
    scores = np.random.default_rng(3).normal(0, 1, (8, 8)).astype(np.float32)
    _, gamma = occupancies(scores, graph)
    for t, c in itertools.product((0, 3, 7), range(8)):
        step = np.zeros_like(scores)
        step[t, c] = 2**-6
        slope = (occupancies(scores + step, graph)[0] - occupancies(scores - step, graph)[0]) / 2**-5
        assert slope == pytest.approx(gamma[t, c], abs=1e-4)


def test_leak_keeps_the_gradient_true() -> None:
    trigrams = _trigrams()
    graph = denominator_graph(trigrams, _columns(trigrams))
    scores = np.random.default_rng(4).normal(0, 1, (1, 6, 8)).astype(np.float32)
    lengths = np.array([6])
    _, gamma = batch_occupancies(scores, lengths, graph, leak=0.1)
    for t, c in ((1, 0), (3, 5), (5, 2)):
        step = np.zeros_like(scores)
        step[0, t, c] = 2**-4
        up, down = (batch_occupancies(s, lengths, graph, leak=0.1)[0][0] for s in (scores + step, scores - step))
        assert (up - down) / 2**-3 == pytest.approx(gamma[0, t, c], abs=2e-3)


def test_too_few_frames_are_impossible_and_bad_shapes_are_refused() -> None:
    trigrams = _trigrams()
    columns = _columns(trigrams)
    graph = numerator_graph(transcript_lattice(["ab", "b"], LEXICON), trigrams, columns)
    log_prob, gamma = occupancies(np.zeros((2, 8), np.float32), graph)
    assert log_prob == -np.inf
    assert not gamma.any()
    with pytest.raises(BadInput, match="a frame at least"):
        occupancies(np.zeros((0, 8), np.float32), graph)
    with pytest.raises(BadInput, match="between 1 and the 2 frames"):
        batch_occupancies(np.zeros((1, 2, 8), np.float32), np.array([3]), graph)
    with pytest.raises(BadInput, match="no pronunciation"):
        transcript_lattice(["c"], LEXICON)


def test_a_transcript_of_unknown_trigrams_does_not_fit() -> None:
    trigrams = PhoneTrigrams.of([transcript_lattice(["a"], LEXICON)])
    with pytest.raises(DoesNotFit, match="trigrams that the model knows"):
        numerator_graph(transcript_lattice(["b"], LEXICON), trigrams, _columns(trigrams))
