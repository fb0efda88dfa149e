"""The lens: a network that a sabotaged last layer makes wrong, layers of other shapes, nothing stays behind."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest

import otoscope
from otoscope.core import (
    Activation,
    BadInput,
    FrameGrid,
    Hypothesis,
    NotAble,
    Provenance,
    Recording,
    Segment,
    Site,
    Trace,
)
from otoscope.explainers.layers import layer_sites, lens
from otoscope.explainers.layers.hearing import Hearings, LayerHearing, word_paths
from otoscope.testing import AdditiveRecognizer
from otoscope.testing.circuits import circuit_sound, planted_circuit

GRID = FrameGrid(1000, 0, 100, 100, 4)


@dataclasses.dataclass
class Stack:
    """A net of layers set by hand: letter j has unit j, each layer exchanges units; the greatest unit is read.

    `orders` say for each layer which unit goes where; a layer of another width shows every unit twice.
    """

    letters: str
    said: str
    orders: tuple[tuple[int, ...], ...]
    wide: tuple[int, ...] = ()
    bias: float = 0.0
    name: str = "stack"
    edits: dict = dataclasses.field(default_factory=dict)

    @property
    def provenance(self):
        return Provenance(self.name, "0")

    def sites(self):
        return (Site("features"), *(Site(f"encoder.{k}") for k in range(len(self.orders))), Site("encoder.0.mlp"))

    @contextlib.contextmanager
    def edited(self, edits):
        self.edits = dict(edits)
        try:
            yield self
        finally:
            self.edits = {}

    def trace(self, recording, *, record=()):
        frames = np.eye(len(self.letters))[[self.letters.index(c) for c in self.said]]
        seen = {"features": self.edits.get("features", lambda x: x)(frames[:, :2])}
        for k, order in enumerate(self.orders):
            frames = frames[:, order]
            shown = np.repeat(frames, 2, axis=1) if k in self.wide else frames
            seen[f"encoder.{k}"] = shown = self.edits.get(f"encoder.{k}", lambda x: x)(shown)
            frames = shown[:, ::2] if k in self.wide else shown
        words = tuple(self.letters[j] for j in (frames + self.bias * np.eye(len(self.letters))[0]).argmax(axis=1))
        parts = {"activations": {n: Activation(Site(n), seen[n], GRID) for n in record if n in seen}}
        return Trace(recording, (Hypothesis(words),), self.provenance, parts)

    def score(self, recordings, targets, *, progress=None):
        raise NotImplementedError


SOUND = Recording(np.ones(400), 1000)
SAME, SWAP = (0, 1, 2, 3, 4, 5), (1, 0, 2, 3, 4, 5)


def test_a_sabotaged_last_layer_is_found():
    found = lens(Stack("abcdef", "cadb", (SAME, SAME, SAME, SWAP)), SOUND, reference="c a d b")
    assert [row["text"] for row in found.table] == ["c a d b"] * 3 + ["c b d a"]
    assert [row["n_right"] for row in found.table] == [4, 4, 4, 2]
    assert [row["wer"] for row in found.table] == [0, 0, 0, 0.5]
    lost = found.provenance["regressive"]
    assert [(word["word"], word["right_until"], word["heard_at_end"]) for word in lost] == [
        ("a", "encoder.2", "b"),
        ("b", "encoder.2", "a"),
    ]
    assert "'a' was right until encoder.2 and is 'b' at the end" in found.summary
    assert found.passed


def test_a_layer_that_mends_another_is_the_first_that_is_right():
    found = lens(Stack("abcdef", "cadb", (SAME, SWAP, SWAP)), SOUND, reference="c a d b")
    words = {word["word"]: word for word in found.provenance["words"]}
    assert words["a"]["right_at"] == ["encoder.0", "encoder.2"]
    assert words["c"]["first_right"] == "encoder.0"
    assert found.provenance["regressive"] == []
    assert "No word was lost" in found.summary


def test_words_that_were_never_right_are_errors_but_not_regressive():
    found = lens(Stack("abcdef", "caae", (SAME, SAME)), SOUND, reference="c a b e")
    third = found.provenance["words"][2]
    assert third["first_right"] is None
    assert third["heard_at_end"] == "a"
    assert not third["right_at_end"]
    assert found.provenance["regressive"] == []


def test_layers_of_another_shape_are_named_with_the_reason():
    found = lens(Stack("abcdef", "cadb", (SAME, SAME, SAME), wide=(1,)), SOUND, reference="c a d b")
    assert [row["layer"] for row in found.table] == ["encoder.0", "encoder.2"]
    left_out = found.provenance["left_out"]
    assert left_out["encoder.1"] == "12 units a frame, where encoder.2 has 6"
    assert set(left_out) == {"features", "encoder.1"}
    assert any("left out: 12 units" in row[1] for row in found.panels[0].data["rows"])


@dataclasses.dataclass
class Pieces(Stack):
    """Hears every letter by itself."""

    def trace(self, recording, *, record=()):
        edits, words = self.edits, []
        for letter in self.said:
            alone = Stack(self.letters, letter, self.orders, self.wide, edits=edits)
            words += alone.trace(recording, record=record).hypothesis.words
        return Trace(recording, (Hypothesis(tuple(words)),), self.provenance, {})


def test_layers_of_a_recording_heard_in_pieces_are_handed_on_piece_by_piece():
    orders = (SAME, SWAP, SAME, SWAP)
    whole, pieces = (lens(kind("abcdef", "cadb", orders), SOUND, reference="c a d b") for kind in (Stack, Pieces))
    assert [dict(row) for row in pieces.table] == [dict(row) for row in whole.table]
    assert pieces.provenance["left_out"] == whole.provenance["left_out"]


def test_without_a_reference_the_end_is_what_layers_are_compared_with():
    found = lens(Stack("abcdef", "cadb", (SAME, SWAP)), SOUND)
    assert [row["wer"] for row in found.table] == [0.5, 0]
    assert found.provenance["regressive"] == []


def test_a_decoder_that_always_says_the_same_is_not_believed():
    found = lens(Stack("abcdef", "aaaa", (SAME, SAME), bias=9.0), SOUND, reference="a a a a")
    assert any("its own" in failure for failure in found.failures)
    assert all(panel.warning for panel in found.panels)


def test_a_recogniser_whose_edits_change_more_than_the_layer_is_not_believed(monkeypatch):
    stack = Stack("abcdef", "cadb", (SAME, SAME))
    real = Stack.trace

    def changed(self, recording, *, record=()):
        self.said = "eeee" if self.edits else "cadb"
        return real(self, recording, record=record)

    monkeypatch.setattr(Stack, "trace", changed)
    found = lens(stack, SOUND, reference="c a d b")
    assert any("put back" in failure for failure in found.failures)


def test_substitutions_in_hearings_by_hand():
    heard = Hearings(
        (LayerHearing("one", "the cat sat"), LayerHearing("two", "cat mat")), LayerHearing("", "cat mat"), (), {}
    )
    the, cat, sat = word_paths(("the", "cat", "sat"), heard)
    assert (the.right_until, the.heard_at_end, the.is_regressive) == ("one", "", True)
    assert (cat.right_at, cat.right_at_end) == (("one", "two"), True)
    assert (sat.heard_at_end, sat.is_regressive) == ("mat", True)


@pytest.mark.parametrize(("seed", "word"), [(0, "p"), (1, "k"), (2, "t")])
def test_the_planted_circuit_is_right_until_the_last_block_but_one(seed, word):
    case = planted_circuit(seed, sabotaged=True)
    found = lens(case.recognizer, circuit_sound(word, seed=seed), reference=word)
    (path,) = found.provenance["words"]
    assert path["right_until"] == f"encoder.blocks.{case.last_right + (word == 't')}"
    assert path["right_at_end"] == (word == "t")
    assert bool(found.provenance["regressive"]) == (word != "t")


def test_trained_networks_are_as_before_afterwards():
    recognizer = otoscope.load("ctc-digits")
    rng = np.random.default_rng(0)
    sound = Recording((0.05 * rng.normal(size=8000)).astype(np.float32), 8000)
    before = recognizer.trace(sound, record=["logits"])
    found = lens(recognizer, sound)
    after = recognizer.trace(sound, record=["logits"])
    assert found.table[-1]["text"] == before.text
    assert after.provenance == before.provenance
    np.testing.assert_array_equal(after.activations["logits"].values, before.activations["logits"].values)
    with pytest.raises(BadInput, match="no site 'nowhere'"):
        lens(recognizer, sound, sites=["nowhere"])


def test_layers_are_streams_not_parts_of_blocks():
    assert layer_sites(Stack("ab", "ab", (SAME, SAME))) == ("features", "encoder.0", "encoder.1")
    with pytest.raises(NotAble, match="not open"):
        lens(AdditiveRecognizer((Segment(0, 1),), {"toy": (1.0,)}), SOUND)
