"""Errors of a recogniser whose every preference is known: each cause is found, each figure is what was planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    BadInput,
    Hypothesis,
    Interval,
    Provenance,
    Recording,
    Tier,
    Trace,
)
from otoscope.explainers.errors import Evidence, cause_of, diagnose, misheard
from otoscope.explainers.errors.evidence import SNRS_DB, flips_at_db, in_noise, nearest_phones
from otoscope.explainers.errors.phones import phone_changes
from otoscope.lexicon.reductions import is_reduction
from otoscope.signal.levels import rms_db


def heard_as(text: str, recording: Recording) -> Trace:
    labels = text.split()
    step = recording.duration_s / max(1, len(labels))
    words = tuple(Interval(i * step, (i + 1) * step, label) for i, label in enumerate(labels))
    alignment = Alignment(Tier("words", words), text_confidence=tuple(0.5 + 0.1 * i for i in range(len(labels))))
    return Trace(recording, (Hypothesis(tuple(labels)),), Provenance("planted", "1"), {"alignment": alignment})


class Planted:
    """Hears one text; scores are given by text, and rise by `slope` nats a dB of loudness for texts named there."""

    name, provenance = "planted", Provenance("planted", "1")

    def __init__(self, heard, scores, *, wider=None, vocabulary=None, language=True, slope=None):
        self.heard, self.scores, self.wider, self.language = heard, scores, wider, language
        self.slope = slope or {}
        self.weighs_language = language
        if vocabulary is not None:
            self.vocabulary = frozenset(vocabulary)

    def trace(self, recording, *, record=()):
        return heard_as(self.heard, recording)

    def score(self, recordings, targets, *, progress=None):
        if unknown := [t.label for t in targets if t.label not in self.scores]:
            raise BadInput(f"no score of {unknown[0]}")
        return np.array(
            [[self.scores[t.label] + self.slope.get(t.label, 0.0) * rms_db(r) for t in targets] for r in recordings]
        )

    def with_wider_search(self, factor):
        assert factor > 1
        return Planted(self.wider or self.heard, self.scores)


@dataclass
class Said:
    text: str
    id: str = "one"
    speaker: str = "nobody"

    def recording(self, **_):
        return Recording(0.1 * np.random.default_rng(0).standard_normal(16000), 16000)


def only_row(recognizer, text="kick it"):
    finding = diagnose(recognizer, [Said(text)], layers=False)
    (row,) = finding.table
    return finding, row


@pytest.mark.parametrize(
    ("reference", "heard", "expected"),
    [
        ("ask not", "ask not", []),
        ("ask not now", "as not", [(("ask",), ("as",), 0, 0), (("now",), (), 2, 2)]),
        ("not", "so not", [((), ("so",), 0, 0)]),
        ("a cross b", "across b", [(("a", "cross"), ("across",), 0, 0)]),
        ("", "so", [((), ("so",), 0, 0)]),
    ],
)
def test_neighbouring_errors_are_one_passage(reference, heard, expected):
    found = misheard(reference, heard_as(heard, Recording(np.ones(16000), 16000)))
    assert [(p.said, p.heard, p.reference_start, p.heard_start) for p in found] == expected
    corrected = heard.split()
    for passage in reversed(found):
        corrected = passage.corrected(corrected).split()
    assert " ".join(corrected) == reference


def test_a_word_that_was_not_heard_lies_between_its_neighbours():
    (passage,) = misheard("ask me not", heard_as("ask not", Recording(np.ones(16000), 16000)))
    assert (passage.kind, passage.start_s, passage.end_s) == ("deletion", 0.5, 0.5)


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(unknown=("kick",), margin=-3.0, mended_by_search=True), "vocabulary"),
        (Evidence(margin=-3.0, mended_by_search=True), "search"),
        (Evidence(margin=-3.0, mended_by_search=False), "language model"),
        (Evidence(margin=-3.0, weighs_language=False), "search"),
        (Evidence(margin=3.0, mended_by_search=False, reduced=True), "pronunciation"),
        (Evidence(margin=3.0, mended_by_search=False, reduced=False), "acoustic"),
        (Evidence(), "acoustic"),
    ],
)
def test_the_first_cause_that_holds_is_taken(evidence, cause):
    assert cause_of(evidence)[0] == cause


def test_a_language_model_that_overrules_the_sound_is_found():
    _, row = only_row(Planted("pick it", {"pick it": -5.0, "kick it": -2.0}))
    assert (row["cause"], row["margin_nats"], row["phones"]) == ("language model", -3.0, "K→P")
    assert (row["said"], row["heard"], row["kind"], row["confidence"]) == ("kick", "pick", "substitution", 0.5)


def test_a_search_that_left_the_text_out_is_found():
    _, row = only_row(Planted("pick it", {"pick it": -5.0, "kick it": -2.0}, wider="kick it"))
    assert row["cause"] == "search"
    assert row["mended_by_wider_search"] is True
    _, row = only_row(Planted("pick it", {"pick it": -5.0, "kick it": -2.0}, language=False))
    assert row["cause"] == "search"


def test_a_word_outside_the_vocabulary_is_found():
    _, row = only_row(Planted("pick it", {"pick it": -5.0, "kick it": -2.0}, vocabulary={"pick", "it"}))
    assert (row["cause"], row["unknown_words"]) == ("vocabulary", "kick")


def test_a_reduced_pronunciation_and_the_sound_itself_are_told_apart():
    _, row = only_row(Planted("sin now", {"sin now": -1.0, "sing now": -2.0}), "sing now")
    assert (row["cause"], row["phones"]) == ("pronunciation", "NG→N")
    _, row = only_row(Planted("pick it", {"pick it": -1.0, "kick it": -2.0}))
    assert row["cause"] == "acoustic"


def test_a_text_that_cannot_be_scored_has_no_margin():
    _, row = only_row(Planted("pick it", {"pick it": -1.0}))
    assert row["margin_nats"] is None
    assert row["flips_at_snr_db"] is None


def test_the_noise_that_flips_an_error_is_where_it_was_planted():
    sound = Said("kick it").recording()
    loud = {snr: rms_db(noisy) for snr, noisy in zip(SNRS_DB, in_noise(sound, seed=0), strict=True)}
    edge_db = (loud[10.0] + loud[5.0]) / 2
    recognizer = Planted("pick it", {"pick it": 0.0, "kick it": -edge_db}, slope={"kick it": 1.0})
    _, row = only_row(recognizer)
    assert row["margin_nats"] > 0
    assert 5.0 < row["flips_at_snr_db"] < 10.0
    assert flips_at_db(np.full(len(SNRS_DB), 2.0), 2.0) is None
    assert flips_at_db(np.full(len(SNRS_DB), -1.0), 2.0) == SNRS_DB[0]
    crossing = np.array([2.0, 1.0, *[-1.0] * (len(SNRS_DB) - 2)])
    assert flips_at_db(crossing, 2.0) == pytest.approx((SNRS_DB[1] + SNRS_DB[2]) / 2)


def test_the_nearest_of_all_pronunciations_is_taken():
    (passage,) = misheard("the", heard_as("thee", Recording(np.ones(16000), 16000)))
    assert nearest_phones(passage) == ()
    (passage,) = misheard("kick", heard_as("pick", Recording(np.ones(16000), 16000)))
    assert nearest_phones(passage) == (("K", "P"),)


def test_common_changes_are_common_and_others_are_not():
    assert phone_changes(("HH", "AE", "N", "D"), ("AE", "N")) == (("HH", None), ("D", None))
    assert all(is_reduction(*change) for change in phone_changes(("HH", "AE", "N", "D"), ("AE", "N")))
    assert not is_reduction("S", "M")
    assert not is_reduction(None, "S")


def test_a_finding_counts_every_error_and_can_be_heard():
    finding = diagnose(
        Planted("pick it", {"pick it": -5.0, "kick it": -2.0, "pick it now": -9.0}),
        [Said("kick it"), Said("pick it now", "two"), Said("", "without a text")],
        layers=False,
        examples=1,
    )
    assert finding.provenance["n_words"] == 5
    assert sum(row["n_errors"] for row in finding.table) == 2
    assert finding.summary.startswith("2 word errors in 5 words (40.0 %)")
    kinds = [panel.kind for panel in finding.panels]
    assert kinds.count("sounds") == 2
    heatmap = next(panel for panel in finding.panels if panel.kind == "heatmap")
    assert (heatmap.data["row_labels"], heatmap.data["column_labels"]) == (["K"], ["P"])
    with pytest.raises(BadInput, match="none of the utterances has a text"):
        diagnose(Planted("so", {}), [Said("")])
