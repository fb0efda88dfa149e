"""The sample recording ships, has its truth with it, and can be made again."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from otoscope.corpora.sample import SAMPLE_TEXT, make_sample, sample_path, sample_recording, sample_tiers


def test_sample_is_small_and_ready_for_a_recogniser():
    recording = sample_recording()
    assert sample_path().stat().st_size < 150_000
    assert recording.rate_hz == 16000
    assert 5 < recording.duration_s < 7
    assert 0.2 < np.abs(recording.samples).max() < 1


def test_sample_tiers_say_the_text_in_order_and_lie_inside():
    words, phones = sample_tiers()
    assert list(words.labels) == re.findall(r"\w+", SAMPLE_TEXT)
    assert words[0].start_s >= 0.3 - 1e-9
    assert words[-1].end_s < sample_recording().duration_s
    assert {interval.origin for tier in (words, phones) for interval in tier} == {"synthetic"}
    for word in words:
        inside = phones.within(word.start_s, word.end_s)
        assert (inside[0].start_s, inside[-1].end_s) == pytest.approx((word.start_s, word.end_s), abs=1e-6)
        assert all(a.end_s == pytest.approx(b.start_s, abs=1e-6) for a, b in pairwise(inside))


def test_words_are_louder_than_the_pauses_between_them():
    recording, (words, _) = sample_recording(), sample_tiers()
    loud = min(np.std(recording.cut(w.start_s, w.end_s).samples) for w in words)
    quiet = np.std(recording.cut(0, words[0].start_s).samples)
    assert loud > 5 * quiet


def test_sample_is_made_again_as_it_was(tmp_path):
    pytest.importorskip("espeakng_loader")
    path = make_sample(tmp_path)
    from otoscope.io.audio import read_recording

    again, shipped = read_recording(path), sample_recording()
    assert again.n_samples == shipped.n_samples
    # Other versions of numpy and scipy may round the last bit otherwise.
    np.testing.assert_allclose(again.samples, shipped.samples, atol=2.1 / 32768)
    truth = sample_path().with_suffix(".TextGrid").read_text(encoding="utf-8")
    assert path.with_suffix(".TextGrid").read_text(encoding="utf-8") == truth


def test_default_recogniser_hears_the_sample_almost_right():
    pocketsphinx = pytest.importorskip("pocketsphinx")
    decoder = pocketsphinx.Decoder(loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((sample_recording().samples * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    assert decoder.hyp().hypstr.startswith("what did you hear and why did you hear it")
    assert decoder.hyp().hypstr.endswith("boy was there when the sun rose")
