"""Geometry asked for with nothing but a recogniser and utterances."""

from __future__ import annotations

import pytest

from otoscope.core import BadInput, NotAble
from otoscope.explainers.geometry import corpus_geometry, corpus_tangents
from otoscope.testing import planted_cue_corpus
from otoscope.testing.planted import planted_recognizer


class Named:
    def __init__(self, number, utterance):
        self.id, self.text, self.speaker = f"u{number}", utterance.text, f"talker {number % 2}"
        self.recording = utterance.recording


@pytest.fixture(scope="module")
def utterances():
    return [Named(number, each) for number, each in enumerate(planted_cue_corpus(5, n_utterances=6))]


@pytest.fixture(scope="module")
def recognizer():
    return planted_recognizer(0)


def test_layers_are_coloured_by_speaker(recognizer, utterances):
    found = corpus_geometry(recognizer, utterances, by="speaker", sites=["features", "encoder.0"])
    assert [row["site"] for row in found.table] == ["features", "encoder.0"]
    scatter = next(panel for panel in found.panels if panel.kind == "scatter")
    assert set(scatter.data["groups"]) == {"talker 0", "talker 1"}


def test_groupings_that_are_not_there_are_refused(recognizer, utterances):
    with pytest.raises(NotAble, match="places no phones"):
        corpus_geometry(recognizer, utterances, by="phones")
    with pytest.raises(BadInput, match="words, phones, speaker"):
        corpus_geometry(recognizer, utterances, by="dialect")


class Heard:
    """The untaught network, made to have heard what was said: gradients are all that is wanted of it."""

    def __init__(self, recognizer, texts):
        self.recognizer, self.texts, self.name = recognizer, texts, "heard"
        self.provenance, self.score, self.gradient = recognizer.provenance, recognizer.score, recognizer.gradient

    def trace(self, recording, *, record=()):
        found = self.recognizer.trace(recording, record=record)

        class Said:
            text = self.texts.get(recording.digest, "changed")
            activations = found.activations if record else {}

        return Said


def test_tangents_over_utterances_have_a_row_each(recognizer, utterances):
    texts = {each.recording().digest: each.text for each in utterances}
    texts[utterances[0].recording().digest] = ""
    found = corpus_tangents(Heard(recognizer, texts), utterances, n_explained=3)
    assert [row["utterance"] for row in found.table] == ["u1", "u2", "u3"], (
        "where nothing is heard nothing is explained"
    )
    assert [row["heard"] for row in found.table] == [each.text for each in utterances[1:4]]
    bars = found.panels[0].data
    assert bars["values"][0] == pytest.approx(sum(row["tangent_share"] for row in found.table) / 3)
    assert (bars["low"] <= bars["values"]).all()
    assert (bars["values"] <= bars["high"]).all()
    assert all(0 < row["chance"] < 1 for row in found.table)


def test_tangents_need_something_heard(recognizer, utterances):
    silent = {each.recording().digest: "" for each in utterances}
    with pytest.raises(BadInput, match="heard in 0 of 6"):
        corpus_tangents(Heard(recognizer, silent), utterances)
    with pytest.raises(NotAble, match="no gradients"):
        corpus_tangents(object.__new__(type("Deaf", (), {"name": "deaf"})), utterances)
