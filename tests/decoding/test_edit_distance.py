"""Edit distance and alignment against recursion by definition and rapidfuzz (through jiwer)."""

from __future__ import annotations

from functools import cache

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.decoding.edit_distance import EditOperation, align_sequences, align_words, edit_distance

words = st.lists(st.sampled_from("abc"), max_size=9)


def by_definition(reference, hypothesis):
    @cache
    def distance(i, j):
        if i == 0 or j == 0:
            return i + j
        pair = distance(i - 1, j - 1) + (reference[i - 1] != hypothesis[j - 1])
        return min(pair, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(reference), len(hypothesis))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(words, words)
def test_distance_is_least_and_the_operations_lead_there(reference, hypothesis):
    alignment = align_sequences(reference, hypothesis)
    assert edit_distance(reference, hypothesis) == alignment.distance == by_definition(reference, hypothesis)
    rebuilt, used = [], []
    for o in alignment.operations:
        if o.reference_index is not None:
            used.append(o.reference_index)
        if o.hypothesis_index is not None:
            rebuilt.append(hypothesis[o.hypothesis_index])
        same = o.kind in ("match", "substitution") and reference[o.reference_index] == hypothesis[o.hypothesis_index]
        assert same == (o.kind == "match")
    assert used == list(range(len(reference)))
    assert rebuilt == hypothesis


@settings(max_examples=100, deadline=None, derandomize=True)
@given(words, words, words)
def test_distance_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert (edit_distance(a, b) == 0) == (a == b)


def test_ties_are_resolved_as_in_jiwer():
    rng = np.random.default_rng(0)
    for _ in range(1500):
        reference, hypothesis = (rng.choice(list("abcd"), size=rng.integers(1, 12)).tolist() for _ in range(2))
        chunks = jiwer.process_words(" ".join(reference), " ".join(hypothesis)).alignments[0]
        names = {"equal": "match", "substitute": "substitution", "delete": "deletion", "insert": "insertion"}
        expected = []
        for chunk in chunks:
            for n in range(max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)):
                r = None if chunk.type == "insert" else chunk.ref_start_idx + n
                h = None if chunk.type == "delete" else chunk.hyp_start_idx + n
                expected.append(EditOperation(names[chunk.type], r, h))
        assert align_words(reference, hypothesis).operations == tuple(expected)


def test_long_sequences():
    rng = np.random.default_rng(1)
    reference = rng.integers(0, 50, size=1500).tolist()
    hypothesis = [w for w in reference if rng.random() > 0.1]
    assert edit_distance(reference, hypothesis) == 1500 - len(hypothesis)
    assert align_sequences(reference, hypothesis).n_deletions == 1500 - len(hypothesis)


@pytest.mark.parametrize(("reference", "hypothesis", "n"), [("", "", 0), ("", "a b", 2), ("a b", "", 2), ("a", "a", 0)])
def test_empty_sides(reference, hypothesis, n):
    assert align_words(reference, hypothesis).distance == edit_distance(reference.split(), hypothesis.split()) == n
