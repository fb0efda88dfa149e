"""The digits study on a made-up corpus of tones: its table, its confusions, and that a run repeats to the bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.io.audio import write_recording
from otoscope.studies import digits, study

HEADING = "id\tpath\tspeaker\ttext\tduration_s\tsplit"


@pytest.fixture
def corpus(tmp_path):
    """Ten digits by three speakers: a digit is the pitch of a tone."""
    rows, rng = [HEADING], np.random.default_rng(0)
    for speaker, split in (("ann", "train"), ("bob", "valid"), ("cat", "test")):
        for digit in range(10):
            time_s = np.arange(4000) / 8000
            samples = 0.3 * np.sin(2 * np.pi * (200 + 300 * digit) * time_s) + 0.01 * rng.standard_normal(4000)
            name = f"{speaker}{digit}"
            write_recording(Recording(samples.astype(np.float32), 8000), tmp_path / f"{name}.wav")
            rows.append(f"{name}\t{name}.wav\t{speaker}\t{digit}\t0.5\t{split}")
    (tmp_path / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_run_has_a_row_for_each_test_and_counts_every_digit(corpus, monkeypatch):
    monkeypatch.setattr(digits, "N_STRINGS", 3)
    seen = []
    result = study("digits", corpus=corpus, epochs=2, progress=lambda done, total: seen.append((done, total)))
    assert [row["what"] for row in result.table] == ["valid digits", "test digits", "test strings of 10"]
    assert [row["speakers"] for row in result.table] == ["bob", "cat", "cat"]
    assert [row["utterances"] for row in result.table] == [10, 10, 3]
    confusions = result.panels[1].data
    assert sum(sum(row[1:]) for row in confusions["rows"]) == 10
    right = sum(row[1 + i] for i, row in enumerate(confusions["rows"]))
    assert right == round(10 * result.table[1]["right"])
    assert seen == [(1, 2), (2, 2)]
    assert result.provenance["training"]["seed"] == 0


def test_the_same_seed_gives_the_same_weights_to_the_bit(corpus, tmp_path):
    hashes = [digits.train(corpus, seed=seed, epochs=1).provenance.weights_sha256 for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_test_speaker_is_not_read_for_training(corpus):
    before = digits.train(corpus, epochs=1).provenance.weights_sha256
    for path in corpus.glob("cat*.wav"):
        path.unlink()
    assert digits.train(corpus, epochs=1).provenance.weights_sha256 == before


def test_what_is_not_digits_is_refused(corpus):
    manifest = corpus / "manifest.tsv"
    text = manifest.read_text()
    manifest.write_text(text.replace("ann\t3\t", "ann\t13\t"))
    with pytest.raises(BadInput, match="'ann3' says '13'; each must say one digit"):
        digits.train(corpus, epochs=1)
    manifest.write_text(text.replace("\tcat\t", "\tann\t"))
    with pytest.raises(BadInput, match="speaker 'ann' stands in splits train and test"):
        digits.run(corpus, epochs=1)


def test_the_interval_of_a_share_covers_it_as_often_as_it_says():
    shares = np.linspace(0.02, 0.98, 25)
    rng = np.random.default_rng(0)
    covered = []
    for share in shares:
        for n_right in rng.binomial(60, share, 80):
            low, high = digits.wilson_interval(int(n_right), 60)
            covered.append(low <= share <= high)
    assert 0.93 < np.mean(covered) < 0.97
    assert digits.wilson_interval(0, 5)[0] == 0
    assert digits.wilson_interval(5, 5)[1] == 1


def test_the_card_of_the_shipped_recogniser_names_licence_and_makers():
    assert digits.CARD.licence == "CC BY-SA 4.0"
    assert "Zohar Jackson" in digits.CARD.attribution
    assert dataclasses.replace(digits.CARD).vocabulary == digits.DIGITS
